// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/snapshot.h"

#include <utility>
#include <vector>

namespace sluice::pipeline {

nat::IdleLimits idle_limits(const config::Timeouts& timeouts) {
  const auto ms = [](std::chrono::seconds span) {
    return static_cast<std::uint32_t>(std::chrono::milliseconds(span).count());
  };
  nat::IdleLimits limits;
  for (auto& limit : limits.tcp) limit = ms(timeouts.tcp_transitory);
  const auto set = [&](nat::SessionState state, std::chrono::seconds span) {
    limits.tcp[static_cast<unsigned>(state)] = ms(span);
  };
  set(nat::SessionState::kEstablished, timeouts.tcp_established);
  set(nat::SessionState::kClosed, timeouts.tcp_closed);
  set(nat::SessionState::kReset, timeouts.tcp_closed);
  limits.udp = ms(timeouts.udp);
  limits.icmp = ms(timeouts.icmp);
  limits.other = ms(timeouts.udp);
  return limits;
}

Result<std::unique_ptr<const Snapshot>> Snapshot::build(config::Config config,
                                                        const nat::OwnerFunction& owner) {
  auto policy = policy::Policy::compile(config);
  if (!policy) return Error{policy.error()};
  const std::vector<PortRange> tcp_udp = config.snat.tcp_udp_ports_in_force();
  const std::vector<PortRange> echo{config.snat.echo_ports_in_force()};
  eni::EniMap enis(config);
  const bool keep = config.snat.port_selection_in_force() == config::PortSelection::kPreserve;
  const nat::IdleLimits limits = idle_limits(config.flows.timeouts);
  std::vector<Ipv4Addr> independent;
  for (const policy::SourcePool& pool : policy.value()->pools()) {
    if (pool.mapping != config::Mapping::kEndpointIndependent) continue;
    independent.insert(independent.end(), pool.addresses.begin(), pool.addresses.end());
  }
  std::sort(independent.begin(), independent.end());
  const bool filters_by_remote =
      config.snat.filtering.value_or(config.snat.mapping) == config::Mapping::kEndpointDependent;
  return std::unique_ptr<const Snapshot>(
      new Snapshot{std::move(config), std::move(policy).value(), std::move(enis), limits,
                   nat::PortClasses(owner, tcp_udp), nat::PortClasses(owner, echo), keep,
                   std::move(independent), filters_by_remote});
}

}  // namespace sluice::pipeline
