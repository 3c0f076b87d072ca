// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Frames for tests, byte for byte, with every checksum computed in full by code of its own:
///
///     eth().ipv4("10.0.0.5", "1.1.1.1").udp(4000, 53).payload("q").bytes()
///
/// A builder is a value: each word returns a changed copy, so what is expected is often what was
/// sent with a word or two changed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ip.h"
#include "net/headers.h"

namespace sluice::test {

using Bytes = std::vector<std::uint8_t>;

class PacketBuilder {
 public:
  // --- Ethernet -------------------------------------------------------------------------------
  /// Where nothing is said, whoever takes the builder fills the addresses in.
  [[nodiscard]] PacketBuilder to_mac(const net::MacAddress& mac) const;
  [[nodiscard]] PacketBuilder from_mac(const net::MacAddress& mac) const;
  [[nodiscard]] PacketBuilder ethertype(std::uint16_t type) const;
  [[nodiscard]] PacketBuilder vlan(std::uint16_t tag, std::uint16_t tpid = 0x8100) const;
  /// Bytes after the IP packet, as Ethernet's minimum brings them; not zero, to be seen in sums.
  [[nodiscard]] PacketBuilder padding(std::size_t count) const;

  // --- IP -------------------------------------------------------------------------------------
  [[nodiscard]] PacketBuilder ipv4(std::string_view source, std::string_view destination) const;
  [[nodiscard]] PacketBuilder ipv6(std::string_view source, std::string_view destination) const;
  [[nodiscard]] PacketBuilder source(std::string_view address) const;
  [[nodiscard]] PacketBuilder destination(std::string_view address) const;
  [[nodiscard]] PacketBuilder ttl(unsigned hops) const;  ///< or hop limit
  [[nodiscard]] PacketBuilder tos(unsigned byte) const;  ///< DSCP and ECN, or traffic class
  [[nodiscard]] PacketBuilder df() const;
  [[nodiscard]] PacketBuilder id(unsigned number) const;
  [[nodiscard]] PacketBuilder fragment(unsigned offset, bool more) const;
  [[nodiscard]] PacketBuilder ip_options(Bytes options) const;      ///< a multiple of 4 bytes
  [[nodiscard]] PacketBuilder protocol(unsigned number) const;      ///< the payload is all of it
  [[nodiscard]] PacketBuilder total_length(unsigned length) const;  ///< a wrong one
  [[nodiscard]] PacketBuilder version_and_length(unsigned byte) const;  ///< a wrong one
  [[nodiscard]] PacketBuilder spoil_ip_checksum() const;

  // --- above IP -------------------------------------------------------------------------------
  [[nodiscard]] PacketBuilder udp(unsigned source_port, unsigned destination_port) const;
  [[nodiscard]] PacketBuilder udp_length(unsigned length) const;  ///< a wrong one
  [[nodiscard]] PacketBuilder no_checksum() const;                ///< UDP's 0
  [[nodiscard]] PacketBuilder tcp(unsigned source_port, unsigned destination_port) const;
  [[nodiscard]] PacketBuilder flags(unsigned flags) const;
  [[nodiscard]] PacketBuilder seq(std::uint32_t number) const;
  [[nodiscard]] PacketBuilder ack(std::uint32_t number) const;  ///< sets the ACK flag, too
  [[nodiscard]] PacketBuilder window(unsigned size) const;
  [[nodiscard]] PacketBuilder tcp_options(Bytes options) const;   ///< a multiple of 4 bytes
  [[nodiscard]] PacketBuilder data_offset(unsigned words) const;  ///< a wrong one
  [[nodiscard]] PacketBuilder icmp(unsigned type, unsigned code, unsigned id, unsigned seq) const;
  [[nodiscard]] PacketBuilder echo(unsigned id, unsigned seq = 1) const;
  [[nodiscard]] PacketBuilder echo_reply(unsigned id, unsigned seq = 1) const;
  [[nodiscard]] PacketBuilder icmpv6(unsigned type, Bytes body) const;  ///< body after the sum
  [[nodiscard]] PacketBuilder source_port(unsigned port) const;         ///< or ICMP identifier
  [[nodiscard]] PacketBuilder destination_port(unsigned port) const;
  [[nodiscard]] PacketBuilder payload(std::string_view text) const;
  [[nodiscard]] PacketBuilder payload(Bytes bytes) const;
  /// Makes the transport's checksum wrong by `difference` (ones' complement).
  [[nodiscard]] PacketBuilder spoil(unsigned difference) const;

  [[nodiscard]] Bytes bytes() const;
  [[nodiscard]] bool has_to_mac() const { return to_.has_value(); }
  [[nodiscard]] bool has_from_mac() const { return from_.has_value(); }

 private:
  enum class Transport { kNone, kUdp, kTcp, kIcmp, kIcmpv6 };
  template <typename Change>
  PacketBuilder changed(Change change) const;
  [[nodiscard]] Bytes transport_bytes() const;
  [[nodiscard]] Bytes ip_bytes() const;
  [[nodiscard]] Bytes pseudo_header(std::size_t length) const;
  [[nodiscard]] std::uint8_t protocol_number() const;

  std::optional<net::MacAddress> to_, from_;
  std::optional<std::uint16_t> ethertype_;
  Bytes vlan_;
  std::size_t padding_ = 0;
  bool v6_ = false;
  bool has_ip_ = false;
  IpAddr source_, destination_;
  unsigned ttl_ = 64, tos_ = 0, id_ = 0x1234, fragment_ = 0;
  Bytes ip_options_;
  std::optional<unsigned> protocol_, total_length_, version_and_length_;
  bool ip_spoilt_ = false;
  Transport transport_ = Transport::kNone;
  unsigned source_port_ = 0, destination_port_ = 0;
  std::optional<unsigned> udp_length_, data_offset_;
  bool no_checksum_ = false;
  unsigned flags_ = 0, window_ = 8192;
  std::uint32_t seq_ = 1000, ack_ = 0;
  Bytes tcp_options_;
  unsigned icmp_type_ = 0, icmp_code_ = 0, icmp_seq_ = 0;
  Bytes payload_;
  unsigned spoilt_by_ = 0;
};

/// Where a frame begins.
[[nodiscard]] inline PacketBuilder eth() { return {}; }

struct ArpFields {
  std::uint16_t operation = net::kArpRequest;
  net::MacAddress sender_mac{};
  std::string sender;
  net::MacAddress target_mac{};
  std::string target;
};
[[nodiscard]] Bytes arp(const ArpFields& fields, const net::MacAddress& to = net::kBroadcastMac);

/// The ones' complement sum of RFC 1071 over big-endian words, folded; not complemented.
[[nodiscard]] std::uint16_t plain_sum(const Bytes& bytes, std::uint32_t sum = 0);

/// What is wrong with a frame's checksums (IPv4 header, TCP, UDP, ICMP, ICMPv6), by full
/// recomputation; empty when all are right.
[[nodiscard]] std::string wrong_checksums(const Bytes& frame);

/// A frame as text, 16 bytes a line.
[[nodiscard]] std::string hex(const Bytes& bytes);
/// Success if both are equal, else both as text with the differing bytes marked.
[[nodiscard]] testing::AssertionResult same_bytes(const Bytes& expected, const Bytes& actual);

// What tests read out of frames without the code under test; IPv4 without options only where ports
// are read.
[[nodiscard]] std::string source_of(const Bytes& frame);
[[nodiscard]] std::string destination_of(const Bytes& frame);
[[nodiscard]] unsigned source_port_of(const Bytes& frame);  ///< for ICMP, its identifier
[[nodiscard]] unsigned destination_port_of(const Bytes& frame);

}  // namespace sluice::test
