// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/tap.h"

#include <rte_cycles.h>

#include <algorithm>

#include "gateway/frame_tag.h"

namespace sluice::gateway {
namespace {

/// Null: none is at hand. Not by the packet's kind, which a malformed one was never given.
template <typename Header>
const Header* header_of(const pipeline::Packet& packet, std::uint16_t type) noexcept {
  constexpr std::size_t kHeaders = sizeof(net::EthernetHeader) + sizeof(Header);
  if (packet.contiguous < kHeaders || packet.ethernet().type.to_host() != type) return nullptr;
  return &net::header_at<Header>(packet.frame + sizeof(net::EthernetHeader));
}
const net::Ipv4Header* ipv4_of(const pipeline::Packet& packet) noexcept {
  return header_of<net::Ipv4Header>(packet, net::kEtherTypeIpv4);
}
const net::Ipv6Header* ipv6_of(const pipeline::Packet& packet) noexcept {
  return header_of<net::Ipv6Header>(packet, net::kEtherTypeIpv6);
}

bool has_flow(const pipeline::Packet& packet) noexcept {
  return packet.kind == pipeline::Kind::kFlow || packet.kind == pipeline::Kind::kIcmpError;
}

}  // namespace

bool TapFilter::protocol_fits(const pipeline::Packet& packet) const noexcept {
  if (!protocol) return true;
  if (const net::Ipv4Header* ip = ipv4_of(packet)) return ip->protocol == *protocol;
  const net::Ipv6Header* ip = ipv6_of(packet);
  return ip != nullptr && ip->next_header == *protocol;
}

bool TapFilter::address_fits(const pipeline::Packet& packet,
                             const nat::FlowTable& table) const noexcept {
  if (!address) return true;
  if (!address->is_v4()) {
    const net::Ipv6Header* ip = ipv6_of(packet);
    return ip != nullptr &&
           (Ipv6Addr{ip->source} == address->v6() || Ipv6Addr{ip->destination} == address->v6());
  }
  const Be32 wanted = address->v4().wire();
  const auto either = [wanted](Be32 one, Be32 other) { return one == wanted || other == wanted; };
  const net::Ipv4Header* ip = ipv4_of(packet);
  if (ip == nullptr) return false;
  if (either(ip->source, ip->destination)) return true;
  if (!has_flow(packet)) return false;
  if (either(packet.key.source, packet.key.destination)) return true;
  if (!packet.found) return false;
  const nat::SessionIdentity& session = table.at(packet.found.session).identity;
  return session.is_session() && either(session.pod, session.snat);
}

Tap::Tap(Mode mode, const TapFilter& filter, std::uint32_t packets, WorkerId self, unsigned workers)
    : mode_(mode),
      filter_(filter),
      left_(packets),
      self_(self),
      next_(self.value + 1U),
      step_(workers) {
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

void Tap::copy(const pipeline::Packet& packet,
               unsigned place,
               unsigned stage,
               TapRecord& record) const noexcept {
  record.cycles = rte_rdtsc();
  record.packet = numbers_[place];
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
  record.cut = packet.cut;
  record.followed = (followed_ >> place & 1U) != 0;
  record.worker = self_;
  const std::size_t count =
      std::min<std::size_t>({packet.contiguous, packet.length, TapRecord::kBytes});
  std::copy_n(packet.frame, count, record.bytes.data());
  record.captured = static_cast<std::uint16_t>(count);
}

void Tap::after(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  if (stage == 0) begin(burst, table);
  if (stage != 0 && open_ != 0) decide(stage, burst, table);
  if ((chosen_ | open_) == 0 || !looks_at(stage)) return;
  for (unsigned i = 0; i < burst.size(); ++i) {
    if ((chosen_ >> i & 1U) != 0) {
      put([&](TapRecord& record) { copy(burst[i], i, stage, record); });
    } else if ((open_ >> i & 1U) != 0) {
      copy(burst[i], i, stage, held(i, stage));
    }
  }
}

void Tap::choose(unsigned place) noexcept {
  chosen_ |= 1U << place;
  numbers_[place] = next_;
  next_ += step_;
  --left_;
}

void Tap::begin(pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  chosen_ = open_ = followed_ = 0;
  for (unsigned i = 0; i < burst.size(); ++i) {
    const pipeline::Packet& packet = burst[i];
    numbers_[i] = packet.steered ? tag(packet.buffer).recorded : 0;
    if (numbers_[i] != 0) {
      chosen_ |= 1U << i;
      followed_ |= 1U << i;
      continue;
    }
    if (left_ == 0 || !filter_.protocol_fits(packet)) continue;
    const bool fits = filter_.address_fits(packet, table);
    if (!fits) {
      open_ |= 1U << i;
    } else if (!packet.steered) {  // or whoever received it has seen it as it came, and had enough
      choose(i);
    }
  }
}

void Tap::decide(unsigned stage, pipeline::Burst& burst, const nat::FlowTable& table) noexcept {
  for (unsigned i = 0; i < burst.size() && left_ > 0; ++i) {
    if ((open_ >> i & 1U) == 0 || !filter_.address_fits(burst[i], table)) continue;
    open_ &= ~(1U << i);
    choose(i);
    for (unsigned before = 0; before < stage; ++before) {
      if (!looks_at(before)) continue;
      put([&](TapRecord& record) {
        record = held(i, before);
        record.packet = numbers_[i];
      });
    }
  }
}

}  // namespace sluice::gateway
