// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/frame_text.h"

#include <fmt/format.h>

#include <optional>

#include "core/ip.h"
#include "nat/session_text.h"
#include "net/headers.h"

namespace sluice::nat {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct Ports {
  Be16 source, destination;
};

/// A query's identifier; it stands on its requester's side, as a session has it.
std::optional<Ports> identifier_of(Bytes l4) {
  if (l4.size() < sizeof(net::IcmpHeader)) return std::nullopt;
  const auto& icmp = net::header_at<net::IcmpHeader>(l4.data());
  switch (icmp.type) {
    case net::kIcmpEchoRequest:
    case net::kIcmpTimestampRequest: return Ports{icmp.identifier, {}};
    case net::kIcmpEchoReply:
    case net::kIcmpTimestampReply: return Ports{{}, icmp.identifier};
    default: return std::nullopt;
  }
}

/// Nothing where they are not at hand; of protocols that have none.
std::optional<Ports> ports_of(std::uint8_t protocol, Bytes l4) {
  if (protocol == net::kIcmp) return identifier_of(l4);
  const bool has = protocol == net::kTcp || protocol == net::kUdp;
  if (!has || l4.size() < sizeof(Ports)) return std::nullopt;
  return net::header_at<Ports>(l4.data());
}

std::string ipv4_text(Bytes bytes) {
  if (bytes.size() < sizeof(net::Ipv4Header)) return "IPv4, cut short";
  const auto& ip = net::header_at<net::Ipv4Header>(bytes.data());
  if (ip.version() != 4) return fmt::format("IPv4 of version {}", ip.version());
  constexpr unsigned kOffset = 0x1fff;
  const bool begins = (ip.fragment.to_host() & kOffset) == 0;
  const bool readable = ip.header_length() >= sizeof ip && ip.header_length() <= bytes.size();
  const std::optional<Ports> ports =
      begins && readable ? ports_of(ip.protocol, bytes.subspan(ip.header_length())) : std::nullopt;
  const auto [source, destination] = ports.value_or(Ports{});
  return flow_text({ip.source, ip.destination, source, destination, ip.protocol, {}});
}

std::string ipv6_text(Bytes bytes) {
  if (bytes.size() < sizeof(net::Ipv6Header)) return "IPv6, cut short";
  const auto& ip = net::header_at<net::Ipv6Header>(bytes.data());
  const std::string source = Ipv6Addr{ip.source}.to_string();
  const std::string destination = Ipv6Addr{ip.destination}.to_string();
  const std::string protocol = protocol_text(ip.next_header);
  const std::optional<Ports> ports = ports_of(ip.next_header, bytes.subspan(sizeof ip));
  if (!ports) return fmt::format("{} {} > {}", protocol, source, destination);
  return fmt::format("{} [{}]:{} > [{}]:{}", protocol, source, ports->source.to_host(), destination,
                     ports->destination.to_host());
}

std::string arp_text(Bytes bytes) {
  if (bytes.size() < sizeof(net::ArpHeader)) return "ARP, cut short";
  const auto& arp = net::header_at<net::ArpHeader>(bytes.data());
  if (arp.protocol_type.to_host() != net::kEtherTypeIpv4) return "ARP, not for IPv4";
  const std::string sender = Ipv4Addr{arp.sender_address}.to_string();
  const std::string target = Ipv4Addr{arp.target_address}.to_string();
  switch (arp.operation.to_host()) {
    case net::kArpRequest: return fmt::format("ARP request for {} from {}", target, sender);
    case net::kArpReply: return fmt::format("ARP reply of {} to {}", sender, target);
    default: return fmt::format("ARP operation {}", arp.operation.to_host());
  }
}

std::string payload_text(std::uint16_t type, Bytes bytes);

bool is_tag(std::uint16_t type) {
  return type == net::kEtherTypeVlan || type == net::kEtherTypeQinQ;
}

std::string vlan_text(Bytes bytes) {
  struct Tag {
    Be16 control, type;
  };
  if (bytes.size() < sizeof(Tag)) return "VLAN tag, cut short";
  const auto& tag = net::header_at<Tag>(bytes.data());
  constexpr unsigned kId = 0xfff;
  const unsigned id = tag.control.to_host() & kId;
  const std::uint16_t type = tag.type.to_host();
  // A stranger may nest hundreds.
  if (is_tag(type)) return fmt::format("VLAN {}, tagged again", id);
  return fmt::format("VLAN {}: {}", id, payload_text(type, bytes.subspan(sizeof tag)));
}

std::string payload_text(std::uint16_t type, Bytes bytes) {
  switch (type) {
    case net::kEtherTypeIpv4: return ipv4_text(bytes);
    case net::kEtherTypeIpv6: return ipv6_text(bytes);
    case net::kEtherTypeArp: return arp_text(bytes);
    case net::kEtherTypeVlan:
    case net::kEtherTypeQinQ: return vlan_text(bytes);
    default: return fmt::format("EtherType 0x{:04x}", type);
  }
}

}  // namespace

std::string frame_text(Bytes frame) {
  if (frame.size() < sizeof(net::EthernetHeader)) return "Ethernet header, cut short";
  const auto& ethernet = net::header_at<net::EthernetHeader>(frame.data());
  return payload_text(ethernet.type.to_host(), frame.subspan(sizeof ethernet));
}

}  // namespace sluice::nat
