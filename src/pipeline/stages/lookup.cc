// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/lookup.h"

#include <algorithm>

#include "nat/tcp_state.h"
#include "pipeline/elsewhere.h"
#include "pipeline/stages/classify.h"
#include "pipeline/stages/steer.h"

namespace sluice::pipeline {
namespace {

bool wants_session(const Packet& packet) noexcept {
  return packet.live() && (packet.kind == Kind::kFlow || packet.kind == Kind::kIcmpError);
}

/// An error is for whoever sent the packet it quotes; one that goes elsewhere is about no flow.
bool is_addressed_well(const Packet& packet, const nat::SessionIdentity& session) noexcept {
  const bool inbound = packet.found.direction == nat::Direction::kInbound;
  return packet.ipv4().destination == (inbound ? session.snat : session.remote);
}

/// A packet of a known flow that came by another device than the flow's own.
void admit_from_elsewhere(Packet& packet, Context& context, bool translated) noexcept {
  const eni::EniMap& enis = context.enis();
  if (translated && packet.found.direction == nat::Direction::kInbound) {
    return packet.drop(DropReason::kWrongDevice);
  }
  if (!enis.source_may_arrive(packet.in, Ipv4Addr{packet.ipv4().source})) {
    packet.drop(DropReason::kSpoofedSource);
  }
}

/// An error comes from any router on the way, not from the flow's ends: whether its source may
/// arrive, and leave, is another question than the flow's.
void judge_error(Packet& packet, const nat::SessionIdentity& session, Context& context) noexcept {
  const eni::EniMap& enis = context.enis();
  const Ipv4Addr source{packet.ipv4().source};
  const bool becomes_snat =
      session.translated() && packet.found.direction == nat::Direction::kOutbound;
  const bool of_a_pod = enis.about(source).pod_port != kNoDevice;
  const bool outbound = packet.found.direction == nat::Direction::kOutbound;
  if (is_martian(source, Ipv4Addr{packet.ipv4().destination}, enis)) {
    packet.drop(DropReason::kMartianSource);
  } else if (of_a_pod && source != Ipv4Addr{outbound ? session.pod : session.remote}) {
    // What is behind a pod port is no router: it has nothing to say about the flows of others.
    packet.drop(DropReason::kSpoofedSource);
  } else if (!enis.source_may_arrive(packet.in, source)) {
    packet.drop(DropReason::kSpoofedSource);
  } else if (!becomes_snat && !enis.may_emit(packet.out, source)) {
    packet.drop(DropReason::kNoOwner);
  }
}

/// Whether policy would decide a flow today as it did when its session opened.
bool decided_alike(const nat::SessionIdentity& session, const Snapshot& snapshot) noexcept {
  const policy::Decision decision =
      snapshot.policy->decide(Ipv4Addr{session.pod}, Ipv4Addr{session.remote});
  if (!session.translated()) return decision.verdict == policy::Verdict::kPreserve;
  if (decision.verdict != policy::Verdict::kSnat) return false;
  const auto& addresses = snapshot.policy->pools()[decision.pool.value].addresses;
  return std::find(addresses.begin(), addresses.end(), Ipv4Addr{session.snat}) != addresses.end();
}

/// A pod's SYN for another connection on the tuple of one that has ended is a new flow: where
/// policy has changed in between, the old session must not decide for it.
bool is_to_be_judged_anew(const Packet& packet, const Context& context) noexcept {
  constexpr std::uint8_t kDecides = net::kSyn | net::kAck;
  const bool syn = packet.kind == Kind::kFlow && packet.key.protocol == net::kTcp &&
                   (packet.tcp().flags & kDecides) == net::kSyn;
  if (!syn) [[likely]]
    return false;
  const nat::Session& session = context.table.at(packet.found.session);
  if (session.identity.opened_inbound() || (session.identity.flags & nat::kHairpin) != 0) {
    return false;  // policy was never asked
  }
  return nat::tcp_begins_again(session, packet.found.direction,
                               nat::read_segment(packet.tcp(), packet.l4_length)) &&
         !decided_alike(session.identity, *context.snapshot);
}

/// Of a session that is none of ours to translate here, or no more.
[[nodiscard]] bool is_left_aside(Packet& packet,
                                 std::span<Packet* const> packets,
                                 Burst& burst,
                                 Context& context) noexcept {
  if (packet.unsteered && goes_by_its_home(packet, context) && !steer(packet, context)) return true;
  if (is_redirect(packet, context)) [[unlikely]] {
    follow_redirect(packet, context, burst.now());
    return true;
  }
  if (!is_to_be_judged_anew(packet, context)) [[likely]]
    return false;
  // Unless other packets of this burst still need the old session.
  const auto users = std::count_if(packets.begin(), packets.end(), [&](const Packet* other) {
    return other->found.session == packet.found.session;
  });
  if (users != 1) return false;
  context.table.erase(packet.found.session, burst.now());
  packet.found = {};
  return true;
}

[[gnu::always_inline]] inline void route(Packet& packet,
                                         const nat::Session& session,
                                         const Context& context) noexcept {
  packet.adjacency = session.adjacency_id(packet.found.direction);
  packet.out = context.neighbours.device(packet.adjacency);
  if (packet.out == kNoDevice) [[unlikely]]
    packet.drop(DropReason::kNoOwner);
}

[[gnu::always_inline]] inline void take_in(Packet& packet, Context& context) noexcept {
  const nat::Session& session = context.table.at(packet.found.session);
  const nat::Direction direction = packet.found.direction;
  const bool translated = session.identity.translated();
  const bool error = packet.kind == Kind::kIcmpError;
  if (error) [[unlikely]] {
    if (!is_addressed_well(packet, session.identity)) return packet.drop(DropReason::kNoSession);
  }
  // Where the other direction leaves is where this one comes in.
  const nat::AdjacencyId from = session.adjacency_id(nat::opposite(direction));
  if (context.neighbours.device(from) != packet.in) [[unlikely]] {
    admit_from_elsewhere(packet, context, translated);
    if (!packet.live()) return;
  }
  packet.verdict = !translated                              ? Verdict::kPreserve
                   : direction == nat::Direction::kOutbound ? Verdict::kSnat
                                                            : Verdict::kUnsnat;
  packet.decision.rule = session.identity.rule_id();
  route(packet, session, context);
  if (error && packet.live()) [[unlikely]]
    judge_error(packet, session.identity, context);
}

}  // namespace

void admit(Packet& packet, Context& context) noexcept { take_in(packet, context); }

void admit(std::span<Packet* const> packets, Burst& burst, Context& context) noexcept {
  for (Packet* packet : packets) {
    if (!packet->found || is_left_aside(*packet, packets, burst, context)) [[unlikely]] {
      const bool missed = packet->live() && !packet->found;
      if (missed && packet->unsteered) steer_what_nic_brought(*packet, context);
      burst.note_missed();
    } else {
      take_in(*packet, context);
    }
  }
}

void take_route(Packet& packet, Context& context) noexcept {
  route(packet, context.table.at(packet.found.session), context);
}

void Lookup::process(Burst& burst) noexcept {
  std::size_t count = 0;
  for (Packet& packet : burst) {
    if (!wants_session(packet)) [[unlikely]] {
      if (packet.live()) burst.note_missed();  // IPv6 has none
      continue;
    }
    keys_[count] = packet.key;
    wanting_[count++] = &packet;
  }
  context_.table.find_burst({keys_.data(), count}, burst.now(), {found_.data(), count});
  for (std::size_t i = 0; i < count; ++i) wanting_[i]->found = found_[i];
  admit({wanting_.data(), count}, burst, context_);
}

}  // namespace sluice::pipeline
