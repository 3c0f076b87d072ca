// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "core/byte_order.h"

namespace sluice::nat {

/// How many sessions each pod address holds, for `flows.per_pod`. Open addressing with linear
/// probing and backward-shift deletion, so probes stay short however many pods come and go. Sized
/// for one pod a session, taken at construction. Owner: the worker that owns the flow table.
class PodCounts {
 public:
  explicit PodCounts(std::uint32_t sessions)
      : slots_(std::bit_ceil(std::size_t{sessions} * 2)), mask_(slots_.size() - 1) {}

  void add(Be32 pod) noexcept {
    Slot& slot = slots_[find(pod)];
    slot.pod = pod;
    ++slot.count;
  }

  void remove(Be32 pod) noexcept {
    std::size_t hole = find(pod);
    if (slots_[hole].count == 0 || --slots_[hole].count != 0) return;
    for (std::size_t at = next(hole); slots_[at].count != 0; at = next(at)) {
      // An entry may fill the hole unless its home lies behind the hole.
      const std::size_t home = home_of(slots_[at].pod);
      if (((at - home) & mask_) < ((at - hole) & mask_)) continue;
      slots_[hole] = slots_[at];
      slots_[at].count = 0;
      hole = at;
    }
  }

  [[nodiscard]] std::uint32_t of(Be32 pod) const noexcept { return slots_[find(pod)].count; }

  [[nodiscard]] std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    Be32 pod;
    std::uint32_t count = 0;  ///< 0: free
  };

  [[nodiscard]] std::size_t home_of(Be32 pod) const noexcept {
    return (pod.to_host() * 0x9e3779b97f4a7c15ULL >> 32) & mask_;
  }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask_; }
  [[nodiscard]] std::size_t find(Be32 pod) const noexcept {
    std::size_t at = home_of(pod);
    while (slots_[at].count != 0 && slots_[at].pod != pod) at = next(at);
    return at;
  }

  std::vector<Slot> slots_;
  std::size_t mask_;
};

}  // namespace sluice::nat
