// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/frames.h"

#include <algorithm>

#include "net/checksum.h"

namespace sluice::explain {
namespace {

constexpr std::uint8_t kTtl = 64;
constexpr std::uint16_t kWindow = 64240;

template <typename T>
void append(Frame& frame, const T& header) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&header);
  frame.insert(frame.end(), bytes, bytes + sizeof header);
}

Frame make_l4(const FrameSpec& spec) {
  Frame l4;
  const Be16 source = Be16::from_host(spec.source_port);
  const Be16 destination = Be16::from_host(spec.destination_port);
  switch (spec.protocol) {
    case net::kTcp: {
      net::TcpHeader tcp{};
      tcp.source_port = source;
      tcp.destination_port = destination;
      tcp.sequence = Be32::from_host(spec.sequence);
      tcp.acknowledgment =
          Be32::from_host((spec.tcp_flags & net::kAck) != 0 ? spec.acknowledgment : 0);
      tcp.data_offset = sizeof tcp / 4 << 4;
      tcp.flags = spec.tcp_flags;
      tcp.window = Be16::from_host(kWindow);
      append(l4, tcp);
      break;
    }
    case net::kUdp:
      append(l4, net::UdpHeader{source, destination, Be16::from_host(sizeof(net::UdpHeader)), {}});
      break;
    case net::kIcmp:
    case net::kIcmpv6:
      append(l4,
             net::IcmpHeader{
                 spec.icmp_type, 0, {}, Be16::from_host(spec.icmp_identifier), Be16::from_host(1)});
      break;
    case net::kSctp: {
      // RFC 9260 3.1: ports, verification tag, CRC32c. The CRC covers no address and is left 0.
      append(l4, source);
      append(l4, destination);
      l4.resize(12);
      break;
    }
    default: l4.resize(8); break;
  }
  return l4;
}

/// Where the protocol keeps its checksum, or nothing.
Be16* checksum_in(Frame& l4, std::uint8_t protocol) {
  switch (protocol) {
    case net::kTcp: return &net::header_at<net::TcpHeader>(l4.data()).checksum;
    case net::kUdp: return &net::header_at<net::UdpHeader>(l4.data()).checksum;
    case net::kIcmp:
    case net::kIcmpv6: return &net::header_at<net::IcmpHeader>(l4.data()).checksum;
    default: return nullptr;
  }
}

template <typename Addresses>
std::uint64_t pseudo_header(const Addresses& source,
                            const Addresses& destination,
                            std::uint8_t protocol,
                            std::size_t length) {
  const auto sum = [](const auto& address) {
    return net::sum_words({reinterpret_cast<const std::uint8_t*>(&address), sizeof address});
  };
  return sum(source) + sum(destination) + Be16::from_host(protocol).raw() +
         Be16::from_host(static_cast<std::uint16_t>(length)).raw();
}

void fill_checksum(Frame& l4, std::uint8_t protocol, std::uint64_t pseudo_header_sum) {
  Be16* field = checksum_in(l4, protocol);
  if (field == nullptr) return;
  *field = net::full_checksum(l4, protocol == net::kIcmp ? 0 : pseudo_header_sum);
  if (protocol == net::kUdp && field->raw() == 0) *field = Be16::from_raw(0xffff);
}

void append_ipv4(Frame& frame, const FrameSpec& spec, Frame l4) {
  net::Ipv4Header ip{};
  ip.version_and_length = 0x45;
  ip.total_length = Be16::from_host(static_cast<std::uint16_t>(sizeof ip + l4.size()));
  ip.fragment = Be16::from_host(0x4000);
  ip.ttl = kTtl;
  ip.protocol = spec.protocol;
  ip.source = spec.source.v4().wire();
  ip.destination = spec.destination.v4().wire();
  ip.checksum = net::full_checksum({reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip});
  fill_checksum(l4, spec.protocol,
                pseudo_header(ip.source, ip.destination, spec.protocol, l4.size()));
  append(frame, ip);
  frame.insert(frame.end(), l4.begin(), l4.end());
}

void append_ipv6(Frame& frame, const FrameSpec& spec, Frame l4) {
  net::Ipv6Header ip{};
  ip.version_class_flow = Be32::from_host(6U << 28);
  ip.payload_length = Be16::from_host(static_cast<std::uint16_t>(l4.size()));
  ip.next_header = spec.protocol;
  ip.hop_limit = kTtl;
  ip.source = spec.source.v6().bytes();
  ip.destination = spec.destination.v6().bytes();
  fill_checksum(l4, spec.protocol,
                pseudo_header(ip.source, ip.destination, spec.protocol, l4.size()));
  append(frame, ip);
  frame.insert(frame.end(), l4.begin(), l4.end());
}

}  // namespace

Frame make_frame(const FrameSpec& spec, std::size_t headroom) {
  Frame frame(headroom);
  const bool v4 = spec.source.is_v4();
  append(frame,
         net::EthernetHeader{spec.to, spec.from,
                             Be16::from_host(v4 ? net::kEtherTypeIpv4 : net::kEtherTypeIpv6)});
  if (v4) {
    append_ipv4(frame, spec, make_l4(spec));
  } else {
    append_ipv6(frame, spec, make_l4(spec));
  }
  return frame;
}

}  // namespace sluice::explain
