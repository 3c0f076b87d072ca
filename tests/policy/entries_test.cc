// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "policy/policy.h"
#include "policy/scan.h"

namespace sluice::policy {
namespace {

using config::Action;
using config::Mapping;
using config::RuleConfig;
using test::marked;

config::Config gateway() {
  config::Config config;
  config.pods.cidrs = marked({"10.20.64.0/18"});
  config.vpc_cidrs = marked({"10.20.0.0/16"});
  config.snat.source = {Ipv4Addr{10, 20, 1, 10}};
  config.snat.vpc_cni.emplace();
  return config;
}

TEST(Entries, NeitherDialectNorRulesTranslateNothing) {
  auto config = gateway();
  config.snat.vpc_cni.reset();
  EXPECT_TRUE(entries_of(config).entries.empty());
  EXPECT_EQ(verdict(config, "10.20.64.5", "8.8.8.8"), "preserve");
}

TEST(Entries, NodesAreNeverTranslatedAlsoInsideThePods) {
  auto config = gateway();
  config.pods.nodes = marked({"10.20.64.0/28", "10.20.70.1/32"}, 5, "sluice.yaml");
  EXPECT_EQ(verdict(config, "10.20.64.0", "8.8.8.8"), "preserve");
  EXPECT_EQ(verdict(config, "10.20.64.15", "8.8.8.8"), "preserve");
  EXPECT_EQ(verdict(config, "10.20.64.16", "8.8.8.8"), "snat");
  EXPECT_EQ(verdict(config, "10.20.70.1", "8.8.8.8"), "preserve");
  EXPECT_EQ(verdict(config, "10.20.70.2", "8.8.8.8"), "snat");
  EXPECT_EQ(reason(config, "10.20.70.1", "8.8.8.8"),
            "pods.nodes: source inside 10.20.70.1/32, never translated (sluice.yaml:6)");
}

TEST(Entries, NodesStandOverAnyRule) {
  auto config = gateway();
  config.pods.nodes = marked({"10.20.64.0/28"});
  RuleConfig rule;
  rule.action = Action::kSnat;
  rule.from = marked({"10.20.64.0/28"});
  config.snat.rules = {rule};
  EXPECT_EQ(verdict(config, "10.20.64.3", "8.8.8.8"), "preserve");
}

TEST(Entries, NodesOutsideThePodsChangeNothingForPods) {
  auto config = gateway();
  config.pods.nodes = marked({"10.20.3.0/24"});
  EXPECT_EQ(verdict(config, "10.20.64.3", "8.8.8.8"), "snat");
  EXPECT_EQ(verdict(config, "10.20.3.3", "8.8.8.8"), "preserve");
}

TEST(Entries, EachHoldsOneFamily) {
  auto config = gateway();
  config.pods.cidrs = marked({"10.20.64.0/18", "fd10::/64"});
  config.pods.nodes = marked({"10.20.64.0/28", "fd10::/120"});
  RuleConfig rule;
  rule.action = Action::kDrop;
  rule.to = marked({"8.0.0.0/8", "2001:db8::/32"});
  rule.except = marked({"8.8.0.0/16", "2001:db8:1::/48"});
  config.snat.rules = {rule};
  for (const Entry& entry : entries_of(config).entries) {
    const bool is_v4 = entry.from.front().is_v4();
    for (const auto* list : {&entry.from, &entry.to, &entry.except}) {
      for (const IpPrefix& prefix : *list) EXPECT_EQ(prefix.is_v4(), is_v4) << entry.text;
    }
  }
}

TEST(Pools, TheFirstIsTheConfiguredSourceAndItsMapping) {
  auto config = gateway();
  config.snat.source = {Ipv4Addr{10, 20, 1, 10}, Ipv4Addr{10, 20, 1, 11}};
  config.snat.mapping = Mapping::kEndpointIndependent;
  const auto pools = entries_of(config).pools;
  ASSERT_EQ(pools.size(), 1u);
  EXPECT_EQ(pools[0].addresses, config.snat.source);
  EXPECT_EQ(pools[0].mapping, Mapping::kEndpointIndependent);
}

RuleConfig snat_to(std::string_view to, std::vector<Ipv4Addr> source) {
  RuleConfig rule;
  rule.action = Action::kSnat;
  rule.to = marked({to});
  rule.source = std::move(source);
  return rule;
}

TEST(Pools, AreSharedByRulesThatDrawFromTheSameAddresses) {
  const Ipv4Addr a{10, 20, 1, 10};
  const Ipv4Addr b{10, 20, 1, 11};
  auto config = gateway();
  config.snat.rules = {snat_to("1.0.0.0/8", {b}), snat_to("2.0.0.0/8", {a}),
                       snat_to("3.0.0.0/8", {b, b}), snat_to("4.0.0.0/8", {a, b}),
                       snat_to("5.0.0.0/8", {b, a})};
  const auto list = entries_of(config);
  ASSERT_EQ(list.pools.size(), 3u);
  EXPECT_EQ(list.entries[0].pool, PoolId{1});
  EXPECT_EQ(list.entries[1].pool, PoolId{0});
  EXPECT_EQ(list.entries[2].pool, PoolId{1});
  EXPECT_EQ(list.entries[3].pool, PoolId{2});
  EXPECT_EQ(list.entries[4].pool, PoolId{2});
  EXPECT_EQ(list.pools[1].addresses, std::vector{b});
}

TEST(Pools, TakeTheRulesMappingElseTheGeneralOne) {
  const Ipv4Addr a{10, 20, 1, 11};
  const Ipv4Addr b{10, 20, 1, 12};
  auto config = gateway();
  config.snat.mapping = Mapping::kEndpointIndependent;
  config.snat.rules = {snat_to("1.0.0.0/8", {a}), snat_to("2.0.0.0/8", {b})};
  config.snat.rules[1].mapping = Mapping::kEndpointDependent;
  const auto pools = entries_of(config).pools;
  ASSERT_EQ(pools.size(), 3u);
  EXPECT_EQ(pools[1].mapping, Mapping::kEndpointIndependent);
  EXPECT_EQ(pools[2].mapping, Mapping::kEndpointDependent);
}

}  // namespace
}  // namespace sluice::policy
