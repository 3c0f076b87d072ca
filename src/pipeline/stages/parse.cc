// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/parse.h"

#include <algorithm>
#include <array>
#include <cstddef>
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
[[gnu::always_inline]] inline std::size_t l4_at_hand(const Packet& packet) noexcept {
  const std::size_t at_hand = packet.contiguous - std::size_t{packet.l4_offset};
  return std::min<std::size_t>(at_hand, packet.l4_length);
}

/// TCP and UDP begin alike, and so does the key's second half.
[[gnu::always_inline]] inline void take_ports(Packet& packet) noexcept {
  static_assert(offsetof(nat::FlowKey, destination_port) ==
                offsetof(nat::FlowKey, source_port) + sizeof(Be16));
  std::memcpy(&packet.key.source_port, packet.l4(), 2 * sizeof(Be16));
}

[[gnu::always_inline]] inline void parse_tcp(Packet& packet) noexcept {
  const std::size_t at_hand = l4_at_hand(packet);
  if (at_hand < sizeof(net::TcpHeader)) return packet.drop(DropReason::kMalformedTcp);
  const net::TcpHeader& tcp = packet.tcp();
  if (tcp.header_length() < sizeof tcp || tcp.header_length() > at_hand) {
    return packet.drop(DropReason::kMalformedTcp);
  }
  take_ports(packet);
}

[[gnu::always_inline]] inline void parse_udp(Packet& packet) noexcept {
  if (l4_at_hand(packet) < sizeof(net::UdpHeader)) return packet.drop(DropReason::kMalformedUdp);
  const auto& udp = net::header_at<net::UdpHeader>(packet.l4());
  const std::uint16_t length = udp.length.to_host();
  if (length < sizeof udp || length > packet.l4_length) {
    return packet.drop(DropReason::kMalformedUdp);
  }
  take_ports(packet);
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

[[gnu::always_inline]] inline void read_transport(Packet& packet) noexcept {
  const net::Ipv4Header& ip = packet.ipv4();
  static_assert(offsetof(net::Ipv4Header, destination) ==
                offsetof(net::Ipv4Header, source) + sizeof(Be32));
  std::memcpy(&packet.key.source, &ip.source, 2 * sizeof(Be32));
  packet.key.protocol = ip.protocol;
  switch (ip.protocol) {
    case net::kTcp: return parse_tcp(packet);
    case net::kUdp: return parse_udp(packet);
    case net::kIcmp: return parse_icmp(packet);
    default: return;
  }
}

/// Nearly every header is of 20 bytes: its sum is worth no loop.
[[gnu::always_inline]] inline std::uint64_t header_sum(const std::uint8_t* header,
                                                       unsigned length) noexcept {
  constexpr unsigned kUsual = sizeof(net::Ipv4Header);
  if (length != kUsual) [[unlikely]]
    return net::sum_words({header, length});
  std::array<std::uint64_t, 2> most;
  std::uint32_t rest = 0;
  std::memcpy(most.data(), header, sizeof most);
  std::memcpy(&rest, header + sizeof most, sizeof rest);
  constexpr std::uint64_t kLow = 0xffff'ffffU;
  return (most[0] & kLow) + (most[0] >> 32) + (most[1] & kLow) + (most[1] >> 32) + rest;
}

/// RFC 1812 5.2.2: (1) long enough, (2) the checksum holds, (3) version 4, (4) the header length is
/// at least 20, (5) the total length holds the header, and the frame holds the total length.
[[gnu::always_inline]] inline void parse_ipv4(Packet& packet) noexcept {
  constexpr std::uint8_t kUsual = 0x45;  // without options
  if (packet.contiguous < kL3Offset + sizeof(net::Ipv4Header)) {
    return packet.drop(DropReason::kMalformedIpv4);
  }
  const net::Ipv4Header& ip = packet.ipv4();
  unsigned header_length = sizeof ip;
  if (ip.version_and_length != kUsual) [[unlikely]] {
    header_length = ip.header_length();
    if (ip.version() != 4 || header_length < sizeof ip ||
        packet.contiguous < kL3Offset + header_length) {
      return packet.drop(DropReason::kMalformedIpv4);
    }
  }
  const unsigned total_length = ip.total_length.to_host();
  if (total_length < header_length || packet.length < kL3Offset + total_length) {
    return packet.drop(DropReason::kMalformedIpv4);
  }
  if (net::fold(header_sum(packet.frame + kL3Offset, header_length)) != 0xffff) {
    return packet.drop(DropReason::kMalformedIpv4);
  }

  packet.kind = Kind::kFlow;
  packet.length = kL3Offset + total_length;  // without padding
  packet.l4_offset = static_cast<std::uint16_t>(kL3Offset + header_length);
  packet.l4_length = static_cast<std::uint16_t>(total_length - header_length);
  if (ip.is_fragment()) [[unlikely]] {
    packet.kind = Kind::kFragment;
    return;
  }
  read_transport(packet);
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
  if (destination.is_limited_broadcast() || enis.about(destination).directed_broadcast) {
    return packet.drop(DropReason::kBroadcastDestination);
  }
  packet.drop(DropReason::kNotForUs);
}

[[gnu::always_inline]] inline void parse_frame(Packet& packet,
                                               const Link& link,
                                               const eni::EniMap& enis) noexcept {
  if (packet.vlan_stripped) return packet.drop(DropReason::kVlanTagged);
  if (packet.contiguous < sizeof(net::EthernetHeader)) {
    return packet.drop(DropReason::kTruncatedFrame);
  }
  const net::EthernetHeader& ethernet = packet.ethernet();
  const bool to_us = net::same(ethernet.destination, link.mac);
  const bool for_us = to_us || is_group(ethernet.destination);
  const std::uint16_t type = ethernet.type.to_host();
  if (type == net::kEtherTypeIpv4) [[likely]] {
    if (!for_us) return packet.drop(DropReason::kNotForUs);
    parse_ipv4(packet);
    if (!to_us && packet.live()) [[unlikely]]
      refuse_group(packet, enis);
    return;
  }
  switch (type) {
    case net::kEtherTypeIpv6:
      // Group addresses: neighbour discovery, judged by Classify.
      if (!for_us) return packet.drop(DropReason::kNotForUs);
      parse_ipv6(packet);
      if (!to_us && packet.live() && !Ipv6Addr{packet.ipv6().destination}.is_multicast()) {
        packet.drop(DropReason::kNotForUs);
      }
      return;
    case net::kEtherTypeArp: return for_us ? parse_arp(packet) : packet.drop(DropReason::kNotForUs);
    case net::kEtherTypeVlan:
    case net::kEtherTypeQinQ: return packet.drop(DropReason::kVlanTagged);
    default: return packet.drop(DropReason::kUnknownEthertype);
  }
}

}  // namespace

void parse_transport(Packet& packet) noexcept { read_transport(packet); }

void parse(Packet& packet, const Link& link, const eni::EniMap& enis) noexcept {
  parse_frame(packet, link, enis);
}

void Parse::process(Burst& burst) noexcept {
  const eni::EniMap& enis = context_.enis();
  for (Packet& packet : burst) {
    parse_frame(packet, context_.link(packet.in), enis);
    if (packet.kind == Kind::kFragment) [[unlikely]]
      burst.note_fragment();
  }
}

}  // namespace sluice::pipeline
