// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Policy that has no effect, or another one than it seems.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "config/checks.h"
#include "config/prefix_set.h"

namespace sluice::config {
namespace {

PrefixSet set_of(const MarkedPrefixes& prefixes) {
  PrefixSet set;
  for (const auto& prefix : prefixes) set.add(prefix.value);
  return set;
}

void pods_outside_vpc(const Draft& draft) {
  const PrefixSet vpc = set_of(draft.config.vpc_cidrs);
  const auto& cidrs = draft.config.pods.cidrs;
  for (std::size_t i = 0; i < cidrs.size(); ++i) {
    const IpPrefix& cidr = cidrs[i].value;
    if (!vpc.has_family(cidr.is_v4()) || vpc.holder_of(cidr)) continue;
    draft.warning(fmt::format("pods.cidrs[{}]", i),
                  fmt::format("{} lies outside the VPC, whose routers know no way to it unless "
                              "told",
                              cidr.to_string()),
                  "a CIDR inside vpc.cidrs, or a route of the VPC to this gateway");
  }
}

/// Entries of an exclusion list that others of it, or the VPC's own CIDRs, make superfluous.
void shadowed(const Draft& draft,
              const std::string& key,
              const MarkedPrefixes& list,
              const MarkedPrefixes& vpc_cidrs) {
  const PrefixSet entries = set_of(list);
  const PrefixSet vpc = set_of(vpc_cidrs);
  std::set<IpPrefix> seen;
  for (const auto& [entry, mark] : list) {
    const std::string text = entry.to_string();
    if (const auto holder = vpc.holder_of(entry)) {
      draft.warning(
          mark, key,
          fmt::format("{} changes nothing: {} of the VPC holds it", text, holder->to_string()),
          "destinations outside vpc.cidrs");
    } else if (const auto wider = entries.holder_of(entry); wider && *wider != entry) {
      draft.warning(
          mark, key,
          fmt::format("{} changes nothing: {} of the same list holds it", text, wider->to_string()),
          "one of the two");
    } else if (!seen.insert(entry).second) {
      draft.warning(mark, key, fmt::format("{} is listed twice", text), "each CIDR once");
    }
  }
}

void exclusions(const Draft& draft) {
  const Config& config = draft.config;
  const SnatConfig& snat = config.snat;
  if (snat.vpc_cni && snat.vpc_cni->platform == VpcCniConfig::Platform::kWindows) {
    shadowed(draft, "snat.vpc_cni.excluded_snat_cidrs", snat.vpc_cni->excluded_snat_cidrs,
             config.vpc_cidrs);
  } else if (snat.vpc_cni && !snat.vpc_cni->external_snat.value) {
    shadowed(draft, "snat.vpc_cni.env.AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
             snat.vpc_cni->exclude_snat_cidrs, config.vpc_cidrs);
  }
  const std::string key = "nonMasqueradeCIDRs";  // as that file's own problems have it
  if (snat.ip_masq_agent) {
    shadowed(draft, key, snat.ip_masq_agent->file.non_masquerade_cidrs.value_or(MarkedPrefixes{}),
             {});
  }
  if (snat.gke && snat.gke->cluster == GkeConfig::Cluster::kStandard && snat.gke->ip_masq_agent) {
    shadowed(draft, key, snat.gke->file.non_masquerade_cidrs.value_or(MarkedPrefixes{}), {});
  }
}

/// Whether the dialect, or a rule without addresses of its own, translates to snat.source.
bool uses_default_source(const SnatConfig& snat) {
  if (std::any_of(snat.rules.begin(), snat.rules.end(), [](const RuleConfig& rule) {
        return rule.action == Action::kSnat && rule.source.empty();
      })) {
    return true;
  }
  if (snat.vpc_cni) {
    return snat.vpc_cni->platform == VpcCniConfig::Platform::kWindows ||
           !snat.vpc_cni->external_snat.value;
  }
  if (snat.gke) {
    return snat.gke->cluster == GkeConfig::Cluster::kAutopilot || snat.gke->ip_masq_agent ||
           !snat.gke->disable_default_snat;
  }
  return snat.ip_masq_agent.has_value();
}

bool any_of_family(const MarkedPrefixes& prefixes, bool v4) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Marked<IpPrefix>& p) { return p.value.is_v4() == v4; });
}

void own_rule(const Draft& draft,
              const PrefixSet& pods,
              const RuleConfig& rule,
              const std::string& key) {
  const MarkedPrefixes& from = rule.from ? *rule.from : draft.config.pods.cidrs;
  bool v4 = any_of_family(from, true);
  bool v6 = any_of_family(from, false);
  if (rule.to) {
    v4 = v4 && any_of_family(*rule.to, true);
    v6 = v6 && any_of_family(*rule.to, false);
  }
  if (!v4 && !v6) {
    draft.warning(key, "matches nothing: its sources and destinations are of different families",
                  "from and to of one family");
    return;
  }
  if (rule.action == Action::kSnat) {
    if (!v4) {
      draft.warning(key, "translates nothing: IPv6 is never translated", "IPv4 from and to");
    }
    const bool reaches_pods = std::any_of(
        from.begin(), from.end(), [&](const auto& prefix) { return pods.overlaps(prefix.value); });
    if (!reaches_pods) {
      draft.warning(key + ".from", "translates nothing: no source outside pods.cidrs ever is",
                    "CIDRs that overlap pods.cidrs");
    }
  }
  if (rule.to) {
    const PrefixSet to = set_of(*rule.to);
    for (std::size_t i = 0; i < rule.except.size(); ++i) {
      if (to.overlaps(rule.except[i].value)) continue;
      draft.warning(
          fmt::format("{}.except[{}]", key, i),
          fmt::format("{} changes nothing: it is outside `to`", rule.except[i].value.to_string()),
          "a part of `to`");
    }
  }
}

/// A worker may only take ports whose replies come to it: those of its share of the owner
/// function's 128 classes (endpoint-dependent), or its slice of the range (endpoint-independent).
void ports_for_workers(const Draft& draft) {
  constexpr std::uint32_t kClasses = 128;
  const SnatConfig& snat = draft.config.snat;
  const unsigned workers = draft.config.gateway.workers;
  if (workers < 2) return;
  const auto ranges = snat.tcp_udp_ports_in_force();
  const std::uint32_t ports =
      std::accumulate(ranges.begin(), ranges.end(), std::uint32_t{0},
                      [](std::uint32_t sum, const PortRange& range) { return sum + range.size(); });
  const std::uint32_t wanted = kClasses * workers;
  if (ports >= wanted) return;
  const bool agent = snat.ip_masq_agent && !snat.ip_masq_agent->to_ports.empty();
  draft.warning(
      agent ? "snat.ip_masq_agent.to_ports" : "snat.ports",
      fmt::format(
          "{} ports are few for {} workers: most flows have to look for a worker with a free one",
          ports, workers),
      fmt::format("{} ports or more, or fewer workers", wanted));
}

}  // namespace

void warn_of_policy(const Draft& draft) {
  pods_outside_vpc(draft);
  exclusions(draft);
  const SnatConfig& snat = draft.config.snat;
  const PrefixSet pods = set_of(draft.config.pods.cidrs);
  if (!pods.has_family(true)) {
    draft.warning("pods.cidrs", "no IPv4 CIDR, so that nothing is ever translated",
                  "the CIDRs pods have their IPv4 addresses from");
  }
  for (std::size_t i = 0; i < snat.rules.size(); ++i) {
    own_rule(draft, pods, snat.rules[i], fmt::format("snat.rules[{}]", i));
  }
  if (draft.is_written("snat", "source") && !uses_default_source(snat)) {
    draft.warning("snat.source", "no rule and no dialect translates to these addresses",
                  "addresses that something uses");
  }
  ports_for_workers(draft);
}

}  // namespace sluice::config
