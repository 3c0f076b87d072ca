// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "nat/session.h"
#include "pipeline/drop_reason.h"

namespace sluice::pipeline {

/// What one thread did, in packets unless named otherwise. Written by that thread alone, on cache
/// lines of its own; anyone may read. Over all threads, once traffic rests:
///
///     received + originated + split = sent + consumed + merged + sum(dropped) + waiting
///
/// where waiting is what lies in rings and neighbour queues (counted there, not here).
struct alignas(64) Counters {
  using Count = nat::Relaxed<std::uint64_t>;
  Count received;  ///< from devices
  Count received_bytes;
  Count sent;  ///< to devices
  Count sent_bytes;
  Count originated;  ///< frames the gateway made itself
  Count split;       ///< more frames left than came in
  Count merged;      ///< fewer frames left than came in
  Count consumed;    ///< frames for the gateway itself: ARP, ND
  std::array<Count, kDropReasons> dropped;
  std::array<Count, kDropReasons> dropped_bytes;
  std::array<nat::Relaxed<std::uint32_t>, kDropReasons> last_dropped;  ///< Instant::ms
  nat::Relaxed<std::uint32_t> clock;  ///< of the thread's turn; Instant::ms
  Count sessions_opened;
  Count sessions_ended;          ///< most found past their time
  Count untracked;               ///< preserved without a session, for lack of room
  Count handed_over;             ///< passed to the worker that owns them
  Count unanswered;              ///< dropped without the answer that is due, which came too often
  Count session_events_dropped;  ///< sessions opened or ended that the session log will not know of
  Count busy_cycles;             ///< TSC cycles of the turns in which devices had packets
  Count busy_turns;

  /// Whose first packet was the last to be refused for a reason of the gateway's size.
  void note_refused(DropReason reason, const nat::FlowKey& key) noexcept {
    using Words = std::array<std::uint64_t, 2>;
    const Words words = std::bit_cast<Words>(key);
    auto& sample = refused_[static_cast<std::size_t>(reason)];
    sample[0].set(words[0]);
    sample[1].set(words[1]);
  }
  /// By any thread; ends of two refusals may be mixed while another one is being noted.
  [[nodiscard]] nat::FlowKey last_refused(DropReason reason) const noexcept {
    const auto& sample = refused_[static_cast<std::size_t>(reason)];
    return std::bit_cast<nat::FlowKey>(std::array{sample[0].get(), sample[1].get()});
  }

  void drop(DropReason reason, std::uint32_t bytes, std::uint32_t packets = 1) noexcept {
    dropped[static_cast<std::size_t>(reason)].add(packets);
    dropped_bytes[static_cast<std::size_t>(reason)].add(bytes);
    last_dropped[static_cast<std::size_t>(reason)].set(clock.get());
  }

 private:
  std::array<std::array<Count, 2>, kDropReasons> refused_;  ///< a FlowKey each
};

/// The sum over threads at one moment. Plain numbers, for console and reports.
struct Totals {
  std::uint64_t received = 0, received_bytes = 0, sent = 0, sent_bytes = 0;
  std::uint64_t originated = 0, split = 0, merged = 0, consumed = 0;
  std::uint64_t sessions_opened = 0, sessions_ended = 0, untracked = 0, handed_over = 0;
  std::uint64_t unanswered = 0, session_events_dropped = 0;
  std::uint64_t busy_cycles = 0, busy_turns = 0;
  std::array<std::uint64_t, kDropReasons> dropped{}, dropped_bytes{};

  void add(const Counters& counters) noexcept;
  /// Everything since `earlier`.
  void subtract(const Totals& earlier) noexcept;
  [[nodiscard]] std::uint64_t all_dropped() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : dropped) sum += count;
    return sum;
  }
};

/// A count by the name that console and reports give it.
struct CountField {
  const char* name;
  Counters::Count Counters::*of_thread;
  std::uint64_t Totals::*sum;
};

/// The terms of the equation but drops and waiting, and their bytes.
inline constexpr std::array<CountField, 8> kPacketCounts{{
    {"received", &Counters::received, &Totals::received},
    {"received_bytes", &Counters::received_bytes, &Totals::received_bytes},
    {"originated", &Counters::originated, &Totals::originated},
    {"split", &Counters::split, &Totals::split},
    {"sent", &Counters::sent, &Totals::sent},
    {"sent_bytes", &Counters::sent_bytes, &Totals::sent_bytes},
    {"consumed", &Counters::consumed, &Totals::consumed},
    {"merged", &Counters::merged, &Totals::merged},
}};
inline constexpr std::array<CountField, 8> kOtherCounts{{
    {"sessions_opened", &Counters::sessions_opened, &Totals::sessions_opened},
    {"sessions_ended", &Counters::sessions_ended, &Totals::sessions_ended},
    {"untracked", &Counters::untracked, &Totals::untracked},
    {"handed_over", &Counters::handed_over, &Totals::handed_over},
    {"unanswered", &Counters::unanswered, &Totals::unanswered},
    {"session_events_dropped", &Counters::session_events_dropped, &Totals::session_events_dropped},
    {"busy_cycles", &Counters::busy_cycles, &Totals::busy_cycles},
    {"busy_turns", &Counters::busy_turns, &Totals::busy_turns},
}};

inline void Totals::add(const Counters& counters) noexcept {
  for (const auto* fields : {&kPacketCounts, &kOtherCounts}) {
    for (const CountField& field : *fields) this->*field.sum += (counters.*field.of_thread).get();
  }
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    dropped[i] += counters.dropped[i].get();
    dropped_bytes[i] += counters.dropped_bytes[i].get();
  }
}

inline void Totals::subtract(const Totals& earlier) noexcept {
  for (const auto* fields : {&kPacketCounts, &kOtherCounts}) {
    for (const CountField& field : *fields) this->*field.sum -= earlier.*field.sum;
  }
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    dropped[i] -= earlier.dropped[i];
    dropped_bytes[i] -= earlier.dropped_bytes[i];
  }
}

}  // namespace sluice::pipeline
