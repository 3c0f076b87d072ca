// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/known_addresses.h"

#include <fmt/format.h>

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

Status may_reload(const config::Config& current, const config::Config& next) {
  const auto refused = [](const std::string& key) {
    return Error{fmt::format("{} has changed, which needs a restart; the running configuration "
                             "stays",
                             key)};
  };
  if (current.gateway.workers != next.gateway.workers) return refused("gateway.workers");
  if (current.flows.capacity != next.flows.capacity) return refused("flows.capacity");
  if ((current.flows.per_pod == 0) != (next.flows.per_pod == 0)) return refused("flows.per_pod");
  const auto same_devices = [](const auto& a, const auto& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (a[i].device != b[i].device || a[i].name != b[i].name || a[i].mtu != b[i].mtu) {
        return false;
      }
    }
    return true;
  };
  if (!same_devices(current.enis, next.enis)) return refused("the list of enis' devices");
  if (!same_devices(current.pod_ports, next.pod_ports)) {
    return refused("the list of pod_ports' devices");
  }
  return success();
}

}  // namespace sluice::gateway
