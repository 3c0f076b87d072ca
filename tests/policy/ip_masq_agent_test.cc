// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "policy/scan.h"

namespace sluice::policy {
namespace {

using test::marked;
constexpr std::string_view kPod = "10.244.1.10";
constexpr std::string_view kPod6 = "fd10::5";

config::Config cluster(config::IpMasqAgentConfig agent) {
  config::Config config;
  config.pods.cidrs = marked({"10.244.0.0/16", "fd10::/64"});
  config.vpc_cidrs = marked({"172.40.0.0/16"});
  config.snat.source = {Ipv4Addr{10, 0, 0, 5}};
  config.snat.ip_masq_agent = std::move(agent);
  return config;
}

void expect_all(const config::Config& config, std::initializer_list<Expected> table) {
  for (const auto& [destination, expected] : table) {
    EXPECT_EQ(verdict(config, kPod, destination), expected) << destination;
  }
}

void expect_all6(const config::Config& config, std::initializer_list<Expected> table) {
  for (const auto& [destination, expected] : table) {
    EXPECT_EQ(verdict(config, kPod6, destination), expected) << destination;
  }
}

TEST(IpMasqAgent, KeepsPrivateRangesByDefault) {
  expect_all(cluster({}), {{"9.255.255.255", "snat"},
                           {"10.0.0.0", "preserve"},
                           {"10.255.255.255", "preserve"},
                           {"11.0.0.0", "snat"},
                           {"172.15.255.255", "snat"},
                           {"172.16.0.0", "preserve"},
                           {"172.31.255.255", "preserve"},
                           {"172.32.0.0", "snat"},
                           {"192.167.255.255", "snat"},
                           {"192.168.0.0", "preserve"},
                           {"192.168.255.255", "preserve"},
                           {"192.169.0.0", "snat"},
                           {"100.64.0.1", "snat"},
                           {"240.0.0.1", "snat"},
                           {"8.8.8.8", "snat"}});
}

TEST(IpMasqAgent, KeepsAllReservedRangesWhenTold) {
  config::IpMasqAgentConfig agent;
  agent.nomasq_all_reserved_ranges = true;
  expect_all(cluster(agent), {{"10.0.0.0", "preserve"},     {"172.31.255.255", "preserve"},
                              {"192.168.0.0", "preserve"},  {"100.63.255.255", "snat"},
                              {"100.64.0.0", "preserve"},   {"100.127.255.255", "preserve"},
                              {"100.128.0.0", "snat"},      {"191.255.255.255", "snat"},
                              {"192.0.0.0", "preserve"},    {"192.0.0.255", "preserve"},
                              {"192.0.1.0", "snat"},        {"192.0.1.255", "snat"},
                              {"192.0.2.0", "preserve"},    {"192.0.2.255", "preserve"},
                              {"192.0.3.0", "snat"},        {"192.88.98.255", "snat"},
                              {"192.88.99.0", "preserve"},  {"192.88.99.255", "preserve"},
                              {"192.88.100.0", "snat"},     {"198.17.255.255", "snat"},
                              {"198.18.0.0", "preserve"},   {"198.19.255.255", "preserve"},
                              {"198.20.0.0", "snat"},       {"198.51.99.255", "snat"},
                              {"198.51.100.0", "preserve"}, {"198.51.100.255", "preserve"},
                              {"198.51.101.0", "snat"},     {"203.0.112.255", "snat"},
                              {"203.0.113.0", "preserve"},  {"203.0.113.255", "preserve"},
                              {"203.0.114.0", "snat"},      {"239.255.255.255", "snat"},
                              {"240.0.0.0", "preserve"},    {"255.255.255.255", "preserve"}});
}

TEST(IpMasqAgent, KeepsLinkLocalUnlessToldOtherwise) {
  const std::initializer_list<Expected> kept{{"169.253.255.255", "snat"},
                                             {"169.254.0.0", "preserve"},
                                             {"169.254.255.255", "preserve"},
                                             {"169.255.0.0", "snat"}};
  expect_all(cluster({}), kept);
  config::IpMasqAgentConfig agent;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({})};
  expect_all(cluster(agent), kept);
  agent.file.masq_link_local = true;
  expect_all(cluster(agent), {{"169.254.0.0", "snat"}, {"169.254.255.255", "snat"}});
}

TEST(IpMasqAgent, ReplacesTheDefaultsByAList) {
  config::IpMasqAgentConfig agent;
  agent.nomasq_all_reserved_ranges = true;
  agent.file = {.present = true,
                .non_masquerade_cidrs =
                    marked({"172.20.0.0/16", "172.20.1.0/24", "172.20.0.0/16"}, 2, "c/agent.yaml")};
  const auto config = cluster(agent);
  expect_all(config, {{"10.1.2.3", "snat"},
                      {"100.64.0.1", "snat"},
                      {"172.19.255.255", "snat"},
                      {"172.20.0.0", "preserve"},
                      {"172.20.255.255", "preserve"},
                      {"172.21.0.0", "snat"}});
  EXPECT_EQ(reason(config, kPod, "172.20.1.1"),
            "ip_masq_agent: destination inside nonMasqueradeCIDRs 172.20.0.0/16 (agent.yaml:2)");
}

TEST(IpMasqAgent, MasqueradesEverythingUnderAnEmptyList) {
  config::IpMasqAgentConfig agent;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({})};
  expect_all(cluster(agent), {{"10.1.2.3", "snat"}, {"192.168.1.1", "snat"}, {"8.8.8.8", "snat"}});
}

TEST(IpMasqAgent, MasqueradesNothingUnderADefaultRoute) {
  config::IpMasqAgentConfig agent;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({"0.0.0.0/0"})};
  expect_all(cluster(agent), {{"8.8.8.8", "preserve"}, {"255.255.255.254", "preserve"}});
}

TEST(IpMasqAgent, KeepsTheDefaultsWhereTheFileHasNoList) {
  config::IpMasqAgentConfig agent;
  agent.file.present = true;
  const auto config = cluster(agent);
  expect_all(config, {{"10.1.2.3", "preserve"}, {"8.8.8.8", "snat"}});
  EXPECT_EQ(reason(config, kPod, "10.1.2.3"),
            "ip_masq_agent: destination inside default range 10.0.0.0/8");
  EXPECT_EQ(reason(config, kPod, "169.254.1.1"),
            "ip_masq_agent: destination inside link-local 169.254.0.0/16");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"),
            "ip_masq_agent: destination outside the non-masquerade list");
}

TEST(IpMasqAgent, DoesNotKnowTheVpc) {
  EXPECT_EQ(verdict(cluster({}), kPod, "172.40.0.1"), "snat");
}

TEST(IpMasqAgent, NeverMasqueradesASourceThatIsNoPod) {
  config::IpMasqAgentConfig agent;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({})};
  EXPECT_EQ(verdict(cluster(agent), "34.1.2.3", kPod), "preserve");
}

TEST(IpMasqAgent, ForwardsIpv6UnlessEnabled) {
  config::IpMasqAgentConfig agent;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({"10.0.0.0/8"})};
  expect_all6(cluster(agent), {{"2001:4860:4860::8888", "preserve"}, {"fe80::1", "preserve"}});
}

TEST(IpMasqAgent, CannotMasqueradeIpv6WhereUpstreamWould) {
  config::IpMasqAgentConfig agent;
  agent.enable_ipv6 = true;
  agent.file = {.present = true, .non_masquerade_cidrs = marked({"10.244.0.0/16", "fc00::/7"})};
  const auto config = cluster(agent);
  expect_all6(config, {{"fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "nat66_unsupported"},
                       {"fc00::", "preserve"},
                       {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "preserve"},
                       {"fe00::", "nat66_unsupported"},
                       {"2001:4860:4860::8888", "nat66_unsupported"}});
  expect_all(config, {{"10.1.2.3", "snat"}, {"10.244.77.1", "preserve"}});
  EXPECT_EQ(verdict(config, "fd11::5", "2001:db8::1"), "preserve") << "no pod";
}

TEST(IpMasqAgent, HasNoIpv6RangeAmongItsDefaults) {
  config::IpMasqAgentConfig agent;
  agent.enable_ipv6 = true;
  agent.nomasq_all_reserved_ranges = true;
  expect_all6(cluster(agent),
              {{"fd10::6", "nat66_unsupported"}, {"2001:4860:4860::8888", "nat66_unsupported"}});
}

TEST(IpMasqAgent, KeepsIpv6LinkLocalUnlessToldOtherwise) {
  config::IpMasqAgentConfig agent;
  agent.enable_ipv6 = true;
  expect_all6(cluster(agent), {{"fe7f:ffff::1", "nat66_unsupported"},
                               {"fe80::", "preserve"},
                               {"febf:ffff::1", "preserve"},
                               {"fec0::", "nat66_unsupported"}});
  agent.file.masq_link_local_ipv6 = true;
  expect_all6(cluster(agent), {{"fe80::1", "nat66_unsupported"}});
}

}  // namespace
}  // namespace sluice::policy
