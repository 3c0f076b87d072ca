// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "policy/scan.h"

namespace sluice::policy {
namespace {

using config::Action;
using config::Mapping;
using config::RuleConfig;
using test::marked;

constexpr std::string_view kPod = "10.30.2.21";

config::Config gateway(std::vector<RuleConfig> rules) {
  config::Config config;
  config.pods.cidrs = marked({"10.30.0.0/16"});
  config.vpc_cidrs = marked({"10.30.0.0/16"});
  config.snat.source = {Ipv4Addr{10, 30, 1, 10}};
  config.snat.rules = std::move(rules);
  config.snat.vpc_cni.emplace();
  return config;
}

RuleConfig rule(Action action, std::initializer_list<std::string_view> to) {
  RuleConfig result;
  result.mark = {"conf/sluice.yaml", 23, 7};
  result.action = action;
  result.to = marked(to);
  return result;
}

TEST(OwnRules, FirstMatchWinsNotTheMostSpecific) {
  const auto config =
      gateway({rule(Action::kPreserve, {"99.0.0.0/8"}), rule(Action::kSnat, {"99.99.0.0/16"})});
  EXPECT_EQ(verdict(config, kPod, "99.99.1.1"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "98.99.1.1"), "snat") << "the dialect";
}

TEST(OwnRules, ComeBeforeTheDialect) {
  const auto config = gateway({rule(Action::kSnat, {"10.30.77.0/24"})});
  EXPECT_EQ(verdict(config, kPod, "10.30.76.255"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "10.30.77.0"), "snat");
  EXPECT_EQ(verdict(config, kPod, "10.30.77.255"), "snat");
  EXPECT_EQ(verdict(config, kPod, "10.30.78.0"), "preserve");
}

TEST(OwnRules, WhatIsExceptedGoesOnToTheNextRule) {
  auto drop = rule(Action::kDrop, {"203.0.113.0/24"});
  drop.except = marked({"203.0.113.64/26"});
  const auto config = gateway({drop, rule(Action::kPreserve, {"203.0.113.0/24"})});
  EXPECT_EQ(verdict(config, kPod, "203.0.113.0"), "drop");
  EXPECT_EQ(verdict(config, kPod, "203.0.113.63"), "drop");
  EXPECT_EQ(verdict(config, kPod, "203.0.113.64"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "203.0.113.127"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "203.0.113.128"), "drop");
  EXPECT_EQ(verdict(config, kPod, "203.0.113.255"), "drop");
}

TEST(OwnRules, HoldForEveryPodAndEveryDestinationUnlessSaid) {
  RuleConfig everything;
  everything.action = Action::kDrop;
  const auto config = gateway({everything});
  EXPECT_EQ(verdict(config, "10.30.0.0", "0.0.0.0"), "drop");
  EXPECT_EQ(verdict(config, "10.30.255.255", "255.255.255.255"), "drop");
  EXPECT_EQ(verdict(config, "10.31.0.0", "8.8.8.8"), "preserve") << "no pod";
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"), "rules[0]: to everything, drop");
}

TEST(OwnRules, TranslateNoSourceOutsideThePods) {
  auto snat = rule(Action::kSnat, {"8.0.0.0/8"});
  snat.from = marked({"10.0.0.0/8", "10.30.2.0/24"});
  const auto config = gateway({snat});
  EXPECT_EQ(verdict(config, kPod, "8.8.8.8"), "snat");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8").substr(0, 9), "rules[0]:");
  EXPECT_EQ(verdict(config, "10.29.255.255", "8.8.8.8"), "preserve");
  EXPECT_EQ(verdict(config, "10.31.0.0", "8.8.8.8"), "preserve");
}

TEST(OwnRules, ThatTranslateNoPodAreNoEntries) {
  auto snat = rule(Action::kSnat, {"8.0.0.0/8"});
  snat.from = marked({"192.0.2.0/24"});
  auto config = gateway({snat});
  config.snat.vpc_cni.reset();
  EXPECT_TRUE(entries_of(config).entries.empty());
}

TEST(OwnRules, DropAndPreserveOtherSourcesToo) {
  auto drop = rule(Action::kDrop, {"8.0.0.0/8"});
  drop.from = marked({"192.0.2.0/24"});
  const auto config = gateway({drop});
  EXPECT_EQ(verdict(config, "192.0.2.77", "8.8.8.8"), "drop");
  EXPECT_EQ(verdict(config, "192.0.3.0", "8.8.8.8"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "8.8.8.8"), "snat") << "the dialect";
}

TEST(OwnRules, NameOtherPodsWithoutMatchingThisOne) {
  auto snat = rule(Action::kSnat, {"198.51.100.0/24"});
  snat.from = marked({"10.30.2.0/24"});
  snat.source = {Ipv4Addr{10, 30, 2, 10}};
  const auto list = entries_of(gateway({snat}));
  const auto pool_of = [&](std::string_view pod) {
    return scan(list, test::address(pod), test::address("198.51.100.9")).pool;
  };
  EXPECT_EQ(pool_of("10.30.2.21"), PoolId{1});
  EXPECT_EQ(pool_of("10.30.1.21"), PoolId{0});
  ASSERT_EQ(list.pools.size(), 2u);
  EXPECT_EQ(list.pools[0].addresses, (std::vector{Ipv4Addr{10, 30, 1, 10}}));
  EXPECT_EQ(list.pools[1].addresses, (std::vector{Ipv4Addr{10, 30, 2, 10}}));
}

TEST(OwnRules, WithoutADialectLeaveTheRestAlone) {
  auto config = gateway({rule(Action::kSnat, {"8.0.0.0/8"})});
  config.snat.vpc_cni.reset();
  EXPECT_EQ(verdict(config, kPod, "8.8.8.8"), "snat");
  EXPECT_EQ(verdict(config, kPod, "9.9.9.9"), "preserve");
  EXPECT_EQ(reason(config, kPod, "9.9.9.9"), "no rule matches: preserved");
}

TEST(OwnRules, SayWhatTheyMatchAndWhereTheyStand) {
  auto long_one = rule(Action::kSnat, {"1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8", "4.0.0.0/8"});
  long_one.from = marked({"10.30.2.0/24"});
  long_one.except = marked({"4.4.0.0/16"});
  long_one.source = {Ipv4Addr{10, 30, 2, 10}, Ipv4Addr{10, 30, 2, 11}};
  const auto config = gateway({rule(Action::kSnat, {"198.51.100.0/24"}), long_one});
  EXPECT_EQ(reason(config, kPod, "198.51.100.9"),
            "rules[0]: to 198.51.100.0/24, snat (sluice.yaml:23)");
  EXPECT_EQ(reason(config, kPod, "4.1.1.1"),
            "rules[1]: from 10.30.2.0/24 to 1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8 and 1 more except "
            "4.4.0.0/16, snat to 10.30.2.10 and 1 more (sluice.yaml:23)");
}

// --- IPv6 ---------------------------------------------------------------------------------------

config::Config dual_stack(std::vector<RuleConfig> rules) {
  auto config = gateway(std::move(rules));
  config.pods.cidrs = marked({"10.30.0.0/16", "fd10::/64"});
  return config;
}

TEST(OwnRulesIpv6, DropBothFamiliesUnlessTheyNameOne) {
  RuleConfig everything;
  everything.action = Action::kDrop;
  EXPECT_EQ(verdict(dual_stack({everything}), "fd10::5", "2001:db8::1"), "drop");
  const auto one = dual_stack({rule(Action::kDrop, {"2001:db8::/32"})});
  EXPECT_EQ(verdict(one, "fd10::5", "2001:db8::1"), "drop");
  EXPECT_EQ(verdict(one, "fd10::5", "2001:db9::1"), "preserve");
  EXPECT_EQ(verdict(one, kPod, "8.8.8.8"), "snat");
}

TEST(OwnRulesIpv6, TranslateIpv4OnlyWhereTheyNameNoFamily) {
  RuleConfig everything;
  everything.action = Action::kSnat;
  const auto config = dual_stack({everything});
  EXPECT_EQ(verdict(config, kPod, "10.30.9.9"), "snat");
  EXPECT_EQ(verdict(config, "fd10::5", "2001:db8::1"), "preserve");
}

TEST(OwnRulesIpv6, ThatAskForNat66AreRefusedItPacketByPacket) {
  const auto by_destination = dual_stack({rule(Action::kSnat, {"2001:db8::/32"})});
  EXPECT_EQ(verdict(by_destination, "fd10::5", "2001:db8::1"), "nat66_unsupported");
  EXPECT_EQ(verdict(by_destination, "fd10::5", "2001:db9::1"), "preserve");
  EXPECT_EQ(verdict(by_destination, "fd11::5", "2001:db8::1"), "preserve") << "no pod";
  RuleConfig by_source;
  by_source.action = Action::kSnat;
  by_source.from = marked({"fd10::/120"});
  EXPECT_EQ(verdict(dual_stack({by_source}), "fd10::5", "2001:db8::1"), "nat66_unsupported");
}

}  // namespace
}  // namespace sluice::policy
