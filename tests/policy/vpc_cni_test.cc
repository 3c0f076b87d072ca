// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "policy/scan.h"

namespace sluice::policy {
namespace {

using test::marked;
constexpr std::string_view kPod = "10.10.20.21";

config::Config vpc(config::VpcCniConfig vpc_cni) {
  config::Config config;
  config.pods.cidrs = marked({"10.10.0.0/16"}, 2, "conf/sluice.yaml");
  config.vpc_cidrs = marked({"10.10.0.0/16", "10.11.0.0/16"}, 4, "conf/sluice.yaml");
  config.snat.source = {Ipv4Addr{10, 10, 10, 20}};
  config.snat.vpc_cni = std::move(vpc_cni);
  return config;
}

void expect_all(const config::Config& config, std::initializer_list<Expected> table) {
  for (const auto& [destination, expected] : table) {
    EXPECT_EQ(verdict(config, kPod, destination), expected) << destination;
  }
}

TEST(VpcCni, KeepsThePodAddressInsideEveryVpcCidr) {
  expect_all(vpc({}), {{"10.9.255.255", "snat"},
                       {"10.10.0.0", "preserve"},
                       {"10.10.255.255", "preserve"},
                       {"10.11.0.0", "preserve"},
                       {"10.11.255.255", "preserve"},
                       {"10.12.0.0", "snat"},
                       {"8.8.8.8", "snat"},
                       {"0.0.0.1", "snat"},
                       {"255.255.255.254", "snat"}});
}

TEST(VpcCni, TranslatesToAPeeredVpc) { EXPECT_EQ(verdict(vpc({}), kPod, "172.31.5.5"), "snat"); }

TEST(VpcCni, KeepsThePodAddressTowardsExclusions) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.exclude_snat_cidrs = marked({"172.31.0.0/16", "10.13.0.0/16"}, 20, "sluice.yaml");
  const auto config = vpc(vpc_cni);
  expect_all(config, {{"172.30.255.255", "snat"},
                      {"172.31.0.0", "preserve"},
                      {"172.31.255.255", "preserve"},
                      {"172.32.0.0", "snat"},
                      {"10.12.255.255", "snat"},
                      {"10.13.0.0", "preserve"},
                      {"10.14.0.0", "snat"}});
}

TEST(VpcCni, ExcludesEverythingByADefaultRoute) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.exclude_snat_cidrs = marked({"0.0.0.0/0"});
  expect_all(vpc(vpc_cni), {{"8.8.8.8", "preserve"}, {"0.0.0.0", "preserve"}});
}

TEST(VpcCni, TranslatesNothingUnderExternalSnat) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.external_snat = {true, {"sluice.yaml", 30, 1}};
  vpc_cni.exclude_snat_cidrs = marked({"172.31.0.0/16"});
  const auto config = vpc(vpc_cni);
  expect_all(config, {{"8.8.8.8", "preserve"},
                      {"10.10.99.1", "preserve"},
                      {"172.31.5.5", "preserve"},
                      {"169.254.169.254", "preserve"}});
  EXPECT_EQ(reason(config, kPod, "172.31.5.5"),
            "vpc_cni: AWS_VPC_K8S_CNI_EXTERNALSNAT is true, nothing is translated "
            "(sluice.yaml:30)");
}

TEST(VpcCni, TranslatesToExternalServicesLikeToAnythingOutside) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.external_service_cidrs = marked({"203.0.113.7/32"});
  expect_all(vpc(vpc_cni), {{"203.0.113.6", "snat"}, {"203.0.113.7", "snat"}});
}

TEST(VpcCni, HasNoSpecialCaseForLinkLocalOrMulticast) {
  expect_all(vpc({}), {{"169.254.169.254", "snat"}, {"224.0.0.251", "snat"}});
}

TEST(VpcCni, ReadsOnWindowsOnlyExcludedSnatCidrs) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.platform = config::VpcCniConfig::Platform::kWindows;
  vpc_cni.external_snat = {true, {}};
  vpc_cni.exclude_snat_cidrs = marked({"172.16.0.0/16"});
  vpc_cni.excluded_snat_cidrs = marked({"172.31.0.0/16"}, 9, "sluice.yaml");
  const auto config = vpc(vpc_cni);
  expect_all(config, {{"10.10.99.1", "preserve"},
                      {"8.8.8.8", "snat"},
                      {"172.16.0.1", "snat"},
                      {"172.30.255.255", "snat"},
                      {"172.31.0.0", "preserve"},
                      {"172.31.255.255", "preserve"},
                      {"172.32.0.0", "snat"}});
  EXPECT_EQ(reason(config, kPod, "172.31.5.5"),
            "vpc_cni: destination excluded by excluded_snat_cidrs 172.31.0.0/16 (sluice.yaml:9)");
}

TEST(VpcCni, IgnoresExcludedSnatCidrsOnLinux) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.excluded_snat_cidrs = marked({"172.31.0.0/16"});
  EXPECT_EQ(verdict(vpc(vpc_cni), kPod, "172.31.5.5"), "snat");
}

TEST(VpcCni, NeverTranslatesASourceThatIsNoPod) {
  const auto config = vpc({});
  for (const char* source : {"10.9.255.255", "10.11.0.0", "192.0.2.77"}) {
    EXPECT_EQ(verdict(config, source, "8.8.8.8"), "preserve") << source;
    EXPECT_EQ(reason(config, source, "8.8.8.8"), "source outside pods.cidrs: never translated");
  }
  EXPECT_EQ(verdict(config, "10.10.0.0", "8.8.8.8"), "snat");
  EXPECT_EQ(verdict(config, "10.10.255.255", "8.8.8.8"), "snat");
}

TEST(VpcCni, NeverTranslatesIpv6) {
  auto config = vpc({});
  config.pods.cidrs = marked({"10.10.0.0/16", "2600::/80"});
  config.vpc_cidrs = marked({"10.10.0.0/16", "2600::/56"});
  EXPECT_EQ(verdict(config, "2600::10", "2001:4860:4860::8888"), "preserve");
  EXPECT_EQ(verdict(config, kPod, "8.8.8.8"), "snat");
}

TEST(VpcCni, SaysWhichCidrDecidedAndWhereItStands) {
  config::VpcCniConfig vpc_cni;
  vpc_cni.exclude_snat_cidrs = marked({"172.31.0.0/16"}, 20, "/etc/sluice/sluice.yaml");
  const auto config = vpc(vpc_cni);
  EXPECT_EQ(reason(config, kPod, "10.10.99.1"),
            "vpc_cni: destination inside VPC CIDR 10.10.0.0/16 (sluice.yaml:4)");
  EXPECT_EQ(reason(config, kPod, "10.11.99.1"),
            "vpc_cni: destination inside VPC CIDR 10.11.0.0/16 (sluice.yaml:5)");
  EXPECT_EQ(reason(config, kPod, "172.31.5.5"),
            "vpc_cni: destination excluded by AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS 172.31.0.0/16 "
            "(sluice.yaml:20)");
  EXPECT_EQ(reason(config, kPod, "8.8.8.8"),
            "vpc_cni: destination outside the VPC and the exclusions");
}

}  // namespace
}  // namespace sluice::policy
