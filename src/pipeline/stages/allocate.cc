// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/allocate.h"

#include "nat/tcp_state.h"
#include "pipeline/stages/lookup.h"

namespace sluice::pipeline {
namespace {

using nat::Direction;

/// A session opens on a SYN, and on no other segment (RFC 5382 REQ-1; RFC 7857 2.1).
bool opens(const Packet& packet) noexcept {
  if (packet.key.protocol == net::kTcp) {
    constexpr std::uint8_t kDecides = net::kSyn | net::kAck | net::kRst | net::kFin;
    return (packet.tcp().flags & kDecides) == net::kSyn;
  }
  if (packet.key.protocol == net::kIcmp) {
    const std::uint8_t type = packet.icmp().type;
    return type == net::kIcmpEchoRequest || type == net::kIcmpTimestampRequest;
  }
  return true;
}

bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == net::kTcp || protocol == net::kUdp || protocol == net::kIcmp;
}

/// UDP-Lite and DCCP cover the addresses with checksums we do not know how to mend.
bool untranslatable(std::uint8_t protocol) noexcept {
  constexpr std::uint8_t kDccp = 33;
  constexpr std::uint8_t kUdpLite = 136;
  return protocol == kDccp || protocol == kUdpLite;
}

nat::AdjacencyId adjacency_to(const Context& context,
                              DeviceId device,
                              Ipv4Addr destination) noexcept {
  if (device == kNoDevice) return nat::kNoAdjacency;
  return context.neighbours.find(device, context.enis().next_hop(device, destination));
}

/// The way back to a pod: its pod port, else the ENI its flow came in by, if that may emit what
/// the remote sends.
nat::AdjacencyId way_back(const Context& context,
                          const Packet& packet,
                          Ipv4Addr pod,
                          Ipv4Addr remote) noexcept {
  const eni::EniMap& enis = context.enis();
  const DeviceId pod_port = enis.pod_port_of(pod);
  const DeviceId device = pod_port != kNoDevice ? pod_port : packet.in;
  if (!enis.may_emit(device, remote)) return nat::kNoAdjacency;
  return adjacency_to(context, device, pod);
}

/// The way out for a pod's answers to a flow opened from outside: the device it came in by if that
/// may emit the pod's address, else one that may.
nat::AdjacencyId way_of_answers(const Context& context,
                                const Packet& packet,
                                Ipv4Addr pod,
                                Ipv4Addr remote) noexcept {
  const eni::EniMap& enis = context.enis();
  const DeviceId device =
      enis.may_emit(packet.in, pod) ? packet.in : enis.owner(pod, remote);
  return adjacency_to(context, device, remote);
}

std::uint64_t spread(Be32 pod) noexcept { return pod.to_host() * 0x9e3779b97f4a7c15ULL >> 32; }

void start_tracking(const Packet& packet, nat::FlowTable& table) noexcept {
  if (packet.key.protocol != net::kTcp) return;
  nat::Session& session = table.at(packet.found.session);
  const nat::TcpSegment segment = nat::read_segment(packet.tcp(), packet.l4_length);
  if (session.identity.translated()) {
    nat::tcp_open(session, packet.found.direction, segment);
  } else {
    session.set_state(segment.has(net::kSyn) ? nat::SessionState::kSynSent
                                             : nat::SessionState::kEstablished);
  }
}

}  // namespace

void Allocate::open_preserved(Packet& packet, Instant now) noexcept {
  const Ipv4Addr source{packet.key.source};
  const Ipv4Addr destination{packet.key.destination};
  const bool inbound = packet.opened_from_outside;
  const nat::FlowKey outbound = inbound ? packet.key.reversed() : packet.key;
  const std::uint32_t limit = context_.snapshot->config.flows.per_pod;
  const bool over_limit = limit != 0 && context_.table.sessions_of(outbound.source) >= limit;
  if (over_limit || context_.table.find(packet.key.reversed(), now)) {
    context_.counters.untracked.add(1);  // forwarded all the same, packet by packet
    return;
  }
  const nat::AdjacencyId onward = adjacency_to(context_, packet.out, destination);
  const nat::AdjacencyId back = inbound ? way_of_answers(context_, packet, destination, source)
                                        : way_back(context_, packet, source, destination);
  nat::NewSession session{outbound.source, outbound.destination, outbound.source,
                          outbound.source_port, outbound.destination_port, outbound.source_port,
                          packet.key.protocol};
  session.flags = inbound ? nat::kOpenedInbound : 0;
  session.rule = packet.decision.rule;
  session.adjacency[nat::Session::index(Direction::kOutbound)] = inbound ? back : onward;
  session.adjacency[nat::Session::index(Direction::kInbound)] = inbound ? onward : back;
  const nat::SessionIndex index = context_.table.insert(session, now);
  if (index == nat::kNoSession) {
    context_.counters.untracked.add(1);
    return;
  }
  context_.counters.sessions_opened.add(1);
  packet.found = {index, inbound ? Direction::kInbound : Direction::kOutbound};
  packet.adjacency = onward;
  start_tracking(packet, context_.table);
}

void Allocate::open_translated(Packet& packet, Instant now) noexcept {
  const Snapshot& snapshot = *context_.snapshot;
  const std::uint8_t protocol = packet.key.protocol;
  if (untranslatable(protocol)) return packet.drop(DropReason::kProtocolUnsupported);
  if (!opens(packet)) {
    if (protocol != net::kTcp) return packet.drop(DropReason::kNoSession);
    if (snapshot.config.flows.tcp_mid_stream != config::MidStream::kAccept) {
      const bool tell = snapshot.config.flows.tcp_mid_stream == config::MidStream::kRst &&
                        (packet.tcp().flags & net::kRst) == 0;
      return packet.drop(DropReason::kTcpMidStream, tell ? AnswerKind::kTcpRst : AnswerKind::kNone);
    }
  }
  const std::uint32_t limit = snapshot.config.flows.per_pod;
  if (limit != 0 && context_.table.sessions_of(packet.key.source) >= limit) {
    return packet.drop(DropReason::kPodLimit, AnswerKind::kIcmpAdminProhibited);
  }

  // A pod keeps one address (RFC 4787 REQ-2); the next serves when it has no port left.
  const policy::SourcePool& pool = snapshot.policy->pools()[packet.decision.pool.value];
  const Ipv4Addr destination{packet.key.destination};
  const auto& classes = protocol == net::kIcmp ? snapshot.echo_ports : snapshot.tcp_udp_ports;
  const std::size_t first = spread(packet.key.source) % pool.addresses.size();
  bool owned = false;
  for (std::size_t i = 0; i < pool.addresses.size(); ++i) {
    const Ipv4Addr address = pool.addresses[(first + i) % pool.addresses.size()];
    const DeviceId out = context_.enis().egress(address, destination);
    if (out == kNoDevice) continue;
    owned = true;
    nat::PortAllocator::Request request;
    request.reply = packet.key.reversed();
    request.reply.destination = address.wire();
    request.reply.destination_port = {};
    std::optional<Be16> port = Be16{};
    if (has_ports(protocol)) {
      if (snapshot.keep_source_port) request.preferred = packet.key.source_port;
      port = context_.ports.choose(request, classes, context_.table, now);
    } else {
      request.reply.destination_port = packet.key.source_port;
      if (context_.table.find(request.reply, now)) port.reset();
    }
    if (!port) continue;

    nat::NewSession session{packet.key.source, packet.key.destination, address.wire(),
                            packet.key.source_port, packet.key.destination_port, *port, protocol};
    session.flags = nat::kTranslated;
    session.rule = packet.decision.rule;
    session.adjacency[nat::Session::index(Direction::kOutbound)] =
        adjacency_to(context_, out, destination);
    session.adjacency[nat::Session::index(Direction::kInbound)] =
        way_back(context_, packet, Ipv4Addr{packet.key.source}, destination);
    const nat::SessionIndex index = context_.table.insert(session, now);
    if (index == nat::kNoSession) {
      return packet.drop(DropReason::kFlowTableFull, AnswerKind::kIcmpAdminProhibited);
    }
    context_.counters.sessions_opened.add(1);
    packet.out = out;
    packet.found = {index, Direction::kOutbound};
    packet.adjacency = session.adjacency[nat::Session::index(Direction::kOutbound)];
    start_tracking(packet, context_.table);
    return;
  }
  if (!owned) return packet.drop(DropReason::kNoOwner);
  packet.drop(has_ports(protocol) ? DropReason::kPortsExhausted : DropReason::kProtocolInUse,
              AnswerKind::kIcmpAdminProhibited);
}

void Allocate::allocate(Packet& packet, Instant now) noexcept {
  // An earlier packet of the same burst may have opened the flow.
  packet.found = context_.table.find(packet.key, now);
  if (packet.found) return admit(packet, context_);
  packet.first = true;
  if (packet.verdict == Verdict::kSnat) {
    open_translated(packet, now);
  } else {
    open_preserved(packet, now);
  }
}

void Allocate::process(Burst& burst) noexcept {
  for (Packet& packet : burst) {
    const bool decided =
        packet.verdict == Verdict::kSnat || packet.verdict == Verdict::kPreserve;
    if (!packet.live() || packet.kind != Kind::kFlow || packet.found || !decided) continue;
    allocate(packet, burst.now());
  }
}

}  // namespace sluice::pipeline
