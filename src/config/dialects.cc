// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The dialects of `snat`: vpc_cni, ip_masq_agent, gke.
#include <fmt/format.h>

#include <algorithm>

#include "config/egress_nat_policy.h"
#include "config/ip_masq_agent_file.h"
#include "config/sections.h"
#include "config/values.h"
#include "config/vpc_cni_env.h"

namespace sluice::config {
namespace {

constexpr Word<VpcCniConfig::Platform> kPlatforms[] = {
    {"linux", VpcCniConfig::Platform::kLinux}, {"windows", VpcCniConfig::Platform::kWindows}};
constexpr Word<GkeConfig::Cluster> kClusters[] = {{"standard", GkeConfig::Cluster::kStandard},
                                                  {"autopilot", GkeConfig::Cluster::kAutopilot}};

/// The agent's `--to-ports`: ports and ranges with commas between, no spaces.
std::optional<std::vector<PortRange>> read_to_ports(const Value& value) {
  constexpr std::string_view kAccepted =
      "ports and ranges with commas between and no spaces, such as 1024-29999,32768-65535";
  const auto text = read_text(value);
  if (!text) return std::nullopt;
  std::vector<PortRange> ranges;
  if (text->empty()) return ranges;
  std::vector<bool> taken(65536);
  std::string_view rest = *text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string part{rest.substr(0, comma)};
    rest.remove_prefix(more ? comma + 1 : rest.size());
    const bool single = part.find('-') == std::string::npos;
    const auto range = parse_port_range(single ? part + "-" + part : part);
    if (!range) {
      value.error(
          fmt::format("{} cannot be read: {}", value.describe(),
                      single ? fmt::format("\"{}\" is no port", shown(part)) : range.error()),
          std::string{kAccepted});
      return std::nullopt;
    }
    const auto first = taken.begin() + range.value().first;
    const auto end = taken.begin() + range.value().last + 1;
    if (std::find(first, end, true) != end) {
      value.error(fmt::format("{} names ports twice: {}", value.describe(), shown(part)),
                  std::string{kAccepted});
      return std::nullopt;
    }
    std::fill(first, end, true);
    ranges.push_back(range.value());
  }
  return ranges;
}

/// Reads the agent's own file where `config` names one.
void read_agent_config(MapReader& map,
                       const AgentFileOptions& options,
                       Surroundings& surroundings,
                       std::string& path,
                       IpMasqAgentFile& file) {
  const auto config = map.find("config");
  if (!config) return;
  const auto text = read_text(*config);
  if (!text || text->empty()) return;
  path = surroundings.resolve(*text);
  file = read_ip_masq_agent_file(*config, path, options, surroundings);
}

void note_no_effect(MapReader& map, std::string_view name, std::string_view why) {
  if (const auto value = map.find(name)) value->warning(fmt::format("has no effect: {}", why), "");
}

}  // namespace

std::optional<VpcCniConfig> read_vpc_cni(const Value& value) {
  VpcCniConfig vpc_cni;
  vpc_cni.mark = value.mark();
  MapReader map{value};
  map.read("platform", vpc_cni.platform, word_of(kPlatforms));
  if (const auto env = map.find("env")) read_vpc_cni_env(*env, vpc_cni);
  map.read("excluded_snat_cidrs", vpc_cni.excluded_snat_cidrs, list_of(read_marked_prefix));
  if (const auto excluded = map.find("excluded_snat_cidrs")) {
    if (vpc_cni.platform != VpcCniConfig::Platform::kWindows &&
        !vpc_cni.excluded_snat_cidrs.empty()) {
      excluded->warning("has no effect on platform linux",
                        "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS in env, or platform: windows");
    }
    for (std::size_t i = 0; i < vpc_cni.excluded_snat_cidrs.size(); ++i) {
      if (!vpc_cni.excluded_snat_cidrs[i].value.is_v4()) {
        const Value entry = excluded->element(i);
        entry.error(entry.describe() + " is IPv6, which is never translated", "IPv4 CIDRs");
      }
    }
  }
  map.finish();
  return vpc_cni;
}

std::optional<IpMasqAgentConfig> read_ip_masq_agent(const Value& value,
                                                    Surroundings& surroundings) {
  IpMasqAgentConfig agent;
  agent.mark = value.mark();
  MapReader map{value};
  map.read("enable_ipv6", agent.enable_ipv6, read_bool);
  read_agent_config(map, {.enable_ipv6 = agent.enable_ipv6}, surroundings, agent.path, agent.file);
  map.read("nomasq_all_reserved_ranges", agent.nomasq_all_reserved_ranges, read_bool);
  map.read("to_ports", agent.to_ports, read_to_ports);
  bool random_fully = true;
  if (map.read("random_fully", random_fully, read_bool)) {
    agent.port_selection = random_fully ? PortSelection::kRandom : PortSelection::kPreserve;
  }
  if (agent.enable_ipv6) {
    const auto& listed = agent.file.non_masquerade_cidrs;
    const bool everything =
        listed && std::any_of(listed->begin(), listed->end(), [](const Marked<IpPrefix>& entry) {
          return !entry.value.is_v4() && entry.value.length() == 0;
        });
    if (!everything) {
      map.find("enable_ipv6")
          ->warning(
              "IPv6 flows to destinations that are not listed are dropped as "
              "nat66_unsupported: IPv6 is never translated",
              "false, or ::/0 among nonMasqueradeCIDRs");
    }
  }
  map.finish();
  return agent;
}

std::optional<GkeConfig> read_gke(const Value& value, Surroundings& surroundings) {
  GkeConfig gke;
  gke.mark = value.mark();
  MapReader map{value};
  map.read("cluster", gke.cluster, word_of(kClusters));
  const bool autopilot = gke.cluster == GkeConfig::Cluster::kAutopilot;
  map.read("ip_masq_agent", gke.ip_masq_agent, read_bool);
  if (autopilot) {
    if (!gke.ip_masq_agent) {
      note_no_effect(map, "ip_masq_agent", "the agent always runs on autopilot");
    }
    gke.ip_masq_agent = true;
  }
  // The manifests decide on autopilot, and without the agent nobody reads its file; what is named
  // is checked all the same.
  read_agent_config(map, {}, surroundings, gke.path, gke.file);
  if (autopilot) {
    note_no_effect(map, "config", "on autopilot egress_nat_policies decide");
  } else if (!gke.ip_masq_agent) {
    note_no_effect(map, "config", "the agent does not run");
  }
  map.read("disable_default_snat", gke.disable_default_snat, read_bool);
  if (gke.disable_default_snat && gke.ip_masq_agent) {
    note_no_effect(map, "disable_default_snat",
                   autopilot ? "the agent always runs on autopilot"
                             : "it is void where the agent runs; say ip_masq_agent: false if it "
                               "does not");
  }
  if (const auto policies = map.find("egress_nat_policies")) {
    gke.policies = read_egress_nat_policies(*policies, surroundings, gke.policy_paths);
    if (!autopilot) {
      note_no_effect(map, "egress_nat_policies", "only autopilot clusters have EgressNATPolicy");
    }
  }
  map.finish();
  return gke;
}

}  // namespace sluice::config
