// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/sessions.h"

#include <fmt/format.h>

#include <bit>
#include <stdexcept>

#include "support/path.h"

namespace sluice::bench {

using nat::Direction;

Sessions::Sessions(std::uint32_t count)
    : count_(count), worker_({.capacity = std::bit_ceil(count)}), external_ports_(count) {
  open();
}

/// A first packet of each flow through the path; the port that it got stands in its header.
void Sessions::open() {
  NatPath<pipeline::EgressPipeline> path(worker_.context());
  FramePool pool(pipeline::kBurstSize);
  const auto frames = pool.frames();
  for (std::uint32_t first = 0; first < count_; first += pipeline::kBurstSize) {
    const auto size = std::min<std::size_t>(pipeline::kBurstSize, count_ - first);
    for (std::uint32_t i = 0; i < size; ++i) {
      FramePool::write(*frames[i], OneWorker::macs_into(kInner), flow(first + i));
    }
    if (path.run(frames.first(size), kInner) != size) {
      throw std::runtime_error(fmt::format("a session is refused after {}", first));
    }
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto* data = rte_pktmbuf_mtod(frames[i], const std::uint8_t*);
      external_ports_[first + i] = net::header_at<net::UdpHeader>(data + kL4At).source_port;
    }
  }
}

nat::FlowKey Sessions::key(std::uint32_t number, Direction direction) const noexcept {
  const nat::FlowKey outbound = flow(number);
  if (direction == Direction::kOutbound) return outbound;
  return {outbound.destination,      OneWorker::snat_address().wire(),
          outbound.destination_port, external_ports_[number],
          outbound.protocol,         {}};
}

const HashIndex& Sessions::hash_index() {
  if (hash_index_) return *hash_index_;
  hash_index_ = std::make_unique<HashIndex>(count_);
  for (std::uint32_t number = 0; number < count_; ++number) {
    for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
      const nat::FlowKey flow_key = key(number, direction);
      if (!hash_index_->add(flow_key, worker_.table().find(flow_key, kNow))) {
        throw std::runtime_error(fmt::format("rte_hash is full after {} sessions", number));
      }
    }
  }
  return *hash_index_;
}

Sessions& Sessions::kept(std::uint32_t count) {
  static std::unique_ptr<Sessions> last;
  if (last == nullptr || last->count() != count) {
    last.reset();
    last = std::make_unique<Sessions>(count);
  }
  return *last;
}

Traffic::Traffic(const Sessions& sessions, Flow flow, const nat::OwnerFunction* owner)
    : sessions_(sessions), flow_(flow), owner_(owner) {}

Direction Traffic::direction(unsigned number) const {
  if (flow_ == Flow::kBoth) return number % 2 == 0 ? Direction::kOutbound : Direction::kInbound;
  return flow_ == Flow::kOutbound ? Direction::kOutbound : Direction::kInbound;
}

DeviceId Traffic::device(unsigned number) const {
  return direction(number) == Direction::kOutbound ? kInner : kUplink;
}

std::span<rte_mbuf* const> Traffic::burst(unsigned number) const {
  return pool_.frames().subspan(number * pipeline::kBurstSize, pipeline::kBurstSize);
}

nat::FlowKey Traffic::draw(Direction direction) noexcept {
  for (;;) {
    const nat::FlowKey key = sessions_.key(dice_.below(sessions_.count()), direction);
    if (owner_ == nullptr || owner_->owner(owner_->hash(key)) == WorkerId{0}) return key;
  }
}

void Traffic::refill() noexcept {
  for (unsigned number = 0; number < kBursts; ++number) {
    const Macs macs = OneWorker::macs_into(device(number));
    for (rte_mbuf* frame : burst(number)) {
      const nat::FlowKey key = draw(direction(number));
      FramePool::write(*frame, macs, key);
      if (owner_ == nullptr) continue;
      frame->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
      frame->hash.rss = owner_->hash(key);
    }
  }
}

}  // namespace sluice::bench
