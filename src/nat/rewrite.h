// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Rewriting a translated packet's headers: one template for both directions.
#pragma once

#include "nat/session.h"
#include "net/checksum.h"
#include "net/headers.h"

namespace sluice::nat {

/// An echo reply of nothing but zeros has the checksum 0xffff, where differences lead to 0 (RFC
/// 1624 3): the one message whose sum is plus zero. A receiver would refuse 0.
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
  const auto delta = [](net::FoldedDelta outbound) { return kOut ? outbound : outbound.inverse(); };
  (kOut ? ip.source : ip.destination) = kOut ? session.snat : session.pod;
  ip.checksum = delta(session.l3_delta).apply(ip.checksum);

  const Be16 port = kOut ? session.snat_port : session.pod_port;
  const net::FoldedDelta l4_delta = delta(session.l4_delta);
  switch (session.protocol) {
    case net::kTcp: {
      auto& tcp = net::header_at<net::TcpHeader>(l4);
      (kOut ? tcp.source_port : tcp.destination_port) = port;
      tcp.checksum = l4_delta.apply(tcp.checksum);
      return;
    }
    case net::kUdp: {
      auto& udp = net::header_at<net::UdpHeader>(l4);
      (kOut ? udp.source_port : udp.destination_port) = port;
      udp.checksum = l4_delta.apply_udp(udp.checksum);
      return;
    }
    case net::kIcmp: {
      auto& icmp = net::header_at<net::IcmpHeader>(l4);
      icmp.identifier = port;
      icmp.checksum = l4_delta.apply(icmp.checksum);
      mend_empty_reply(icmp);
      return;
    }
    default: return;  // by address only
  }
}

/// Forwarding costs one hop (RFC 1812 5.3.1). TTL is the high byte of its word, so the header's sum
/// changes by the same whatever it was; not 0.
inline void decrement_ttl(net::Ipv4Header& ip) noexcept {
  constexpr net::FoldedDelta kOneHop =
      net::ChecksumDelta{}.replace(Be16::from_host(0x0100), Be16::from_host(0)).folded();
  --ip.ttl;
  ip.checksum = kOneHop.apply(ip.checksum);
}

}  // namespace sluice::nat
