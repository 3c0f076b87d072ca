// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/icmp_error.h"

#include "net/checksum.h"

namespace sluice::nat {
namespace {

constexpr std::size_t kQuote = sizeof(net::IcmpHeader);  // where the quoted packet begins
constexpr std::size_t kLeastL4 = 8;                      // RFC 792: 64 bits of it are quoted

/// Changes a field of the quote and notes what that does to the message's sum.
template <typename Field>
void replace(Field& field, Field value, net::ChecksumDelta& message) noexcept {
  message.replace(field, value);
  field = value;
}

/// The quoted packet went the other way: what the session's source is to us was its destination.
struct QuotedEnd {
  Be32& address;
  Be16* port;      ///< null: this protocol is translated by address only
  Be16* checksum;  ///< null: not quoted, or UDP without one
};

QuotedEnd quoted_end(net::Ipv4Header& ip, std::span<std::uint8_t> l4, bool source) noexcept {
  QuotedEnd end{source ? ip.source : ip.destination, nullptr, nullptr};
  switch (ip.protocol) {
    case net::kTcp: {
      // The quote may end before the checksum does.
      auto& tcp = net::header_at<net::TcpHeader>(l4.data());
      end.port = source ? &tcp.source_port : &tcp.destination_port;
      if (l4.size() >= offsetof(net::TcpHeader, urgent)) end.checksum = &tcp.checksum;
      break;
    }
    case net::kUdp: {
      auto& udp = net::header_at<net::UdpHeader>(l4.data());
      end.port = source ? &udp.source_port : &udp.destination_port;
      if (udp.checksum.raw() != 0) end.checksum = &udp.checksum;
      break;
    }
    case net::kIcmp: {
      auto& icmp = net::header_at<net::IcmpHeader>(l4.data());
      end.port = &icmp.identifier;
      end.checksum = &icmp.checksum;
      break;
    }
    default: break;
  }
  return end;
}

}  // namespace

std::optional<FlowKey> key_of_quoted(std::span<const std::uint8_t> message) noexcept {
  if (message.size() < kQuote + sizeof(net::Ipv4Header)) return std::nullopt;
  const auto& ip = net::header_at<net::Ipv4Header>(message.data() + kQuote);
  const std::size_t header_length = ip.header_length();
  const bool later_fragment = (ip.fragment.to_host() & 0x1fff) != 0;
  if (ip.version() != 4 || header_length < sizeof ip || later_fragment ||
      message.size() < kQuote + header_length + kLeastL4) {
    return std::nullopt;
  }
  const std::uint8_t* l4 = message.data() + kQuote + header_length;
  FlowKey quoted{ip.source, ip.destination, {}, {}, ip.protocol, {}};
  if (ip.protocol == net::kTcp || ip.protocol == net::kUdp) {
    const auto& udp = net::header_at<net::UdpHeader>(l4);  // TCP's ports lie in the same place
    quoted.source_port = udp.source_port;
    quoted.destination_port = udp.destination_port;
  } else if (ip.protocol == net::kIcmp) {
    const auto& icmp = net::header_at<net::IcmpHeader>(l4);
    switch (icmp.type) {
      case net::kIcmpEchoRequest:
      case net::kIcmpTimestampRequest: quoted.source_port = icmp.identifier; break;
      case net::kIcmpEchoReply:
      case net::kIcmpTimestampReply: quoted.destination_port = icmp.identifier; break;
      default: return std::nullopt;  // RFC 1122 3.2.2: no error is about an error
    }
  }
  return quoted.reversed();
}

void rewrite_error(const SessionIdentity& session,
                   Direction direction,
                   net::Ipv4Header& outer,
                   std::span<std::uint8_t> message) noexcept {
  const bool inbound = direction == Direction::kInbound;
  auto& icmp = net::header_at<net::IcmpHeader>(message.data());
  auto& ip = net::header_at<net::Ipv4Header>(message.data() + kQuote);
  const auto l4 = message.subspan(kQuote + ip.header_length());

  // Inbound, the quote's source is the SNAT address; outbound, its destination is the pod.
  const QuotedEnd end = quoted_end(ip, l4, inbound);
  const Be32 address = inbound ? session.pod : session.snat;
  const Be16 port = inbound ? session.pod_port : session.snat_port;
  net::ChecksumDelta in_message;
  const net::ChecksumDelta of_address = net::ChecksumDelta{}.replace(end.address, address);
  net::ChecksumDelta of_l4 = ip.protocol == net::kIcmp ? net::ChecksumDelta{} : of_address;
  replace(end.address, address, in_message);
  replace(ip.checksum, of_address.apply(ip.checksum), in_message);
  if (end.port != nullptr) {
    of_l4.replace(*end.port, port);
    replace(*end.port, port, in_message);
  }
  if (end.checksum != nullptr) {
    const Be16 changed =
        ip.protocol == net::kUdp ? of_l4.apply_udp(*end.checksum) : of_l4.apply(*end.checksum);
    replace(*end.checksum, changed, in_message);
  }
  icmp.checksum = in_message.apply(icmp.checksum);

  // RFC 5508 REQ-5: whoever behind us complains, outside it is the SNAT address that does.
  Be32& outer_address = inbound ? outer.destination : outer.source;
  outer.checksum = net::ChecksumDelta{}.replace(outer_address, address).apply(outer.checksum);
  outer_address = address;
}

}  // namespace sluice::nat
