// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_cycles.h>
#include <time.h>

#include <cstdint>

#include "core/time.h"

namespace sluice::gateway {

/// CLOCK_BOOTTIME in milliseconds, extrapolated from the time stamp counter: reading it is a few
/// cycles and never a system call (the vDSO falls back to one on some clock sources).
class Clock {
 public:
  Clock() : cycles_per_ms_(rte_get_tsc_hz() / 1000), start_cycles_(rte_rdtsc()) {
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    start_ms_ = static_cast<std::uint64_t>(time.tv_sec) * 1000 +
                static_cast<std::uint64_t>(time.tv_nsec) / 1'000'000;
    // ms = cycles * scale >> 64
    scale_ = ~std::uint64_t{0} / cycles_per_ms_;
  }

  [[nodiscard]] Instant now() const noexcept { return at(rte_rdtsc()); }

  /// The same for a counter read before.
  [[nodiscard]] Instant at(std::uint64_t counter) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t cycles = counter - start_cycles_;
    const auto elapsed = static_cast<std::uint64_t>(Wide{cycles} * scale_ >> 64);
    return {static_cast<std::uint32_t>(start_ms_ + elapsed)};
  }

 private:
  std::uint64_t cycles_per_ms_;
  std::uint64_t start_cycles_;
  std::uint64_t start_ms_ = 0;
  std::uint64_t scale_ = 0;
};

}  // namespace sluice::gateway
