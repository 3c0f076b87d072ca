// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "policy/scan.h"

namespace sluice::policy {
namespace {

using test::marked;
using Cluster = config::GkeConfig::Cluster;
constexpr std::string_view kPod = "10.119.200.9";

config::Config cluster(config::GkeConfig gke) {
  config::Config config;
  config.pods.cidrs = marked({"10.119.128.0/17"});
  config.vpc_cidrs = marked({"10.128.0.0/20"});
  config.snat.source = {Ipv4Addr{10, 128, 0, 5}};
  config.snat.gke = std::move(gke);
  return config;
}

void expect_all(const config::Config& config, std::initializer_list<Expected> table) {
  for (const auto& [destination, expected] : table) {
    EXPECT_EQ(verdict(config, kPod, destination), expected) << destination;
  }
}

void expect_eleven_defaults(const config::Config& config) {
  expect_all(config, {{"9.255.255.255", "snat"},      {"10.0.0.0", "preserve"},
                      {"10.255.255.255", "preserve"}, {"11.0.0.0", "snat"},
                      {"172.16.0.0", "preserve"},     {"172.31.255.255", "preserve"},
                      {"172.32.0.0", "snat"},         {"192.168.255.255", "preserve"},
                      {"100.64.0.0", "preserve"},     {"100.127.255.255", "preserve"},
                      {"192.0.0.255", "preserve"},    {"192.0.1.0", "snat"},
                      {"192.0.2.1", "preserve"},      {"192.88.99.1", "preserve"},
                      {"198.18.5.5", "preserve"},     {"198.20.0.0", "snat"},
                      {"198.51.100.7", "preserve"},   {"203.0.113.255", "preserve"},
                      {"240.0.0.1", "preserve"},      {"8.8.8.8", "snat"}});
}

void expect_link_local(const config::Config& config, std::string_view expected) {
  expect_all(
      config,
      {{"169.254.0.0", expected}, {"169.254.169.254", expected}, {"169.254.255.255", expected}});
}

config::IpMasqAgentFile listing(std::initializer_list<std::string_view> cidrs) {
  return {.present = true, .non_masquerade_cidrs = marked(cidrs, 2, "ip-masq-agent.yaml")};
}

config::EgressNatPolicy egress_policy(std::string name,
                                      std::initializer_list<std::string_view> cidrs) {
  return {.mark = {}, .name = std::move(name), .destinations = marked(cidrs, 8, "p/custom.yaml")};
}

config::GkeConfig autopilot(std::vector<config::EgressNatPolicy> policies) {
  config::GkeConfig gke;
  gke.cluster = Cluster::kAutopilot;
  gke.policies = std::move(policies);
  return gke;
}

config::GkeConfig without_agent() {
  config::GkeConfig gke;
  gke.ip_masq_agent = false;
  return gke;
}

const config::EgressNatPolicy kManaged =
    egress_policy("gke-bbfa6c0e-1", {"10.119.128.0/17", "10.120.0.0/22", "10.128.0.0/20"});

TEST(GkeStandard, S1WithAgentAndListKeepsTheList) {
  config::GkeConfig gke;
  gke.ip_masq_agent = true;
  gke.file = listing({"10.0.0.0/8", "172.30.0.0/16"});
  const auto config = cluster(gke);
  expect_all(config, {{"10.1.1.1", "preserve"},
                      {"172.29.255.255", "snat"},
                      {"172.30.0.0", "preserve"},
                      {"172.30.255.255", "preserve"},
                      {"172.31.0.0", "snat"},
                      {"192.168.1.1", "snat"},
                      {"8.8.8.8", "snat"}});
  expect_link_local(config, "preserve");
  EXPECT_EQ(reason(config, kPod, "172.30.1.1"),
            "gke: destination inside nonMasqueradeCIDRs 172.30.0.0/16 (ip-masq-agent.yaml:3)");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"), "gke: destination outside the non-masquerade list");
}

TEST(GkeStandard, S2WithAgentAndNoListKeepsTheElevenDefaults) {
  config::GkeConfig gke;
  gke.ip_masq_agent = true;
  expect_eleven_defaults(cluster(gke));
  gke.file.present = true;
  expect_eleven_defaults(cluster(gke));
  EXPECT_EQ(reason(cluster(gke), kPod, "192.0.2.1"),
            "gke: destination inside default range 192.0.2.0/24");
}

TEST(GkeStandard, S3WithoutAgentKeepsTheElevenDefaults) {
  const auto config = cluster(without_agent());
  expect_eleven_defaults(config);
  expect_link_local(config, "preserve");
}

TEST(GkeStandard, S3WithoutAgentReadsNoFile) {
  auto gke = without_agent();
  gke.file = listing({"8.0.0.0/8"});
  gke.file.masq_link_local = true;
  expect_eleven_defaults(cluster(gke));
  expect_link_local(cluster(gke), "preserve");
}

TEST(GkeStandard, S4WithoutAgentAndDefaultSnatKeepsEverything) {
  auto gke = without_agent();
  gke.mark = {"sluice.yaml", 12, 3};
  gke.disable_default_snat = true;
  const auto config = cluster(gke);
  expect_all(config, {{"8.8.8.8", "preserve"}, {"10.1.1.1", "preserve"}});
  expect_link_local(config, "preserve");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"),
            "gke: disable_default_snat without an agent, nothing is translated (sluice.yaml:12)");
}

TEST(GkeStandard, IgnoresDisableDefaultSnatWhereTheAgentRuns) {
  config::GkeConfig gke;
  gke.ip_masq_agent = true;
  gke.disable_default_snat = true;
  expect_eleven_defaults(cluster(gke));
}

TEST(GkeStandard, MasqueradesLinkLocalWhenTold) {
  config::GkeConfig gke;
  gke.ip_masq_agent = true;
  gke.file.masq_link_local = true;
  expect_link_local(cluster(gke), "snat");
}

TEST(GkeStandard, IgnoresEgressNatPolicies) {
  auto gke = without_agent();
  gke.policies = {egress_policy("default", {})};
  expect_eleven_defaults(cluster(gke));
}

TEST(GkeAutopilot, A1AddsCustomPoliciesToTheManagedOne) {
  const auto config = cluster(autopilot({kManaged, egress_policy("default", {}),
                                         egress_policy("peered-network", {"172.30.0.0/16"})}));
  expect_all(config, {{"172.29.255.255", "snat"},
                      {"172.30.0.0", "preserve"},
                      {"172.30.255.255", "preserve"},
                      {"172.31.0.0", "snat"},
                      {"10.119.127.255", "snat"},
                      {"10.119.128.0", "preserve"},
                      {"10.120.3.255", "preserve"},
                      {"10.120.4.0", "snat"},
                      {"10.128.15.255", "preserve"},
                      {"10.128.16.0", "snat"},
                      {"192.168.1.1", "snat"},
                      {"8.8.8.8", "snat"}});
  EXPECT_EQ(reason(config, kPod, "172.30.1.1"),
            "gke: destination inside 172.30.0.0/16 of EgressNATPolicy peered-network "
            "(custom.yaml:8)");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"), "gke: destination outside every EgressNATPolicy");
}

TEST(GkeAutopilot, A2KeepsTheDefaultPolicyAndTheManagedOne) {
  const auto config =
      cluster(autopilot({kManaged, egress_policy("default", {"192.168.0.0/16", "240.0.0.0/4"})}));
  expect_all(config, {{"192.168.1.1", "preserve"},
                      {"240.0.0.1", "preserve"},
                      {"10.120.0.0", "preserve"},
                      {"172.16.3.3", "snat"},
                      {"8.8.8.8", "snat"}});
}

TEST(GkeAutopilot, HasABuiltInDefaultPolicyUntilOneIsNamedDefault) {
  expect_eleven_defaults(cluster(autopilot({})));
  const auto config = cluster(autopilot({egress_policy("peered", {"8.8.0.0/16"})}));
  expect_all(config, {{"8.8.8.8", "preserve"}, {"192.168.1.1", "preserve"}, {"9.9.9.9", "snat"}});
  EXPECT_EQ(reason(config, kPod, "192.168.1.1"),
            "gke: destination inside 192.168.0.0/16 of the built-in default EgressNATPolicy");
  expect_all(cluster(autopilot({egress_policy("default", {})})),
             {{"10.1.1.1", "snat"}, {"192.168.1.1", "snat"}});
}

TEST(GkeAutopilot, AlwaysKeepsLinkLocal) {
  auto gke = autopilot({egress_policy("default", {})});
  gke.file.masq_link_local = true;
  expect_link_local(cluster(gke), "preserve");
}

TEST(GkeAutopilot, IgnoresDisableDefaultSnatAndTheAgentsFile) {
  auto gke = autopilot({egress_policy("default", {"10.0.0.0/8"})});
  gke.disable_default_snat = true;
  gke.file = listing({"8.0.0.0/8"});
  expect_all(cluster(gke), {{"8.8.8.8", "snat"}, {"10.1.1.1", "preserve"}});
}

TEST(GkeAutopilot, HasNoLimitOf64Entries) {
  auto many = egress_policy("many", {});
  for (std::uint8_t i = 0; i < 200; ++i) {
    many.destinations.push_back({IpPrefix{Ipv4Addr{172, 200, i, 0}, 24}, {}});
  }
  expect_all(
      cluster(autopilot({egress_policy("default", {}), many})),
      {{"172.200.0.1", "preserve"}, {"172.200.199.1", "preserve"}, {"172.200.200.1", "snat"}});
}

TEST(Gke, NeverTranslatesIpv6) {
  auto config = cluster(without_agent());
  config.pods.cidrs = marked({"10.119.128.0/17", "fd10::/64"});
  EXPECT_EQ(verdict(config, "fd10::5", "2001:db8::1"), "preserve");
}

}  // namespace
}  // namespace sluice::policy
