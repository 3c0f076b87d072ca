// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// When external ports will be exhausted, if their use grows on as it did of late: a straight line
/// from the oldest count of the last two minutes to the present one. Counts are those of the
/// censuses, one every 15 s, of the busiest remotes only; a remote that was among them once has a
/// line from then on. It says nothing of what will stop the growth: sessions that end by
/// themselves, or that are idle.
///
/// Owner: the main thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "core/time.h"
#include "telemetry/census.h"

namespace sluice::telemetry {

class Forecast {
 public:
  /// How many of the busiest remotes are remembered.
  static constexpr std::size_t kRemotes = 256;

  /// Remembers how many sessions remotes had.
  void note(std::vector<RemoteUse> busiest, Instant now);

  /// How long until a remote's sessions are as many as there are ports. Nothing: their number does
  /// not grow, or is not known for long enough. Zero: there is no port left.
  [[nodiscard]] std::optional<std::chrono::seconds> exhausted_in(const RemoteUse& use,
                                                                 std::uint64_t ports,
                                                                 Instant now) const;

 private:
  struct Past {
    Instant time;
    std::vector<RemoteUse> busiest;
  };
  std::deque<Past> past_;  ///< the oldest first
};

}  // namespace sluice::telemetry
