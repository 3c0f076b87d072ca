// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "core/ip.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Ipv4Addr, ReadsAndPrintsDottedQuads) {
  EXPECT_EQ(Ipv4Addr::parse("10.1.2.3"), Ipv4Addr(10, 1, 2, 3));
  EXPECT_EQ(Ipv4Addr(10, 1, 2, 3).to_string(), "10.1.2.3");
  EXPECT_EQ(Ipv4Addr(Ipv4Addr(10, 1, 2, 3).wire()), Ipv4Addr(10, 1, 2, 3));
}

TEST(Ipv4Addr, RefusesWhatIsNoDottedQuad) {
  for (const char* text : {"", "10.1.2", "10.1.2.3.4", "10.1.2.256", "010.1.2.3", " 10.1.2.3",
                           "10.1.2.3 ", "10.1.2.-3", "0x0a.1.2.3", "a.b.c.d"}) {
    EXPECT_EQ(Ipv4Addr::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(Ipv4Addr::parse(std::string_view("10.1.2.3\0.4", 11)), std::nullopt);
}

TEST(Ipv6Addr, ReadsAndPrints) {
  EXPECT_EQ(Ipv6Addr::parse("2600::0:10")->to_string(), "2600::10");
  EXPECT_TRUE(Ipv6Addr::parse("::ffff:10.0.0.1")->is_v4_mapped());
  EXPECT_FALSE(Ipv6Addr::parse("2600::10")->is_v4_mapped());
  EXPECT_EQ(Ipv6Addr::parse("2600::10%eth0"), std::nullopt);
}

TEST(IpPrefix, RefusesHostBitsAndNamesTheNetwork) {
  const auto bad = IpPrefix::parse("10.0.0.1/8");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().find("10.0.0.0/8"), std::string::npos) << bad.error();
  EXPECT_EQ(IpPrefix::parse_lenient("10.0.0.1/8").value(), IpPrefix::parse("10.0.0.0/8").value());
}

TEST(IpPrefix, RefusesBadLengths) {
  for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1",
                           "10.0.0.0/8 ", "/8", "2600::/129", "10.256.0.0/16"}) {
    const auto bad = IpPrefix::parse(text);
    ASSERT_FALSE(bad) << text;
    EXPECT_NE(bad.error().find(text), std::string::npos) << bad.error();
  }
}

TEST(IpPrefix, HoldsItsEdgesAndNotTheirNeighbours) {
  const auto prefix = IpPrefix::parse("10.30.2.64/28").value();
  EXPECT_TRUE(prefix.contains(Ipv4Addr(10, 30, 2, 64)));
  EXPECT_TRUE(prefix.contains(Ipv4Addr(10, 30, 2, 79)));
  EXPECT_FALSE(prefix.contains(Ipv4Addr(10, 30, 2, 63)));
  EXPECT_FALSE(prefix.contains(Ipv4Addr(10, 30, 2, 80)));
  EXPECT_TRUE(IpPrefix::parse("0.0.0.0/0").value().contains(prefix));
  EXPECT_FALSE(IpPrefix::parse("::/0").value().contains(prefix));
  EXPECT_TRUE(IpPrefix::parse("fc00::/7").value().contains(*Ipv6Addr::parse("fdff::1")));
  EXPECT_FALSE(IpPrefix::parse("fc00::/7").value().contains(*Ipv6Addr::parse("fe00::1")));
}

TEST(InterfaceAddress, KeepsTheAddressAndKnowsTheSubnet) {
  const auto address = InterfaceAddress::parse("10.10.10.20/24").value();
  EXPECT_EQ(address.address, IpAddr{Ipv4Addr(10, 10, 10, 20)});
  EXPECT_EQ(address.subnet().to_string(), "10.10.10.0/24");
  EXPECT_FALSE(InterfaceAddress::parse("10.10.10.20"));
}

}  // namespace
}  // namespace sluice
