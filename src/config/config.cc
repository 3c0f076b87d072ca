// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/config.h"

namespace sluice::config {
namespace {

constexpr unsigned kPodsWithoutAddress = 2;  // aws-node and kube-proxy use the node's own
constexpr unsigned kPrefixAddresses = 16;    // of a /28, all of them usable

}  // namespace

unsigned InstanceLimits::max_pods() const {
  return enis * (addresses_per_eni - 1) + kPodsWithoutAddress;
}

unsigned InstanceLimits::max_pods_with_prefixes() const {
  return enis * (addresses_per_eni - 1) * kPrefixAddresses + kPodsWithoutAddress;
}

PortSelection SnatConfig::port_selection_in_force() const {
  if (vpc_cni && vpc_cni->port_selection) return *vpc_cni->port_selection;
  if (ip_masq_agent && ip_masq_agent->port_selection) return *ip_masq_agent->port_selection;
  return port_selection.value_or(PortSelection::kRandom);
}

std::vector<PortRange> SnatConfig::tcp_udp_ports_in_force() const {
  if (ip_masq_agent && !ip_masq_agent->to_ports.empty()) return ip_masq_agent->to_ports;
  return {echo_ports_in_force()};
}

}  // namespace sluice::config
