// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/ids.h"
#include "core/port_range.h"
#include "nat/owner.h"
#include "nat/port_layout.h"

namespace sluice::nat {

/// The external ports of a set of ranges, by class and in order. Immutable, shared by all workers.
class PortClasses {
 public:
  PortClasses(const OwnerFunction& owner, std::span<const PortRange> ranges);

  [[nodiscard]] std::span<const Be16> of(unsigned number) const noexcept {
    return classes_[number];
  }
  [[nodiscard]] bool contains(Be16 port) const noexcept { return member_[port.to_host()]; }
  [[nodiscard]] const PortBits& bits() const noexcept { return bits_; }

  /// A worker's contiguous share, for endpoint-independent mappings: one port serves all remotes,
  /// so what brings replies back is the port alone.
  [[nodiscard]] std::span<const Be16> slice(WorkerId worker) const noexcept;
  [[nodiscard]] const PortBits& slice_bits(WorkerId worker) const noexcept {
    return slices_[worker.value];
  }
  /// Whose share a port lies in; worker 0 for ports that are nobody's.
  [[nodiscard]] WorkerId owner_of(Be16 port) const noexcept { return slice_of_[port.to_host()]; }

 private:
  std::array<std::vector<Be16>, kRetaSize> classes_;
  std::vector<bool> member_;
  PortBits bits_;
  std::vector<Be16> in_order_;
  std::vector<WorkerId> slice_of_;  ///< by port
  std::vector<PortBits> slices_;    ///< by worker
  unsigned workers_;
};

}  // namespace sluice::nat
