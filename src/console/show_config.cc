// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `show config`: every key of sluice.yaml as it is in force, but the devices' (`show eni`). What a
/// dialect says about ports is shown where it counts, as snat.ports and snat.port_selection.
#include <fmt/format.h>

#include "console/show.h"
#include "telemetry/log.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

template <typename T>
std::string text(const T& value) {
  return value.to_string();
}
std::string text(const config::Marked<IpPrefix>& prefix) { return prefix.value.to_string(); }
std::string text(const PortRange& range) { return fmt::format("{}-{}", range.first, range.last); }

template <typename List>
View texts(const List& list) {
  View words = View::array();
  for (const auto& item : list) words.push_back(text(item));
  return words;
}

View or_none(const std::string& text) { return text.empty() ? View(nullptr) : View(text); }

std::string seconds(std::chrono::seconds span) { return fmt::format("{}s", span.count()); }
/// Of the agent's file, which may say 500ms.
std::string seconds(std::chrono::milliseconds span) {
  if (span % std::chrono::seconds(1) != span.zero()) return fmt::format("{}ms", span.count());
  return seconds(std::chrono::duration_cast<std::chrono::seconds>(span));
}

const char* word(config::Mapping mapping) {
  return mapping == config::Mapping::kEndpointIndependent ? "endpoint_independent"
                                                          : "endpoint_dependent";
}

const char* word(config::MidStream what) {
  switch (what) {
    case config::MidStream::kRst: return "rst";
    case config::MidStream::kDrop: return "drop";
    case config::MidStream::kAccept: return "accept";
  }
  return "";
}

void add_vpc_cni(View& view, const config::VpcCniConfig& cni) {
  const bool linux = cni.platform == config::VpcCniConfig::Platform::kLinux;
  view["dialect"] = "vpc_cni";
  view["snat.vpc_cni.platform"] = linux ? "linux" : "windows";
  const std::string env = "snat.vpc_cni.env.";
  view[env + "AWS_VPC_K8S_CNI_EXTERNALSNAT"] = cni.external_snat.value;
  view[env + "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"] = texts(cni.exclude_snat_cidrs);
  view[env + "AWS_EXTERNAL_SERVICE_CIDRS"] = texts(cni.external_service_cidrs);
  view["snat.vpc_cni.excluded_snat_cidrs"] = texts(cni.excluded_snat_cidrs);
}

void add_ip_masq_agent(View& view, const config::IpMasqAgentConfig& agent) {
  view["dialect"] = "ip_masq_agent";
  view["snat.ip_masq_agent.config"] = or_none(agent.path);
  view["snat.ip_masq_agent.resync_interval"] = seconds(agent.file.resync_interval);
  view["snat.ip_masq_agent.nomasq_all_reserved_ranges"] = agent.nomasq_all_reserved_ranges;
  view["snat.ip_masq_agent.enable_ipv6"] = agent.enable_ipv6;
}

void add_gke(View& view, const config::GkeConfig& gke) {
  const bool standard = gke.cluster == config::GkeConfig::Cluster::kStandard;
  view["dialect"] = "gke";
  view["snat.gke.cluster"] = standard ? "standard" : "autopilot";
  view["snat.gke.ip_masq_agent"] = gke.ip_masq_agent;
  view["snat.gke.config"] = or_none(gke.path);
  view["snat.gke.resync_interval"] = seconds(gke.file.resync_interval);
  const bool is_void = gke.disable_default_snat && gke.ip_masq_agent;
  view["snat.gke.disable_default_snat"] =
      is_void ? View("no effect") : View(gke.disable_default_snat);
  view["snat.gke.egress_nat_policies"] = gke.policy_paths;
}

void add_snat(View& view, const config::SnatConfig& snat) {
  view["snat.source"] = texts(snat.source);
  view["snat.ports"] = texts(snat.tcp_udp_ports_in_force());
  view["snat.ports (icmp)"] = text(snat.echo_ports_in_force());
  const bool keeps = snat.port_selection_in_force() == config::PortSelection::kPreserve;
  view["snat.port_selection"] = keeps ? "preserve" : "random";
  view["snat.mapping"] = word(snat.mapping);
  view["snat.filtering"] = word(snat.filtering.value_or(snat.mapping));
  view["snat.forward_link_local"] = snat.forward_link_local;
  view["snat.rules"] = snat.rules.size();
  view["dialect"] = "none";
  if (snat.vpc_cni) add_vpc_cni(view, *snat.vpc_cni);
  if (snat.ip_masq_agent) add_ip_masq_agent(view, *snat.ip_masq_agent);
  if (snat.gke) add_gke(view, *snat.gke);
}

void add_flows(View& view, const config::FlowsConfig& flows) {
  view["flows.capacity"] = flows.capacity;
  view["flows.per_pod"] = flows.per_pod;
  view["flows.tcp_mid_stream"] = word(flows.tcp_mid_stream);
  view["flows.udp_refresh"] = flows.udp_refresh == config::UdpRefresh::kBoth ? "both" : "outbound";
  view["flows.timeouts.tcp_established"] = seconds(flows.timeouts.tcp_established);
  view["flows.timeouts.tcp_transitory"] = seconds(flows.timeouts.tcp_transitory);
  view["flows.timeouts.tcp_closed"] = seconds(flows.timeouts.tcp_closed);
  view["flows.timeouts.udp"] = seconds(flows.timeouts.udp);
  view["flows.timeouts.icmp"] = seconds(flows.timeouts.icmp);
}

void add_log(View& view, const config::Config& config) {
  view["log.level"] = telemetry::word(telemetry::log().level());
  view["log.format"] = config.log_format == config::LogFormat::kJson ? "json" : "text";
  const config::SessionLogConfig& sessions = config.session_log;
  view["log.sessions.json"] = or_none(sessions.json);
  view["log.sessions.queue"] = sessions.queue;
  view["log.sessions.ipfix.collector"] = or_none(sessions.ipfix.collector);
  view["log.sessions.ipfix.observation_domain"] = sessions.ipfix.observation_domain;
  view["log.sessions.ipfix.template_refresh"] = seconds(sessions.ipfix.template_refresh);
  view["log.sessions.ipfix.message_bytes"] = sessions.ipfix.message_bytes;
}

}  // namespace

View keys_in_force(const config::Config& config) {
  const auto& instance = config.gateway.instance;
  View view;
  view["file"] = config.path;
  view["gateway.name"] = config.gateway.name;
  view["gateway.workers"] = config.gateway.workers;
  view["gateway.instance.enis"] = instance ? View(instance->enis) : View(nullptr);
  view["gateway.instance.addresses_per_eni"] =
      instance ? View(instance->addresses_per_eni) : View(nullptr);
  view["pods.cidrs"] = texts(config.pods.cidrs);
  view["pods.nodes"] = texts(config.pods.nodes);
  view["vpc.cidrs"] = texts(config.vpc_cidrs);
  add_snat(view, config.snat);
  add_flows(view, config.flows);
  view["console.socket"] = or_none(config.console_socket);
  view["console.group"] = or_none(config.console_group);
  view["metrics.listen"] = or_none(config.metrics_listen);
  add_log(view, config);
  view["files"] = config.named_files;
  return view;
}

View show_config(Session& session, const Arguments&) {
  return keys_in_force(session.gateway.config());
}

}  // namespace sluice::console
