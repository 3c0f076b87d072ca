// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Writes frames of the measurements' flows, their checksums right.
#pragma once

#include <cstdint>
#include <span>

#include "nat/flow_key.h"
#include "net/checksum.h"
#include "net/headers.h"

namespace sluice::bench {

inline constexpr std::uint16_t kSmallestFrame = 60;  ///< 64 bytes on the wire, with the FCS
inline constexpr std::size_t kIpAt = sizeof(net::EthernetHeader);
inline constexpr std::size_t kL4At = kIpAt + sizeof(net::Ipv4Header);

struct Macs {
  net::MacAddress to{};
  net::MacAddress from{};
};

/// What TCP and UDP sum in front of their own bytes.
[[nodiscard]] inline std::uint64_t pseudo_header(const net::Ipv4Header& ip,
                                                 std::size_t l4_length) noexcept {
  return std::uint64_t{ip.source.raw()} + ip.destination.raw() +
         Be16::from_host(ip.protocol).raw() +
         Be16::from_host(static_cast<std::uint16_t>(l4_length)).raw();
}

/// Ethernet and IPv4 headers of a packet that fills `frame`.
inline net::Ipv4Header& write_headers(std::span<std::uint8_t> frame,
                                      const Macs& macs,
                                      const nat::FlowKey& key) noexcept {
  net::header_at<net::EthernetHeader>(frame.data()) = {macs.to, macs.from,
                                                       Be16::from_host(net::kEtherTypeIpv4)};
  auto& ip = net::header_at<net::Ipv4Header>(frame.data() + kIpAt);
  ip = {.version_and_length = 0x45,
        .type_of_service = 0,
        .total_length = Be16::from_host(static_cast<std::uint16_t>(frame.size() - kIpAt)),
        .id = {},
        .fragment = Be16::from_host(0x4000),
        .ttl = 64,
        .protocol = key.protocol,
        .checksum = {},
        .source = key.source,
        .destination = key.destination};
  ip.checksum = net::full_checksum({frame.data() + kIpAt, sizeof ip});
  return ip;
}

/// A UDP packet that fills `frame`; the payload is what the frame holds already.
inline void write_udp(std::span<std::uint8_t> frame,
                      const Macs& macs,
                      const nat::FlowKey& key) noexcept {
  const net::Ipv4Header& ip = write_headers(frame, macs, key);
  auto& udp = net::header_at<net::UdpHeader>(frame.data() + kL4At);
  const auto l4 = frame.subspan(kL4At);
  udp = {key.source_port,
         key.destination_port,
         Be16::from_host(static_cast<std::uint16_t>(l4.size())),
         {}};
  udp.checksum = net::full_checksum(l4, pseudo_header(ip, l4.size()));
  if (udp.checksum.raw() == 0) udp.checksum = Be16::from_raw(0xffff);  // RFC 768
}

struct TcpFields {
  std::uint8_t flags;
  std::uint32_t sequence;
};

/// A TCP segment that fills `frame`, like write_udp().
inline void write_tcp(std::span<std::uint8_t> frame,
                      const Macs& macs,
                      const nat::FlowKey& key,
                      const TcpFields& fields) noexcept {
  const net::Ipv4Header& ip = write_headers(frame, macs, key);
  auto& tcp = net::header_at<net::TcpHeader>(frame.data() + kL4At);
  const auto l4 = frame.subspan(kL4At);
  tcp = {.source_port = key.source_port,
         .destination_port = key.destination_port,
         .sequence = Be32::from_host(fields.sequence),
         .acknowledgment = {},
         .data_offset = 0x50,
         .flags = fields.flags,
         .window = Be16::from_host(0xffff),
         .checksum = {},
         .urgent = {}};
  tcp.checksum = net::full_checksum(l4, pseudo_header(ip, l4.size()));
}

}  // namespace sluice::bench
