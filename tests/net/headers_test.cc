// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "net/headers.h"

#include <gtest/gtest.h>

#include "support/packet_builder.h"

namespace sluice::net {
namespace {

using test::Bytes;
using test::eth;

/// Headers are read wherever they lie: at every alignment of a buffer.
TEST(Headers, AreReadAtAnyAlignment) {
  const Bytes frame = eth()
                          .to_mac({1, 2, 3, 4, 5, 6})
                          .from_mac({7, 8, 9, 10, 11, 12})
                          .ipv4("10.0.0.5", "1.1.1.1")
                          .tos(0xb8)
                          .df()
                          .ttl(17)
                          .tcp(4000, 443)
                          .flags(kSyn)
                          .seq(0x01020304)
                          .window(0xfaf0)
                          .bytes();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes buffer(shift);
    buffer.insert(buffer.end(), frame.begin(), frame.end());
    const std::uint8_t* at = buffer.data() + shift;
    const auto& ethernet = header_at<EthernetHeader>(at);
    EXPECT_EQ(ethernet.destination, (MacAddress{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(ethernet.source, (MacAddress{7, 8, 9, 10, 11, 12}));
    EXPECT_EQ(ethernet.type.to_host(), kEtherTypeIpv4);
    const auto& ip = header_at<Ipv4Header>(at + 14);
    EXPECT_EQ(ip.version(), 4u);
    EXPECT_EQ(ip.header_length(), 20u);
    EXPECT_EQ(ip.type_of_service, 0xb8);
    EXPECT_EQ(ip.total_length.to_host(), 40);
    EXPECT_EQ(ip.ttl, 17);
    EXPECT_EQ(ip.protocol, kTcp);
    EXPECT_TRUE(ip.dont_fragment());
    EXPECT_FALSE(ip.is_fragment());
    EXPECT_EQ(ip.source.to_host(), 0x0a000005u);
    EXPECT_EQ(ip.destination.to_host(), 0x01010101u);
    const auto& tcp = header_at<TcpHeader>(at + 34);
    EXPECT_EQ(tcp.source_port.to_host(), 4000);
    EXPECT_EQ(tcp.destination_port.to_host(), 443);
    EXPECT_EQ(tcp.sequence.to_host(), 0x01020304u);
    EXPECT_EQ(tcp.header_length(), 20u);
    EXPECT_EQ(tcp.flags, kSyn);
    EXPECT_EQ(tcp.window.to_host(), 0xfaf0);
  }
}

TEST(Ipv4Header, KnowsFragments) {
  const auto fragment = [](std::uint16_t field) {
    Ipv4Header ip{};
    ip.fragment = Be16::from_host(field);
    return ip.is_fragment();
  };
  EXPECT_FALSE(fragment(0x0000));
  EXPECT_FALSE(fragment(0x4000)) << "don't fragment";
  EXPECT_FALSE(fragment(0x8000)) << "the reserved bit";
  EXPECT_TRUE(fragment(0x2000)) << "more follow";
  EXPECT_TRUE(fragment(0x0001)) << "an offset";
  EXPECT_TRUE(fragment(0x1fff)) << "the largest offset";
}

TEST(Ipv6Header, LiesAsRfc8200Draws) {
  const Bytes frame = eth().ipv6("2001:db8::5", "2001:db8::9").ttl(9).udp(1, 2).bytes();
  const auto& ip = header_at<Ipv6Header>(frame.data() + 14);
  EXPECT_EQ(ip.version_class_flow.to_host() >> 28, 6u);
  EXPECT_EQ(ip.payload_length.to_host(), 8);
  EXPECT_EQ(ip.next_header, kUdp);
  EXPECT_EQ(ip.hop_limit, 9);
  EXPECT_EQ(ip.source[15], 5);
  EXPECT_EQ(ip.destination[15], 9);
}

}  // namespace
}  // namespace sluice::net
