// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Chooses the external port of a new flow.
///
/// A port is free when the tuple (remote -> SNAT address and port) is held by no session: the same
/// port serves any number of remotes. Among those, only ports whose reply comes back to this
/// worker may be chosen; then no two workers can ever choose the same tuple, and no lock is needed.
///
/// With H the owner hash of the reply to port 0 and T(p) what port p adds, the reply is ours iff
/// RETA[(H ^ T(p)) mod 128] is this worker. So ports are kept by class T(p) mod 128: for every RETA
/// entry e of ours, all of class (H ^ e) mod 128 will do.
///
/// Owner: one worker. No memory is taken after construction.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/port_range.h"
#include "nat/flow_table.h"
#include "nat/owner.h"
#include "nat/random.h"

namespace sluice::nat {

/// The external ports of a set of ranges, by class and in order. Immutable, shared by all workers.
class PortClasses {
 public:
  PortClasses(const OwnerFunction& owner, std::span<const PortRange> ranges);

  [[nodiscard]] std::span<const Be16> of(unsigned number) const noexcept {
    return classes_[number];
  }
  [[nodiscard]] bool contains(Be16 port) const noexcept { return member_[port.to_host()]; }

  /// A worker's contiguous share, for endpoint-independent mappings: one port serves all remotes,
  /// so what brings replies back is the port alone.
  [[nodiscard]] std::span<const Be16> slice(WorkerId worker) const noexcept;
  /// Whose share a port lies in; worker 0 for ports that are nobody's.
  [[nodiscard]] WorkerId owner_of(Be16 port) const noexcept { return slice_of_[port.to_host()]; }

 private:
  std::array<std::vector<Be16>, kRetaSize> classes_;
  std::vector<bool> member_;
  std::vector<Be16> in_order_;
  std::vector<WorkerId> slice_of_;  ///< by port
  unsigned workers_;
};

class PortAllocator {
 public:
  PortAllocator(const OwnerFunction& owner, WorkerId self, std::uint64_t seed);

  /// What a flow wants: the reply's key with destination_port left 0, and the port it would keep.
  struct Request {
    FlowKey reply;
    std::optional<Be16> preferred;  ///< port_selection: preserve
    bool reclaim = false;           ///< take the port that has rested longest if none is free
  };
  /// A free port of this worker, or nothing when the last one towards this remote is in use.
  [[nodiscard]] std::optional<Be16> choose(const Request& request,
                                           const PortClasses& classes,
                                           FlowTable& table,
                                           Instant now) noexcept;
  /// The same for an endpoint-independent mapping, from this worker's slice; the reply's remote is
  /// left 0.
  [[nodiscard]] std::optional<Be16> choose_for_mapping(const Request& request,
                                                       const PortClasses& classes,
                                                       FlowTable& table) noexcept;

 private:
  const OwnerFunction& owner_;
  WorkerId self_;
  std::vector<std::uint8_t> entries_;  ///< RETA entries of this worker
  Random random_;
};

}  // namespace sluice::nat
