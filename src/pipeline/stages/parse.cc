// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/parse.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "nat/icmp_error.h"
#include "net/checksum.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint16_t kL3Offset = sizeof(net::EthernetHeader);

bool is_group(const net::MacAddress& mac) noexcept { return (mac[0] & 1) != 0; }

/// RFC 826, for IPv4 over Ethernet; anything else was never meant for us.
void parse_arp(Packet& packet) noexcept {
  if (packet.contiguous < kL3Offset + sizeof(net::ArpHeader)) {
    return packet.drop(DropReason::kMalformedArp);
  }
  const auto& arp = net::header_at<net::ArpHeader>(packet.frame + kL3Offset);
  const bool usual = arp.hardware_type.to_host() == 1 &&
                     arp.protocol_type.to_host() == net::kEtherTypeIpv4 &&
                     arp.hardware_length == 6 && arp.protocol_length == 4;
  if (!usual) return packet.drop(DropReason::kMalformedArp);
  packet.kind = Kind::kArp;
  packet.fate = Fate::kToControl;
}

/// Bytes of L4 that can be read: a chained frame may have less of it at hand than it is long.
std::size_t l4_at_hand(const Packet& packet) noexcept {
  const std::size_t at_hand = packet.contiguous - std::size_t{packet.l4_offset};
  return std::min<std::size_t>(at_hand, packet.l4_length);
}

void parse_tcp(Packet& packet) noexcept {
  if (l4_at_hand(packet) < sizeof(net::TcpHeader)) return packet.drop(DropReason::kMalformedTcp);
  const net::TcpHeader& tcp = packet.tcp();
  if (tcp.header_length() < sizeof tcp || tcp.header_length() > l4_at_hand(packet)) {
    return packet.drop(DropReason::kMalformedTcp);
  }
  packet.key.source_port = tcp.source_port;
  packet.key.destination_port = tcp.destination_port;
}

void parse_udp(Packet& packet) noexcept {
  if (l4_at_hand(packet) < sizeof(net::UdpHeader)) return packet.drop(DropReason::kMalformedUdp);
  const auto& udp = net::header_at<net::UdpHeader>(packet.l4());
  const std::uint16_t length = udp.length.to_host();
  if (length < sizeof udp || length > packet.l4_length) {
    return packet.drop(DropReason::kMalformedUdp);
  }
  packet.key.source_port = udp.source_port;
  packet.key.destination_port = udp.destination_port;
}

/// RFC 5508 3.1: a query's identifier is the requester's port.
void parse_icmp(Packet& packet) noexcept {
  if (l4_at_hand(packet) < sizeof(net::IcmpHeader)) return packet.drop(DropReason::kMalformedIcmp);
  const net::IcmpHeader& icmp = packet.icmp();
  switch (icmp.type) {
    case net::kIcmpEchoRequest:
    case net::kIcmpTimestampRequest: packet.key.source_port = icmp.identifier; return;
    case net::kIcmpEchoReply:
    case net::kIcmpTimestampReply: packet.key.destination_port = icmp.identifier; return;
    case net::kIcmpUnreachable:
    case net::kIcmpSourceQuench:
    case net::kIcmpRedirect:
    case net::kIcmpTimeExceeded:
    case net::kIcmpParameterProblem: {
      packet.kind = Kind::kIcmpError;
      const auto key = nat::key_of_quoted(packet.icmp_message());
      if (!key) return packet.drop(DropReason::kMalformedIcmp);
      packet.key = *key;
      return;
    }
    default: return packet.drop(DropReason::kIcmpUnsupported);
  }
}

/// Nearly every header is of 20 bytes: its sum is worth no loop.
std::uint64_t header_sum(const std::uint8_t* header, unsigned length) noexcept {
  constexpr unsigned kUsual = sizeof(net::Ipv4Header);
  if (length != kUsual) [[unlikely]] return net::sum_words({header, length});
  std::array<std::uint64_t, 2> most;
  std::uint32_t rest = 0;
  std::memcpy(most.data(), header, sizeof most);
  std::memcpy(&rest, header + sizeof most, sizeof rest);
  constexpr std::uint64_t kLow = 0xffff'ffffU;
  return (most[0] & kLow) + (most[0] >> 32) + (most[1] & kLow) + (most[1] >> 32) + rest;
}

/// RFC 1812 5.2.2: (1) long enough, (2) the checksum holds, (3) version 4, (4) the header length is
/// at least 20, (5) the total length holds the header, and the frame holds the total length.
void parse_ipv4(Packet& packet) noexcept {
  if (packet.contiguous < kL3Offset + sizeof(net::Ipv4Header)) {
    return packet.drop(DropReason::kMalformedIpv4);
  }
  const net::Ipv4Header& ip = packet.ipv4();
  const unsigned header_length = ip.header_length();
  const unsigned total_length = ip.total_length.to_host();
  if (ip.version() != 4 || header_length < sizeof ip ||
      packet.contiguous < kL3Offset + header_length || total_length < header_length ||
      packet.length < kL3Offset + total_length) {
    return packet.drop(DropReason::kMalformedIpv4);
  }
  if (net::fold(header_sum(packet.frame + kL3Offset, header_length)) != 0xffff) {
    return packet.drop(DropReason::kMalformedIpv4);
  }

  packet.kind = Kind::kFlow;
  packet.length = kL3Offset + total_length;  // without padding
  packet.l4_offset = static_cast<std::uint16_t>(kL3Offset + header_length);
  packet.l4_length = static_cast<std::uint16_t>(total_length - header_length);
  if (ip.is_fragment()) {
    packet.kind = Kind::kFragment;
    return;
  }
  parse_transport(packet);
}

/// RFC 8200 3.
void parse_ipv6(Packet& packet) noexcept {
  if (packet.contiguous < kL3Offset + sizeof(net::Ipv6Header)) {
    return packet.drop(DropReason::kMalformedIpv6);
  }
  const net::Ipv6Header& ip = packet.ipv6();
  const std::uint32_t end = kL3Offset + sizeof ip + ip.payload_length.to_host();
  if ((ip.version_class_flow.to_host() >> 28) != 6 || packet.length < end) {
    return packet.drop(DropReason::kMalformedIpv6);
  }
  packet.kind = Kind::kIpv6;
  packet.length = end;
  packet.l4_offset = kL3Offset + sizeof ip;
  packet.l4_length = ip.payload_length.to_host();
}

/// A packet to everybody on the link. RFC 1812 5.3.4: an IP unicast in it is not forwarded.
void refuse_group(Packet& packet, const eni::EniMap& enis) noexcept {
  const Ipv4Addr destination{packet.ipv4().destination};
  if (destination.is_multicast()) return packet.drop(DropReason::kMulticastDestination);
  if (destination.is_limited_broadcast() || enis.is_directed_broadcast(destination)) {
    return packet.drop(DropReason::kBroadcastDestination);
  }
  packet.drop(DropReason::kNotForUs);
}

}  // namespace

void parse_transport(Packet& packet) noexcept {
  packet.key.source = packet.ipv4().source;
  packet.key.destination = packet.ipv4().destination;
  packet.key.protocol = packet.ipv4().protocol;
  switch (packet.key.protocol) {
    case net::kTcp: return parse_tcp(packet);
    case net::kUdp: return parse_udp(packet);
    case net::kIcmp: return parse_icmp(packet);
    default: return;
  }
}

void parse(Packet& packet, const Link& link, const eni::EniMap& enis) noexcept {
  if (packet.vlan_stripped) return packet.drop(DropReason::kVlanTagged);
  if (packet.contiguous < sizeof(net::EthernetHeader)) {
    return packet.drop(DropReason::kTruncatedFrame);
  }
  const net::EthernetHeader& ethernet = packet.ethernet();
  const bool to_us = ethernet.destination == link.mac;
  switch (ethernet.type.to_host()) {
    case net::kEtherTypeIpv4:
      if (!to_us && !is_group(ethernet.destination)) return packet.drop(DropReason::kNotForUs);
      parse_ipv4(packet);
      if (!to_us && packet.live()) refuse_group(packet, enis);
      return;
    case net::kEtherTypeIpv6:
      // Group addresses: neighbour discovery, judged by Classify.
      if (!to_us && !is_group(ethernet.destination)) return packet.drop(DropReason::kNotForUs);
      return parse_ipv6(packet);
    case net::kEtherTypeArp:
      if (!to_us && !is_group(ethernet.destination)) return packet.drop(DropReason::kNotForUs);
      return parse_arp(packet);
    case net::kEtherTypeVlan:
    case net::kEtherTypeQinQ: return packet.drop(DropReason::kVlanTagged);
    default: return packet.drop(DropReason::kUnknownEthertype);
  }
}

void Parse::process(Burst& burst) noexcept {
  for (Packet& packet : burst) __builtin_prefetch(packet.frame);
  for (Packet& packet : burst) {
    parse(packet, context_.link(packet.in), context_.enis());
    if (packet.kind == Kind::kFragment) [[unlikely]] burst.note_fragment();
  }
}

}  // namespace sluice::pipeline
