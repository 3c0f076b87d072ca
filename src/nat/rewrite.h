// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Rewriting a translated packet's headers: one template for both directions.
#pragma once

#include "nat/session.h"
#include "net/checksum.h"
#include "net/headers.h"

namespace sluice::nat {

/// The port (or query identifier) that translation changes, and the checksum over it.
struct L4Fields {
  Be16* port = nullptr;      ///< null: this protocol is translated by address only
  Be16* checksum = nullptr;
};

template <Direction kDirection>
[[nodiscard]] inline L4Fields l4_fields(std::uint8_t protocol, std::uint8_t* l4) noexcept {
  constexpr bool kOut = kDirection == Direction::kOutbound;
  switch (protocol) {
    case net::kTcp: {
      auto& tcp = net::header_at<net::TcpHeader>(l4);
      return {kOut ? &tcp.source_port : &tcp.destination_port, &tcp.checksum};
    }
    case net::kUdp: {
      auto& udp = net::header_at<net::UdpHeader>(l4);
      return {kOut ? &udp.source_port : &udp.destination_port, &udp.checksum};
    }
    case net::kIcmp: {
      auto& icmp = net::header_at<net::IcmpHeader>(l4);
      return {&icmp.identifier, &icmp.checksum};
    }
    default: return {};
  }
}

/// An echo reply of nothing but zeros has the checksum 0xffff, where differences lead to 0 (RFC 1624
/// 3): the one message whose sum is plus zero. A receiver would refuse 0.
inline void mend_empty_reply(net::IcmpHeader& icmp) noexcept {
  const bool empty = icmp.type == net::kIcmpEchoReply && icmp.code == 0 &&
                     icmp.identifier.raw() == 0 && icmp.sequence.raw() == 0;
  if (empty && icmp.checksum.raw() == 0) icmp.checksum = Be16::from_raw(0xffff);
}

/// Gives the packet the addresses and ports it has on the session's other side. Checksums change by
/// the session's stored differences (RFC 1624); TTL is not touched here.
template <Direction kDirection>
inline void rewrite(const SessionIdentity& session,
                    net::Ipv4Header& ip,
                    std::uint8_t* l4) noexcept {
  constexpr bool kOut = kDirection == Direction::kOutbound;
  const auto delta = [](std::uint16_t outbound) {
    const auto stored = net::ChecksumDelta::from_raw(outbound);
    return kOut ? stored : stored.inverse();
  };
  (kOut ? ip.source : ip.destination) = kOut ? session.snat : session.pod;
  ip.checksum = delta(session.l3_delta).apply(ip.checksum);

  const L4Fields fields = l4_fields<kDirection>(session.protocol, l4);
  if (fields.port == nullptr) return;
  *fields.port = kOut ? session.snat_port : session.pod_port;
  const net::ChecksumDelta l4_delta = delta(session.l4_delta);
  *fields.checksum = session.protocol == net::kUdp ? l4_delta.apply_udp(*fields.checksum)
                                                   : l4_delta.apply(*fields.checksum);
  if (session.protocol == net::kIcmp) mend_empty_reply(net::header_at<net::IcmpHeader>(l4));
}

/// Forwarding costs one hop (RFC 1812 5.3.1); the sum changes by it.
inline void decrement_ttl(net::Ipv4Header& ip) noexcept {
  // TTL is the high byte of its 16-bit word.
  const Be16 before = Be16::from_host(static_cast<std::uint16_t>(ip.ttl << 8 | ip.protocol));
  --ip.ttl;
  const Be16 after = Be16::from_host(static_cast<std::uint16_t>(ip.ttl << 8 | ip.protocol));
  ip.checksum = net::ChecksumDelta{}.replace(before, after).apply(ip.checksum);
}

}  // namespace sluice::nat
