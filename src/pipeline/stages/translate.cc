// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/translate.h"

#include "nat/icmp_error.h"
#include "nat/rewrite.h"
#include "nat/tcp_state.h"
#include "pipeline/stages/allocate.h"
#include "pipeline/stages/lookup.h"

namespace sluice::pipeline {
namespace {

using nat::Direction;

/// UDP may be told that only the pod's packets keep a session alive (RFC 4787 REQ-6).
[[gnu::always_inline]] inline bool refreshes(const nat::Session& session,
                                             Direction direction,
                                             const Context& context) noexcept {
  return direction == Direction::kOutbound || session.identity.protocol != net::kUdp ||
         context.snapshot->config.flows.udp_refresh == config::UdpRefresh::kBoth;
}

/// Takes a segment into account; false: it is no sign of life.
[[gnu::noinline]] bool track(Packet& packet, nat::Session& session, Context& context) noexcept {
  const Direction direction = packet.found.direction;
  const nat::TcpSegment segment = nat::read_segment(packet.tcp(), packet.l4_length);
  const nat::SessionState before = session.state();
  const bool held = session.held();
  bool restarts = false;
  if (segment.has(net::kSyn) && session.identity.translated()) [[unlikely]] {
    const nat::SessionIndex index = packet.found.session;
    if (const auto late = nat::tcp_late_syn(session, direction, segment)) {
      context.late_syns.note(index, *late);
    } else if (segment.has(net::kAck) && !segment.has(net::kRst) &&
               (direction == Direction::kOutbound) == session.identity.opened_inbound()) {
      const auto syn = context.late_syns.answered(index, segment.acknowledgment);
      if (syn) nat::tcp_restart(session, direction, segment, *syn);
      restarts = syn.has_value();
    }
  }
  if (!session.identity.translated()) {
    nat::tcp_track_preserved(session, direction, segment);
  } else if (!restarts) {
    nat::tcp_track(session, direction, segment);
  }
  if (session.held() != held) [[unlikely]] {
    context.table.note_held(packet.found.session, !held);
  }
  // RFC 7857 7.1: an RST keeps nothing alive. With one that ends the connection its last time
  // begins.
  return !segment.has(net::kRst) || session.state() != before;
}

[[gnu::always_inline]] inline void keep(Packet& packet,
                                        nat::Session& session,
                                        Context& context,
                                        Instant now) noexcept {
  const Direction direction = packet.found.direction;
  const bool tcp = session.identity.protocol == net::kTcp && !packet.first;
  const bool alive = !tcp || track(packet, session, context);
  if (alive && refreshes(session, direction, context)) session.last_seen.set(now.ms);
  session.packets.add(1);
  session.bytes[nat::Session::index(direction)].add(packet.ip_length());
}

[[gnu::always_inline]] inline void translate(Packet& packet,
                                             const nat::SessionIdentity& session) noexcept {
  if (!session.translated()) return;
  if (packet.kind == Kind::kIcmpError) {
    return nat::rewrite_error(session, packet.found.direction, packet.ipv4(),
                              packet.icmp_message());
  }
  if (packet.found.direction == Direction::kOutbound) {
    nat::rewrite<Direction::kOutbound>(session, packet.ipv4(), packet.l4());
  } else {
    nat::rewrite<Direction::kInbound>(session, packet.ipv4(), packet.l4());
  }
}

/// The port, or query identifier, that an outbound packet was given; none where it has none.
[[nodiscard]] Be16 external_port(const Packet& packet) noexcept {
  switch (packet.key.protocol) {
    case net::kTcp:
    case net::kUdp: return net::header_at<net::UdpHeader>(packet.l4()).source_port;
    case net::kIcmp: return packet.icmp().identifier;
    default: return {};
  }
}

[[gnu::always_inline]] inline bool turns_back(const Packet& packet,
                                              const Context& context) noexcept {
  return packet.found && packet.found.direction == Direction::kOutbound &&
         (context.table.at(packet.found.session).identity.flags & nat::kHairpin) != 0;
}

/// The device by which a hairpinned packet leaves when both halves of its way are behind it: asked
/// while it can still be quoted as it came.
[[gnu::noinline]] DeviceId hairpin_exit(const Packet& packet,
                                        Context& context,
                                        Instant now) noexcept {
  const nat::SessionIdentity& first = context.table.at(packet.found.session).identity;
  nat::FlowKey key = packet.key;
  if (packet.kind == Kind::kIcmpError) return packet.out;  // no longer than what it quotes
  key.source = first.snat;
  if (key.source_port != Be16{}) key.source_port = first.snat_port;
  const nat::Found second = context.table.peek(key, now);
  if (second) {
    const nat::Session& session = context.table.at(second.session);
    const DeviceId out = context.neighbours.device(session.adjacency_id(second.direction));
    return out == kNoDevice ? packet.out : out;
  }
  const nat::SessionIndex mapping =
      context.table.find_mapping_at(key.destination, key.destination_port, key.protocol);
  if (mapping == nat::kNoSession) return packet.out;
  const Ipv4Addr pod{context.table.at(mapping).identity.pod};
  const DeviceId out = context.enis().egress(Ipv4Addr{key.source}, pod);
  return out == kNoDevice ? packet.out : out;
}

/// The second half of a hairpinned packet's way: it now goes from one external side to another, and
/// is taken in as if it had come from outside. What cannot be taken in was already translated, and
/// is dropped.
[[gnu::noinline]] void hairpin(Packet& packet, Context& context, Instant now) noexcept {
  const bool error = packet.kind == Kind::kIcmpError;
  const Verdict verdict = packet.verdict;
  if (error) {
    // RFC 5508 REQ-7. The quote could be read before it was rewritten, so it can be now.
    packet.key = nat::key_of_quoted(packet.icmp_message()).value_or(nat::FlowKey{});
  } else {
    packet.key.source = packet.ipv4().source;
    packet.key.source_port = external_port(packet);
  }
  packet.found = context.table.find(packet.key, now);
  if (packet.found) {
    take_route(packet, context);
  } else if (error || context.snapshot->filters_by_remote) {
    packet.drop(DropReason::kNoSession);
  } else {
    open_on_mapping(packet, context, now);
  }
  if (!packet.live()) return;
  nat::Session& session = context.table.at(packet.found.session);
  if (!error) keep(packet, session, context, now);
  translate(packet, session.identity);
  packet.verdict = verdict;
}

}  // namespace

bool fits(Packet& packet, DeviceId out, const Context& context) noexcept {
  const std::uint16_t mtu = context.link(out).mtu;
  if (packet.ip_length() <= mtu || packet.cut) [[likely]]
    return true;
  const bool tell = packet.kind == Kind::kIpv6 || packet.ipv4().dont_fragment();
  if (!tell && packet.contiguous == packet.length) {
    packet.cut = true;
    return true;
  }
  packet.answer_mtu = mtu;
  packet.drop(DropReason::kTooBig, tell ? AnswerKind::kIcmpFragmentationNeeded : AnswerKind::kNone);
  return false;
}

void Translate::process(Burst& burst) noexcept {
  for (Packet& packet : burst) {
    if (!packet.live() || packet.verdict == Verdict::kLocal) continue;
    const bool v6 = packet.kind == Kind::kIpv6;
    const std::uint8_t ttl = v6 ? packet.ipv6().hop_limit : packet.ipv4().ttl;
    if (ttl <= 1) {
      packet.drop(DropReason::kTtlExpired, AnswerKind::kIcmpTimeExceeded);
      continue;
    }
    const bool turns = turns_back(packet, context_);
    const DeviceId out = turns ? hairpin_exit(packet, context_, burst.now()) : packet.out;
    if (!fits(packet, out, context_)) continue;
    if (v6) {
      --packet.ipv6().hop_limit;
      continue;
    }
    if (packet.found) {
      nat::Session& session = context_.table.at(packet.found.session);
      // An error neither keeps a session nor ends it (RFC 5508 REQ-6).
      if (packet.kind == Kind::kFlow) keep(packet, session, context_, burst.now());
      translate(packet, session.identity);
      if (turns) [[unlikely]] {
        hairpin(packet, context_, burst.now());
        if (!packet.live()) continue;
      }
    }
    nat::decrement_ttl(packet.ipv4());
  }
}

}  // namespace sluice::pipeline
