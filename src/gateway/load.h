// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <cstdint>

#include "nat/session.h"
#include "pipeline/pipeline.h"

namespace sluice::gateway {

/// How busy a worker is. Written by it alone, once a turn or a burst; anyone may read.
struct alignas(64) Load {
  using Count = nat::Relaxed<std::uint64_t>;
  Count turns;
  Count busy_turns;      ///< that found frames
  Count cycles;          ///< of all turns
  Count busy_cycles;     ///< of the busy ones
  Count longest_cycles;  ///< of one turn: how long a queue was not looked at
  Count bursts;
  Count burst_frames;
  Count full_bursts;     ///< there may have been more waiting
  /// Cycles by stage, of every kSampled-th burst: reading the counter between stages costs more
  /// than some of them do.
  static constexpr std::uint64_t kSampled = 256;
  std::array<Count, pipeline::kStages> stage_cycles;
  Count sampled_frames;

  void add_turn(bool busy, std::uint64_t spent) noexcept {
    turns.add(1);
    cycles.add(spent);
    if (spent > longest_cycles.get()) longest_cycles.set(spent);
    if (!busy) return;
    busy_turns.add(1);
    busy_cycles.add(spent);
  }
  void add_burst(unsigned frames) noexcept {
    bursts.add(1);
    burst_frames.add(frames);
    if (frames == pipeline::kBurstSize) full_bursts.add(1);
  }
};

}  // namespace sluice::gateway
