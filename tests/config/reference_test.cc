// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// conf/reference.yaml promises to show every key with its default.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "config_testing.h"

namespace sluice::config {
namespace {

std::string reference_text() {
  std::ifstream file{SLUICE_REFERENCE_YAML};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Enables the disabled lines ("#name: ...") from `section` on, up to the end of its block.
std::string with_enabled(const std::string& text, const std::string& section) {
  std::istringstream lines{text};
  std::string result;
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t hash = line.find('#');
    const bool disabled = hash != std::string::npos && line.find_first_not_of(' ') == hash;
    if (disabled && line.compare(hash + 1, section.size() + 1, section + ":") == 0) inside = true;
    if (!disabled) inside = false;
    result += inside ? line.substr(0, hash) + line.substr(hash + 1) : line;
    result += '\n';
  }
  return result;
}

/// Takes the enabled dialect away.
std::string without_vpc_cni(const std::string& text) {
  const std::size_t begin = text.find("  vpc_cni:");
  return text.substr(0, begin) + text.substr(text.find("\n\n", begin) + 1);
}

TEST(Reference, HasNothingWrong) {
  const Loaded loaded = load_with(reference_text());
  EXPECT_TRUE(loaded.problems.empty()) << all_of(loaded.problems);
  ASSERT_TRUE(loaded.config);
}

TEST(Reference, ShowsTheDefaults) {
  const Loaded written = load_with(reference_text());
  const Loaded unwritten = load_with(R"(
pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis: [{name: eni0, device: "0000:00:06.0", primary: true, address: 10.10.10.20/24,
        secondary: [10.10.10.21]}]
pod_ports: [{name: pod0, device: "net_af_packet2,iface=pod0", pods: [10.10.10.21]}]
snat: {vpc_cni: {}}
)");
  ASSERT_TRUE(written.config && unwritten.config) << all_of(unwritten.problems);
  const Config& a = *written.config;
  const Config& b = *unwritten.config;
  EXPECT_EQ(a.gateway.name, b.gateway.name);
  EXPECT_EQ(a.gateway.workers, b.gateway.workers);
  EXPECT_EQ(a.gateway.instance.has_value(), b.gateway.instance.has_value());
  EXPECT_EQ(a.pods.nodes.size(), b.pods.nodes.size());
  EXPECT_EQ(a.enis[0].gateway, b.enis[0].gateway);
  EXPECT_EQ(a.enis[0].gateway6, b.enis[0].gateway6);
  EXPECT_EQ(a.enis[0].address6, b.enis[0].address6);
  EXPECT_EQ(a.enis[0].mtu, b.enis[0].mtu);
  EXPECT_EQ(a.pod_ports[0].gateway, b.pod_ports[0].gateway);
  EXPECT_EQ(a.pod_ports[0].mtu, b.pod_ports[0].mtu);
  EXPECT_EQ(a.snat.source, b.snat.source);
  EXPECT_EQ(a.snat.echo_ports_in_force(), b.snat.echo_ports_in_force());
  EXPECT_EQ(a.snat.port_selection_in_force(), b.snat.port_selection_in_force());
  EXPECT_EQ(a.snat.mapping, b.snat.mapping);
  EXPECT_EQ(a.snat.filtering, b.snat.filtering);
  EXPECT_EQ(a.snat.forward_link_local, b.snat.forward_link_local);
  EXPECT_EQ(a.snat.rules.size(), b.snat.rules.size());
  EXPECT_EQ(a.snat.vpc_cni->platform, b.snat.vpc_cni->platform);
  EXPECT_EQ(a.snat.vpc_cni->external_snat.value, b.snat.vpc_cni->external_snat.value);
  EXPECT_TRUE(a.snat.vpc_cni->exclude_snat_cidrs.empty());
  EXPECT_EQ(a.flows.capacity, b.flows.capacity);
  EXPECT_EQ(a.flows.per_pod, b.flows.per_pod);
  EXPECT_EQ(a.flows.tcp_mid_stream, b.flows.tcp_mid_stream);
  EXPECT_EQ(a.flows.udp_refresh, b.flows.udp_refresh);
  EXPECT_EQ(a.flows.timeouts.tcp_established, b.flows.timeouts.tcp_established);
  EXPECT_EQ(a.flows.timeouts.tcp_transitory, b.flows.timeouts.tcp_transitory);
  EXPECT_EQ(a.flows.timeouts.tcp_closed, b.flows.timeouts.tcp_closed);
  EXPECT_EQ(a.flows.timeouts.udp, b.flows.timeouts.udp);
  EXPECT_EQ(a.flows.timeouts.icmp, b.flows.timeouts.icmp);
  EXPECT_EQ(a.console_socket, b.console_socket);
  EXPECT_EQ(a.console_group, b.console_group);
  EXPECT_EQ(a.metrics_listen, b.metrics_listen);
  EXPECT_EQ(a.log_level, b.log_level);
  EXPECT_EQ(a.log_format, b.log_format);
  EXPECT_TRUE(a.session_log == b.session_log);
  EXPECT_FALSE(b.session_log.on());
}

TEST(Reference, ItsDisabledSettingsAreRightToo) {
  const std::string text = reference_text();
  const std::string no_dialect = without_vpc_cni(text);
  const std::string no_rules = std::regex_replace(text, std::regex{"\n  rules: \\[\\][^\n]*"}, "");
  for (const std::string& variant :
       {with_enabled(text, "name"), with_enabled(text, "instance"), with_enabled(no_rules, "rules"),
        with_enabled(no_dialect, "ip_masq_agent"), with_enabled(no_dialect, "gke"),
        with_enabled(text, "group")}) {
    const Loaded loaded = load_with(variant);
    EXPECT_TRUE(loaded.config) << all_of(loaded.problems) << variant;
  }
  const Loaded agent = load_with(with_enabled(no_dialect, "ip_masq_agent"));
  ASSERT_TRUE(agent.config && agent.config->snat.ip_masq_agent);
  EXPECT_EQ(agent.config->snat.ip_masq_agent->enable_ipv6, IpMasqAgentConfig{}.enable_ipv6);
  EXPECT_EQ(agent.config->snat.port_selection_in_force(), PortSelection::kRandom);
  EXPECT_EQ(agent.config->snat.tcp_udp_ports_in_force(), std::vector<PortRange>{PortRange{}});
  const Loaded gke = load_with(with_enabled(no_dialect, "gke"));
  ASSERT_TRUE(gke.config && gke.config->snat.gke);
  EXPECT_EQ(gke.config->snat.gke->cluster, GkeConfig{}.cluster);
  EXPECT_EQ(gke.config->snat.gke->ip_masq_agent, GkeConfig{}.ip_masq_agent);
  const Loaded rules = load_with(with_enabled(no_rules, "rules"));
  ASSERT_TRUE(rules.config);
  EXPECT_EQ(rules.config->snat.rules.size(), 1U);
  const Loaded instance = load_with(with_enabled(text, "instance"));
  ASSERT_TRUE(instance.config);
  EXPECT_EQ(instance.config->gateway.instance->max_pods(), 29U);
}

}  // namespace
}  // namespace sluice::config
