// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/tap.h"

#include <rte_cycles.h>

#include <algorithm>

namespace sluice::gateway {
namespace {

/// Null: none is at hand. Not by the packet's kind, which a malformed one was never given.
const net::Ipv4Header* ipv4_of(const pipeline::Packet& packet) noexcept {
  constexpr std::size_t kHeaders = sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header);
  if (packet.contiguous < kHeaders || packet.ethernet().type.to_host() != net::kEtherTypeIpv4)
    return nullptr;
  return &packet.ipv4();
}

bool has_flow(const pipeline::Packet& packet) noexcept {
  return packet.kind == pipeline::Kind::kFlow || packet.kind == pipeline::Kind::kIcmpError;
}

void copy(const pipeline::Packet& packet,
          unsigned stage,
          std::uint32_t number,
          TapRecord& record) noexcept {
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
}

}  // namespace

bool TapFilter::protocol_fits(const pipeline::Packet& packet) const noexcept {
  const net::Ipv4Header* ip = ipv4_of(packet);
  return !protocol || (ip != nullptr && ip->protocol == *protocol);
}

bool TapFilter::address_fits(const pipeline::Packet& packet,
                             const nat::FlowTable& table) const noexcept {
  if (!address) return true;
  const auto either = [this](Be32 one, Be32 other) { return one == *address || other == *address; };
  const net::Ipv4Header* ip = ipv4_of(packet);
  if (ip == nullptr) return false;
  if (either(ip->source, ip->destination)) return true;
  if (!has_flow(packet)) return false;
  if (either(packet.key.source, packet.key.destination)) return true;
  if (!packet.found) return false;
  const nat::SessionIdentity& session = table.at(packet.found.session).identity;
  return session.is_session() && either(session.pod, session.snat);
}

Tap::Tap(Mode mode, const TapFilter& filter, std::uint32_t packets)
    : mode_(mode), filter_(filter), left_(packets) {
  constexpr unsigned kRecords = 1024;
  const ssize_t bytes = rte_ring_get_memsize_elem(kSize, kRecords);
  memory_.reset(static_cast<std::byte*>(
      ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{RTE_CACHE_LINE_SIZE})));
  rte_ring_init(ring(), "tap", kRecords, RING_F_SP_ENQ | RING_F_SC_DEQ);
  if (filter_.address) {
    held_ = std::make_unique_for_overwrite<TapRecord[]>(pipeline::kBurstSize * pipeline::kStages);
  }
}

template <typename Fill>
void Tap::put(Fill fill) noexcept {
  rte_ring_zc_data place{};
  if (rte_ring_enqueue_zc_bulk_elem_start(ring(), kSize, 1, &place, nullptr) == 0) {
    lost_.add(1);
    return;
  }
  fill(*static_cast<TapRecord*>(place.ptr1));
  rte_ring_enqueue_zc_finish(ring(), 1);
}

void Tap::after(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  if (stage == 0) begin(burst, table);
  if (stage != 0 && open_ != 0) decide(stage, burst, table);
  if ((chosen_ | open_) == 0 || !looks_at(stage)) return;
  for (unsigned i = 0; i < burst.size(); ++i) {
    if ((chosen_ >> i & 1U) != 0) {
      put([&](TapRecord& record) { copy(burst[i], stage, first_ + i, record); });
    } else if ((open_ >> i & 1U) != 0) {
      copy(burst[i], stage, first_ + i, held(i, stage));
    }
  }
}

void Tap::begin(pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  chosen_ = open_ = 0;
  first_ += pipeline::kBurstSize;
  for (unsigned i = 0; i < burst.size() && left_ > 0; ++i) {
    if (!filter_.takes_all() && !filter_.protocol_fits(burst[i])) continue;
    const bool chosen = filter_.address_fits(burst[i], table);
    (chosen ? chosen_ : open_) |= 1U << i;
    left_ -= chosen ? 1 : 0;
  }
}

void Tap::decide(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  for (unsigned i = 0; i < burst.size() && left_ > 0; ++i) {
    if ((open_ >> i & 1U) == 0 || !filter_.address_fits(burst[i], table)) continue;
    open_ &= ~(1U << i);
    chosen_ |= 1U << i;
    --left_;
    for (unsigned before = 0; before < stage; ++before) {
      if (!looks_at(before)) continue;
      put([&](TapRecord& record) { record = held(i, before); });
    }
  }
}

}  // namespace sluice::gateway
