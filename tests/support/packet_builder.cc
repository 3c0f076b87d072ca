// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/packet_builder.h"

#include <cstdio>

#include "support/config_parts.h"

namespace sluice::test {
namespace {

constexpr std::size_t kEthernet = 14;

void put8(Bytes& out, unsigned value) { out.push_back(static_cast<std::uint8_t>(value)); }
void put16(Bytes& out, unsigned value) {
  put8(out, value >> 8 & 0xff);
  put8(out, value & 0xff);
}
void put32(Bytes& out, std::uint32_t value) {
  put16(out, value >> 16);
  put16(out, value & 0xffff);
}
void put(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }
void put(Bytes& out, const net::MacAddress& mac) { out.insert(out.end(), mac.begin(), mac.end()); }
void put(Bytes& out, const IpAddr& address) {
  if (address.is_v4()) {
    put32(out, address.v4().value());
  } else {
    const auto& bytes = address.v6().bytes();
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
}
void set16(Bytes& out, std::size_t at, unsigned value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}
unsigned get16(const Bytes& bytes, std::size_t at) {
  return unsigned{bytes.at(at)} << 8 | bytes.at(at + 1);
}

Bytes slice(const Bytes& bytes, std::size_t first, std::size_t last) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(first),
          bytes.begin() + static_cast<std::ptrdiff_t>(last)};
}

}  // namespace

std::uint16_t plain_sum(const Bytes& bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += unsigned{bytes[i]} << 8;
    if (i + 1 < bytes.size()) sum += bytes[i + 1];
    if (sum > 0xffff) sum -= 0xffff;  // the carry comes back in
  }
  return static_cast<std::uint16_t>(sum);
}

// --- building --------------------------------------------------------------------------------

template <typename Change>
PacketBuilder PacketBuilder::changed(Change change) const {
  PacketBuilder copy = *this;
  change(copy);
  return copy;
}

#define SLUICE_WORD(declaration, ...)                       \
  PacketBuilder PacketBuilder::declaration const {          \
    return changed([&](PacketBuilder& b) { __VA_ARGS__; }); \
  }
SLUICE_WORD(to_mac(const net::MacAddress& mac), b.to_ = mac)
SLUICE_WORD(from_mac(const net::MacAddress& mac), b.from_ = mac)
SLUICE_WORD(ethertype(std::uint16_t type), b.ethertype_ = type)
SLUICE_WORD(vlan(std::uint16_t tag, std::uint16_t tpid), put16(b.vlan_, tpid), put16(b.vlan_, tag))
SLUICE_WORD(padding(std::size_t count), b.padding_ = count)
SLUICE_WORD(ipv4(std::string_view from, std::string_view to),
            b.has_ip_ = true,
            b.v6_ = false,
            b.source_ = address(from),
            b.destination_ = address(to))
SLUICE_WORD(ipv6(std::string_view from, std::string_view to),
            b.has_ip_ = true,
            b.v6_ = true,
            b.source_ = address(from),
            b.destination_ = address(to))
SLUICE_WORD(source(std::string_view from), b.source_ = address(from))
SLUICE_WORD(destination(std::string_view to), b.destination_ = address(to))
SLUICE_WORD(ttl(unsigned hops), b.ttl_ = hops)
SLUICE_WORD(tos(unsigned byte), b.tos_ = byte)
SLUICE_WORD(df(), b.fragment_ |= 0x4000)
SLUICE_WORD(id(unsigned number), b.id_ = number)
SLUICE_WORD(fragment(unsigned offset, bool more), b.fragment_ = offset / 8 | (more ? 0x2000U : 0U))
SLUICE_WORD(ip_options(Bytes options), b.ip_options_ = options)
SLUICE_WORD(protocol(unsigned number), b.protocol_ = number)
SLUICE_WORD(total_length(unsigned length), b.total_length_ = length)
SLUICE_WORD(version_and_length(unsigned byte), b.version_and_length_ = byte)
SLUICE_WORD(spoil_ip_checksum(), b.ip_spoilt_ = true)
SLUICE_WORD(udp(unsigned from, unsigned to),
            b.transport_ = Transport::kUdp,
            b.source_port_ = from,
            b.destination_port_ = to)
SLUICE_WORD(udp_length(unsigned length), b.udp_length_ = length)
SLUICE_WORD(no_checksum(), b.no_checksum_ = true)
SLUICE_WORD(tcp(unsigned from, unsigned to),
            b.transport_ = Transport::kTcp,
            b.source_port_ = from,
            b.destination_port_ = to)
SLUICE_WORD(flags(unsigned value), b.flags_ = value)
SLUICE_WORD(seq(std::uint32_t number), b.seq_ = number)
SLUICE_WORD(ack(std::uint32_t number), b.ack_ = number, b.flags_ |= net::kAck)
SLUICE_WORD(window(unsigned size), b.window_ = size)
SLUICE_WORD(tcp_options(Bytes options), b.tcp_options_ = options)
SLUICE_WORD(data_offset(unsigned words), b.data_offset_ = words)
SLUICE_WORD(icmp(unsigned type, unsigned code, unsigned identifier, unsigned seq),
            b.transport_ = Transport::kIcmp,
            b.icmp_type_ = type,
            b.icmp_code_ = code,
            b.source_port_ = identifier,
            b.icmp_seq_ = seq)
SLUICE_WORD(icmpv6(unsigned type, Bytes body),
            b.transport_ = Transport::kIcmpv6,
            b.icmp_type_ = type,
            b.payload_ = body)
SLUICE_WORD(source_port(unsigned port), b.source_port_ = port)
SLUICE_WORD(destination_port(unsigned port), b.destination_port_ = port)
SLUICE_WORD(payload(std::string_view text), b.payload_ = Bytes(text.begin(), text.end()))
SLUICE_WORD(payload(Bytes bytes), b.payload_ = bytes)
SLUICE_WORD(spoil(unsigned difference), b.spoilt_by_ = difference)
#undef SLUICE_WORD

PacketBuilder PacketBuilder::echo(unsigned identifier, unsigned seq) const {
  return icmp(net::kIcmpEchoRequest, 0, identifier, seq);
}
PacketBuilder PacketBuilder::echo_reply(unsigned identifier, unsigned seq) const {
  return icmp(net::kIcmpEchoReply, 0, identifier, seq);
}

std::uint8_t PacketBuilder::protocol_number() const {
  if (protocol_) return static_cast<std::uint8_t>(*protocol_);
  switch (transport_) {
    case Transport::kUdp: return net::kUdp;
    case Transport::kTcp: return net::kTcp;
    case Transport::kIcmp: return net::kIcmp;
    case Transport::kIcmpv6: return net::kIcmpv6;
    case Transport::kNone: break;
  }
  return 253;  // RFC 3692: for experiments
}

Bytes PacketBuilder::pseudo_header(std::size_t length) const {
  Bytes bytes;
  put(bytes, source_);
  put(bytes, destination_);
  put32(bytes, static_cast<std::uint32_t>(length));
  put32(bytes, protocol_number());
  return bytes;
}

Bytes PacketBuilder::transport_bytes() const {
  Bytes bytes;
  std::size_t checksum_at = 0;
  switch (transport_) {
    case Transport::kNone: return payload_;
    case Transport::kUdp:
      put16(bytes, source_port_);
      put16(bytes, destination_port_);
      put16(bytes, udp_length_.value_or(static_cast<unsigned>(8 + payload_.size())));
      checksum_at = bytes.size();
      put16(bytes, 0);
      break;
    case Transport::kTcp:
      put16(bytes, source_port_);
      put16(bytes, destination_port_);
      put32(bytes, seq_);
      put32(bytes, ack_);
      put8(bytes, data_offset_.value_or(5 + static_cast<unsigned>(tcp_options_.size()) / 4) << 4);
      put8(bytes, flags_);
      put16(bytes, window_);
      checksum_at = bytes.size();
      put32(bytes, 0);
      put(bytes, tcp_options_);
      break;
    case Transport::kIcmp:
      put8(bytes, icmp_type_);
      put8(bytes, icmp_code_);
      checksum_at = bytes.size();
      put16(bytes, 0);
      put16(bytes, source_port_);
      put16(bytes, icmp_seq_);
      break;
    case Transport::kIcmpv6:
      put8(bytes, icmp_type_);
      put8(bytes, 0);
      checksum_at = bytes.size();
      put16(bytes, 0);
      break;
  }
  put(bytes, payload_);
  if (no_checksum_) return bytes;
  const bool plain = transport_ == Transport::kIcmp;
  const std::uint32_t pseudo = plain ? 0 : plain_sum(pseudo_header(bytes.size()));
  unsigned checksum = ~unsigned{plain_sum(bytes, pseudo)} & 0xffff;
  if (spoilt_by_ != 0) {
    checksum += spoilt_by_;
    checksum = (checksum & 0xffff) + (checksum >> 16);
  }
  if (transport_ == Transport::kUdp && checksum == 0) checksum = 0xffff;
  set16(bytes, checksum_at, checksum);
  return bytes;
}

Bytes PacketBuilder::ip_bytes() const {
  const Bytes transport = transport_bytes();
  Bytes bytes;
  if (v6_) {
    put32(bytes, 6U << 28 | tos_ << 20);
    put16(bytes, total_length_.value_or(static_cast<unsigned>(transport.size())));
    put8(bytes, protocol_number());
    put8(bytes, ttl_);
    put(bytes, source_);
    put(bytes, destination_);
  } else {
    const auto header = static_cast<unsigned>(20 + ip_options_.size());
    put8(bytes, version_and_length_.value_or(0x40 | header / 4));
    put8(bytes, tos_);
    put16(bytes, total_length_.value_or(header + static_cast<unsigned>(transport.size())));
    put16(bytes, id_);
    put16(bytes, fragment_);
    put8(bytes, ttl_);
    put8(bytes, protocol_number());
    put16(bytes, 0);
    put(bytes, source_);
    put(bytes, destination_);
    put(bytes, ip_options_);
    const unsigned checksum = ~unsigned{plain_sum(bytes)} & 0xffff;
    set16(bytes, 10, ip_spoilt_ ? checksum ^ 0x0100 : checksum);
  }
  put(bytes, transport);
  return bytes;
}

Bytes PacketBuilder::bytes() const {
  Bytes bytes;
  put(bytes, to_.value_or(net::MacAddress{}));
  put(bytes, from_.value_or(net::MacAddress{}));
  put(bytes, vlan_);
  put16(bytes, ethertype_.value_or(v6_ ? net::kEtherTypeIpv6 : net::kEtherTypeIpv4));
  put(bytes, has_ip_ ? ip_bytes() : payload_);
  bytes.insert(bytes.end(), padding_, 0xa5);
  return bytes;
}

Bytes arp(const ArpFields& fields, const net::MacAddress& to) {
  Bytes bytes;
  put(bytes, to);
  put(bytes, fields.sender_mac);
  put16(bytes, net::kEtherTypeArp);
  put16(bytes, 1);
  put16(bytes, net::kEtherTypeIpv4);
  put8(bytes, 6);
  put8(bytes, 4);
  put16(bytes, fields.operation);
  put(bytes, fields.sender_mac);
  put(bytes, address(fields.sender));
  put(bytes, fields.target_mac);
  put(bytes, address(fields.target));
  return bytes;
}

// --- reading ---------------------------------------------------------------------------------

std::string wrong_checksums(const Bytes& frame) {
  const bool v6 = get16(frame, 12) == net::kEtherTypeIpv6;
  const std::size_t header = v6 ? 40 : (frame.at(kEthernet) & 0xfU) * 4;
  const Bytes ip = slice(frame, kEthernet, kEthernet + header);
  if (!v6 && plain_sum(ip) != 0xffff) return "IPv4 header checksum is wrong";
  const std::size_t end = kEthernet + (v6 ? 40 + get16(ip, 4) : get16(ip, 2));
  const Bytes l4 = slice(frame, kEthernet + header, end);
  const std::uint8_t protocol = ip.at(v6 ? 6 : 9);
  if (protocol == net::kUdp && get16(l4, 6) == 0) return "";
  Bytes pseudo = v6 ? slice(ip, 8, 40) : slice(ip, 12, 20);
  put32(pseudo, static_cast<std::uint32_t>(l4.size()));
  put32(pseudo, protocol);
  switch (protocol) {
    case net::kIcmp: return plain_sum(l4) == 0xffff ? "" : "ICMP checksum is wrong";
    case net::kTcp:
    case net::kUdp:
    case net::kIcmpv6:
      return plain_sum(l4, plain_sum(pseudo)) == 0xffff ? "" : "transport checksum is wrong";
    default: return "";
  }
}

std::string hex(const Bytes& bytes) {
  std::string text;
  char buffer[32];
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i % 16 == 0) {
      std::snprintf(buffer, sizeof buffer, "%s%04zx ", i == 0 ? "" : "\n", i);
      text += buffer;
    }
    std::snprintf(buffer, sizeof buffer, " %02x", bytes[i]);
    text += buffer;
  }
  return text;
}

testing::AssertionResult same_bytes(const Bytes& expected, const Bytes& actual) {
  if (expected == actual) return testing::AssertionSuccess();
  std::string text = "frames differ (expected " + std::to_string(expected.size()) +
                     " bytes, actual " + std::to_string(actual.size()) + ")";
  char buffer[32];
  const std::size_t longest = std::max(expected.size(), actual.size());
  for (std::size_t line = 0; line < longest; line += 16) {
    const auto row = [&](const char* name, const Bytes& bytes) {
      std::snprintf(buffer, sizeof buffer, "\n%04zx %-9s", line, name);
      text += buffer;
      for (std::size_t i = line; i < std::min(line + 16, bytes.size()); ++i) {
        std::snprintf(buffer, sizeof buffer, " %02x", bytes[i]);
        text += buffer;
      }
    };
    std::string marks;
    bool differs = false;
    for (std::size_t i = line; i < std::min(line + 16, longest); ++i) {
      const bool same = i < expected.size() && i < actual.size() && expected[i] == actual[i];
      differs = differs || !same;
      marks += same ? "   " : " ^^";
    }
    row("expected", expected);
    if (!differs) continue;
    row("actual", actual);
    text += "\n              " + marks;
  }
  return testing::AssertionFailure() << text;
}

std::string source_of(const Bytes& frame) {
  if (get16(frame, 12) == net::kEtherTypeIpv6) {
    Ipv6Addr::Bytes bytes{};
    std::copy_n(frame.begin() + 22, 16, bytes.begin());
    return Ipv6Addr{bytes}.to_string();
  }
  return Ipv4Addr{get16(frame, 26) << 16 | get16(frame, 28)}.to_string();
}
std::string destination_of(const Bytes& frame) {
  if (get16(frame, 12) == net::kEtherTypeIpv6) {
    Ipv6Addr::Bytes bytes{};
    std::copy_n(frame.begin() + 38, 16, bytes.begin());
    return Ipv6Addr{bytes}.to_string();
  }
  return Ipv4Addr{get16(frame, 30) << 16 | get16(frame, 32)}.to_string();
}
unsigned source_port_of(const Bytes& frame) {
  return get16(frame, frame.at(23) == net::kIcmp ? 38 : 34);
}
unsigned destination_port_of(const Bytes& frame) {
  return get16(frame, frame.at(23) == net::kIcmp ? 38 : 36);
}

}  // namespace sluice::test
