// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <chrono>
#include <cstdint>

namespace sluice {

/// The clock of sessions: milliseconds of CLOCK_BOOTTIME, modulo 2^32 (49 days). Differences are
/// meaningful up to 2^31 ms; the configuration keeps every timeout under 7 days, and the sweep
/// meets every record far more often than that. Never read inside the data path: a worker reads
/// it once per loop and hands it down, so tests and `explain` move it as they like.
struct Instant {
  std::uint32_t ms = 0;

  /// Milliseconds from `earlier` to this; negative when `earlier` is later.
  [[nodiscard]] constexpr std::int32_t since(Instant earlier) const noexcept {
    return static_cast<std::int32_t>(ms - earlier.ms);
  }
  [[nodiscard]] constexpr Instant plus(std::chrono::milliseconds span) const noexcept {
    return {static_cast<std::uint32_t>(ms + static_cast<std::uint32_t>(span.count()))};
  }
  friend constexpr bool operator==(Instant, Instant) noexcept = default;
};

}  // namespace sluice
