// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/port_allocator.h"

namespace sluice::nat {

PortClasses::PortClasses(const OwnerFunction& owner, std::span<const PortRange> ranges)
    : member_(65536), slice_of_(65536), workers_(owner.workers()) {
  for (const PortRange& range : ranges) {
    for (std::uint32_t number = range.first; number <= range.last; ++number) {
      if (member_[number]) continue;  // ranges may overlap
      member_[number] = true;
      const Be16 port = Be16::from_host(static_cast<std::uint16_t>(number));
      classes_[owner.hash_of_destination_port(port) % kRetaSize].push_back(port);
    }
  }
  for (std::uint32_t number = 0; number < member_.size(); ++number) {
    if (member_[number]) in_order_.push_back(Be16::from_host(static_cast<std::uint16_t>(number)));
  }
  for (unsigned worker = 0; worker < workers_; ++worker) {
    const WorkerId id{static_cast<std::uint8_t>(worker)};
    for (const Be16 port : slice(id)) slice_of_[port.to_host()] = id;
  }
}

std::span<const Be16> PortClasses::slice(WorkerId worker) const noexcept {
  const std::size_t first = in_order_.size() * worker.value / workers_;
  const std::size_t end = in_order_.size() * (worker.value + std::size_t{1}) / workers_;
  return std::span(in_order_).subspan(first, end - first);
}

PortAllocator::PortAllocator(const OwnerFunction& owner, WorkerId self, std::uint64_t seed)
    : owner_(owner), self_(self), random_(seed) {
  const auto reta = owner.reta();
  for (unsigned entry = 0; entry < kRetaSize; ++entry) {
    if (reta[entry] == self) entries_.push_back(static_cast<std::uint8_t>(entry));
  }
}

std::optional<Be16> PortAllocator::choose(const Request& request,
                                          const PortClasses& classes,
                                          FlowTable& table,
                                          Instant now) noexcept {
  // Enough for any fill an egress address should see; beyond it the scan below is exact.
  constexpr unsigned kTries = 8;
  if (entries_.empty()) return std::nullopt;  // more workers than RETA entries
  const std::uint32_t base = owner_.hash(request.reply);
  const auto is_free = [&](Be16 port) {
    FlowKey reply = request.reply;
    reply.destination_port = port;
    return !table.find(reply, now);
  };
  const auto ports_of = [&](std::uint8_t entry) {
    return classes.of((base ^ entry) % kRetaSize);
  };

  if (request.preferred && classes.contains(*request.preferred)) {
    const Be16 port = *request.preferred;
    const std::uint32_t hash = base ^ owner_.hash_of_destination_port(port);
    const bool ours = owner_.reta()[hash % kRetaSize] == owner_.reta()[entries_.front()];
    if (ours && is_free(port)) return port;
  }

  const auto count = static_cast<std::uint32_t>(entries_.size());
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    const auto ports = ports_of(entries_[random_.below(count)]);
    if (ports.empty()) continue;
    const Be16 port = ports[random_.below(static_cast<std::uint32_t>(ports.size()))];
    if (is_free(port)) return port;
  }

  SessionIndex rested_longest = kNoSession;
  Be16 its_port;
  const auto consider = [&](Be16 port) {
    FlowKey reply = request.reply;
    reply.destination_port = port;
    const Found found = table.find(reply, now);
    if (!found || !table.at(found.session).held() || table.is_pinned(found.session)) return;
    const auto idle = [&](SessionIndex session) {
      return now.since(Instant{table.at(session).last_seen.get()});
    };
    if (rested_longest != kNoSession && idle(found.session) <= idle(rested_longest)) return;
    rested_longest = found.session;
    its_port = port;
  };

  const std::uint32_t first_entry = random_.below(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto ports = ports_of(entries_[(first_entry + i) % count]);
    if (ports.empty()) continue;
    const std::uint32_t first = random_.below(static_cast<std::uint32_t>(ports.size()));
    for (std::size_t j = 0; j < ports.size(); ++j) {
      const Be16 port = ports[(first + j) % ports.size()];
      if (is_free(port)) return port;
      if (request.reclaim) consider(port);
    }
  }
  if (rested_longest == kNoSession) return std::nullopt;
  table.erase(rested_longest);
  return its_port;
}

std::optional<Be16> PortAllocator::choose_for_mapping(const Request& request,
                                                      const PortClasses& classes,
                                                      FlowTable& table) noexcept {
  constexpr unsigned kTries = 8;
  const auto is_free = [&](Be16 port) {
    return table.find_mapping_at(request.reply.destination, port, request.reply.protocol) ==
           kNoSession;
  };
  if (request.preferred && classes.contains(*request.preferred) &&
      classes.owner_of(*request.preferred) == self_ && is_free(*request.preferred)) {
    return request.preferred;
  }
  const auto ports = classes.slice(self_);
  if (ports.empty()) return std::nullopt;
  const auto count = static_cast<std::uint32_t>(ports.size());
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    const Be16 port = ports[random_.below(count)];
    if (is_free(port)) return port;
  }
  const std::uint32_t first = random_.below(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Be16 port = ports[(first + i) % count];
    if (is_free(port)) return port;
  }
  return std::nullopt;
}

}  // namespace sluice::nat
