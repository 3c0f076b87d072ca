// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/crowded_remotes.h"

#include <algorithm>
#include <bit>

namespace sluice::nat {

CrowdedRemotes::CrowdedRemotes(const PortLayout& layout, unsigned most)
    : layout_(layout),
      most_(std::clamp(most, 1U, unsigned{kNone})),
      maps_(std::make_unique_for_overwrite<PortMap[]>(most_)),
      chains_(std::bit_ceil(most_ * 2), kNone) {}

std::uint16_t& CrowdedRemotes::chain_of(const RemoteSide& side) noexcept {
  std::uint64_t hash = (std::uint64_t{side.remote.raw()} << 32 | side.snat.raw()) ^
                       (std::uint64_t{side.remote_port.raw()} << 16 | side.protocol);
  hash *= 0x9e3779b97f4a7c15ULL;
  return chains_[(hash >> 32) & (chains_.size() - 1)];
}

PortMap* CrowdedRemotes::find(const RemoteSide& side) noexcept {
  if (!any()) return nullptr;
  for (std::uint16_t i = chain_of(side); i != kNone; i = maps_[i].next) {
    if (maps_[i].side == side) return &maps_[i];
  }
  return nullptr;
}

/// A map of the pool that is in no chain.
std::uint16_t CrowdedRemotes::take_page() noexcept {
  if (count_.get() < most_) {
    const auto fresh = static_cast<std::uint16_t>(count_.get());
    count_.add(1);
    return fresh;
  }
  while (maps_[hand_].asked) {
    maps_[hand_].asked = false;
    hand_ = (hand_ + 1) % most_;
  }
  const auto taken = static_cast<std::uint16_t>(hand_);
  hand_ = (hand_ + 1) % most_;
  std::uint16_t* link = &chain_of(maps_[taken].side);
  while (*link != taken) link = &maps_[*link].next;
  *link = maps_[taken].next;
  given_way_.add(1);
  return taken;
}

PortMap& CrowdedRemotes::add(const RemoteSide& side, Instant now) noexcept {
  const std::uint16_t page = take_page();
  PortMap& map = maps_[page];
  std::uint16_t& chain = chain_of(side);
  map.side = side;
  map.known.fill(false);  // the bits of a class are cleared when it is learnt
  map.held.fill(0);
  map.held_in_all = 0;
  map.full = false;
  map.asked = true;
  map.checked = 0;
  map.checked_at = Instant{now.ms - 1};
  map.next = chain;
  chain = page;
  return map;
}

void CrowdedRemotes::note_used(const SessionIdentity& session, bool used) noexcept {
  PortMap* map = find(RemoteSide::of(session));
  if (map == nullptr || !map->known[layout_.class_of(session.snat_port)]) return;
  const std::uint32_t place = layout_.place_of(session.snat_port);
  if (used) return map->used.set(place);
  map->used.clear(place);
  map->full = false;
}

void CrowdedRemotes::note_held(const SessionIdentity& session, bool held) noexcept {
  PortMap* map = find(RemoteSide::of(session));
  const unsigned number = layout_.class_of(session.snat_port);
  if (map == nullptr || !map->known[number]) return;
  const auto change = held ? 1 : -1;
  map->held[number] = static_cast<std::uint16_t>(map->held[number] + change);
  map->held_in_all += static_cast<std::uint32_t>(change);
}

void CrowdedRemotes::forget_full() noexcept {
  for (unsigned i = 0; i < count_.get(); ++i) maps_[i].full = false;
}

}  // namespace sluice::nat
