// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/allocate.h"

#include <algorithm>

#include "nat/tcp_state.h"
#include "pipeline/elsewhere.h"
#include "pipeline/stages/lookup.h"
#include "pipeline/stages/translate.h"
#include "pipeline/stages/ways.h"

namespace sluice::pipeline {
namespace {

using nat::Direction;

/// A session opens on a SYN, and on no other segment (RFC 7857 2).
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

bool contains(const policy::SourcePool& pool, Ipv4Addr address) noexcept {
  return std::find(pool.addresses.begin(), pool.addresses.end(), address) != pool.addresses.end();
}

/// Which of a pool's addresses a pod gets first.
std::size_t first_of(const policy::SourcePool& pool, Be32 pod) noexcept {
  const std::uint64_t spread = pod.to_host() * 0x9e3779b97f4a7c15ULL >> 32;
  return spread % pool.addresses.size();
}

/// What a flow asks of the port choice if it is to be seen as `address`.
nat::PortAllocator::Request port_request(const Packet& packet,
                                         Ipv4Addr address,
                                         const Snapshot& snapshot) noexcept {
  nat::PortAllocator::Request request;
  request.reply = packet.key.reversed();
  request.reply.destination = address.wire();
  request.reply.destination_port = {};
  if (snapshot.keep_source_port) request.preferred = packet.key.source_port;
  return request;
}

bool is_first_packet(const Packet& packet) noexcept {
  const bool decided = packet.verdict != Verdict::kNone && packet.verdict != Verdict::kLocal;
  return packet.live() && packet.kind == Kind::kFlow && !packet.found && decided;
}

void start_tracking(const Packet& packet, nat::FlowTable& table) noexcept {
  if (packet.key.protocol != net::kTcp) return;
  nat::Session& session = table.at(packet.found.session);
  const nat::TcpSegment segment = nat::read_segment(packet.tcp(), packet.l4_length);
  if (session.identity.translated()) {
    nat::tcp_open(session, packet.found.direction, segment);
  } else {
    const bool ends = segment.has(net::kRst) || segment.has(net::kFin);
    // Until it is answered: what anybody may send is to hold no record for hours.
    session.set_state(ends ? nat::SessionState::kFinBoth : nat::SessionState::kSynSent);
  }
}

}  // namespace

void open_on_mapping(Packet& packet, Context& context, Instant now) noexcept {
  nat::FlowTable& table = context.table;
  const nat::SessionIndex mapping = table.find_mapping_at(
      packet.key.destination, packet.key.destination_port, packet.key.protocol);
  if (mapping == nat::kNoSession) return packet.drop(DropReason::kNoSession);
  const nat::SessionIdentity of = table.at(mapping).identity;
  const End pod = end_at(of.pod, context);
  const End remote = end_at(packet.key.source, context);
  const eni::EniMap& enis = context.enis();
  nat::NewSession session{of.pod,      packet.key.source,      of.snat,
                          of.pod_port, packet.key.source_port, of.snat_port,
                          of.protocol};
  session.flags = nat::kTranslated | nat::kOpenedInbound | nat::kHasMapping;
  if (context.snapshot->is_independent(remote.address)) session.flags |= nat::kHairpin;
  session.rule = of.rule_id();
  session.adjacency[nat::Session::index(Direction::kOutbound)] =
      adjacency_to(context, enis.owner(end_at(of.snat, context).place, remote.place), remote);
  session.adjacency[nat::Session::index(Direction::kInbound)] =
      adjacency_to(context, enis.egress(remote.place, pod.place), pod);
  // The pod may already exchange packets with this remote untranslated, from the same port.
  if (table.find({session.pod,
                  session.remote,
                  session.pod_port,
                  session.remote_port,
                  session.protocol,
                  {}},
                 now)) {
    return packet.drop(DropReason::kNoSession);
  }
  if (context.at_pod_limit(of.pod)) return packet.drop(DropReason::kPodLimit);
  const nat::SessionIndex index = table.insert(session, now);
  if (index == nat::kNoSession) return packet.drop(DropReason::kFlowTableFull);
  context.counters.sessions_opened.add(1);
  packet.found = {index, Direction::kInbound};
  start_tracking(packet, table);
  take_route(packet, context);
}

void Allocate::open_preserved(Packet& packet, Instant now) noexcept {
  // A reply to a query that went another way opens nothing: a stranger's would keep the pod's own
  // next query from being translated.
  if (packet.key.protocol == net::kIcmp && !opens(packet)) return;
  const End source = end_at(packet.key.source, context_);
  const End destination = end_at(packet.key.destination, context_);
  const bool inbound = packet.opened_from_outside;
  const nat::FlowKey outbound = inbound ? packet.key.reversed() : packet.key;
  if (context_.at_pod_limit(outbound.source) || context_.table.find(packet.key.reversed(), now)) {
    context_.counters.untracked.add(1);  // forwarded all the same, packet by packet
    return;
  }
  const nat::AdjacencyId onward = adjacency_to(context_, packet.out, destination);
  const nat::AdjacencyId back = inbound ? way_of_answers(context_, packet, destination, source)
                                        : way_back(context_, packet, source, destination);
  nat::NewSession session{outbound.source,      outbound.destination,      outbound.source,
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

/// Whether a packet may open a translated flow; a refusal is its drop.
bool Allocate::may_open(Packet& packet) noexcept {
  const config::FlowsConfig& flows = context_.snapshot->config.flows;
  const std::uint8_t protocol = packet.key.protocol;
  const bool resets = protocol == net::kTcp && (packet.tcp().flags & net::kRst) != 0;
  if (untranslatable(protocol)) {
    packet.drop(DropReason::kProtocolUnsupported, AnswerKind::kIcmpAdminProhibited);
  } else if (!opens(packet) && protocol != net::kTcp) {
    packet.drop(DropReason::kNoSession);
  } else if (resets || (!opens(packet) && flows.tcp_mid_stream != config::MidStream::kAccept)) {
    const bool tell = flows.tcp_mid_stream == config::MidStream::kRst && !resets;
    packet.drop(DropReason::kTcpMidStream, tell ? AnswerKind::kTcpRst : AnswerKind::kNone);
  }
  return packet.live();
}

/// Whether a session holds this port towards the reply's remote.
bool Allocate::is_held(nat::FlowKey reply, Be16 port, Instant now) noexcept {
  reply.destination_port = port;
  return context_.table.holder_of(reply, now) != nat::kNoSession;
}

std::optional<Be16> Allocate::choose_port(const Packet& packet,
                                          Ipv4Addr address,
                                          const PortWish& wish,
                                          Instant now) noexcept {
  const Snapshot& snapshot = *context_.snapshot;
  const std::uint8_t protocol = packet.key.protocol;
  nat::PortAllocator::Request request = port_request(packet, address, snapshot);
  if (!has_ports(protocol)) {
    // By address only: one pod towards each remote, with the worker that the reply reaches.
    const bool ours = context_.owner.owner(context_.owner.hash(request.reply)) == context_.self;
    if (!ours || context_.table.find(request.reply, now)) return std::nullopt;
    return Be16{};
  }
  request.reclaim = wish.reclaim;
  request.drawn = wish.drawn;
  const nat::PortClasses& classes = snapshot.ports_for(protocol);
  if (!wish.independent) return context_.ports.choose(request, classes, now);
  const nat::FlowKey towards_remote = request.reply;
  request.reply.source = {};
  request.reply.source_port = {};
  // Sessions from before a reload made these mappings hold ports towards their own remote only.
  constexpr unsigned kTries = 8;
  for (unsigned attempt = 0; attempt < kTries; ++attempt) {
    const std::optional<Be16> port = context_.ports.choose_for_mapping(request, classes, now);
    if (!port || !is_held(towards_remote, *port, now)) return port;
    request.preferred.reset();
  }
  return std::nullopt;
}

/// Adds the session of a translated flow whose external side is settled, or drops for lack of room.
void Allocate::add_session(Packet& packet,
                           const External& external,
                           std::uint8_t flags,
                           Instant now) noexcept {
  const End destination{Ipv4Addr{packet.key.destination}, *external.remote};
  nat::NewSession session{packet.key.source,           packet.key.destination,
                          external.address.wire(),     packet.key.source_port,
                          packet.key.destination_port, external.port,
                          packet.key.protocol};
  const bool away = is_away_from_home(packet, context_);
  session.flags =
      static_cast<std::uint8_t>(nat::kTranslated | flags | (packet.hairpin ? nat::kHairpin : 0) |
                                (away ? nat::kRedirected : 0));
  session.rule = packet.decision.rule;
  session.adjacency[nat::Session::index(Direction::kOutbound)] =
      adjacency_to(context_, external.device, destination);
  session.adjacency[nat::Session::index(Direction::kInbound)] =
      way_back(context_, packet, end_at(packet.key.source, context_), destination);
  const nat::SessionIndex index = context_.table.insert(session, now);
  if (index == nat::kNoSession) {
    return packet.drop(DropReason::kFlowTableFull, AnswerKind::kIcmpAdminProhibited);
  }
  context_.counters.sessions_opened.add(1);
  if (away) tell_home(packet, nat::Notice::What::kHolds, context_);
  packet.out = external.device;
  packet.found = {index, Direction::kOutbound};
  packet.adjacency = session.adjacency[nat::Session::index(Direction::kOutbound)];
  start_tracking(packet, context_.table);
}

/// Records an endpoint-independent mapping; the caller adds its first session at once.
bool Allocate::add_mapping(Packet& packet, const External& external, Instant now) noexcept {
  nat::NewSession mapping{packet.key.source,      {}, external.address.wire(),
                          packet.key.source_port, {}, external.port,
                          packet.key.protocol};
  mapping.flags = nat::kTranslated | nat::kMapping;
  mapping.rule = packet.decision.rule;
  if (context_.table.insert(mapping, now) != nat::kNoSession) return true;
  packet.drop(DropReason::kFlowTableFull, AnswerKind::kIcmpAdminProhibited);
  return false;
}

void Allocate::pass_or_refuse(Packet& packet, WorkerId holder, Instant now) noexcept {
  if (pass_to(packet, holder, context_, now)) return;
  packet.drop(DropReason::kFlowTableFull, AnswerKind::kIcmpAdminProhibited);
}

/// What cannot leave is to hold nothing. A hairpin's way ends elsewhere, and is judged there.
bool Allocate::may_leave(Packet& packet, DeviceId out) noexcept {
  return packet.hairpin || fits(packet, out, context_);
}

/// A session on the mapping that the pod's side already has.
void Allocate::open_on_own_mapping(Packet& packet,
                                   const nat::SessionIdentity& mapping,
                                   Instant now) noexcept {
  const Ipv4Addr address{mapping.snat};
  const eni::EniMap& enis = context_.enis();
  const eni::Place& remote = enis.place(Ipv4Addr{packet.key.destination});
  const DeviceId out = enis.egress(enis.place(address), remote);
  nat::FlowKey reply = packet.key.reversed();
  reply.destination = mapping.snat;
  if (out == kNoDevice) {
    packet.drop(DropReason::kNoOwner);
  } else if (is_held(reply, mapping.snat_port, now)) {
    packet.drop(DropReason::kPortsExhausted, AnswerKind::kIcmpAdminProhibited);
  } else if (may_leave(packet, out)) {
    add_session(packet, {address, mapping.snat_port, out, &remote}, nat::kHasMapping, now);
  }
}

/// A pod keeps one address (RFC 4787 REQ-2), `first` of its pool; the next serves when it has no
/// port left. Nothing: no ENI may emit any of them (the packet is dropped), or this worker has no
/// port.
std::optional<Allocate::External> Allocate::find_external(Packet& packet,
                                                          const policy::SourcePool& pool,
                                                          std::size_t first,
                                                          PortWish wish,
                                                          Instant now) noexcept {
  bool owned = false;
  const eni::Place& remote = context_.enis().place(Ipv4Addr{packet.key.destination});
  for (std::size_t i = 0; i < pool.addresses.size(); ++i) {
    if (i != 0) wish.drawn.reset();
    const Ipv4Addr address = pool.addresses[(first + i) % pool.addresses.size()];
    const DeviceId out = context_.enis().egress(context_.enis().place(address), remote);
    if (out == kNoDevice) continue;
    owned = true;
    const std::optional<Be16> port = choose_port(packet, address, wish, now);
    if (port) return External{address, *port, out, &remote};
  }
  if (!owned) packet.drop(DropReason::kNoOwner);
  return std::nullopt;
}

void Allocate::open_translated(Packet& packet, std::optional<Drawn> drawn, Instant now) noexcept {
  if (!may_open(packet)) return;
  const std::uint8_t protocol = packet.key.protocol;
  const policy::SourcePool& pool = context_.snapshot->policy->pools()[packet.decision.pool.value];
  const bool independent =
      pool.mapping == config::Mapping::kEndpointIndependent && has_ports(protocol);
  const unsigned workers = context_.owner.workers();
  // Once round all workers; then once more, as resting ports serve when no worker has another.
  const unsigned visits = workers * (protocol == net::kTcp && !independent ? 2 : 1);
  const auto refuse = [&](DropReason reason) {
    if (!independent && seek_room_elsewhere(packet, visits, context_, now)) return;
    packet.drop(reason, AnswerKind::kIcmpAdminProhibited);
  };
  if (context_.at_pod_limit(packet.key.source)) return refuse(DropReason::kPodLimit);
  bool maps = independent;
  if (independent) {
    const nat::SessionIndex known =
        context_.table.find_mapping_of(packet.key.source, packet.key.source_port, protocol);
    if (known != nat::kNoSession) {
      const nat::SessionIdentity& mapping = context_.table.at(known).identity;
      if (contains(pool, Ipv4Addr{mapping.snat})) {
        return open_on_own_mapping(packet, mapping, now);
      }
      // The rule wants another source than the one mapped: it gets a port for this remote alone.
      maps = false;
    }
  }

  const std::size_t first = first_of(pool, packet.key.source);
  if (!has_ports(protocol) && !packet.redirected) {
    nat::FlowKey reply = packet.key.reversed();
    reply.destination = pool.addresses[first].wire();
    const WorkerId holder = context_.owner.owner(context_.owner.hash(reply));
    if (holder != context_.self) return pass_or_refuse(packet, holder, now);
  }
  std::optional<External> external;
  do {
    const PortWish wish{independent, packet.hops >= workers, drawn};
    external = find_external(packet, pool, first, wish, now);
  } while (!external && packet.live() && workers == 1 && ++packet.hops < visits);
  if (!packet.live()) return;
  if (!external) {
    return refuse(has_ports(protocol) ? DropReason::kPortsExhausted : DropReason::kProtocolInUse);
  }
  if (!may_leave(packet, external->device)) return;
  if (maps && !add_mapping(packet, *external, now)) return;
  // Without room, its mapping goes as well.
  const std::uint8_t flags = maps ? nat::kHasMapping : 0;
  add_session(packet, *external, flags, now);
}

void Allocate::allocate(Packet& packet, std::optional<Drawn> drawn, Instant now) noexcept {
  // An earlier packet of the same burst may have opened the flow.
  packet.found = context_.table.find(packet.key, now);
  if (packet.found && is_redirect(packet, context_)) {
    const nat::SessionIndex redirect = packet.found.session;
    follow_redirect(packet, context_, now);
    if (!packet.live()) return;
    // Come full circle: if there is room after all, the session is to be here.
    if (packet.redirected) context_.table.erase(redirect, now);
  }
  if (packet.found) {
    context_.table.pin(packet.found.session);
    return admit(packet, context_);
  }
  packet.first = true;
  switch (packet.verdict) {
    case Verdict::kSnat: return open_translated(packet, drawn, now);
    case Verdict::kUnsnat:
      if (!opens(packet)) return packet.drop(DropReason::kNoSession);
      return open_on_mapping(packet, context_, now);
    default: return open_preserved(packet, now);
  }
}

/// Draws a port for each flow that will want one of its own, so that the table's lines that say
/// whether it is free come together and not one by one: for nothing if the flow is refused, or
/// another packet of the burst opens it.
void Allocate::draw_ports(Burst& burst) noexcept {
  const Snapshot& snapshot = *context_.snapshot;
  for (unsigned i = 0; i < burst.size(); ++i) {
    drawn_[i].reset();
    const Packet& packet = burst[i];
    const std::uint8_t protocol = packet.key.protocol;
    if (!is_first_packet(packet) || packet.verdict != Verdict::kSnat || !has_ports(protocol)) {
      continue;
    }
    const policy::SourcePool& pool = snapshot.policy->pools()[packet.decision.pool.value];
    if (pool.mapping == config::Mapping::kEndpointIndependent) continue;
    const Ipv4Addr address = pool.addresses[first_of(pool, packet.key.source)];
    drawn_[i] =
        context_.ports.draw(port_request(packet, address, snapshot), snapshot.ports_for(protocol));
  }
}

/// A redirect that leads to a refusal leads nowhere, whatever the reason: its home forgets it.
void Allocate::report_refused(Burst& burst) noexcept {
  for (const Packet& packet : burst) {
    const bool refused = packet.fate == Fate::kDrop && packet.kind == Kind::kFlow && !packet.found;
    if (refused && packet.redirected) tell_home(packet, nat::Notice::What::kRefused, context_);
  }
}

void Allocate::process(Burst& burst) noexcept {
  if (!burst.has_missed()) return;
  draw_ports(burst);
  for (unsigned i = 0; i < burst.size(); ++i) {
    if (is_first_packet(burst[i])) allocate(burst[i], drawn_[i], burst.now());
  }
  if (context_.owner.workers() > 1) report_refused(burst);
}

}  // namespace sluice::pipeline
