// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Headers as they lie on the wire. Every member has alignment 1, so a pointer into a frame may be
/// read as one of these wherever it points.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "core/byte_order.h"

namespace sluice::net {

using MacAddress = std::array<std::uint8_t, 6>;
inline constexpr MacAddress kBroadcastMac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/// By value; the array's own comparison is a call into the C library.
[[nodiscard]] inline bool same(const MacAddress& a, const MacAddress& b) noexcept {
  const auto bits = [](const MacAddress& mac) {
    std::uint32_t first = 0;
    std::uint16_t rest = 0;
    std::memcpy(&first, mac.data(), sizeof first);
    std::memcpy(&rest, mac.data() + sizeof first, sizeof rest);
    return first | std::uint64_t{rest} << 32;
  };
  return bits(a) == bits(b);
}

enum EtherType : std::uint16_t {
  kEtherTypeIpv4 = 0x0800,
  kEtherTypeArp = 0x0806,
  kEtherTypeVlan = 0x8100,
  kEtherTypeIpv6 = 0x86dd,
  kEtherTypeQinQ = 0x88a8,
};

struct EthernetHeader {
  MacAddress destination;
  MacAddress source;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14);

/// Writes both addresses in two stores; in more, of six bytes each, a processor waits for one to be
/// read back as part of the other. `destination`: 48 bits as memory holds them.
inline void set_macs(EthernetHeader& header,
                     std::uint64_t destination,
                     const MacAddress& source) noexcept {
  std::uint16_t first = 0;
  std::uint32_t rest = 0;
  std::memcpy(&first, source.data(), sizeof first);
  std::memcpy(&rest, source.data() + sizeof first, sizeof rest);
  const std::uint64_t front = (destination & 0xffff'ffff'ffffU) | std::uint64_t{first} << 48;
  auto* const bytes = reinterpret_cast<std::uint8_t*>(&header);
  std::memcpy(bytes, &front, sizeof front);
  std::memcpy(bytes + sizeof front, &rest, sizeof rest);
}

/// RFC 826, for IPv4 over Ethernet.
struct ArpHeader {
  Be16 hardware_type;
  Be16 protocol_type;
  std::uint8_t hardware_length;
  std::uint8_t protocol_length;
  Be16 operation;
  MacAddress sender_mac;
  Be32 sender_address;
  MacAddress target_mac;
  Be32 target_address;
};
static_assert(sizeof(ArpHeader) == 28);
inline constexpr std::uint16_t kArpRequest = 1;
inline constexpr std::uint16_t kArpReply = 2;

enum IpProtocol : std::uint8_t {
  kIcmp = 1,
  kTcp = 6,
  kUdp = 17,
  kIcmpv6 = 58,
  kSctp = 132,
};

/// RFC 791.
struct Ipv4Header {
  std::uint8_t version_and_length;  ///< version in the high half, header length in 32-bit words
  std::uint8_t type_of_service;
  Be16 total_length;
  Be16 id;
  Be16 fragment;  ///< flags in the high 3 bits, offset in 8-byte units
  std::uint8_t ttl;
  std::uint8_t protocol;
  Be16 checksum;
  Be32 source;
  Be32 destination;

  [[nodiscard]] constexpr unsigned version() const noexcept { return version_and_length >> 4; }
  [[nodiscard]] constexpr unsigned header_length() const noexcept {
    return (version_and_length & 0xfU) * 4;
  }
  [[nodiscard]] constexpr bool is_fragment() const noexcept {
    return (fragment.to_host() & 0x3fff) != 0;  // more fragments, or an offset
  }
  [[nodiscard]] constexpr bool dont_fragment() const noexcept {
    return (fragment.to_host() & 0x4000) != 0;
  }
};
static_assert(sizeof(Ipv4Header) == 20);

/// RFC 8200.
struct Ipv6Header {
  Be32 version_class_flow;
  Be16 payload_length;
  std::uint8_t next_header;
  std::uint8_t hop_limit;
  std::array<std::uint8_t, 16> source;
  std::array<std::uint8_t, 16> destination;
};
static_assert(sizeof(Ipv6Header) == 40);

enum TcpFlag : std::uint8_t { kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10 };

/// RFC 9293 3.1.
struct TcpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be32 sequence;
  Be32 acknowledgment;
  std::uint8_t data_offset;  ///< in 32-bit words, in the high half
  std::uint8_t flags;
  Be16 window;
  Be16 checksum;
  Be16 urgent;

  [[nodiscard]] constexpr unsigned header_length() const noexcept {
    return (data_offset >> 4) * 4U;
  }
};
static_assert(sizeof(TcpHeader) == 20);

/// RFC 768.
struct UdpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be16 length;
  Be16 checksum;  ///< 0: none was computed
};
static_assert(sizeof(UdpHeader) == 8);

enum IcmpType : std::uint8_t {
  kIcmpEchoReply = 0,
  kIcmpUnreachable = 3,
  kIcmpSourceQuench = 4,
  kIcmpRedirect = 5,
  kIcmpEchoRequest = 8,
  kIcmpTimeExceeded = 11,
  kIcmpParameterProblem = 12,
  kIcmpTimestampRequest = 13,
  kIcmpTimestampReply = 14,
};

/// RFC 792; for queries the second word is identifier and sequence number.
struct IcmpHeader {
  std::uint8_t type;
  std::uint8_t code;
  Be16 checksum;
  Be16 identifier;
  Be16 sequence;
};
static_assert(sizeof(IcmpHeader) == 8);

/// Neighbour discovery (RFC 4861 4.3, 4.4): solicitation and advertisement share this shape.
struct NeighbourMessage {
  std::uint8_t type;
  std::uint8_t code;
  Be16 checksum;
  Be32 flags;
  std::array<std::uint8_t, 16> target;
};
static_assert(sizeof(NeighbourMessage) == 24);
inline constexpr std::uint8_t kNeighbourSolicitation = 135;
inline constexpr std::uint8_t kNeighbourAdvertisement = 136;
inline constexpr std::uint8_t kIcmpv6EchoRequest = 128;
inline constexpr std::uint8_t kIcmpv6EchoReply = 129;

/// Reads the bytes at `bytes` as header `T`.
template <typename T>
[[nodiscard]] T& header_at(std::uint8_t* bytes) noexcept {
  static_assert(alignof(T) == 1);
  return *reinterpret_cast<T*>(bytes);
}
template <typename T>
[[nodiscard]] const T& header_at(const std::uint8_t* bytes) noexcept {
  static_assert(alignof(T) == 1);
  return *reinterpret_cast<const T*>(bytes);
}

}  // namespace sluice::net
