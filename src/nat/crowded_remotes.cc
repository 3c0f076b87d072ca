// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/crowded_remotes.h"

#include <algorithm>
#include <bit>

namespace sluice::nat {
namespace {

/// A map is worth its while from some thousand ports on. Towards remotes of fewer, of which a table
/// may hold as many more, not more than these few ports have to be looked up.
constexpr unsigned kFullAMap = 32;

}  // namespace

CrowdedRemotes::CrowdedRemotes(const PortLayout& layout, unsigned most, std::uint64_t seed)
    : layout_(layout),
      hash_(seed),
      most_(std::clamp(most, 1U, unsigned{kNone})),
      maps_(std::make_unique_for_overwrite<PortMap[]>(most_)),
      chains_(std::bit_ceil(most_ * 2), kNone),
      full_(std::bit_ceil(most_ * kFullAMap)) {}

std::uint16_t& CrowdedRemotes::chain_of(const RemoteSide& side) noexcept {
  return chains_[hash_of(side) & (chains_.size() - 1)];
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
  if (!used) forget_full(RemoteSide::of(session));
  PortMap* map = find(RemoteSide::of(session));
  if (map == nullptr || !map->known[layout_.class_of(session.snat_port)]) return;
  const std::uint32_t place = layout_.place_of(session.snat_port);
  if (used) return map->used.set(place);
  map->used.clear(place);
  map->full = false;
}

void CrowdedRemotes::note_held(const SessionIdentity& session, bool held) noexcept {
  if (held) forget_full(RemoteSide::of(session));
  PortMap* map = find(RemoteSide::of(session));
  const unsigned number = layout_.class_of(session.snat_port);
  if (map == nullptr || !map->known[number]) return;
  if (!map->used.has(layout_.place_of(session.snat_port))) return;  // from before a reload
  const auto change = held ? 1 : -1;
  map->held[number] = static_cast<std::uint16_t>(map->held[number] + change);
  map->held_in_all += static_cast<std::uint32_t>(change);
}

void CrowdedRemotes::note_full(const RemoteSide& side, Instant now) noexcept {
  full_[place_in_full(side)] = {side, now};
}

bool CrowdedRemotes::is_known_full(const RemoteSide& side, Instant now) const noexcept {
  constexpr std::int32_t kFor = 100;  // ms
  const Full& full = full_[place_in_full(side)];
  return full.side == side && now.since(full.since) < kFor;
}

void CrowdedRemotes::forget_full(const RemoteSide& side) noexcept {
  Full& full = full_[place_in_full(side)];
  if (full.side == side) full = {};
}

void CrowdedRemotes::forget() noexcept {
  for (unsigned i = 0; i < count_.get(); ++i) {
    PortMap& map = maps_[i];
    map.known.fill(false);
    map.held.fill(0);
    map.held_in_all = 0;
    map.full = false;
  }
  std::fill(full_.begin(), full_.end(), Full{});
}

}  // namespace sluice::nat
