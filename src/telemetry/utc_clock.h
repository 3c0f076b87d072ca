// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>
#include <cstdlib>

#include "core/time.h"
#include "telemetry/session_record.h"

namespace sluice::telemetry {

/// Which UTC an instant of the sessions' clock was. Both clocks are read in whole milliseconds, one
/// after the other, so their difference wavers by one or two: it is kept until it changes by more,
/// which somebody's setting the system clock does. So what happened later never bears an earlier
/// time. Owner: one thread.
class UtcClock {
 public:
  UtcClock(UtcMs utc, Instant instant) : utc_(utc), instant_(instant) {}

  /// Both clocks as they are now; at least every 24 days, as instants wrap after twice as many.
  void note(UtcMs utc, Instant instant) {
    constexpr std::int64_t kWavering = 2;
    const UtcMs expected = of(instant);
    const auto off = static_cast<std::int64_t>(utc.value - expected.value);
    utc_ = std::abs(off) > kWavering ? utc : expected;
    instant_ = instant;
  }

  [[nodiscard]] UtcMs of(Instant instant) const {
    return {utc_.value + static_cast<std::uint64_t>(std::int64_t{instant.since(instant_)})};
  }

 private:
  UtcMs utc_;  ///< of instant_
  Instant instant_;
};

}  // namespace sluice::telemetry
