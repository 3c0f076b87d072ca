// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/classify.h"

#include <algorithm>

#include "nat/rewrite.h"
#include "net/checksum.h"

namespace sluice::pipeline {
namespace {

bool is_echo_request(const Packet& packet) noexcept {
  return packet.kind == Kind::kFlow && packet.key.protocol == net::kIcmp &&
         packet.icmp().type == net::kIcmpEchoRequest;
}

/// Turns an echo request to one of our addresses around, in place (RFC 1122 3.2.2.6).
void answer_echo(Packet& packet, Context& context) noexcept {
  constexpr std::uint8_t kOwnTtl = 64;
  net::Ipv4Header& ip = packet.ipv4();
  net::IcmpHeader& icmp = packet.icmp();
  std::swap(ip.source, ip.destination);
  const auto word = [&] {
    return Be16::from_host(static_cast<std::uint16_t>(ip.ttl << 8 | ip.protocol));
  };
  const Be16 before = word();
  ip.ttl = kOwnTtl;
  ip.checksum = net::ChecksumDelta{}.replace(before, word()).apply(ip.checksum);
  icmp.type = net::kIcmpEchoReply;
  icmp.checksum = net::ChecksumDelta{}
                      .replace(Be16::from_host(net::kIcmpEchoRequest << 8), Be16::from_host(0))
                      .apply(icmp.checksum);
  nat::mend_empty_reply(icmp);

  const IpAddr own = Ipv4Addr{ip.source};
  const IpAddr asker = Ipv4Addr{ip.destination};
  const eni::EniMap& enis = context.enis();
  packet.verdict = Verdict::kLocal;
  packet.out = enis.may_emit(packet.in, own) ? packet.in : enis.owner(own, asker);
  if (packet.out == kNoDevice) return packet.drop(DropReason::kNoOwner);
  packet.next_hop = enis.next_hop(packet.out, asker);
  // What came larger came in fragments, put together before it reached us.
  if (packet.ip_length() > context.link(packet.out).mtu) packet.cut = true;
  if (packet.cut && packet.contiguous < packet.length) packet.drop(DropReason::kTooBig);
}

/// The pool a translating decision draws from, or the one the address belongs to: what a hairpinned
/// source is translated to even where policy would preserve it (RFC 4787 REQ-9).
policy::Decision hairpin_decision(policy::Decision decision,
                                  Ipv4Addr external,
                                  const policy::Policy& policy) noexcept {
  if (decision.verdict == policy::Verdict::kSnat) return decision;
  decision.verdict = policy::Verdict::kSnat;
  const auto pools = policy.pools();
  for (std::uint16_t i = 0; i < pools.size(); ++i) {
    const auto& addresses = pools[i].addresses;
    if (std::find(addresses.begin(), addresses.end(), external) != addresses.end()) {
      decision.pool = {i};
    }
  }
  return decision;
}

/// A packet to the external side of an endpoint-independent mapping, from somebody its pod has not
/// written to: another pod (hairpin), or a remote, if the mapping is not filtered. Policy is asked
/// for a hairpin's source, and whether it drops: what it would preserve is translated all the same,
/// or no answer could come back (RFC 4787 REQ-9a).
bool admitted_by_mapping(Packet& packet, Context& context) noexcept {
  const Ipv4Addr source{packet.key.source};
  const Ipv4Addr destination{packet.key.destination};
  const Snapshot& snapshot = *context.snapshot;
  if (packet.kind != Kind::kFlow || !snapshot.is_independent(destination)) return false;
  const nat::SessionIndex mapping = context.table.find_mapping_at(
      packet.key.destination, packet.key.destination_port, packet.key.protocol);
  if (mapping == nat::kNoSession) return false;
  if (packet.ipv4().ttl <= 1) {
    packet.drop(DropReason::kTtlExpired, AnswerKind::kIcmpTimeExceeded);
    return true;
  }
  packet.decision = snapshot.policy->decide(source, destination);
  const Ipv4Addr pod{context.table.at(mapping).identity.pod};
  if (packet.decision.verdict == policy::Verdict::kDrop ||
      snapshot.policy->decide(pod, source).verdict == policy::Verdict::kDrop) {
    packet.drop(DropReason::kPolicyDrop);
    return true;
  }
  if (context.enis().about(source).of_a_pod()) {
    packet.decision = hairpin_decision(packet.decision, destination, *snapshot.policy);
    packet.verdict = Verdict::kSnat;
    packet.hairpin = true;
    return true;
  }
  if (snapshot.filters_by_remote) return false;
  if (context.enis().owner(destination, source) != packet.in) {
    packet.drop(DropReason::kWrongDevice);
    return true;
  }
  packet.verdict = Verdict::kUnsnat;
  packet.decision.rule = context.table.at(mapping).identity.rule_id();
  return true;
}

/// A packet to one of the gateway's own addresses for which there is no session.
void receive(Packet& packet, Context& context) noexcept {
  if (admitted_by_mapping(packet, context)) return;
  if (!is_echo_request(packet)) return packet.drop(DropReason::kNoSession);
  answer_echo(packet, context);
}

/// Whether a pod pings the address it knows as its router. That address is no secret of ours: it is
/// link-local, and what else is sent to it is judged as such.
bool pings_router(const Packet& packet, Ipv4Addr destination, const eni::EniMap& enis) noexcept {
  const eni::DeviceInfo& device = enis.devices()[packet.in.value];
  return !device.is_eni && device.address == destination && is_echo_request(packet);
}

/// Destinations that are never forwarded to.
bool refuse_destination(Packet& packet,
                        Ipv4Addr destination,
                        const eni::AddressFacts& to,
                        const Context& context) noexcept {
  if (destination.is_multicast()) {
    packet.drop(DropReason::kMulticastDestination);
  } else if (destination.is_limited_broadcast() || to.directed_broadcast) {
    packet.drop(DropReason::kBroadcastDestination);
  } else if (destination.is_link_local() && !context.snapshot->config.snat.forward_link_local) {
    packet.drop(DropReason::kLinkLocalDestination);
  } else if (destination.is_this_network() || destination.is_loopback()) {
    packet.drop(DropReason::kMartianDestination);
  }
  return !packet.live();
}

/// Came in by an ENI, for a pod port's address or from outside the pods to a pod: what the pod
/// answers must leave as it came, so policy is not asked to translate.
bool opened_from_outside(const Packet& packet,
                         const eni::AddressFacts& from,
                         const eni::AddressFacts& to,
                         const eni::EniMap& enis) noexcept {
  if (!enis.devices()[packet.in.value].is_eni) return false;
  return to.pod_port != kNoDevice || (!from.in_pod_cidrs && to.in_pod_cidrs);
}

void apply(Packet& packet, Context& context) noexcept {
  const eni::EniMap& enis = context.enis();
  switch (packet.decision.verdict) {
    case policy::Verdict::kDrop: return packet.drop(DropReason::kPolicyDrop);
    case policy::Verdict::kNat66Unsupported: return packet.drop(DropReason::kNat66Unsupported);
    case policy::Verdict::kSnat:
      // An error about a flow that is not known cannot be translated, and opens none.
      if (packet.kind == Kind::kIcmpError) return packet.drop(DropReason::kNoSession);
      packet.verdict = Verdict::kSnat;
      return;
    case policy::Verdict::kPreserve:
      packet.verdict = Verdict::kPreserve;
      packet.out = enis.egress(Ipv4Addr{packet.ipv4().source}, Ipv4Addr{packet.ipv4().destination});
      if (packet.out == kNoDevice) return packet.drop(DropReason::kNoOwner);
      packet.next_hop = enis.next_hop(packet.out, Ipv4Addr{packet.ipv4().destination});
      return;
  }
}

[[nodiscard]] bool is_martian(Ipv4Addr source,
                              Ipv4Addr destination,
                              const eni::AddressFacts& from) noexcept {
  return source.is_this_network() || source.is_loopback() || source.is_multicast() ||
         source.is_limited_broadcast() || source == destination || from.own ||
         from.directed_broadcast;
}

/// What a pod port does not list may come by it only to leave by an ENI, if that may emit it. To
/// pods, and to us, it would be somebody else's word: RFC 2827.
[[nodiscard]] bool is_honest(const Packet& packet,
                             bool source_may_arrive,
                             const eni::AddressFacts& from,
                             const eni::AddressFacts& to,
                             const eni::EniMap& enis) noexcept {
  if (source_may_arrive) return true;
  const bool from_pod_port = !enis.devices()[packet.in.value].is_eni;
  return from_pod_port && !from.of_a_pod() && to.pod_port == kNoDevice && !to.own;
}

/// Settles what needs no policy. False: policy has to be asked.
bool settle(Packet& packet,
            const eni::Place& source_place,
            const eni::AddressFacts& to,
            Context& context) noexcept {
  const eni::AddressFacts& from = source_place.facts;
  const Ipv4Addr source{packet.ipv4().source};
  const Ipv4Addr destination{packet.ipv4().destination};
  const eni::EniMap& enis = context.enis();
  const bool strays = source.is_link_local() && !context.snapshot->config.snat.forward_link_local;
  if (strays || is_martian(source, destination, from)) {
    packet.drop(DropReason::kMartianSource);  // RFC 3927 2.7: no link-local source is forwarded
  } else if (!is_honest(packet, enis.source_may_arrive(packet.in, source_place), from, to, enis)) {
    packet.drop(DropReason::kSpoofedSource);
  } else if (to.own || pings_router(packet, destination, enis)) {
    receive(packet, context);
    return true;
  } else if (!refuse_destination(packet, destination, to, context) && packet.ipv4().ttl <= 1) {
    packet.drop(DropReason::kTtlExpired, AnswerKind::kIcmpTimeExceeded);
  }
  return !packet.live();
}

/// RFC 4861: a hop limit of 255 proves that it comes from the link itself.
bool is_neighbour_discovery(const Packet& packet) noexcept {
  const net::Ipv6Header& ip = packet.ipv6();
  const bool has_type = packet.l4_length != 0 && packet.contiguous > packet.l4_offset;
  if (ip.next_header != net::kIcmpv6 || ip.hop_limit != 255 || !has_type) return false;
  constexpr std::uint8_t kFirst = 133;  // router solicitation
  constexpr std::uint8_t kLast = 137;   // redirect
  return *packet.l4() >= kFirst && *packet.l4() <= kLast;
}

/// RFC 4291 2.5.2, 2.5.3 and 2.5.5.2: on no wire.
bool is_nowhere(const Ipv6Addr& address) noexcept {
  return address == Ipv6Addr{} || address.is_loopback() || address.is_v4_mapped();
}

/// IPv6 is forwarded without state; what concerns the link or ourselves is the main thread's.
void classify_ipv6(Packet& packet, Context& context) noexcept {
  const net::Ipv6Header& ip = packet.ipv6();
  const Ipv6Addr source{ip.source};
  const Ipv6Addr destination{ip.destination};
  const eni::EniMap& enis = context.enis();
  const bool icmp = ip.next_header == net::kIcmpv6;
  const eni::AddressFacts& to = enis.about(destination);
  const bool for_us = enis.answers_for(packet.in, destination) || to.own;
  // For a pod's address we answer the link's questions; all else is the pod's.
  const bool pods = to.pod_port != kNoDevice;
  const bool ours = for_us && (!pods || is_neighbour_discovery(packet));
  if (icmp && (destination.is_multicast() || destination.is_link_local() || ours)) {
    packet.fate = Fate::kToControl;
    return;
  }
  if (destination.is_multicast()) return packet.drop(DropReason::kMulticastDestination);
  if (for_us && !pods && to.own) {
    return packet.drop(DropReason::kNoSession);
  }
  const eni::Place& source_place = enis.place(source);
  const eni::AddressFacts& from = source_place.facts;
  if (source.is_multicast() || source == destination || is_nowhere(source) || from.own) {
    return packet.drop(DropReason::kMartianSource);
  }
  if (is_nowhere(destination)) return packet.drop(DropReason::kMartianDestination);
  if (!is_honest(packet, enis.source_may_arrive(packet.in, source_place), from, to, enis)) {
    return packet.drop(DropReason::kSpoofedSource);
  }
  // A link-local source stays on its link as well (RFC 4291 2.5.6).
  if (destination.is_link_local() || source.is_link_local()) {
    return packet.drop(DropReason::kLinkLocalDestination);
  }
  if (ip.hop_limit <= 1) {
    return packet.drop(DropReason::kTtlExpired, AnswerKind::kIcmpTimeExceeded);
  }
  packet.decision = context.snapshot->policy->decide(source, destination);
  if (packet.decision.verdict == policy::Verdict::kDrop) {
    return packet.drop(DropReason::kPolicyDrop);
  }
  if (packet.decision.verdict != policy::Verdict::kPreserve &&
      enis.devices()[packet.in.value].is_eni && pods) {
    packet.decision.verdict = policy::Verdict::kPreserve;  // opened from outside
  }
  if (packet.decision.verdict != policy::Verdict::kPreserve) {
    return packet.drop(DropReason::kNat66Unsupported);
  }
  packet.verdict = Verdict::kPreserve;
  packet.out = enis.egress(source, destination);
  if (packet.out == kNoDevice) return packet.drop(DropReason::kNoOwner);
  packet.next_hop = enis.next_hop(packet.out, destination);
}

}  // namespace

bool is_martian(Ipv4Addr source, Ipv4Addr destination, const eni::EniMap& enis) noexcept {
  return is_martian(source, destination, enis.about(source));
}

void Classify::ask(Packet& packet) noexcept {
  const eni::EniMap& enis = context_.enis();
  const policy::AddressPair pair{Ipv4Addr{packet.ipv4().source},
                                 Ipv4Addr{packet.ipv4().destination}};
  const eni::Place& from = enis.place(pair.source);
  const eni::AddressFacts& to = enis.about(pair.destination);
  if (settle(packet, from, to, context_)) return;
  packet.opened_from_outside = opened_from_outside(packet, from.facts, to, enis);
  pairs_[asked_] = pair;
  packets_[asked_++] = &packet;
}

void Classify::hear(Packet& packet, const policy::Decision& decision) noexcept {
  packet.decision = decision;
  // A rule may refuse a flow from outside; none translates it.
  if (packet.opened_from_outside && decision.verdict != policy::Verdict::kDrop) {
    packet.decision = {policy::Verdict::kPreserve, {}, kOpenedFromOutside};
  }
  apply(packet, context_);
}

void Classify::process(Burst& burst) noexcept {
  if (!burst.has_missed()) return;
  asked_ = 0;
  for (Packet& packet : burst) {
    if (!packet.live() || packet.found) continue;
    switch (packet.kind) {
      case Kind::kFlow:
      case Kind::kIcmpError: ask(packet); break;
      case Kind::kIpv6: classify_ipv6(packet, context_); break;
      case Kind::kFragment:
      case Kind::kArp: break;  // never live here
    }
  }
  context_.snapshot->policy->decide({pairs_.data(), asked_}, {decisions_.data(), asked_});
  for (unsigned i = 0; i < asked_; ++i) hear(*packets_[i], decisions_[i]);
}

}  // namespace sluice::pipeline
