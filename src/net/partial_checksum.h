// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Checksums that a sender left to its NIC: the field holds the sum of the pseudo header alone, not
/// complemented. A virtio peer's frames come so, and captures taken before the NIC.
#pragma once

#include <cstdint>
#include <span>

#include "net/checksum.h"
#include "net/headers.h"

namespace sluice::net {

namespace partial {

struct Transport {
  std::span<std::uint8_t> bytes;  ///< empty: not one of TCP or UDP, whole and at hand
  std::uint8_t protocol = 0;
  std::uint64_t addresses = 0;  ///< their sum
};

[[nodiscard]] inline Transport transport_of(std::span<std::uint8_t> frame) noexcept {
  constexpr std::size_t kL3 = sizeof(EthernetHeader);
  if (frame.size() < kL3 + sizeof(Ipv4Header)) return {};
  const std::uint16_t type = header_at<EthernetHeader>(frame.data()).type.to_host();
  if (type == kEtherTypeIpv4) {
    const auto& ip = header_at<Ipv4Header>(frame.data() + kL3);
    const std::size_t header = ip.header_length();
    const std::size_t total = ip.total_length.to_host();
    if (ip.is_fragment() || header < sizeof ip || total < header || frame.size() < kL3 + total) {
      return {};
    }
    return {frame.subspan(kL3 + header, total - header), ip.protocol,
            std::uint64_t{ip.source.raw()} + ip.destination.raw()};
  }
  if (type != kEtherTypeIpv6 || frame.size() < kL3 + sizeof(Ipv6Header)) return {};
  const auto& ip = header_at<Ipv6Header>(frame.data() + kL3);
  const std::size_t length = ip.payload_length.to_host();
  if (frame.size() < kL3 + sizeof ip + length) return {};
  return {frame.subspan(kL3 + sizeof ip, length), ip.next_header,
          sum_words(ip.source) + sum_words(ip.destination)};
}

}  // namespace partial

/// Completes the checksum of a frame's TCP or UDP if it is a partial one; all others stay.
inline void complete_partial_checksum(std::span<std::uint8_t> frame) noexcept {
  const partial::Transport transport = partial::transport_of(frame);
  const bool tcp = transport.protocol == kTcp;
  if (!tcp && transport.protocol != kUdp) return;
  if (transport.bytes.size() < (tcp ? sizeof(TcpHeader) : sizeof(UdpHeader))) return;
  Be16& checksum = tcp ? header_at<TcpHeader>(transport.bytes.data()).checksum
                       : header_at<UdpHeader>(transport.bytes.data()).checksum;
  const auto length = static_cast<std::uint16_t>(transport.bytes.size());
  const std::uint64_t pseudo_header = transport.addresses +
                                      Be16::from_host(transport.protocol).raw() +
                                      Be16::from_host(length).raw();
  if (checksum.raw() != fold(pseudo_header)) return;
  checksum = {};
  checksum = full_checksum(transport.bytes, pseudo_header);
  if (!tcp && checksum.raw() == 0) checksum = Be16::from_raw(0xffff);  // RFC 768
}

}  // namespace sluice::net
