// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `show config` has every key of conf/reference.yaml, which has every key there is.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/files.h"
#include "console/show.h"

namespace sluice::console {
namespace {

constexpr const char* kBasis = R"(
pods: {cidrs: [10.10.0.0/16], nodes: [10.10.10.20]}
vpc: {cidrs: [10.10.0.0/16, 10.11.0.0/16]}
enis: [{name: eni0, device: "0000:00:06.0", primary: true, address: 10.10.10.20/24}]
)";

View keys(const std::string& rest) {
  const config::Loaded loaded = config::load_text(kBasis + rest, "sluice.yaml", config::disk());
  EXPECT_TRUE(loaded.config) << rest;
  return loaded.config ? keys_in_force(*loaded.config) : View();
}

/// Every key that reference.yaml has a value of, enabled or not, with the sections around it.
std::set<std::string> written() {
  std::ifstream file{SLUICE_REFERENCE_YAML};
  const std::regex key("( *)(?:#( {2,})?)?(\\w+):(.*)");
  std::vector<std::pair<std::size_t, std::string>> sections;
  std::set<std::string> all;
  for (std::string line; std::getline(file, line);) {
    std::smatch found;
    if (!std::regex_match(line, found, key)) continue;
    const auto indent = static_cast<std::size_t>(found.length(1) + found.length(2));
    while (!sections.empty() && sections.back().first >= indent) sections.pop_back();
    std::string name = sections.empty() ? "" : sections.back().second + ".";
    name += found.str(3);
    all.insert(name);
    if (!sections.empty()) all.erase(sections.back().second);
    sections.emplace_back(indent, name);
  }
  return all;
}

TEST(ConfigKeys, EveryKeyButTheDevicesIsShown) {
  // Shown as they are in force: by what other keys and the dialects make of them.
  const std::set<std::string> elsewhere{"snat.vpc_cni.env.AWS_VPC_K8S_CNI_RANDOMIZESNAT",
                                        "snat.ip_masq_agent.random_fully",
                                        "snat.ip_masq_agent.to_ports", "gateway.instance"};
  std::set<std::string> shown;
  for (const char* dialect : {"{vpc_cni: {}}", "{ip_masq_agent: {}}", "{gke: {}}"}) {
    const View view = keys(std::string("snat: ") + dialect);
    for (const auto& [key, value] : view.items()) {
      shown.insert(key);
    }
  }
  const auto all = written();
  EXPECT_TRUE(all.contains("log.sessions.ipfix.message_bytes"));
  EXPECT_TRUE(all.contains("snat.gke.cluster"));
  constexpr std::array<std::string_view, 3> kShownElsewhere{"enis", "pod_ports", "snat.rules."};
  for (const std::string& key : all) {
    const bool other =
        elsewhere.contains(key) ||
        std::any_of(kShownElsewhere.begin(), kShownElsewhere.end(),
                    [&](std::string_view section) { return key.starts_with(section); });
    EXPECT_TRUE(other || shown.contains(key)) << key;
  }
}

TEST(ConfigKeys, ValuesAreThoseInForce) {
  const View view = keys(R"(
gateway: {workers: 2, instance: {enis: 3, addresses_per_eni: 10}}
snat:
  ports: 2000-3000
  mapping: endpoint_independent
  filtering: endpoint_dependent
  forward_link_local: true
  ip_masq_agent: {to_ports: 4000-5000, random_fully: false}
flows: {tcp_mid_stream: accept, udp_refresh: outbound}
metrics: {listen: ""}
log: {format: json, sessions: {queue: 9, ipfix: {template_refresh: 2m, message_bytes: 600}}}
)");
  for (const auto& [key, value] : std::vector<std::pair<const char*, View>>{
           {"gateway.instance.addresses_per_eni", 10},
           {"pods.cidrs", View::array({"10.10.0.0/16"})},
           {"pods.nodes", View::array({"10.10.10.20/32"})},
           {"vpc.cidrs", View::array({"10.10.0.0/16", "10.11.0.0/16"})},
           {"snat.ports", View::array({"4000-5000"})},
           {"snat.ports (icmp)", "2000-3000"},
           {"snat.port_selection", "preserve"},
           {"snat.filtering", "endpoint_dependent"},
           {"snat.forward_link_local", true},
           {"dialect", "ip_masq_agent"},
           {"flows.tcp_mid_stream", "accept"},
           {"flows.udp_refresh", "outbound"},
           {"metrics.listen", nullptr},
           {"log.format", "json"},
           {"log.sessions.queue", 9},
           {"log.sessions.ipfix.template_refresh", "120s"},
           {"log.sessions.ipfix.message_bytes", 600}}) {
    EXPECT_EQ(view.value(key, View("absent")), value) << key;
  }
  EXPECT_EQ(keys("snat: {mapping: endpoint_independent}")["snat.filtering"],
            "endpoint_independent");
}

TEST(ConfigKeys, AreWrittenAsInTheFile) {
  EXPECT_EQ(to_text({{"flows.per_pod", 5}, {"p99.9_us", 1}}), "flows.per_pod: 5\np99.9 us: 1\n");
}

}  // namespace
}  // namespace sluice::console
