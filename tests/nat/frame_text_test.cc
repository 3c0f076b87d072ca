// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/frame_text.h"

#include <gtest/gtest.h>

#include "support/packet_builder.h"

namespace sluice::nat {
namespace {

using test::Bytes;
using test::eth;

Bytes arp(std::uint8_t operation) {
  Bytes frame(12, 2);
  for (const unsigned byte : {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0}) {
    frame.push_back(static_cast<std::uint8_t>(byte));
  }
  frame.push_back(operation);
  frame.insert(frame.end(), {2, 2, 2, 2, 2, 2, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2});
  return frame;
}

Bytes first(Bytes frame, std::size_t count) {
  frame.resize(count);
  return frame;
}

TEST(FrameText, IsTheTupleOfWhatIsAtHand) {
  const Bytes udp = eth().ipv4("10.0.0.1", "8.8.8.8").udp(4000, 53).payload("q").bytes();
  EXPECT_EQ(frame_text(udp), "udp 10.0.0.1:4000 > 8.8.8.8:53");
  EXPECT_EQ(frame_text(first(udp, 37)), "udp 10.0.0.1 > 8.8.8.8") << "half of the ports";
  EXPECT_EQ(frame_text(first(udp, 33)), "IPv4, cut short");
  EXPECT_EQ(frame_text(first(udp, 13)), "Ethernet header, cut short");
  EXPECT_EQ(frame_text({}), "Ethernet header, cut short");
  EXPECT_EQ(frame_text(eth().ipv4("10.0.0.1", "8.8.8.8").protocol(47).payload("x").bytes()),
            "gre 10.0.0.1 > 8.8.8.8");
}

TEST(FrameText, BelievesNoHeaderLength) {
  const auto udp = eth().ipv4("10.0.0.1", "8.8.8.8").udp(4000, 53).payload("q");
  EXPECT_EQ(frame_text(udp.version_and_length(0x4f).bytes()), "udp 10.0.0.1 > 8.8.8.8");
  EXPECT_EQ(frame_text(udp.version_and_length(0x40).bytes()), "udp 10.0.0.1 > 8.8.8.8");
  EXPECT_EQ(frame_text(udp.version_and_length(0x75).bytes()), "IPv4 of version 7");
  EXPECT_EQ(frame_text(udp.ip_options({1, 1, 1, 1}).bytes()), "udp 10.0.0.1:4000 > 8.8.8.8:53");
}

TEST(FrameText, ALaterFragmentHasNoPorts) {
  const auto udp = eth().ipv4("10.0.0.1", "8.8.8.8").udp(4000, 53).payload("12345678");
  EXPECT_EQ(frame_text(udp.fragment(0, true).bytes()), "udp 10.0.0.1:4000 > 8.8.8.8:53");
  EXPECT_EQ(frame_text(udp.fragment(8, false).bytes()), "udp 10.0.0.1 > 8.8.8.8");
}

TEST(FrameText, OfIpv6AsExplainTakesIt) {
  const Bytes tcp = eth().ipv6("2001:db8::1", "2001:db8::2").tcp(4000, 443).bytes();
  EXPECT_EQ(frame_text(tcp), "tcp [2001:db8::1]:4000 > [2001:db8::2]:443");
  EXPECT_EQ(frame_text(first(tcp, 54)), "tcp 2001:db8::1 > 2001:db8::2");
  EXPECT_EQ(frame_text(first(tcp, 53)), "IPv6, cut short");
}

TEST(FrameText, OfAQueryTheIdentifierOnItsRequestersSide) {
  const auto ip = eth().ipv4("10.0.0.1", "8.8.8.8");
  constexpr unsigned kEcho = 8, kEchoReply = 0, kTimestamp = 13, kTimestampReply = 14;
  for (const unsigned request : {kEcho, kTimestamp}) {
    EXPECT_EQ(frame_text(ip.icmp(request, 0, 77, 1).bytes()), "icmp 10.0.0.1:77 > 8.8.8.8");
  }
  for (const unsigned reply : {kEchoReply, kTimestampReply}) {
    EXPECT_EQ(frame_text(ip.icmp(reply, 0, 77, 1).bytes()), "icmp 10.0.0.1 > 8.8.8.8:77");
  }
  constexpr unsigned kRedirect = 5;
  EXPECT_EQ(frame_text(ip.icmp(kRedirect, 0, 77, 1).bytes()), "icmp 10.0.0.1 > 8.8.8.8");
  EXPECT_EQ(frame_text(first(ip.icmp(kEcho, 0, 77, 1).bytes(), 41)), "icmp 10.0.0.1 > 8.8.8.8");
}

TEST(FrameText, SaysInWordsWhatIsNotIp) {
  EXPECT_EQ(frame_text(arp(1)), "ARP request for 10.0.0.2 from 10.0.0.1");
  EXPECT_EQ(frame_text(arp(2)), "ARP reply of 10.0.0.1 to 10.0.0.2");
  EXPECT_EQ(frame_text(arp(8)), "ARP operation 8");
  EXPECT_EQ(frame_text(first(arp(1), 40)), "ARP, cut short");
  EXPECT_EQ(frame_text(eth().ipv4("10.0.0.1", "8.8.8.8").udp(1, 2).ethertype(0x88cc).bytes()),
            "EtherType 0x88cc");
  const auto udp = eth().ipv4("10.0.0.1", "8.8.8.8").udp(4000, 53);
  EXPECT_EQ(frame_text(udp.vlan(5).bytes()), "VLAN 5: udp 10.0.0.1:4000 > 8.8.8.8:53");
  EXPECT_EQ(frame_text(first(udp.vlan(5).bytes(), 16)), "VLAN tag, cut short");
  Bytes nested(12, 2);
  for (int i = 0; i < 100; ++i) nested.insert(nested.end(), {0x81, 0, 0, 7});
  EXPECT_EQ(frame_text(nested), "VLAN 7, tagged again");
}

}  // namespace
}  // namespace sluice::nat
