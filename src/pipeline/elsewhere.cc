// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/elsewhere.h"

#include <utility>

#include "pipeline/stages/steer.h"

namespace sluice::pipeline {

void follow_redirect(Packet& packet, Context& context, Instant now) noexcept {
  const nat::Found found = std::exchange(packet.found, {});
  if (found.direction == nat::Direction::kInbound || packet.redirected) return;
  nat::Session& redirect = context.table.at(found.session);
  redirect.last_seen.set(now.ms);
  packet.redirected = true;
  packet.owner = nat::redirected_to(redirect);
  packet.fate = Fate::kToWorker;
}

bool pass_to(Packet& packet, WorkerId holder, Context& context, Instant now) noexcept {
  if (!packet.redirected && !nat::redirect(context.table, packet.key, holder, now)) return false;
  packet.redirected = true;
  packet.owner = holder;
  packet.fate = Fate::kToWorker;
  return true;
}

bool seek_room_elsewhere(Packet& packet, unsigned visits, Context& context, Instant now) noexcept {
  const unsigned workers = context.owner.workers();
  if (workers == 1 || packet.hops + 1U >= visits) return false;
  ++packet.hops;
  const WorkerId next{static_cast<std::uint8_t>((context.self.value + 1U) % workers)};
  return pass_to(packet, next, context, now);
}

bool is_away_from_home(const Packet& packet, const Context& context) noexcept {
  return packet.redirected && owner_of(packet.key, context) != context.self;
}

void tell_home(const Packet& packet, nat::Notice::What what, Context& context) noexcept {
  const WorkerId home = owner_of(packet.key, context);
  if (home != context.self) context.outbox.push({packet.key, home, context.self, what});
}

}  // namespace sluice::pipeline
