// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a worker copies out while somebody traces or captures: chosen packets as they are after a
/// stage, on a bounded ring to the main thread. A full ring loses copies, never packets. While
/// nobody does either, a worker looks at one pointer a burst.
///
/// A reply names its pod only once it is translated: what may yet fit is copied aside until then.
/// A packet that goes on to another worker keeps its number (FrameTag), and is followed there.
#pragma once

#include <rte_ring.h>
#include <rte_ring_peek_zc.h>

#include <array>
#include <memory>
#include <optional>

#include "pipeline/pipeline.h"

namespace sluice::gateway {

/// By what a packet is chosen: what its own headers say, as it comes in and as it leaves. The flow
/// that an ICMP error is about, and the two sides of a translation, are found by address as well.
struct TapFilter {
  std::optional<IpAddr> address;
  std::optional<std::uint8_t> protocol;  ///< IPv6: the first header behind its own

  [[nodiscard]] bool takes_all() const noexcept { return !address && !protocol; }
  [[nodiscard]] bool protocol_fits(const pipeline::Packet& packet) const noexcept;
  /// By what is known of it up to now.
  [[nodiscard]] bool address_fits(const pipeline::Packet& packet,
                                  const nat::FlowTable& table) const noexcept;
};

/// A packet as it was after a stage.
struct TapRecord {
  static constexpr std::size_t kBytes = 1600;
  std::uint64_t cycles;
  std::uint32_t packet;  ///< its number, from 1; no two packets share one
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
  bool session;   ///< it has one by now
  bool first;     ///< and opened it
  bool cut;       ///< leaves in pieces
  bool followed;  ///< another worker received it, and chose it
  WorkerId worker;
  std::array<std::uint8_t, kBytes> bytes;
};

/// One worker's. Made and taken away by the main thread, which also reads it.
class Tap {
 public:
  enum class Mode : std::uint8_t {
    kEnds,   ///< before and after: behind the first stage and the last
    kStages  ///< behind every stage
  };
  Tap(Mode mode, const TapFilter& filter, std::uint32_t packets, WorkerId self, unsigned workers);

  // --- the worker -----------------------------------------------------------------------------
  void after(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept;
  /// Of the packet at a place of that burst; 0: it was not chosen.
  [[nodiscard]] std::uint32_t number(unsigned place) const noexcept {
    return (chosen_ >> place & 1U) != 0 ? numbers_[place] : 0;
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

  using Number = std::uint32_t;  ///< of a packet
  /// Chooses among the packets that have just come in, and among those that may yet fit.
  void begin(pipeline::Burst& burst, const nat::FlowTable& table) noexcept;
  void decide(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept;
  void choose(unsigned place) noexcept;
  void copy(const pipeline::Packet& packet,
            unsigned place,
            unsigned stage,
            TapRecord& record) const noexcept;
  template <typename Fill>
  void put(Fill fill) noexcept;
  [[nodiscard]] TapRecord& held(unsigned place, unsigned stage) noexcept {
    return held_[place * pipeline::kStages + stage];
  }
  /// Whether packets are copied behind this stage.
  [[nodiscard]] bool looks_at(unsigned stage) const noexcept {
    return mode_ == Mode::kStages || stage == 0 || stage + 1 == pipeline::kStages;
  }

  Mode mode_;
  TapFilter filter_;
  std::uint32_t left_;
  WorkerId self_;
  Number next_;                 ///< of the packet that is chosen next
  unsigned step_;               ///< from one of ours to the next: others have those in between
  std::uint32_t chosen_ = 0;    ///< a bit for each packet of the burst
  std::uint32_t open_ = 0;      ///< likewise: not chosen yet, but may be once it is translated
  std::uint32_t followed_ = 0;  ///< likewise: another worker chose it
  std::array<Number, pipeline::kBurstSize> numbers_{};
  std::unique_ptr<TapRecord[]> held_;  ///< of those that are open, by packet and stage
  nat::Relaxed<std::uint64_t> lost_;
  std::unique_ptr<std::byte, Release> memory_;
};

}  // namespace sluice::gateway
