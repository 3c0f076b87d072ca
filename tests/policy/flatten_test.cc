// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "policy/flatten.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "policy/scan.h"
#include "support/random.h"

namespace sluice::policy {
namespace {

using test::prefix;

std::vector<std::string> texts(const std::vector<IpPrefix>& prefixes) {
  std::vector<std::string> result;
  for (const IpPrefix& item : prefixes) result.push_back(item.to_string());
  return result;
}

using Texts = std::vector<std::string>;

TEST(Subtract, LeavesWhatLiesBesideTheHole) {
  const std::vector hole{prefix("203.0.113.64/26")};
  EXPECT_EQ(texts(subtract(prefix("203.0.113.0/24"), hole)),
            (Texts{"203.0.113.0/26", "203.0.113.128/25"}));
}

TEST(Subtract, LeavesNothingOfWhatIsExceptedWhole) {
  const std::vector hole{prefix("203.0.0.0/16")};
  EXPECT_TRUE(subtract(prefix("203.0.113.0/24"), hole).empty());
  EXPECT_TRUE(subtract(prefix("203.0.0.0/16"), hole).empty());
}

TEST(Subtract, LeavesStrangersAlone) {
  const std::vector hole{prefix("203.0.114.0/24"), prefix("::/0")};
  EXPECT_EQ(texts(subtract(prefix("203.0.113.0/24"), hole)), (Texts{"203.0.113.0/24"}));
}

TEST(Subtract, TakesOneAddressOutOfEverything) {
  EXPECT_EQ(subtract(prefix("0.0.0.0/0"), std::vector{prefix("255.255.255.255/32")}).size(), 32u);
  EXPECT_EQ(subtract(prefix("::/0"), std::vector{prefix("::/128")}).size(), 128u);
}

TEST(Subtract, AgreesWithMembershipOnRandomHoles) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  for (int round = 0; round < 300; ++round) {
    const IpPrefix whole{Ipv4Addr{10, 0, 0, 0}, 24};
    std::vector<IpPrefix> holes;
    for (unsigned i = random.below(6); i > 0; --i) {
      const auto host = random.byte();
      holes.emplace_back(Ipv4Addr{10, 0, 0, host}, random.between(23, 32));
    }
    const auto rest = subtract(whole, holes);
    for (unsigned host = 0; host < 256; ++host) {
      const IpAddr address = Ipv4Addr{10, 0, 0, static_cast<std::uint8_t>(host)};
      const auto holders = [&](const std::vector<IpPrefix>& prefixes) {
        return std::count_if(prefixes.begin(), prefixes.end(),
                             [&](const IpPrefix& item) { return item.contains(address); });
      };
      ASSERT_EQ(holders(rest), holders(holes) == 0 ? 1 : 0) << address.to_string();
    }
  }
}

Entry entry(std::vector<IpPrefix> from, std::vector<IpPrefix> to) {
  return {.from = std::move(from),
          .to = std::move(to),
          .except = {},
          .verdict = Verdict::kDrop,
          .pool = {},
          .text = "rules[7]: a large one"};
}

TEST(Flatten, MakesOnePairOfEverySourceAndDestination) {
  EntryList list;
  list.entries = {entry({prefix("10.0.0.0/8")}, {prefix("0.0.0.0/0")}),
                  entry({prefix("10.0.0.0/8"), prefix("11.0.0.0/8"), prefix("10.1.0.0/16")},
                        {prefix("1.0.0.0/8"), prefix("2.0.0.0/8"), prefix("1.0.0.0/8")})};
  const auto pairs = flatten(list);
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs.value().size(), 5u) << "a prefix inside another adds none";
  EXPECT_EQ(pairs.value()[0].entry, 0u);
  EXPECT_EQ(pairs.value()[4].entry, 1u);
}

std::vector<IpPrefix> some_prefixes(std::uint32_t count) {
  std::vector<IpPrefix> result;
  for (std::uint32_t i = 0; i < count; ++i) result.emplace_back(Ipv4Addr{i << 8}, 24);
  return result;
}

TEST(Flatten, NamesTheRuleThatGoesBeyondTheLimit) {
  EntryList list;
  list.entries = {entry({prefix("10.0.0.0/8")}, {prefix("0.0.0.0/0")}),
                  entry(some_prefixes(256), some_prefixes(256))};
  const auto refused = check_size(list);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("rules[7]"), std::string::npos) << refused.error();
  EXPECT_NE(refused.error().find("65536"), std::string::npos) << refused.error();
  list.entries.erase(list.entries.begin());
  EXPECT_TRUE(check_size(list));
}

}  // namespace
}  // namespace sluice::policy
