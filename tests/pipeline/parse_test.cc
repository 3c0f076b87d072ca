// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/parse.h"

#include <gtest/gtest.h>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

PacketBuilder from_pod() { return eth().ipv4("10.10.10.21", "198.51.100.7"); }
PacketBuilder query() { return from_pod().udp(4000, 53).payload("query"); }
PacketBuilder syn() { return from_pod().tcp(4000, 443).flags(net::kSyn); }
PacketBuilder query6() {
  return eth().ipv6("2001:db8:a:1::21", "2001:db8:f::9").udp(4000, 53).payload("query");
}

constexpr net::MacAddress kOther{2, 9, 9, 9, 9, 9};
constexpr net::MacAddress kGroup{1, 0, 0x5e, 0, 0, 1};

struct Case {
  std::string name;
  PacketBuilder packet;
  DropReason reason;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

const Case kRefused[] = {
    {"Vlan", query().vlan(100), DropReason::kVlanTagged},
    {"TwoVlans", query().vlan(100, 0x88a8).vlan(200), DropReason::kVlanTagged},
    {"Ethertype", eth().ethertype(0x88cc).payload("lldp"), DropReason::kUnknownEthertype},
    {"LengthInsteadOfEthertype", query().ethertype(46), DropReason::kUnknownEthertype},
    {"AnothersMac", query().to_mac(kOther), DropReason::kNotForUs},
    {"UnicastToBroadcastMac", query().to_mac(net::kBroadcastMac), DropReason::kNotForUs},
    {"UnicastToGroupMac", query().to_mac(kGroup), DropReason::kNotForUs},
    {"MulticastToItsMac", query().destination("224.0.0.251").to_mac({1, 0, 0x5e, 0, 0, 0xfb}),
     DropReason::kMulticastDestination},
    {"BroadcastToItsMac", query().destination("255.255.255.255").to_mac(net::kBroadcastMac),
     DropReason::kBroadcastDestination},
    {"DirectedBroadcastToItsMac", query().destination("10.10.10.255").to_mac(net::kBroadcastMac),
     DropReason::kBroadcastDestination},
    {"Ipv6ToAnothersMac", query6().to_mac(kOther), DropReason::kNotForUs},
    {"Ipv6UnicastToGroupMac", query6().to_mac({0x33, 0x33, 0, 0, 0, 1}), DropReason::kNotForUs},
    {"Ipv6UnicastToBroadcastMac", query6().to_mac(net::kBroadcastMac), DropReason::kNotForUs},
    {"Ipv4Version", query().version_and_length(0x65), DropReason::kMalformedIpv4},
    {"Ipv4HeaderOf16Bytes", query().version_and_length(0x44), DropReason::kMalformedIpv4},
    {"Ipv4HeaderOf60BytesInAShortFrame", from_pod().udp(1, 2).version_and_length(0x4f),
     DropReason::kMalformedIpv4},
    {"Ipv4Checksum", query().spoil_ip_checksum(), DropReason::kMalformedIpv4},
    {"Ipv4LongerThanTheFrame", query().total_length(500), DropReason::kMalformedIpv4},
    {"Ipv4ShorterThanItsHeader", query().total_length(19), DropReason::kMalformedIpv4},
    {"TcpCutShort", syn().total_length(39), DropReason::kMalformedTcp},
    {"TcpOffsetTooSmall", syn().data_offset(4), DropReason::kMalformedTcp},
    {"TcpOffsetBeyondTheEnd", syn().data_offset(15), DropReason::kMalformedTcp},
    {"UdpCutShort", query().total_length(27), DropReason::kMalformedUdp},
    {"UdpLengthTooSmall", query().udp_length(7), DropReason::kMalformedUdp},
    {"UdpLengthZero", query().udp_length(0), DropReason::kMalformedUdp},
    {"UdpLengthBeyondTheEnd", query().udp_length(14), DropReason::kMalformedUdp},
    {"IcmpCutShort", from_pod().echo(7).total_length(27), DropReason::kMalformedIcmp},
    {"IcmpErrorThatQuotesNothing", from_pod().icmp(3, 1, 0, 0), DropReason::kMalformedIcmp},
    {"IcmpErrorThatQuotesNoPacket", from_pod().icmp(11, 0, 0, 0).payload(Bytes(28)),
     DropReason::kMalformedIcmp},
    {"IcmpRouterAdvertisement", from_pod().icmp(9, 0, 0, 0), DropReason::kIcmpUnsupported},
    {"IcmpUnknownType", from_pod().icmp(200, 0, 0, 0), DropReason::kIcmpUnsupported},
    {"Ipv6LongerThanTheFrame", query6().total_length(14), DropReason::kMalformedIpv6},
    {"Ipv6Version", query().ethertype(net::kEtherTypeIpv6).payload(Bytes(40)),
     DropReason::kMalformedIpv6},
};

class NotParsed : public testing::TestWithParam<Case> {};

TEST_P(NotParsed, ByName) {
  Harness harness(node_yaml());
  EXPECT_TRUE(dropped(harness.send("pod-a", GetParam().packet), GetParam().reason));
  EXPECT_EQ(harness.sessions(), 0u);
}
INSTANTIATE_TEST_SUITE_P(Parse, NotParsed, testing::ValuesIn(kRefused), [](const auto& c) {
  return c.param.name;
});

TEST(Parse, AVlanTagThatTheDeviceTookOffCounts) {
  Harness harness(node_yaml());
  Harness::Frame frame{harness.device("pod-a"), query().to_mac(test::device_mac(2)).bytes()};
  EXPECT_TRUE(harness.run({frame}).front().emitted());
  frame.vlan_stripped = true;
  EXPECT_TRUE(dropped(harness.run({frame}).front(), DropReason::kVlanTagged));
}

TEST(Parse, UdpShorterThanItsIpPayloadPasses) {
  Harness harness(node_yaml());
  EXPECT_TRUE(harness.send("pod-a", query().udp_length(9)).emitted());
}

// --- ARP -------------------------------------------------------------------------------------

Bytes who_has() {
  return test::arp({net::kArpRequest, {2, 1, 1, 1, 1, 1}, "10.10.10.21", {}, "169.254.1.1"});
}

TEST(Parse, ArpGoesToControl) {
  Harness harness(node_yaml());
  EXPECT_EQ(harness.send("pod-a", who_has()).fate, Fate::kToControl);
  Bytes unicast = who_has();
  const auto mac = test::device_mac(harness.device("pod-a").value);
  std::copy(mac.begin(), mac.end(), unicast.begin());
  EXPECT_EQ(harness.send("pod-a", unicast).fate, Fate::kToControl);
  std::copy(kOther.begin(), kOther.end(), unicast.begin());
  EXPECT_TRUE(dropped(harness.send("pod-a", unicast), DropReason::kNotForUs));
}

TEST(Parse, ArpForAnythingButIpv4OverEthernetIsMalformed) {
  Harness harness(node_yaml());
  for (const std::size_t at : {14u, 15u, 16u, 17u, 18u, 19u}) {
    Bytes frame = who_has();
    frame[at] ^= 0x10;
    EXPECT_TRUE(dropped(harness.send("pod-a", frame), DropReason::kMalformedArp)) << at;
  }
  Bytes cut = who_has();
  cut.pop_back();
  EXPECT_TRUE(dropped(harness.send("pod-a", cut), DropReason::kMalformedArp));
}

// --- cut frames ------------------------------------------------------------------------------

/// One frame of each kind the gateway knows; by the device it comes in by.
std::vector<std::pair<std::string_view, PacketBuilder>> every_kind() {
  const Bytes options{7, 7, 4, 0, 0, 0, 0, 0};
  return {
      {"pod-a", query()},
      {"pod-a", query().ip_options(options)},
      {"pod-a", syn().tcp_options({2, 4, 5, 0xb4}).payload("data")},
      {"pod-a", from_pod().echo(7).payload("ping")},
      {"pod-a", from_pod().icmp(3, 3, 0, 0).payload(query().bytes())},
      {"pod-a", from_pod().protocol(132).payload("sctp, as it were")},
      {"pod-a", query().fragment(0, true)},
      {"pod-a", query().vlan(3)},
      {"pod-a", query6()},
      {"eni0", eth().ipv4("198.51.100.7", "10.10.10.20").echo(9).payload("ping")},
      {"eni0", eth().ipv4("198.51.100.7", "10.10.10.21").udp(53, 53).payload("hello")},
      {"eni0", eth().ipv6("2001:db8:f::9", "2001:db8:a:1::20").icmpv6(135, Bytes(28))},
  };
}

/// Every prefix of a valid frame, in a buffer of exactly its length.
TEST(Parse, EveryPrefixOfAFrameHasANamedEnd) {
  for (const auto& [device, packet] : every_kind()) {
    Harness harness(node_yaml());
    const auto in = harness.device(device);
    const Bytes whole = packet.to_mac(test::device_mac(in.value)).bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      const Outcome outcome = harness.send(device, cut);
      ASSERT_EQ(outcome.fate, Fate::kDrop) << length << " of\n" << test::hex(whole) << outcome;
    }
    EXPECT_NE(harness.send(device, whole).fate, Fate::kLive);
  }
  Bytes request = who_has();
  Harness harness(node_yaml());
  while (!request.empty()) {
    request.pop_back();
    EXPECT_EQ(harness.send("pod-a", request).fate, Fate::kDrop);
  }
}

/// Catalogue 29: the rest of the frame lies in further buffers.
TEST(Parse, HeadersThatAreNotAtHandAreNotRead) {
  for (const auto& [device, packet] : every_kind()) {
    Harness harness(node_yaml());
    const auto in = harness.device(device);
    const Bytes whole = packet.to_mac(test::device_mac(in.value)).bytes();
    for (std::uint16_t at_hand = 0; at_hand < whole.size(); ++at_hand) {
      // What is not at hand is not there at all, so that reading it would be seen.
      Bytes first(whole.begin(), whole.begin() + at_hand);
      first.shrink_to_fit();
      Burst burst;
      burst.begin(harness.now());
      Packet& frame = burst.add();
      frame.frame = first.data();
      frame.contiguous = at_hand;
      frame.length = static_cast<std::uint16_t>(whole.size());
      frame.in = in;
      harness.pipeline().process(burst);
      ASSERT_NE(burst[0].fate, Fate::kLive) << at_hand;
    }
  }
}

}  // namespace
}  // namespace sluice::pipeline
