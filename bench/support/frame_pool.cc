// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/frame_pool.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "nat/pages.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kDataRoom = 2048;
constexpr std::size_t kPrivateRoom = 64;
constexpr std::size_t kBuffer = sizeof(rte_mbuf) + kPrivateRoom + RTE_PKTMBUF_HEADROOM + kDataRoom;
// An odd number of cache lines, so that frames spread over all sets of a cache.
static_assert(kBuffer % 64 == 0 && kBuffer / 64 % 2 == 1);

}  // namespace

FramePool::FramePool(unsigned frames) {
  const std::size_t wanted = frames * kBuffer;
  const nat::Pages pages = nat::map_pages(wanted, 2 * wanted);
  if (pages.memory == nullptr) throw std::bad_alloc{};
  memory_ = pages.memory;
  bytes_ = pages.bytes;
  for (unsigned i = 0; i < frames; ++i) {
    auto* buffer = static_cast<std::byte*>(memory_) + i * kBuffer;
    auto& mbuf = *reinterpret_cast<rte_mbuf*>(buffer);
    mbuf.buf_addr = buffer + sizeof(rte_mbuf) + kPrivateRoom;
    mbuf.buf_len = RTE_PKTMBUF_HEADROOM + kDataRoom;
    mbuf.data_off = RTE_PKTMBUF_HEADROOM;
    mbuf.nb_segs = 1;
    mbuf.refcnt = 1;
    order_.push_back(&mbuf);
  }
  Dice dice(7);
  for (unsigned i = frames; i > 1; --i) std::swap(order_[i - 1], order_[dice.below(i)]);
}

FramePool::~FramePool() { nat::unmap_pages(memory_, bytes_); }

void FramePool::write(rte_mbuf& buffer, const Macs& macs, const nat::FlowKey& key) noexcept {
  buffer.data_len = kSmallestFrame;
  buffer.pkt_len = kSmallestFrame;
  write_udp({rte_pktmbuf_mtod(&buffer, std::uint8_t*), kSmallestFrame}, macs, key);
}

}  // namespace sluice::bench
