// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/port_allocator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace sluice::nat {
namespace {

constexpr std::array<std::uint8_t, kPortClasses> kEveryEntry = [] {
  std::array<std::uint8_t, kPortClasses> entries{};
  std::iota(entries.begin(), entries.end(), std::uint8_t{0});
  return entries;
}();

/// A remote is crowded at some ten thousand sessions of one table, or where the ports are few.
unsigned maps_for(std::uint32_t capacity) {
  constexpr std::uint32_t kSessionsPerMap = 8192;
  return std::clamp(capacity / kSessionsPerMap, 16U, 1024U);
}

/// The place of the n-th bit that is set, counted from 0.
unsigned nth_bit(std::uint64_t word, unsigned n) noexcept {
  while (n-- != 0) word &= word - 1;
  return static_cast<unsigned>(std::countr_zero(word));
}

}  // namespace

PortAllocator::PortAllocator(const OwnerFunction& owner,
                             WorkerId self,
                             FlowTable& table,
                             std::uint64_t seed)
    : owner_(owner),
      table_(table),
      self_(self),
      random_(seed),
      crowded_(owner.layout(), maps_for(table.capacity()), seed) {
  const auto reta = owner.reta();
  for (unsigned entry = 0; entry < kRetaSize; ++entry) {
    if (reta[entry] == self) entries_.push_back(static_cast<std::uint8_t>(entry));
  }
  table.report_to(&crowded_);
  table.belong_to(self, owner);
}

bool PortAllocator::is_free(const FlowKey& reply, Be16 port, Instant now) noexcept {
  FlowKey key = reply;
  key.destination_port = port;
  ++lookups_;
  return table_.holder_of(key, now) == kNoSession;
}

/// Whether the port that the flow would keep is one of ours.
bool PortAllocator::may_keep(const Request& request,
                             const PortClasses& classes,
                             std::uint32_t base) const noexcept {
  if (!request.preferred || !classes.contains(*request.preferred)) return false;
  return owner_.owner(base ^ owner_.hash_of_destination_port(*request.preferred)) == self_;
}

/// Any port of any of our classes; nothing where that class has none that is allowed.
std::optional<Be16> PortAllocator::draw_of(std::uint32_t base,
                                           const PortClasses& classes) noexcept {
  const auto entry = entries_[random_.below(static_cast<std::uint32_t>(entries_.size()))];
  const auto ports = classes.of((base ^ entry) % kPortClasses);
  if (ports.empty()) return std::nullopt;
  return ports[random_.below(static_cast<std::uint32_t>(ports.size()))];
}

PortAllocator::Drawn PortAllocator::draw(const Request& request,
                                         const PortClasses& classes) noexcept {
  Drawn drawn{owner_.hash(request.reply), std::nullopt};
  if (entries_.empty()) return drawn;
  FlowKey key = request.reply;
  if (may_keep(request, classes, drawn.base)) {
    key.destination_port = *request.preferred;
  } else {
    drawn.port = draw_of(drawn.base, classes);
    if (!drawn.port) return drawn;
    key.destination_port = *drawn.port;
  }
  table_.prefetch(key);
  return drawn;
}

std::optional<Be16> PortAllocator::choose(const Request& request,
                                          const PortClasses& classes,
                                          Instant now) noexcept {
  // At half of all ports in use one flow in 256 finds none this way.
  constexpr unsigned kTries = 8;
  if (entries_.empty()) return std::nullopt;  // more workers than RETA entries
  const std::uint32_t base = request.drawn ? request.drawn->base : owner_.hash(request.reply);
  const Choice choice{request.reply, classes.bits(), base, entries_};

  if (may_keep(request, classes, choice.base) && is_free(request.reply, *request.preferred, now)) {
    return request.preferred;
  }
  if (request.reclaim) {
    const std::optional<Be16> free = from_map(choice, now);
    return free ? free : reclaim(choice, now);
  }
  if (crowded_.find(RemoteSide::of(request.reply)) == nullptr) {
    std::optional<Be16> port;
    if (request.drawn) port = request.drawn->port;
    for (unsigned attempt = 0; attempt < kTries; ++attempt) {
      if (!port) port = draw_of(choice.base, classes);
      if (port && is_free(request.reply, *port, now)) return port;
      port.reset();
    }
  }
  return from_map(choice, now);
}

std::optional<Be16> PortAllocator::choose_for_mapping(const Request& request,
                                                      const PortClasses& classes,
                                                      Instant now) noexcept {
  constexpr unsigned kTries = 8;
  if (request.preferred && classes.contains(*request.preferred) &&
      classes.owner_of(*request.preferred) == self_ &&
      is_free(request.reply, *request.preferred, now)) {
    return request.preferred;
  }
  const auto ports = classes.slice(self_);
  if (ports.empty()) return std::nullopt;
  if (crowded_.find(RemoteSide::of(request.reply)) == nullptr) {
    for (unsigned attempt = 0; attempt < kTries; ++attempt) {
      const Be16 port = ports[random_.below(static_cast<std::uint32_t>(ports.size()))];
      if (is_free(request.reply, port, now)) return port;
    }
  }
  return from_map({request.reply, classes.slice_bits(self_), 0, kEveryEntry}, now);
}

// --- crowded remotes -------------------------------------------------------------------------

std::optional<Be16> PortAllocator::from_map(const Choice& choice, Instant now) noexcept {
  const RemoteSide side = RemoteSide::of(choice.reply);
  PortMap* known = crowded_.find(side);
  if (known == nullptr && crowded_.is_known_full(side, now)) return std::nullopt;
  PortMap& map = known != nullptr ? *known : crowded_.add(side, now);
  map.asked = true;
  if (!map.full) {
    if (const auto port = pick(map, choice, now)) return port;
    map.full = true;
  }
  check(map, choice, now);
  if (!map.full) return pick(map, choice, now);
  if (map.held_in_all == 0) crowded_.note_full(side, now);
  return std::nullopt;
}

std::optional<Be16> PortAllocator::pick(PortMap& map, const Choice& choice, Instant now) noexcept {
  const std::size_t count = choice.entries.size();
  const std::uint32_t first = random_.below(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned number = choice.class_at((first + i) % count);
    if (!map.known[number]) learn(map, choice, number, now);
    if (const auto port = pick_of_class(map, choice, number)) return port;
  }
  return std::nullopt;
}

/// Any of the free ports of a class, each as likely.
std::optional<Be16> PortAllocator::pick_of_class(const PortMap& map,
                                                 const Choice& choice,
                                                 unsigned number) noexcept {
  const PortLayout& layout = owner_.layout();
  const unsigned begin = layout.first(number) / 64;
  const unsigned end = layout.end(number) / 64;
  const auto free_in = [&](unsigned word) {
    return choice.allowed.word(word) & ~map.used.word(word);
  };
  unsigned free = 0;
  for (unsigned word = begin; word < end; ++word) {
    free += static_cast<unsigned>(std::popcount(free_in(word)));
  }
  if (free == 0) return std::nullopt;
  unsigned wanted = random_.below(free);
  for (unsigned word = begin;; ++word) {
    const auto here = static_cast<unsigned>(std::popcount(free_in(word)));
    if (wanted < here) return layout.port_at(word * 64 + nth_bit(free_in(word), wanted));
    wanted -= here;
  }
}

/// Calls visit(place, holder) for every port of a class that the map says is used, or, of a class
/// it does not know, that may be chosen, with the session or mapping that holds it now, or
/// kNoSession. Their buckets are fetched together.
template <typename Visit>
void PortAllocator::visit_holders(
    const PortMap& map, const Choice& choice, unsigned number, Instant now, Visit visit) noexcept {
  constexpr std::uint32_t kAtOnce = 32;
  const PortLayout& layout = owner_.layout();
  const PortBits& of_interest = map.known[number] ? map.used : choice.allowed;
  std::array<FlowKey, kAtOnce> keys;
  for (std::uint32_t at = layout.first(number); at < layout.end(number); at += kAtOnce) {
    auto wanted = static_cast<std::uint32_t>(of_interest.word(at / 64) >> (at % 64));
    for (std::uint32_t rest = wanted; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(rest));
      keys[i] = choice.reply;
      keys[i].destination_port = layout.port_at(at + i);
      table_.prefetch(keys[i]);
    }
    lookups_ += static_cast<unsigned>(std::popcount(wanted));
    for (; wanted != 0; wanted &= wanted - 1) {
      const auto i = static_cast<unsigned>(std::countr_zero(wanted));
      visit(at + i, table_.holder_of(keys[i], now));
    }
  }
}

/// Learns the ports of a class that may be chosen.
void PortAllocator::learn(PortMap& map,
                          const Choice& choice,
                          unsigned number,
                          Instant now) noexcept {
  const PortLayout& layout = owner_.layout();
  map.used.clear_words(layout.first(number) / 64, layout.end(number) / 64);
  visit_holders(map, choice, number, now, [&](std::uint32_t place, SessionIndex holder) {
    if (holder == kNoSession) return;
    map.used.set(place);
    if (!table_.at(holder).held()) return;
    ++map.held[number];
    ++map.held_in_all;
  });
  map.known[number] = true;
}

/// A full map counts sessions past their time until the sweep meets them. So that none of them
/// refuses a flow, some are looked at first: few ports all of them, many in turn. Once that is in
/// vain it waits for the next millisecond, so that refusing many flows stays cheap.
void PortAllocator::check(PortMap& map, const Choice& choice, Instant now) noexcept {
  constexpr unsigned kEnough = 512;
  if (map.checked_at == now) return;
  const std::size_t count = choice.entries.size();
  unsigned looked = 0;
  for (std::size_t i = 0; i < count && looked < kEnough; ++i) {
    map.checked = static_cast<unsigned>((map.checked + 1) % count);
    // What has ended is taken off the map by the table's report.
    visit_holders(map, choice, choice.class_at(map.checked), now,
                  [&](std::uint32_t, SessionIndex) { ++looked; });
  }
  if (map.full) map.checked_at = now;
}

// --- ports that rest -------------------------------------------------------------------------

std::optional<Be16> PortAllocator::reclaim(const Choice& choice, Instant now) noexcept {
  const PortMap* map = crowded_.find(RemoteSide::of(choice.reply));
  if (map == nullptr || map->held_in_all == 0) return std::nullopt;
  const SessionIndex session = rested_longest(*map, choice, now);
  if (session == kNoSession) return std::nullopt;
  const Be16 port = table_.at(session).identity.snat_port;
  table_.erase(session, now);
  return port;
}

/// Sessions rest in the order they ended, so the first that rests towards this remote is the one.
/// Where others stand before it in great number, the longest silent of a part of them serves.
SessionIndex PortAllocator::rested_longest(const PortMap& map,
                                           const Choice& choice,
                                           Instant now) noexcept {
  constexpr unsigned kSteps = 512;
  const PortLayout& layout = owner_.layout();
  const auto serves = [&](SessionIndex index) {
    return !table_.is_pinned(index) &&
           choice.allowed.has(layout.place_of(table_.at(index).identity.snat_port));
  };
  const HeldSessions& resting = table_.held_sessions();
  SessionIndex index = resting.oldest();
  for (unsigned step = 0; step < kSteps && index != kNoSession; ++step) {
    if (RemoteSide::of(table_.at(index).identity) == map.side && serves(index)) return index;
    index = resting.younger(index);
  }
  SessionIndex best = kNoSession;
  unsigned looked = 0;
  const auto idle = [&](SessionIndex of) {
    return now.since(Instant{table_.at(of).last_seen.get()});
  };
  for (std::size_t i = 0; i < choice.entries.size() && (best == kNoSession || looked < kSteps);
       ++i) {
    const unsigned number = choice.class_at(i);
    if (!map.known[number] || map.held[number] == 0) continue;
    visit_holders(map, choice, number, now, [&](std::uint32_t, SessionIndex holder) {
      ++looked;
      if (holder == kNoSession || !table_.at(holder).held() || !serves(holder)) return;
      if (best == kNoSession || idle(holder) > idle(best)) best = holder;
    });
  }
  return best;
}

}  // namespace sluice::nat
