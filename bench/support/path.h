// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Paths of a burst from receive to transmit, as a worker runs them, but fed from memory: what is
/// measured is the work on packets alone. A path returns how many frames it would send.
#pragma once

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "pipeline/pipeline.h"

namespace sluice::bench {

inline constexpr Instant kNow{1000};  ///< nothing expires unless a benchmark moves the clock

/// What a driver's receive and transmit do with a buffer, and nothing else: its fields and the
/// first line of its frame are touched. testpmd's `macswap` without the device.
class IoPath {
 public:
  std::size_t run(std::span<rte_mbuf* const> frames, DeviceId) noexcept {
    for (const rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
    std::size_t sent = 0;
    for (rte_mbuf* frame : frames) {
      auto& ethernet = *rte_pktmbuf_mtod(frame, net::EthernetHeader*);
      std::swap(ethernet.destination, ethernet.source);
      transmit_[sent++] = frame;
    }
    return sent;
  }

 private:
  std::array<rte_mbuf*, pipeline::kBurstSize> transmit_{};
};

/// The gateway's: a burst filled and settled as Worker does it.
template <typename Pipeline>
class NatPath {
 public:
  template <typename... Arguments>
  explicit NatPath(Arguments&&... arguments) : pipeline_(std::forward<Arguments>(arguments)...) {}

  std::size_t run(std::span<rte_mbuf* const> frames, DeviceId in, Instant now = kNow) noexcept {
    for (rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
    burst_.begin(now);
    for (rte_mbuf* frame : frames) add(frame, in);
    pipeline_.process(burst_);
    std::size_t sent = 0;
    for (const pipeline::Packet& packet : burst_) {
      if (packet.fate == pipeline::Fate::kEmit) [[likely]]
        transmit_[sent++] = packet.buffer;
    }
    return sent;
  }
  [[nodiscard]] Pipeline& pipeline() { return pipeline_; }
  [[nodiscard]] pipeline::Burst& burst() { return burst_; }

 private:
  void add(rte_mbuf* frame, DeviceId in) noexcept {
    pipeline::Packet& packet = burst_.add();
    packet.buffer = frame;
    packet.frame = rte_pktmbuf_mtod(frame, std::uint8_t*);
    packet.contiguous = frame->data_len;
    packet.length = frame->pkt_len;
    packet.headroom = rte_pktmbuf_headroom(frame);
    packet.vlan_stripped =
        (frame->ol_flags & (RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED)) != 0;
    packet.hashed = (frame->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0;
    packet.nic_hash = frame->hash.rss;
    packet.in = in;
  }

  Pipeline pipeline_;
  pipeline::Burst burst_;
  std::array<rte_mbuf*, pipeline::kBurstSize> transmit_{};
};

}  // namespace sluice::bench
