// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/answer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "net/checksum.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint8_t kOwnTtl = 64;
constexpr std::size_t kEthernet = sizeof(net::EthernetHeader);
constexpr std::size_t kAdded = sizeof(net::Ipv4Header) + sizeof(net::IcmpHeader);
constexpr std::size_t kLongestError = 576;  // RFC 1812 4.3.2.3: of IP

struct IcmpWords {
  std::uint8_t type;
  std::uint8_t code;
  std::uint16_t mtu;
};

IcmpWords icmp_words(const Packet& packet) noexcept {
  switch (packet.answer) {
    case AnswerKind::kIcmpTimeExceeded: return {net::kIcmpTimeExceeded, 0, 0};
    case AnswerKind::kIcmpFragmentationNeeded:
      return {net::kIcmpUnreachable, 4, packet.answer_mtu};  // RFC 1191 4
    default:
      return {net::kIcmpUnreachable, 13, 0};  // administratively prohibited, RFC 1812 5.2.7.1
  }
}

/// RFC 1812 4.3.2.5: an error has precedence 6, internetwork control, and the other bits of what it
/// is about.
std::uint8_t service_of_error(std::uint8_t quoted) noexcept {
  constexpr std::uint8_t kInternetworkControl = 0xc0;
  constexpr std::uint8_t kTypeOfService = 0x1e;
  return static_cast<std::uint8_t>(kInternetworkControl | (quoted & kTypeOfService));
}

void fill_ipv4(net::Ipv4Header& ip,
               std::uint8_t type_of_service,
               std::size_t length,
               std::uint8_t protocol,
               Be32 source,
               Be32 destination) noexcept {
  ip = {};
  ip.version_and_length = 0x45;
  ip.type_of_service = type_of_service;
  ip.total_length = Be16::from_host(static_cast<std::uint16_t>(length));
  ip.fragment = Be16::from_host(0x4000);
  ip.ttl = kOwnTtl;
  ip.protocol = protocol;
  ip.source = source;
  ip.destination = destination;
  ip.checksum = net::full_checksum({reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip});
}

/// Our address towards the sender: the ENI's own; on a pod port that of the ENI that owns the pod,
/// else of the primary one.
Ipv4Addr own_address(const Packet& packet, const Context& context) noexcept {
  const eni::EniMap& enis = context.enis();
  const auto devices = enis.devices();
  DeviceId device = packet.in;
  if (!devices[device.value].is_eni) {
    device = enis.owner(Ipv4Addr{packet.ipv4().source}, Ipv4Addr{packet.ipv4().destination});
  }
  if (device != kNoDevice) return devices[device.value].address;
  const auto primary = std::find_if(devices.begin(), devices.end(),
                                    [](const eni::DeviceInfo& info) { return info.primary; });
  return primary->address;
}

void turn_around(net::EthernetHeader& to, const net::EthernetHeader& from, const Link& link) {
  const net::MacAddress sender = from.source;
  to = {sender, link.mac, Be16::from_host(net::kEtherTypeIpv4)};
}

/// The quote stays where it is; what goes before it is written into the headroom.
bool make_icmp(Packet& packet, const Context& context) noexcept {
  if (packet.headroom < kAdded) return false;
  const std::size_t at_hand = packet.contiguous - kEthernet;
  const std::size_t quoted =
      std::min({std::size_t{packet.ip_length()}, at_hand, kLongestError - kAdded});
  const Be32 own = own_address(packet, context).wire();
  const Be32 sender = packet.ipv4().source;
  const IcmpWords words = icmp_words(packet);
  const std::uint8_t service = service_of_error(packet.ipv4().type_of_service);

  std::uint8_t* frame = packet.frame - kAdded;
  turn_around(net::header_at<net::EthernetHeader>(frame), packet.ethernet(),
              context.link(packet.in));
  auto& icmp = net::header_at<net::IcmpHeader>(frame + kEthernet + sizeof(net::Ipv4Header));
  icmp = {words.type, words.code, {}, {}, Be16::from_host(words.mtu)};
  icmp.checksum =
      net::full_checksum({reinterpret_cast<const std::uint8_t*>(&icmp), sizeof icmp + quoted});
  fill_ipv4(net::header_at<net::Ipv4Header>(frame + kEthernet), service, kAdded + quoted,
            net::kIcmp, own, sender);
  packet.frame = frame;
  packet.length = static_cast<std::uint32_t>(kEthernet + kAdded + quoted);
  return true;
}

struct Icmpv6Words {
  std::uint8_t type;
  std::uint8_t code;
  std::uint32_t mtu;
};

std::optional<Icmpv6Words> icmpv6_words(const Packet& packet) noexcept {
  switch (packet.answer) {
    case AnswerKind::kIcmpFragmentationNeeded: return Icmpv6Words{2, 0, packet.answer_mtu};
    case AnswerKind::kIcmpTimeExceeded: return Icmpv6Words{3, 0, 0};
    default: return std::nullopt;
  }
}

/// As own_address(): of the device, on a pod port of the ENI that owns the pod.
std::optional<Ipv6Addr> own_address6(const Packet& packet, const Context& context) noexcept {
  const eni::EniMap& enis = context.enis();
  const auto devices = enis.devices();
  DeviceId device = packet.in;
  if (!devices[device.value].is_eni) {
    device = enis.owner(Ipv6Addr{packet.ipv6().source}, Ipv6Addr{packet.ipv6().destination});
  }
  if (device == kNoDevice) return std::nullopt;
  return devices[device.value].address6;
}

/// RFC 4443 2.4 (e): about what there is no error.
bool deserves_silence6(const Packet& packet) noexcept {
  constexpr std::uint8_t kFirstThatIsNoError = 128;
  const net::Ipv6Header& ip = packet.ipv6();
  const Ipv6Addr source{ip.source};
  if (source.is_multicast() || source == Ipv6Addr{}) return true;
  // Behind extension headers (RFC 8200 4) there may be an error: who cannot tell keeps silent.
  constexpr std::array<std::uint8_t, 4> kExtensions{0, 43, 44, 60};
  if (std::find(kExtensions.begin(), kExtensions.end(), ip.next_header) != kExtensions.end()) {
    return true;
  }
  if (ip.next_header != net::kIcmpv6) return false;
  return packet.contiguous <= packet.l4_offset || *packet.l4() < kFirstThatIsNoError;
}

/// RFC 4443 3.2 and 3.3; built as make_icmp() does.
bool make_icmpv6(Packet& packet, const Context& context) noexcept {
  struct Message {
    std::uint8_t type, code;
    Be16 checksum;
    Be32 mtu;
  };
  constexpr std::size_t kAdded6 = sizeof(net::Ipv6Header) + sizeof(Message);
  constexpr std::size_t kLongestError6 = 1280;  // RFC 4443 2.4 (c): of IP
  const auto words = icmpv6_words(packet);
  const auto own = own_address6(packet, context);
  if (packet.headroom < kAdded6 || !words || !own || deserves_silence6(packet)) return false;
  const std::size_t quoted = std::min(
      {std::size_t{packet.ip_length()}, packet.contiguous - kEthernet, kLongestError6 - kAdded6});
  const auto sender = packet.ipv6().source;

  std::uint8_t* frame = packet.frame - kAdded6;
  turn_around(net::header_at<net::EthernetHeader>(frame), packet.ethernet(),
              context.link(packet.in));
  net::header_at<net::EthernetHeader>(frame).type = Be16::from_host(net::kEtherTypeIpv6);
  auto& ip = net::header_at<net::Ipv6Header>(frame + kEthernet);
  const auto length = Be16::from_host(static_cast<std::uint16_t>(sizeof(Message) + quoted));
  ip = {Be32::from_host(6U << 28), length, net::kIcmpv6, kOwnTtl, own->bytes(), sender};
  auto& message = net::header_at<Message>(frame + kEthernet + sizeof ip);
  message = {words->type, words->code, {}, Be32::from_host(words->mtu)};
  const std::uint64_t pseudo_header = net::sum_words(ip.source) + net::sum_words(ip.destination) +
                                      length.raw() + Be16::from_host(net::kIcmpv6).raw();
  message.checksum = net::full_checksum(
      {reinterpret_cast<const std::uint8_t*>(&message), sizeof message + quoted}, pseudo_header);
  packet.frame = frame;
  packet.length = static_cast<std::uint32_t>(kEthernet + kAdded6 + quoted);
  return true;
}

/// RFC 9293 3.10.7.1: what a host answers a segment for a connection it does not know, in the
/// remote's name.
bool make_rst(Packet& packet, const Context& context) noexcept {
  const Ipv4Addr remote{packet.ipv4().destination};
  if (!context.enis().may_emit(packet.in, remote)) return false;
  const Be32 pod = packet.ipv4().source;
  const net::TcpHeader segment = packet.tcp();
  const bool acknowledges = (segment.flags & net::kAck) != 0;
  const std::uint32_t length = packet.l4_length - segment.header_length() +
                               ((segment.flags & net::kSyn) != 0 ? 1U : 0U) +
                               ((segment.flags & net::kFin) != 0 ? 1U : 0U);
  net::TcpHeader rst{};
  rst.source_port = segment.destination_port;
  rst.destination_port = segment.source_port;
  rst.data_offset = sizeof rst / 4 << 4;
  rst.flags = acknowledges ? net::kRst : net::kRst | net::kAck;
  if (acknowledges) {
    rst.sequence = segment.acknowledgment;
  } else {
    rst.acknowledgment = Be32::from_host(segment.sequence.to_host() + length);
  }
  const std::uint64_t pseudo_header = std::uint64_t{pod.raw()} + remote.wire().raw() +
                                      Be16::from_host(net::kTcp).raw() +
                                      Be16::from_host(sizeof rst).raw();
  rst.checksum =
      net::full_checksum({reinterpret_cast<const std::uint8_t*>(&rst), sizeof rst}, pseudo_header);
  turn_around(packet.ethernet(), packet.ethernet(), context.link(packet.in));
  fill_ipv4(packet.ipv4(), 0, sizeof(net::Ipv4Header) + sizeof rst, net::kTcp, remote.wire(), pod);
  net::header_at<net::TcpHeader>(packet.frame + kEthernet + sizeof(net::Ipv4Header)) = rst;
  packet.length = kEthernet + sizeof(net::Ipv4Header) + sizeof rst;
  return true;
}

/// Who is told: a number an address.
std::uint64_t sender_of(const Packet& packet) noexcept {
  if (packet.kind != Kind::kIpv6) return packet.ipv4().source.raw();
  const auto halves = std::bit_cast<std::array<std::uint64_t, 2>>(packet.ipv6().source);
  return halves[0] * 31 + halves[1];
}

}  // namespace

void Answer::process(Burst& burst) noexcept {
  if (burst.all_emitted()) [[likely]]
    return;
  for (Packet& packet : burst) {
    if (packet.fate != Fate::kDrop || packet.answer == AnswerKind::kNone) [[likely]]
      continue;
    packet.dropped_length = packet.length;
    if (context_.samples != nullptr) context_.samples->note(packet.reason, packet, burst.now());
    if (!budget_.allows(packet.answer, sender_of(packet), burst.now())) {
      context_.counters.unanswered.add(1);
      continue;
    }
    const bool made = packet.kind == Kind::kIpv6             ? make_icmpv6(packet, context_)
                      : packet.answer == AnswerKind::kTcpRst ? make_rst(packet, context_)
                                                             : make_icmp(packet, context_);
    if (made) {
      packet.fate = Fate::kDropAnswered;
      packet.out = packet.in;
    }
  }
}

}  // namespace sluice::pipeline
