// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_cycles.h>

#include <array>
#include <bit>
#include <cstdint>

#include "nat/session.h"
#include "pipeline/pipeline.h"

namespace sluice::gateway {

/// How long packets took, in classes of an eighth of an octave: what is read off is at most 12.5 %
/// too much. Written by one thread, read by any.
class TurnTimes {
 public:
  static constexpr unsigned kShortest = 8;  ///< 2^8 cycles and less are one class
  static constexpr unsigned kLongest = 36;  ///< 2^36 are half a minute
  static constexpr unsigned kInOctave = 8;
  static constexpr unsigned kClasses = (kLongest - kShortest) * kInOctave + 1;
  using Counts = std::array<std::uint64_t, kClasses>;

  void add(std::uint64_t cycles, std::uint64_t packets) noexcept {
    counts_[class_of(cycles)].add(packets);
  }
  [[nodiscard]] Counts read() const noexcept {
    Counts all{};
    for (unsigned i = 0; i < kClasses; ++i) all[i] = counts_[i].get();
    return all;
  }

  [[nodiscard]] static constexpr unsigned class_of(std::uint64_t cycles) noexcept {
    if (cycles <= std::uint64_t{1} << kShortest) return 0;
    const auto octave = static_cast<unsigned>(std::bit_width(cycles - 1)) - 1;
    if (octave >= kLongest) return kClasses - 1;
    const auto eighth = static_cast<unsigned>((cycles - 1) >> (octave - 3) & (kInOctave - 1));
    return (octave - kShortest) * kInOctave + eighth + 1;
  }
  /// The most cycles that belong to a class; the last one also has what is longer.
  [[nodiscard]] static constexpr std::uint64_t bound(unsigned number) noexcept {
    if (number == 0) return std::uint64_t{1} << kShortest;
    const unsigned octave = kShortest + (number - 1) / kInOctave;
    const std::uint64_t eighths = kInOctave + (number - 1) % kInOctave + 1;
    return eighths << (octave - 3);
  }

 private:
  std::array<nat::Relaxed<std::uint64_t>, kClasses> counts_;
};

/// How busy a worker is. Written by it alone, once a turn or a burst; anyone may read.
struct alignas(64) Load {
  using Count = nat::Relaxed<std::uint64_t>;
  Count turns;
  Count busy_turns;      ///< that found frames
  Count cycles;          ///< of all turns
  Count busy_cycles;     ///< of the busy ones
  Count longest_cycles;  ///< of one turn: how long a queue was not looked at
  Count poll_gaps;       ///< turns longer than kGapUs
  Count bursts;
  Count burst_frames;
  Count full_bursts;  ///< there may have been more waiting
  /// Since somebody cleared counters; set back by the worker itself, on an errand.
  Count longest_since_cleared, longest_busy_since_cleared;
  /// Cycles by stage, of every kSampled-th burst: reading the counter between stages costs more
  /// than some of them do.
  static constexpr std::uint64_t kSampled = 256;
  std::array<Count, pipeline::kStages> stage_cycles;
  Count sampled_frames;
  /// Of a turn's packets, each as long as its turn: from the receive call to the transmit call at
  /// most.
  TurnTimes turn_times;
  Count packet_cycles;  ///< the sum of what turn_times classes

  static constexpr std::uint64_t kGapUs = 50;
  std::uint64_t gap_cycles = rte_get_tsc_hz() / 1'000'000 * kGapUs;  ///< never changes

  /// `frames` of all bursts of the turn.
  void add_turn(std::uint64_t frames, std::uint64_t spent) noexcept {
    turns.add(1);
    cycles.add(spent);
    if (spent > gap_cycles) [[unlikely]]
      poll_gaps.add(1);
    if (spent > longest_since_cleared.get()) [[unlikely]]
      note_longest(spent);
    if (frames == 0) return;
    busy_turns.add(1);
    busy_cycles.add(spent);
    turn_times.add(spent, frames);
    packet_cycles.add(spent * frames);
    if (spent > longest_busy_since_cleared.get()) longest_busy_since_cleared.set(spent);
  }
  void add_burst(unsigned frames) noexcept {
    bursts.add(1);
    burst_frames.add(frames);
    if (frames == pipeline::kBurstSize) full_bursts.add(1);
  }

 private:
  void note_longest(std::uint64_t spent) noexcept {
    longest_since_cleared.set(spent);
    if (spent > longest_cycles.get()) longest_cycles.set(spent);
  }
};

}  // namespace sluice::gateway
