// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Ways to and from pods that lead nowhere, or not back.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "config/checks.h"
#include "config/prefix_set.h"

namespace sluice::config {
namespace {

/// A way to a network: an ENI's connected subnet, or one of its routes.
struct Way {
  IpPrefix to;
  std::size_t eni;
  bool connected;
};

std::vector<Way> ways_of(const std::vector<EniConfig>& enis) {
  std::vector<Way> ways;
  for (std::size_t i = 0; i < enis.size(); ++i) {
    ways.push_back({enis[i].address.subnet(), i, true});
    if (enis[i].address6) ways.push_back({enis[i].address6->subnet(), i, true});
    for (const RouteConfig& route : enis[i].routes) ways.push_back({route.to, i, false});
  }
  return ways;
}

/// The ENI whose right to emit this network is the most specific.
std::optional<std::size_t> emitter_of(const std::vector<EniConfig>& enis, const IpPrefix& network) {
  std::optional<std::size_t> best;
  unsigned best_length = 0;
  for (std::size_t i = 0; i < enis.size(); ++i) {
    for (const auto* list : {&enis[i].prefixes, &enis[i].forwards}) {
      for (const IpPrefix& prefix : *list) {
        if (!prefix.contains(network) || (best && prefix.length() <= best_length)) continue;
        best = i;
        best_length = prefix.length();
      }
    }
  }
  return best;
}

class RouteWarnings {
 public:
  explicit RouteWarnings(const Draft& draft)
      : draft_(draft), enis_(draft.config.enis), ways_(ways_of(enis_)) {}

  /// Whether an ENI may emit anything of this network.
  [[nodiscard]] bool emitted(const IpPrefix& network) const {
    return std::any_of(enis_.begin(), enis_.end(), [&](const EniConfig& eni) {
      const auto overlaps = [&](const IpPrefix& prefix) { return prefix.overlaps(network); };
      const auto inside = [&](const IpAddr& address) { return network.contains(address); };
      return std::any_of(eni.forwards.begin(), eni.forwards.end(), overlaps) ||
             std::any_of(eni.prefixes.begin(), eni.prefixes.end(), overlaps) ||
             std::any_of(eni.secondary.begin(), eni.secondary.end(), inside);
    });
  }

  /// Pods that arrive through an ENI: nothing of their CIDR is behind a pod port.
  void pods_behind_enis(const std::string& key, const IpPrefix& cidr) {
    std::map<IpPrefix, std::size_t> seen;
    std::set<std::size_t> routed;
    for (const Way& way : ways_) {
      if (!way.to.overlaps(cidr)) continue;
      routed.insert(way.eni);
      const auto [first, is_new] = seen.emplace(way.to, way.eni);
      if (!is_new && first->second != way.eni) {
        draft_.warning(
            key,
            fmt::format("{} and {} both have a route to {}, so packets to these pods "
                        "may leave by the one they did not come in by",
                        enis_[first->second].name, enis_[way.eni].name, way.to.to_string()),
            "a more specific route on one of them");
      }
    }
    if (routed.empty()) {
      draft_.warning(key,
                     fmt::format("no ENI has a route to {}, and no pod port lists pods of it: "
                                 "nothing finds the way back to them",
                                 cidr.to_string()),
                     "routes on the ENI towards the nodes");
      return;
    }
    for (const std::size_t eni : routed) may_emit_everything(eni, cidr);
    const auto emitter = emitter_of(enis_, cidr);
    if (emitter && routed.count(*emitter) == 0) {
      draft_.warning(key,
                     fmt::format("what these pods send untranslated leaves by {}, while what is "
                                 "sent to them leaves by {}",
                                 enis_[*emitter].name, enis_[*routed.begin()].name),
                     "forwards and routes on the same ENI");
    } else if (!emitted(cidr)) {
      draft_.warning(key,
                     fmt::format("no ENI may emit {}: what is not translated is dropped as "
                                 "no_owner",
                                 cidr.to_string()),
                     "the CIDR among the forwards of an ENI");
    }
  }

  /// Pods behind pod ports whose nodes may also be reached by an ENI's own routes.
  void pods_behind_ports(const IpPrefix& cidr) {
    for (const Way& way : ways_) {
      if (!way.connected && way.to.overlaps(cidr)) may_emit_everything(way.eni, cidr);
    }
  }

  void listed_pods(const PrefixSet& emitted) {
    for (std::size_t i = 0; i < draft_.config.pod_ports.size(); ++i) {
      const auto& pods = draft_.config.pod_ports[i].pods;
      for (std::size_t j = 0; j < pods.size(); ++j) {
        if (emitted.holds(pods[j])) continue;
        draft_.warning(fmt::format("pod_ports[{}].pods[{}]", i, j),
                       fmt::format("no ENI owns {}: what it sends is dropped as no_owner unless "
                                   "it is translated",
                                   pods[j].to_string()),
                       "an ENI that lists it under secondary, prefixes or forwards");
      }
    }
  }

 private:
  /// Packets back to pods carry the sources of remotes, any of them.
  void may_emit_everything(std::size_t eni, const IpPrefix& cidr) {
    const bool v4 = cidr.is_v4();
    const auto& forwards = enis_[eni].forwards;
    const bool everything = std::any_of(
        forwards.begin(), forwards.end(),
        [&](const IpPrefix& prefix) { return prefix.length() == 0 && prefix.is_v4() == v4; });
    if (everything || !told_.insert({eni, v4}).second) return;
    draft_.warning(fmt::format("enis[{}].forwards", eni),
                   fmt::format("{} is the way back to the pods of {}, but may not emit every "
                               "source: what remotes send to pods is dropped there as no_owner",
                               enis_[eni].name, cidr.to_string()),
                   v4 ? "forwards: [0.0.0.0/0], and the source/destination check off"
                      : "forwards: [\"::/0\"], and the source/destination check off");
  }

  const Draft& draft_;
  const std::vector<EniConfig>& enis_;
  std::vector<Way> ways_;
  std::set<std::pair<std::size_t, bool>> told_;
};

}  // namespace

void warn_of_routes(const Draft& draft) {
  const Config& config = draft.config;
  // Each pod CIDR is compared with each way there is. Lists so long that this takes seconds are
  // nobody's, and these are only warnings.
  constexpr std::size_t kMostComparisons = std::size_t{1} << 24;
  std::size_t ways = 0;
  for (const EniConfig& eni : config.enis) {
    ways +=
        1 + eni.routes.size() + eni.forwards.size() + eni.prefixes.size() + eni.secondary.size();
  }
  if (config.pods.cidrs.size() * ways > kMostComparisons) return;

  PrefixSet behind_ports;
  for (const PodPortConfig& port : config.pod_ports) {
    for (const IpAddr& pod : port.pods) behind_ports.add(IpPrefix::host(pod));
  }
  RouteWarnings warnings{draft};
  for (std::size_t i = 0; i < config.pods.cidrs.size(); ++i) {
    const IpPrefix& cidr = config.pods.cidrs[i].value;
    if (behind_ports.overlaps(cidr)) {
      warnings.pods_behind_ports(cidr);
    } else {
      warnings.pods_behind_enis(fmt::format("pods.cidrs[{}]", i), cidr);
    }
  }
  PrefixSet emitted;
  for (const EniConfig& eni : config.enis) {
    emitted.add(IpPrefix::host(eni.address.address));
    for (const IpAddr& address : eni.secondary) emitted.add(IpPrefix::host(address));
    for (const IpPrefix& prefix : eni.prefixes) emitted.add(prefix);
    for (const IpPrefix& prefix : eni.forwards) emitted.add(prefix);
  }
  warnings.listed_pods(emitted);
}

}  // namespace sluice::config
