// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a worker copies out while somebody traces or captures: chosen packets as they are after a
/// stage, on a bounded ring to the main thread. A full ring loses copies, never packets. While
/// nobody does either, a worker looks at one pointer a burst.
#pragma once

#include <rte_cycles.h>
#include <rte_ring_peek_zc.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "pipeline/pipeline.h"

namespace sluice::gateway {

struct TapFilter {
  std::optional<Be32> address;  ///< either end, as the packet comes in
  std::optional<std::uint8_t> protocol;

  [[nodiscard]] bool matches(const pipeline::Packet& packet) const noexcept {
    const bool flow =
        packet.kind == pipeline::Kind::kFlow || packet.kind == pipeline::Kind::kIcmpError;
    if (!flow) return !address && !protocol;
    return (!address || packet.key.source == *address || packet.key.destination == *address) &&
           (!protocol || packet.key.protocol == *protocol);
  }
};

/// A packet as it was after a stage.
struct TapRecord {
  static constexpr std::size_t kBytes = 1600;
  std::uint64_t cycles;
  std::uint32_t packet;  ///< number of the packet, by worker
  std::uint32_t length;
  nat::FlowKey key;  ///< as it came in
  RuleId rule;
  std::uint16_t captured;
  DeviceId in, out;
  std::uint8_t stage;
  pipeline::Kind kind;
  pipeline::Fate fate;
  pipeline::DropReason reason;
  pipeline::Verdict verdict;
  bool session;  ///< it has one by now
  bool first;    ///< and opened it
  std::array<std::uint8_t, kBytes> bytes;
};

/// One worker's. Made and taken away by the main thread, which also reads it.
class Tap {
 public:
  enum class Mode : std::uint8_t {
    kEnds,   ///< before and after: behind the first stage and the last
    kStages  ///< behind every stage
  };
  Tap(Mode mode, const TapFilter& filter, std::uint32_t packets)
      : mode_(mode), filter_(filter), left_(packets) {
    constexpr unsigned kRecords = 1024;
    const ssize_t bytes = rte_ring_get_memsize_elem(kSize, kRecords);
    memory_.reset(static_cast<std::byte*>(
        ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{RTE_CACHE_LINE_SIZE})));
    rte_ring_init(ring(), "tap", kRecords, RING_F_SP_ENQ | RING_F_SC_DEQ);
  }

  // --- the worker -----------------------------------------------------------------------------
  void after(unsigned stage, pipeline::Burst& burst) noexcept {
    if (stage == 0) choose(burst);
    const bool end = stage == 0 || stage + 1 == pipeline::kStages;
    if (chosen_ == 0 || (mode_ == Mode::kEnds && !end)) return;
    for (unsigned i = 0; i < burst.size(); ++i) {
      if ((chosen_ >> i & 1U) != 0) put(stage, burst[i], first_ + i);
    }
  }

  // --- the main thread ------------------------------------------------------------------------
  /// Reads one record; false when there is none.
  template <typename Read>
  bool take(Read&& read) {
    rte_ring_zc_data place{};
    if (rte_ring_dequeue_zc_bulk_elem_start(ring(), kSize, 1, &place, nullptr) == 0) return false;
    read(*static_cast<const TapRecord*>(place.ptr1));
    rte_ring_dequeue_zc_finish(ring(), 1);
    return true;
  }
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.get(); }

 private:
  static constexpr unsigned kSize = (sizeof(TapRecord) + 3) / 4 * 4;
  struct Release {
    void operator()(std::byte* memory) const noexcept {
      ::operator delete (memory, std::align_val_t{RTE_CACHE_LINE_SIZE});
    }
  };
  [[nodiscard]] rte_ring* ring() noexcept { return reinterpret_cast<rte_ring*>(memory_.get()); }

  void choose(pipeline::Burst& burst) noexcept {
    chosen_ = 0;
    first_ += pipeline::kBurstSize;
    for (unsigned i = 0; i < burst.size() && left_ > 0; ++i) {
      if (!filter_.matches(burst[i])) continue;
      chosen_ |= 1U << i;
      --left_;
    }
  }

  void put(unsigned stage, const pipeline::Packet& packet, std::uint32_t number) noexcept {
    rte_ring_zc_data place{};
    if (rte_ring_enqueue_zc_bulk_elem_start(ring(), kSize, 1, &place, nullptr) == 0) {
      lost_.add(1);
      return;
    }
    auto& record = *static_cast<TapRecord*>(place.ptr1);
    record.cycles = rte_rdtsc();
    record.packet = number;
    record.length = packet.length;
    record.key = packet.key;
    record.rule = packet.decision.rule;
    record.in = packet.in;
    record.out = packet.out;
    record.stage = static_cast<std::uint8_t>(stage);
    record.kind = packet.kind;
    record.fate = packet.fate;
    record.reason = packet.reason;
    record.verdict = packet.verdict;
    record.session = static_cast<bool>(packet.found);
    record.first = packet.first;
    const std::size_t count =
        std::min<std::size_t>({packet.contiguous, packet.length, TapRecord::kBytes});
    std::copy_n(packet.frame, count, record.bytes.data());
    record.captured = static_cast<std::uint16_t>(count);
    rte_ring_enqueue_zc_finish(ring(), 1);
  }

  Mode mode_;
  TapFilter filter_;
  std::uint32_t left_;
  std::uint32_t chosen_ = 0;  ///< a bit for each packet of the burst
  std::uint32_t first_ = 0;   ///< number of the burst's first packet
  nat::Relaxed<std::uint64_t> lost_;
  std::unique_ptr<std::byte, Release> memory_;
};

}  // namespace sluice::gateway
