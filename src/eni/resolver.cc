// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/resolver.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "net/checksum.h"

namespace sluice::eni {
namespace {

using net::MacAddress;
using namespace std::chrono_literals;

constexpr auto kProbeInterval = 30s;
constexpr unsigned kQuestions = 3;
constexpr std::chrono::milliseconds kRetry[kQuestions] = {300ms, 700ms, 1000ms};
constexpr std::uint8_t kNdHopLimit = 255;      // RFC 4861 7.1: proves the sender is on the link
constexpr std::uint8_t kSourceLinkOption = 1;  // RFC 4861 4.6.1
constexpr std::uint8_t kTargetLinkOption = 2;
constexpr std::uint32_t kSolicited = 0x40000000;
constexpr std::uint32_t kOverride = 0x20000000;
constexpr std::uint32_t kRouter = 0x80000000;
constexpr Ipv6Addr::Bytes kPodRouterBytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

struct ArpFrame {
  net::EthernetHeader ethernet;
  net::ArpHeader arp;
};

struct LinkOption {
  std::uint8_t type;
  std::uint8_t length;  ///< in units of 8 bytes
  MacAddress mac;
};

struct NdFrame {
  net::EthernetHeader ethernet;
  net::Ipv6Header ip;
  net::NeighbourMessage message;
  LinkOption option;
};
static_assert(sizeof(ArpFrame) == 42 && sizeof(NdFrame) == 86);

template <typename T>
std::span<const std::uint8_t> bytes_of(const T& frame) {
  return {reinterpret_cast<const std::uint8_t*>(&frame), sizeof frame};
}

ArpFrame make_arp(std::uint16_t operation,
                  const MacAddress& from,
                  Ipv4Addr sender,
                  const MacAddress& to,
                  const MacAddress& target_mac,
                  Ipv4Addr target) {
  ArpFrame frame{};
  frame.ethernet = {to, from, Be16::from_host(net::kEtherTypeArp)};
  frame.arp = {Be16::from_host(1),
               Be16::from_host(net::kEtherTypeIpv4),
               6,
               4,
               Be16::from_host(operation),
               from,
               sender.wire(),
               target_mac,
               target.wire()};
  return frame;
}

/// RFC 8200 8.1: the sum of addresses, length and next header.
std::uint64_t pseudo_header_sum(const net::Ipv6Header& ip) {
  return net::sum_words(ip.source) + net::sum_words(ip.destination) + ip.payload_length.raw() +
         Be16::from_host(ip.next_header).raw();
}

Be16 icmpv6_checksum(const net::Ipv6Header& ip, std::span<const std::uint8_t> message) {
  return net::full_checksum(message, pseudo_header_sum(ip));
}

NdFrame make_nd(std::uint8_t type,
                std::uint32_t flags,
                const Ipv6Addr& target,
                const MacAddress& from_mac,
                const Ipv6Addr& from,
                const MacAddress& to_mac,
                const Ipv6Addr& to) {
  NdFrame frame{};
  frame.ethernet = {to_mac, from_mac, Be16::from_host(net::kEtherTypeIpv6)};
  frame.ip.version_class_flow = Be32::from_host(6U << 28);
  frame.ip.payload_length = Be16::from_host(sizeof frame.message + sizeof frame.option);
  frame.ip.next_header = net::kIcmpv6;
  frame.ip.hop_limit = kNdHopLimit;
  frame.ip.source = from.bytes();
  frame.ip.destination = to.bytes();
  frame.message.type = type;
  frame.message.flags = Be32::from_host(flags);
  frame.message.target = target.bytes();
  frame.option = {type == net::kNeighbourSolicitation ? kSourceLinkOption : kTargetLinkOption, 1,
                  from_mac};
  const auto message = bytes_of(frame).subspan(sizeof frame.ethernet + sizeof frame.ip);
  frame.message.checksum = icmpv6_checksum(frame.ip, message);
  return frame;
}

/// RFC 2464 7: a group's MAC is 33:33 and the address's last four bytes.
MacAddress group_mac(const Ipv6Addr& group) {
  const auto& bytes = group.bytes();
  return {0x33, 0x33, bytes[12], bytes[13], bytes[14], bytes[15]};
}

/// RFC 4291 2.7.1: ff02::1:ff and the address's last three bytes.
Ipv6Addr solicited_node(const Ipv6Addr& address) {
  Ipv6Addr::Bytes group{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy(address.bytes().begin() + 13, address.bytes().end(), group.begin() + 13);
  return Ipv6Addr{group};
}

Ipv6Addr all_nodes() {
  return Ipv6Addr{Ipv6Addr::Bytes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
}

/// The link-layer address option of this type in a neighbour message, if there is a whole one.
const MacAddress* link_option(std::span<const std::uint8_t> options, std::uint8_t type) {
  while (options.size() >= sizeof(LinkOption)) {
    const std::size_t length = options[1] * std::size_t{8};
    if (length == 0 || length > options.size()) return nullptr;
    if (options[0] == type) return &net::header_at<MacAddress>(options.data() + 2);
    options = options.subspan(length);
  }
  return nullptr;
}

}  // namespace

Resolver::Resolver(const EniMap& enis,
                   std::span<const MacAddress> macs,
                   NeighbourTable& table,
                   Actions actions)
    : enis_(&enis), macs_(macs.begin(), macs.end()), table_(table), actions_(std::move(actions)) {}

// --- who we are, who may be here -------------------------------------------------------------

/// RFC 4291 appendix A: the interface identifier made of the MAC.
Ipv6Addr Resolver::link_local(DeviceId device) const {
  if (!enis_->devices()[device.value].is_eni) return Ipv6Addr{kPodRouterBytes};
  const MacAddress& mac = macs_[device.value];
  return Ipv6Addr{Ipv6Addr::Bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0,
                                  static_cast<std::uint8_t>(mac[0] ^ 0x02), mac[1], mac[2], 0xff,
                                  0xfe, mac[3], mac[4], mac[5]}};
}

bool Resolver::answers_for(DeviceId device, const IpAddr& address) const {
  return enis_->answers_for(device, address) ||
         (!address.is_v4() && address.v6() == link_local(device));
}

bool Resolver::may_be_here(DeviceId device, const IpAddr& address) const {
  if (answers_for(device, address)) return false;  // that is us
  if (!address.is_v4() && address.v6().is_link_local()) return true;
  if (!enis_->devices()[device.value].is_eni) return enis_->about(address).pod_port == device;
  return enis_->next_hop(device, address) == address;
}

// --- asking ----------------------------------------------------------------------------------

void Resolver::ask_arp(const Key& key, const Entry& entry) {
  const auto& [device, address] = key;
  const MacAddress& own = macs_[device.value];
  const MacAddress& to = entry.state == State::kProbing ? entry.mac : net::kBroadcastMac;
  const Ipv4Addr sender = enis_->devices()[device.value].address;
  actions_.send(device,
                bytes_of(make_arp(net::kArpRequest, own, sender, to, MacAddress{}, address.v4())));
}

void Resolver::ask_nd(const Key& key, const Entry& entry) {
  const auto& [device, address] = key;
  const Ipv6Addr& target = address.v6();
  const Ipv6Addr group = solicited_node(target);
  const bool probing = entry.state == State::kProbing;
  const auto& own = enis_->devices()[device.value].address6;
  actions_.send(
      device, bytes_of(make_nd(net::kNeighbourSolicitation, 0, target, macs_[device.value],
                               target.is_link_local() || !own ? link_local(device) : *own,
                               probing ? entry.mac : group_mac(group), probing ? target : group)));
}

void Resolver::ask(const Key& key, Entry& entry, Instant now) {
  entry.next = now.plus(kRetry[std::min(entry.asked, kQuestions - 1)]);
  ++entry.asked;
  if (key.second.is_v4()) {
    ask_arp(key, entry);
  } else {
    ask_nd(key, entry);
  }
}

void Resolver::begin(DeviceId device, const IpAddr& address, Instant now) {
  const auto [place, added] = entries_.try_emplace({device, address});
  if (!added) return;
  ++incomplete_;
  ask(place->first, place->second, now);
}

void Resolver::announce(DeviceId device, const IpAddr& address) {
  const MacAddress& own = macs_[device.value];
  if (!address.is_v4()) {
    return advertise(device, address.v6(), group_mac(all_nodes()), all_nodes(), false);
  }
  // RFC 5227 3: an announcement is a request for our own address.
  actions_.send(device, bytes_of(make_arp(net::kArpRequest, own, address.v4(), net::kBroadcastMac,
                                          MacAddress{}, address.v4())));
}

void Resolver::start(std::span<const Address> ours,
                     std::span<const Address> neighbours,
                     Instant now) {
  for (const auto& [device, address] : ours) announce(device, address);
  for (const auto& [device, address] : neighbours) begin(device, address, now);
}

// --- hearing ---------------------------------------------------------------------------------

void Resolver::confirm(const Key& key, const MacAddress& mac, bool create, Instant now) {
  auto place = entries_.find(key);
  if (place == entries_.end()) {
    if (!create) return;
    place = entries_.try_emplace(key).first;
    ++incomplete_;
  }
  Entry& entry = place->second;
  if (!table_.set(key.first, key.second, mac)) {
    give_up(place, Actions::Why::kQueueFull);
    return;
  }
  if (entry.state == State::kIncomplete) --incomplete_;
  entry.state = State::kReachable;
  entry.mac = mac;
  entry.asked = 0;
  entry.next = now.plus(kProbeInterval);
  waiting_ -= entry.held.size();
  for (rte_mbuf* packet : std::exchange(entry.held, {})) actions_.ready(packet, key.first, mac);
}

void Resolver::receive(DeviceId in, std::span<const std::uint8_t> frame, Instant now) {
  if (frame.size() < sizeof(net::EthernetHeader)) return;
  const auto type = net::header_at<net::EthernetHeader>(frame.data()).type.to_host();
  if (type == net::kEtherTypeArp && frame.size() >= sizeof(ArpFrame)) {
    receive_arp(in, net::header_at<ArpFrame>(frame.data()).arp, now);
  } else if (type == net::kEtherTypeIpv6) {
    receive_icmpv6(in, frame, now);
  }
}

void Resolver::receive_arp(DeviceId in, const net::ArpHeader& arp, Instant now) {
  const Ipv4Addr sender{arp.sender_address};
  const Ipv4Addr target{arp.target_address};
  const bool request = arp.operation.to_host() == net::kArpRequest;
  const bool for_us = answers_for(in, target);
  if ((arp.sender_mac[0] & 1) != 0) return;  // no host has a group address
  if (may_be_here(in, sender)) {
    // RFC 826: who asks us will be answered to, so it is worth knowing; others only if known.
    confirm({in, sender}, arp.sender_mac, request && for_us, now);
  }
  if (!request || !for_us || sender == target) return;
  actions_.send(in, bytes_of(make_arp(net::kArpReply, macs_[in.value], target, arp.sender_mac,
                                      arp.sender_mac, sender)));
}

void Resolver::receive_icmpv6(DeviceId in, std::span<const std::uint8_t> frame, Instant now) {
  constexpr std::size_t kMessage = sizeof(net::EthernetHeader) + sizeof(net::Ipv6Header);
  if (frame.size() < kMessage + 8) return;
  const auto& ip = net::header_at<net::Ipv6Header>(frame.data() + sizeof(net::EthernetHeader));
  const std::size_t length = ip.payload_length.to_host();
  if (ip.next_header != net::kIcmpv6 || length < 8 || frame.size() < kMessage + length) return;
  frame = frame.first(kMessage + length);
  const auto message = frame.subspan(kMessage);
  if (net::fold(net::sum_words(message) + pseudo_header_sum(ip)) != 0xffff) return;
  if (message[0] == net::kIcmpv6EchoRequest) return answer_echo(in, frame);
  if (ip.hop_limit != kNdHopLimit || length < sizeof(net::NeighbourMessage)) return;
  if (message[0] == net::kNeighbourSolicitation) receive_solicitation(in, frame, now);
  if (message[0] == net::kNeighbourAdvertisement) receive_advertisement(in, frame, now);
}

void Resolver::receive_solicitation(DeviceId in, std::span<const std::uint8_t> frame, Instant now) {
  const auto& nd = net::header_at<NdFrame>(frame.data());
  const Ipv6Addr target{nd.message.target};
  if (!answers_for(in, target)) return;
  const Ipv6Addr asker{nd.ip.source};
  if (asker == Ipv6Addr{}) {
    // Somebody probes whether the address is taken (RFC 4862 5.4.3): tell all.
    return advertise(in, target, group_mac(all_nodes()), all_nodes(), false);
  }
  const auto options = frame.subspan(offsetof(NdFrame, option));
  const MacAddress* option = link_option(options, kSourceLinkOption);
  const MacAddress& mac = option != nullptr ? *option : nd.ethernet.source;
  if (may_be_here(in, asker)) confirm({in, asker}, mac, true, now);
  advertise(in, target, mac, asker, true);
}

void Resolver::receive_advertisement(DeviceId in,
                                     std::span<const std::uint8_t> frame,
                                     Instant now) {
  const auto& nd = net::header_at<NdFrame>(frame.data());
  const Ipv6Addr target{nd.message.target};
  const auto options = frame.subspan(offsetof(NdFrame, option));
  const MacAddress* option = link_option(options, kTargetLinkOption);
  if (option == nullptr || !may_be_here(in, target)) return;
  confirm({in, target}, *option, false, now);
}

void Resolver::advertise(DeviceId device,
                         const Ipv6Addr& address,
                         const MacAddress& to_mac,
                         const Ipv6Addr& to,
                         bool solicited) {
  const std::uint32_t flags = kRouter | kOverride | (solicited ? kSolicited : 0);
  actions_.send(device, bytes_of(make_nd(net::kNeighbourAdvertisement, flags, address,
                                         macs_[device.value], address, to_mac, to)));
}

/// RFC 4443 4.2, for our own unicast addresses.
void Resolver::answer_echo(DeviceId in, std::span<const std::uint8_t> frame) {
  std::vector<std::uint8_t> reply(frame.begin(), frame.end());
  auto& ethernet = net::header_at<net::EthernetHeader>(reply.data());
  auto& ip = net::header_at<net::Ipv6Header>(reply.data() + sizeof ethernet);
  if (!answers_for(in, Ipv6Addr{ip.destination}) || !may_be_answered(in, Ipv6Addr{ip.source})) {
    return;
  }
  std::swap(ethernet.source, ethernet.destination);
  ethernet.source = macs_[in.value];
  std::swap(ip.source, ip.destination);
  ip.hop_limit = 64;
  const std::span message = std::span(reply).subspan(sizeof ethernet + sizeof ip);
  auto& icmp = net::header_at<net::IcmpHeader>(message.data());
  icmp.type = net::kIcmpv6EchoReply;
  icmp.checksum = {};
  icmp.checksum = icmpv6_checksum(ip, message);
  actions_.send(in, reply);
}

/// An echo is answered only to an address a host can have.
bool Resolver::may_be_answered(DeviceId in, const Ipv6Addr& address) const {
  return !address.is_multicast() && address != Ipv6Addr{} && !answers_for(in, address);
}

// --- waiting ---------------------------------------------------------------------------------

void Resolver::await(rte_mbuf* packet, DeviceId out, const IpAddr& next_hop, Instant now) {
  const Key key{out, next_hop};
  auto place = entries_.find(key);
  if (place == entries_.end()) {
    if (incomplete_ >= kUnresolvedNeighbours) {
      return actions_.give_up(packet, Actions::Why::kQueueFull);
    }
    begin(out, next_hop, now);
    place = entries_.find(key);
  }
  Entry& entry = place->second;
  if (entry.state != State::kIncomplete) return actions_.ready(packet, out, entry.mac);
  if (entry.held.size() >= kHeldPerNeighbour || waiting_ >= kHeldInAll) {
    return actions_.give_up(packet, Actions::Why::kQueueFull);
  }
  entry.held.push_back(packet);
  ++waiting_;
}

Resolver::Entries::iterator Resolver::give_up(Entries::iterator place, Actions::Why why) {
  Entry& entry = place->second;
  waiting_ -= entry.held.size();
  for (rte_mbuf* packet : entry.held) actions_.give_up(packet, why);
  if (entry.state == State::kIncomplete) --incomplete_;
  return entries_.erase(place);
}

void Resolver::tick(Instant now) {
  for (auto place = entries_.begin(); place != entries_.end();) {
    auto& [key, entry] = *place;
    if (now.since(entry.next) < 0) {
      ++place;
      continue;
    }
    if (entry.state == State::kReachable) {
      entry.state = State::kProbing;
      entry.asked = 0;
    }
    if (entry.asked < kQuestions) {
      ask(key, entry, now);
      ++place;
      continue;
    }
    if (entry.state == State::kProbing) table_.clear(key.first, key.second);
    place = give_up(place, Actions::Why::kUnresolved);
  }
}

void Resolver::flush() {
  for (auto place = entries_.begin(); place != entries_.end();) {
    place = give_up(place, Actions::Why::kUnresolved);
  }
}

std::vector<Resolver::View> Resolver::neighbours() const {
  std::vector<View> views;
  for (const auto& [key, entry] : entries_) {
    views.push_back({key.first, key.second, entry.state, entry.mac, entry.held.size()});
  }
  return views;
}

}  // namespace sluice::eni
