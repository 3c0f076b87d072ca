// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Everything of a configuration that the data path reads, built once and never changed: workers
/// hold it through one atomic pointer, and a reload replaces the whole of it.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "eni/eni_map.h"
#include "nat/flow_table.h"
#include "nat/owner.h"
#include "nat/port_allocator.h"
#include "net/headers.h"
#include "policy/policy.h"

namespace sluice::pipeline {

struct Snapshot {
  /// Compiles a configuration for the given owner function. Main thread; needs EAL.
  static Result<std::unique_ptr<const Snapshot>> build(config::Config config,
                                                       const nat::OwnerFunction& owner);

  config::Config config;
  std::unique_ptr<const policy::Policy> policy;
  eni::EniMap enis;
  nat::IdleLimits limits;
  nat::PortClasses tcp_udp_ports;
  nat::PortClasses echo_ports;
  bool keep_source_port;  ///< port_selection: preserve
  /// Pools whose mappings are endpoint-independent, by their addresses (sorted).
  std::vector<Ipv4Addr> independent;
  bool filters_by_remote;  ///< whether a mapping admits only remotes its pod has sent to

  [[nodiscard]] bool is_independent(Ipv4Addr address) const noexcept {
    return std::binary_search(independent.begin(), independent.end(), address);
  }
  [[nodiscard]] const nat::PortClasses& ports_for(std::uint8_t protocol) const noexcept {
    return protocol == net::kIcmp ? echo_ports : tcp_udp_ports;
  }
};

/// The idle limits that configured timeouts mean for each state.
[[nodiscard]] nat::IdleLimits idle_limits(const config::Timeouts& timeouts);

}  // namespace sluice::pipeline
