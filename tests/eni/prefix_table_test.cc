// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/prefix_table.h"

#include <gtest/gtest.h>

#include "support/config_parts.h"
#include "support/random.h"

namespace sluice::eni {
namespace {

using test::address;
using test::prefix;

std::string found(const PrefixTable<int>& table, std::string_view text) {
  const auto* node = table.find(address(text));
  return node == nullptr ? "none" : node->prefix.to_string();
}

TEST(PrefixTable, WithoutPrefixesFindsNothing) {
  EXPECT_EQ(found(PrefixTable<int>{}, "10.0.0.1"), "none");
  EXPECT_EQ(found(PrefixTable<int>{std::map<IpPrefix, int>{}}, "::1"), "none");
}

TEST(PrefixTable, FindsTheMostSpecific) {
  const PrefixTable<int> table{{{prefix("10.0.0.0/8"), 1},
                                {prefix("10.0.0.0/16"), 2},
                                {prefix("10.0.0.0/32"), 3},
                                {prefix("10.255.255.255/32"), 4}}};
  EXPECT_EQ(found(table, "9.255.255.255"), "none");
  EXPECT_EQ(found(table, "10.0.0.0"), "10.0.0.0/32");
  EXPECT_EQ(found(table, "10.0.0.1"), "10.0.0.0/16");
  EXPECT_EQ(found(table, "10.0.255.255"), "10.0.0.0/16");
  EXPECT_EQ(found(table, "10.1.0.0"), "10.0.0.0/8");
  EXPECT_EQ(found(table, "10.255.255.254"), "10.0.0.0/8");
  EXPECT_EQ(found(table, "10.255.255.255"), "10.255.255.255/32");
  EXPECT_EQ(found(table, "11.0.0.0"), "none");
  EXPECT_EQ(table.find(address("10.0.0.0"))->value, 3);
}

TEST(PrefixTable, KeepsTheFamiliesApart) {
  const PrefixTable<int> table{{{prefix("0.0.0.0/0"), 4}, {prefix("::/0"), 6}}};
  EXPECT_EQ(found(table, "255.255.255.255"), "0.0.0.0/0");
  EXPECT_EQ(found(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::/0");
  const PrefixTable<int> only_v4{{{prefix("0.0.0.0/0"), 4}}};
  EXPECT_EQ(found(only_v4, "::ffff:10.0.0.1"), "none");
}

TEST(PrefixTable, ReachesTheLastAddresses) {
  const PrefixTable<int> table{{{prefix("255.255.255.255/32"), 1},
                                {prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"), 2}}};
  EXPECT_EQ(found(table, "255.255.255.255"), "255.255.255.255/32");
  EXPECT_EQ(found(table, "255.255.255.254"), "none");
  EXPECT_EQ(found(table, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"), "none");
}

TEST(PrefixTable, AgreesWithAPlainScan) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  for (int round = 0; round < 300; ++round) {
    std::map<IpPrefix, int> entries;
    for (unsigned i = random.below(40); i > 0; --i) {
      const bool is_v4 = random.coin();
      const auto host = random.byte();
      Ipv6Addr::Bytes bytes{0xfd};
      bytes[15] = host;
      const IpPrefix one = is_v4 ? IpPrefix{Ipv4Addr{10, 0, 0, host}, random.between(20, 32)}
                                 : IpPrefix{Ipv6Addr{bytes}, random.between(116, 128)};
      entries.emplace(one, 0);
    }
    const PrefixTable<int> table{entries};
    for (unsigned host = 0; host < 512; ++host) {
      Ipv6Addr::Bytes bytes{0xfd};
      bytes[14] = static_cast<std::uint8_t>(host >> 8);
      bytes[15] = static_cast<std::uint8_t>(host);
      for (const IpAddr& asked : {IpAddr{Ipv4Addr{0x09ff'ff80U + host}}, IpAddr{Ipv6Addr{bytes}}}) {
        const IpPrefix* best = nullptr;
        for (const auto& [one, value] : entries) {
          if (one.contains(asked) && (best == nullptr || one.length() > best->length()))
            best = &one;
        }
        const auto* node = table.find(asked);
        ASSERT_EQ(node == nullptr, best == nullptr) << asked.to_string();
        if (best == nullptr) continue;
        ASSERT_EQ(node->prefix, *best) << asked.to_string();
      }
    }
  }
}

}  // namespace
}  // namespace sluice::eni
