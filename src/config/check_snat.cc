// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/checks.h"
#include "config/prefix_set.h"

namespace sluice::config {
namespace {

std::string_view word_for(Mapping mapping) {
  return mapping == Mapping::kEndpointIndependent ? "endpoint_independent" : "endpoint_dependent";
}

/// Everything the ENIs own; nothing when part of it could not be read, as what is missing might be
/// just the owner that is looked for.
std::optional<PrefixSet> owned(const std::vector<EniConfig>& enis) {
  PrefixSet set;
  bool complete = true;
  const auto add = [&](const IpPrefix& prefix) {
    if (prefix.length() == 0 || prefix == IpPrefix::host(IpAddr{})) complete = false;
    set.add(prefix);
  };
  for (const EniConfig& eni : enis) {
    add(IpPrefix::host(eni.address.address));
    for (const IpAddr& address : eni.secondary) add(IpPrefix::host(address));
    for (const IpPrefix& prefix : eni.prefixes) add(prefix);
  }
  if (!complete) return std::nullopt;
  return set;
}

class SourceChecks {
 public:
  explicit SourceChecks(const Draft& draft) : draft_(draft), owned_(owned(draft.config.enis)) {
    for (const PodPortConfig& port : draft.config.pod_ports) {
      pods_.insert(port.pods.begin(), port.pods.end());
    }
  }

  /// The addresses under one key: owned, no pod's, each once.
  void check_list(const std::string& list_key, const std::vector<Ipv4Addr>& sources) const {
    std::unordered_set<std::uint32_t> seen;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const Ipv4Addr source = sources[i];
      if (source == Ipv4Addr{}) continue;  // could not be read
      const std::string key = fmt::format("{}[{}]", list_key, i);
      if (owned_ && !owned_->holds(IpAddr{source})) {
        draft_.error(key, source.to_string() + " is no ENI's own",
                     "an ENI's address, secondary address, or one in its prefixes (forwards do "
                     "not suffice: replies would not come back)");
      }
      if (pods_.count(IpAddr{source}) != 0) {
        draft_.error(key, source.to_string() + " is the address of a pod behind a pod port",
                     "an address no pod has");
      }
      if (!seen.insert(source.value()).second) {
        draft_.error(key, source.to_string() + " is listed twice", "each address once");
      }
    }
  }

  /// One address cannot be mapped in both ways: a port would belong to all remotes and to one.
  void use(const std::string& list_key, const std::vector<Ipv4Addr>& sources, Mapping mapping) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      if (sources[i] == Ipv4Addr{}) continue;
      const std::string key = fmt::format("{}[{}]", list_key, i);
      const auto [first, is_new] = uses_.try_emplace(sources[i].value(), Use{mapping, key});
      if (is_new || first->second.mapping == mapping) continue;
      draft_.error(key,
                   fmt::format("{} is under {} mapping here, and under {} mapping as {}",
                               sources[i].to_string(), word_for(mapping),
                               word_for(first->second.mapping), first->second.key),
                   "each address under one kind of mapping");
    }
  }

 private:
  struct Use {
    Mapping mapping;
    std::string key;
  };

  const Draft& draft_;
  std::optional<PrefixSet> owned_;
  std::unordered_set<IpAddr> pods_;
  std::unordered_map<std::uint32_t, Use> uses_;
};

void check_sources(const Draft& draft) {
  const SnatConfig& snat = draft.config.snat;
  SourceChecks checks{draft};
  checks.check_list("snat.source", snat.source);
  bool default_used = snat.vpc_cni || snat.ip_masq_agent || snat.gke;
  for (const RuleConfig& rule : snat.rules) {
    default_used |= rule.action == Action::kSnat && rule.source.empty();
  }
  if (default_used) checks.use("snat.source", snat.source, snat.mapping);
  for (std::size_t i = 0; i < snat.rules.size(); ++i) {
    const RuleConfig& rule = snat.rules[i];
    const std::string key = fmt::format("snat.rules[{}].source", i);
    checks.check_list(key, rule.source);
    checks.use(key, rule.source, rule.mapping.value_or(snat.mapping));
  }
}

void check_vpc(const Draft& draft) {
  const Config& config = draft.config;
  const bool v4 = std::any_of(config.vpc_cidrs.begin(), config.vpc_cidrs.end(),
                              [](const Marked<IpPrefix>& cidr) { return cidr.value.is_v4(); });
  if (!config.snat.vpc_cni || config.snat.vpc_cni->external_snat.value || v4) return;
  if (config.snat.vpc_cni->exclude_snat_cidrs.empty()) {
    // The daemon fails to set itself up then.
    draft.error("vpc.cidrs",
                "no IPv4 CIDR of the VPC, without which snat.vpc_cni cannot tell "
                "what to translate",
                "the VPC's primary and secondary CIDRs");
  } else {
    draft.warning("vpc.cidrs",
                  "no IPv4 CIDR of the VPC, so that also flows inside it are "
                  "translated",
                  "the VPC's primary and secondary CIDRs");
  }
}

}  // namespace

void check_snat(const Draft& draft) {
  check_sources(draft);
  check_vpc(draft);
  const Config& config = draft.config;
  if (config.flows.capacity < config.gateway.workers) {
    draft.error(
        "flows.capacity",
        fmt::format("{} sessions for {} workers", config.flows.capacity, config.gateway.workers),
        "at least one for each worker");
  }
}

}  // namespace sluice::config
