// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sends flows of the shape through a device under test and counts what comes back, on one thread
/// that does both. A trial offers packets at a steady rate; each carries the time at which it
/// should have left, so a device that makes the tester wait is charged for the wait (no coordinated
/// omission). What the device did not take by the end of a trial counts as lost.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "linerate/histogram.h"
#include "linerate/learned.h"
#include "linerate/pace.h"
#include "linerate/stamp.h"
#include "linerate/wire.h"
#include "nat/session.h"

namespace sluice::bench {

enum class Ways : std::uint8_t { kOut, kIn, kBoth };  ///< kBoth: every other burst
[[nodiscard]] const char* name_of(Ways ways);

/// First packets of TCP connections that nobody answers, mixed into the sessions' packets.
struct Fresh {
  unsigned every = 0;  ///< of the packets in their direction each so-manieth; 0: none
  /// Outbound: from pods to random remotes. Inbound: from random sources, to a random port of an
  /// address that the device translates to; they do not come back.
  nat::Direction direction = nat::Direction::kOutbound;
};

struct Trial {
  Ways ways = Ways::kOut;
  std::uint16_t frame = kSmallestFrame;  ///< bytes, without FCS
  double rate = 0;                       ///< packets per second; 0: as fast as they are taken
  double seconds = 1;                    ///< how long; with `packets`, how long at most
  std::uint64_t packets = 0;             ///< 0: rate * seconds, or until the time is over
  bool in_order = false;                 ///< sessions 0, 1, 2 … and not random ones
  bool unknown_only = false;             ///< in order, those that have not been learned yet
  bool verify = false;                   ///< check every packet that comes back
  std::uint8_t tcp_flags = net::kSyn;    ///< for TCP
  Fresh fresh{};
};

struct Outcome {
  double seconds = 0;  ///< of sending
  std::uint64_t offered = 0;
  std::uint64_t sent = 0;  ///< that the device took
  std::uint64_t received = 0;
  std::uint64_t fresh_offered = 0;  ///< of the above, those of Trial::fresh
  std::uint64_t fresh_sent = 0, fresh_received = 0;
  std::uint64_t late = 0;   ///< of earlier trials
  std::uint64_t other = 0;  ///< not ours, and not IPv4: a kernel's own
  Histogram latency;        ///< TSC cycles
  // The following need `verify`, but for the first.
  std::uint64_t foreign = 0;  ///< IPv4 that we did not send
  std::uint64_t wrong_tuple = 0, wrong_checksum = 0, doubled = 0;

  /// Of \p made packets that were made so many were fresh ones: of those that were due and never
  /// made, because the device did not take what came before, it would have been the same share.
  void extrapolate_fresh(std::uint64_t made) {
    fresh_offered = made == 0 ? 0 : fresh_sent * offered / made;
  }
  [[nodiscard]] std::uint64_t lost() const { return offered > received ? offered - received : 0; }
  [[nodiscard]] double loss() const {
    return offered == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(offered);
  }
  /// What became of the sessions' own packets.
  [[nodiscard]] Outcome without_fresh() const {
    Outcome sessions = *this;
    sessions.offered -= std::min(fresh_offered, offered);
    sessions.sent -= std::min(fresh_sent, sent);
    sessions.received -= std::min(fresh_received, received);
    sessions.fresh_offered = sessions.fresh_sent = sessions.fresh_received = 0;
    return sessions;
  }
  [[nodiscard]] double received_rate() const {
    return seconds == 0 ? 0 : static_cast<double>(received) / seconds;
  }
  /// Whether every packet came back, once, as it should.
  [[nodiscard]] bool clean() const {
    return lost() == 0 && foreign + wrong_tuple + wrong_checksum + doubled == 0;
  }
};

class Tester {
 public:
  /// `translates`: the pods' addresses must not be seen on the uplink.
  Tester(Wire& inner, Wire& uplink, rte_mempool* pool, bool translates);
  Tester(const Tester&) = delete;
  Tester& operator=(const Tester&) = delete;

  /// What all trials from here on are about; learned anew.
  void use(LearnedTable& table) { table_ = &table; }
  [[nodiscard]] LearnedTable& table() { return *table_; }

  /// Asked a hundred times a second during a trial, and after it; throws to end it.
  void watch_by(std::function<void()> watch) { watch_ = std::move(watch); }

  [[nodiscard]] Outcome run(const Trial& trial);

 private:
  static constexpr unsigned kBurst = 32;
  struct Sending {
    std::array<rte_mbuf*, kBurst> frames;
    unsigned first = 0, end = 0;
    std::uint32_t fresh = 0;  ///< a bit for each frame
    [[nodiscard]] bool empty() const { return first == end; }
  };

  void send(std::uint64_t due);
  [[nodiscard]] bool make_burst(unsigned count);
  void flush();
  void write(rte_mbuf& frame, std::uint32_t session, nat::Direction direction);
  [[nodiscard]] bool is_fresh_due();
  void write_fresh(rte_mbuf& frame);
  [[nodiscard]] Stamp next_stamp(std::uint32_t session);
  [[nodiscard]] std::uint32_t next_session();
  unsigned receive(Wire& wire, nat::Direction direction);
  void take(const rte_mbuf& frame, nat::Direction direction, std::uint64_t now);
  void check(std::span<const std::uint8_t> frame, std::uint32_t session, nat::Direction direction);
  void drain();
  void watch(std::uint64_t now);

  Wire& inner_;
  Wire& uplink_;
  rte_mempool* pool_;
  bool translates_;
  LearnedTable* table_ = nullptr;
  std::uint16_t number_of_trial_ = 0;
  Dice dice_;
  std::function<void()> watch_ = [] {};
  std::uint64_t next_watch_ = 0;  ///< TSC

  // Of the trial under way.
  Trial trial_;
  Outcome outcome_;
  Pace pace_;
  std::uint64_t made_ = 0;
  std::uint32_t cursor_ = 0;
  std::uint64_t fresh_turn_ = 0;  ///< packets in the direction of Trial::fresh
  std::uint32_t fresh_ = 0;       ///< connections so far, those of earlier trials included
  nat::Direction direction_ = nat::Direction::kOutbound;
  Sending sending_;
  std::vector<bool> seen_;  ///< by packet number; verify only
};

}  // namespace sluice::bench
