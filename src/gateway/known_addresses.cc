// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/known_addresses.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace sluice::gateway {

KnownAddresses known_addresses(const config::Config& config) {
  KnownAddresses known;
  std::uint8_t number = 0;
  for (const auto& eni : config.enis) {
    const DeviceId device{number++};
    known.ours.emplace_back(device, eni.address.address);
    for (const IpAddr& address : eni.secondary) known.ours.emplace_back(device, address);
    known.neighbours.emplace_back(device, eni.gateway);
    if (eni.address6) {
      known.ours.emplace_back(device, eni.address6->address);
      known.neighbours.emplace_back(device, eni.gateway6);
    }
    for (const auto& route : eni.routes) known.neighbours.emplace_back(device, route.via);
  }
  for (const auto& port : config.pod_ports) {
    const DeviceId device{number++};
    known.ours.emplace_back(device, port.gateway);
    for (const IpAddr& pod : port.pods) known.neighbours.emplace_back(device, pod);
  }
  return known;
}

KnownAddresses added(const KnownAddresses& current, const KnownAddresses& next) {
  const auto difference = [](const auto& before, const auto& after) {
    std::vector<eni::Resolver::Address> fresh;
    const std::set<eni::Resolver::Address> known(before.begin(), before.end());
    for (const auto& address : after) {
      if (known.count(address) == 0) fresh.push_back(address);
    }
    return fresh;
  };
  return {difference(current.ours, next.ours), difference(current.neighbours, next.neighbours)};
}

namespace {

/// The addresses that flows are translated to, and which kind of mapping each has.
std::map<Ipv4Addr, config::Mapping> mappings_of(const config::Config& config) {
  std::map<Ipv4Addr, config::Mapping> kinds;
  for (const Ipv4Addr address : config.snat.source) kinds.emplace(address, config.snat.mapping);
  for (const auto& rule : config.snat.rules) {
    for (const Ipv4Addr address : rule.source) {
      kinds.emplace(address, rule.mapping.value_or(config.snat.mapping));
    }
  }
  return kinds;
}

bool any_independent(const std::map<Ipv4Addr, config::Mapping>& kinds) {
  return std::any_of(kinds.begin(), kinds.end(), [](const auto& entry) {
    return entry.second == config::Mapping::kEndpointIndependent;
  });
}

/// Whether open flows would have another owner: endpoint-independent mappings are owned by the
/// pod's side and by slices of the ports (pipeline::owner_of), all others by their tuple. With one
/// worker there is nobody else.
bool moves_owners(const config::Config& current, const config::Config& next) {
  if (current.gateway.workers == 1) return false;
  const auto before = mappings_of(current);
  const auto after = mappings_of(next);
  if (any_independent(before) != any_independent(after)) return true;
  return std::any_of(before.begin(), before.end(), [&](const auto& entry) {
    const auto same = after.find(entry.first);
    return same != after.end() && same->second != entry.second;
  });
}

/// The same for the ports that such mappings have slices of.
bool moves_slices(const config::Config& current, const config::Config& next) {
  return current.gateway.workers > 1 && any_independent(mappings_of(current)) &&
         (current.snat.tcp_udp_ports_in_force() != next.snat.tcp_udp_ports_in_force() ||
          current.snat.echo_ports_in_force() != next.snat.echo_ports_in_force());
}

}  // namespace

std::vector<std::string> needs_restart(const config::Config& current, const config::Config& next) {
  std::vector<std::string> keys;
  const auto compare = [&](const std::string& key, const auto& a, const auto& b) {
    if (a != b) keys.push_back(key);
  };
  compare("gateway.workers", current.gateway.workers, next.gateway.workers);
  compare("flows.capacity", current.flows.capacity, next.flows.capacity);
  // Sessions are counted by pod from the first one on, or never.
  compare("flows.per_pod", current.flows.per_pod == 0, next.flows.per_pod == 0);
  if (moves_owners(current, next)) keys.emplace_back("snat.mapping");
  if (moves_slices(current, next)) keys.emplace_back("snat.ports");
  // The same file may be named from the working directory or from the root.
  compare("console.socket", std::filesystem::absolute(current.console_socket),
          std::filesystem::absolute(next.console_socket));
  compare("console.group", current.console_group, next.console_group);
  compare("metrics.listen", current.metrics_listen, next.metrics_listen);
  // Workers fill the queues without a lock, so these stay where they are.
  compare("log.sessions.queue", current.session_log.queue, next.session_log.queue);
  const auto compare_devices = [&](const std::string& list, const auto& a, const auto& b) {
    compare(list, a.size(), b.size());
    for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
      const std::string at = fmt::format("{}[{}].", list, i);
      compare(at + "device", a[i].device, b[i].device);
      compare(at + "name", a[i].name, b[i].name);
      compare(at + "mtu", a[i].mtu, b[i].mtu);
    }
  };
  compare_devices("enis", current.enis, next.enis);
  compare_devices("pod_ports", current.pod_ports, next.pod_ports);
  return keys;
}

Status may_reload(const config::Config& current, const config::Config& next) {
  const std::vector<std::string> keys = needs_restart(current, next);
  if (keys.empty()) return success();
  return Error{fmt::format("{} {} changed, which needs a restart; the running configuration stays",
                           fmt::join(keys, ", "), keys.size() == 1 ? "has" : "have")};
}

}  // namespace sluice::gateway
