// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What keys say of each other.
#include <gtest/gtest.h>

#include "config_testing.h"

namespace sluice::config {
namespace {

/// `enis` (and more), added to kNoEnis from line 7 on, and the one error they hold.
struct BadDevices {
  const char* added;
  Expected expected;
};

void PrintTo(const BadDevices& devices, std::ostream* out) { *out << devices.added; }

class BadDevicesTest : public ::testing::TestWithParam<BadDevices> {};

TEST_P(BadDevicesTest, AreNamed) {
  const Loaded loaded = load_with(kNoEnis + GetParam().added);
  EXPECT_FALSE(loaded.config) << GetParam().added;
  expect_problem(loaded, GetParam().expected);
  EXPECT_EQ(count_errors(loaded), 1U) << GetParam().added << all_of(loaded.problems);
}

#define ENI0 "enis:\n  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24"
#define ENI1 "  - {name: eni1, device: net_null1, address: 10.10.20.20/24"

const BadDevices kBadDevices[] = {
    {"enis: []\n", {"enis", "at least one", 7}},
    {"enis: eni0\n", {"enis", "a list", 7}},
    // One ENI by itself.
    {ENI0 ", secondary: 10.10.10.21}\n", {"enis[0].secondary", "[10.10.10.21]", 8}},
    {ENI0 ", secondary: [10.10.10.256]}\n", {"enis[0].secondary[0]", "10.10.10.256", 8}},
    {ENI0 ", secondary: [~]}\n", {"enis[0].secondary[0]", "nothing", 8}},
    {ENI0 ", secondary: [224.0.0.1]}\n", {"enis[0].secondary[0]", "224.0.0.1", 8}},
    {ENI0 ", secondary: [10.10.10.1]}\n", {"enis[0].secondary[0]", "router", 8}},
    {ENI0 ", secondary: [10.10.10.0]}\n", {"enis[0].secondary[0]", "network", 8}},
    {ENI0 ", prefixes: [10.10.10.40/28]}\n", {"enis[0].prefixes[0]", "10.10.10.32/28", 8}},
    {ENI0 ", prefixes: [10.10.10.40]}\n", {"enis[0].prefixes[0]", "10.10.10.40/32", 8}},
    {ENI0 ", prefixes: [0.0.0.0/0]}\n", {"enis[0].prefixes[0]", "/28", 8}},
    {ENI0 ", forwards: [0.0.0.1/0]}\n", {"enis[0].forwards[0]", "0.0.0.0/0", 8}},
    {ENI0 ", mtu: 575}\n", {"enis[0].mtu", "576", 8}},
    {ENI0 ", mtu: 65536}\n", {"enis[0].mtu", "65536", 8}},
    {ENI0 ", mtu: 1000, address6: \"fd00::5/64\"}\n", {"enis[0].mtu", "1280", 8}},
    {ENI0 ", gateway: 10.10.11.1}\n", {"enis[0].gateway", "10.10.11.1", 8}},
    {ENI0 ", gateway: 10.10.10.20}\n", {"enis[0].gateway", "own address", 8}},
    {ENI0 ", gateway: 10.10.10.255}\n", {"enis[0].gateway", "10.10.10.255", 8}},
    {ENI0 ", gateway: 10.10.10.1/24}\n", {"enis[0].gateway", "10.10.10.1/24", 8}},
    {ENI0 ", address6: fd00::5}\n", {"enis[0].address6", "fd00::5", 8}},
    {ENI0 ", address6: 10.0.0.5/24}\n", {"enis[0].address6", "IPv6", 8}},
    {ENI0 ", gateway6: fd00::1}\n", {"enis[0].gateway6", "address6", 8}},
    {ENI0 ", gateway6: fd01::1, address6: \"fd00::5/64\"}\n", {"enis[0].gateway6", "fd00::/64", 8}},
    {ENI0 ", routes: [{to: 10.9.0.0/16}]}\n", {"enis[0].routes[0].via", "missing", 8}},
    {ENI0 ", routes: [{to: 10.9.0.0/16, via: 10.10.11.1}]}\n",
     {"enis[0].routes[0].via", "10.10.10.0/24", 8}},
    {ENI0 ", routes: [{to: 10.9.0.0/16, via: 10.10.10.20}]}\n",
     {"enis[0].routes[0].via", "own address", 8}},
    {ENI0 ", routes: [{to: 0.0.0.0/0, via: 10.10.10.1}]}\n",
     {"enis[0].routes[0].to", "gateway", 8}},
    {ENI0 ", routes: [{to: \"fd00::/64\", via: 10.10.10.1}]}\n",
     {"enis[0].routes[0].via", "IPv6", 8}},
    {ENI0 ", routes: [{to: \"fd00::/64\", via: \"fd01::1\"}]}\n",
     {"enis[0].routes[0].via", "fd01::1", 8}},
    {ENI0 ", routes: [{to: 10.9.0.0/16, via: 10.10.10.1}, {to: 10.9.0.0/16, via: 10.10.10.2}]}\n",
     {"enis[0].routes[1]", "10.9.0.0/16", 8}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.0/24}]\n",
     {"enis[0].address", "network", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.255/24}]\n",
     {"enis[0].address", "broadcast", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.1/24}]\n",
     {"enis[0].address", "gateway", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.1/32}]\n",
     {"enis[0].address", "gateway", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.1/0}]\n",
     {"enis[0].address", "8 or more", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: 127.0.0.2/8}]\n",
     {"enis[0].address", "127.0.0.2/8", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true, address: \"fd00::5/64\"}]\n",
     {"enis[0].address", "IPv4", 7}},
    {"enis: [{device: net_null0, primary: true, address: 10.10.10.20/24}]\n",
     {"enis[0].name", "missing", 7}},
    {"enis: [{name: eni0, primary: true, address: 10.10.10.20/24}]\n",
     {"enis[0].device", "missing", 7}},
    {"enis: [{name: eni0, device: net_null0, primary: true}]\n", {"enis[0].address", "missing", 7}},
    {"enis: [{name: \"a b\", device: net_null0, primary: true, address: 10.10.10.20/24}]\n",
     {"enis[0].name", "a b", 7}},
    {"enis: [{name: ../x, device: net_null0, primary: true, address: 10.10.10.20/24}]\n",
     {"enis[0].name", "../x", 7}},
    {"enis: [{name: eni0, device: \"00:06\", primary: true, address: 10.10.10.20/24}]\n",
     {"enis[0].device", "PCI", 7}},
    {"enis: [{name: eni0, device: \"net_null0 --vdev=x\", primary: true, address: 10.1.0.9/24}]\n",
     {"enis[0].device", "net_null0 --vdev=x", 7}},
    // Devices together.
    {ENI0 "}\n  - {name: eni0, device: net_null1, address: 10.10.20.20/24}\n",
     {"enis[1].name", "eni0", 9}},
    {ENI0 "}\n  - {name: pod0, device: net_null1, address: 10.10.20.20/24}\n",
     {"pod_ports[0].name", "pod0", 6}},
    {ENI0 "}\n  - {name: eni1, device: \"net_null0,size=64\", address: 10.10.20.20/24}\n",
     {"enis[1].device", "net_null0", 9}},
    {"enis:\n  - {name: a, device: \"0000:00:0a.0\", primary: true, address: 10.1.0.9/24}\n"
     "  - {name: b, device: \"00:0A.0\", address: 10.1.1.9/24}\n",
     {"enis[1].device", "0000:00:0a.0", 9}},
    {ENI0 "}\n" ENI1 ", primary: true}\n", {"enis[1].primary", "second primary", 9}},
    {"enis:\n" ENI1 "}\n", {"enis", "primary: true", 8}},
    // Whose address is whose.
    {ENI0 "}\n  - {name: eni1, device: net_null1, address: 10.10.10.20/16}\n",
     {"enis[1].address", "10.10.10.20", 9}},
    {ENI0 ", secondary: [10.10.20.21]}\n" ENI1 ", secondary: [10.10.20.21]}\n",
     {"enis[1].secondary[0]", "10.10.20.21", 9}},
    {ENI0 "}\n" ENI1 ", secondary: [10.10.10.20]}\n",
     {"enis[1].secondary[0]", "enis[0].address", 9}},
    {ENI0 ", prefixes: [10.10.20.32/28]}\n" ENI1 ", prefixes: [10.10.20.32/28]}\n",
     {"enis[1].prefixes[0]", "10.10.20.32/28", 9}},
    {ENI0 ", prefixes: [10.10.20.32/27]}\n" ENI1 ", prefixes: [10.10.20.48/28]}\n",
     {"enis[1].prefixes[0]", "10.10.20.48/28", 9}},
    {ENI0 ", prefixes: [10.10.20.16/28]}\n" ENI1 "}\n", {"enis[1].address", "10.10.20.16/28", 9}},
    {ENI0 ", secondary: [10.10.20.40]}\n" ENI1 ", prefixes: [10.10.20.32/28]}\n",
     {"enis[1].prefixes[0]", "10.10.20.40", 9}},
    // Pods.
    {ENI0 "}\n  - {name: eni1, device: net_null1, address: 10.10.20.33/24}\n",
     {"pod_ports[0].pods[0]", "address of enis[1]", 6}},
};

INSTANTIATE_TEST_SUITE_P(Checks, BadDevicesTest, ::testing::ValuesIn(kBadDevices));

TEST(Checks, APodIsBehindOnePort) {
  const Loaded loaded = load_with(R"(pods: {cidrs: [10.10.0.0/16]}
enis: [{name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24}]
pod_ports:
  - {name: pod0, device: net_null1, pods: [10.10.10.21, 10.10.10.21]}
  - {name: pod1, device: net_null2, pods: [10.10.10.22, 10.10.10.21]}
  - {name: pod2, device: net_null3, pods: [169.254.1.1]}
)");
  expect_problem(loaded, {"pod_ports[0].pods[1]", "10.10.10.21", 4});
  expect_problem(loaded, {"pod_ports[1].pods[1]", "pod_ports[0].pods[0]", 5});
  expect_problem(loaded, {"pod_ports[2].pods[0]", "gateway", 6});
  EXPECT_EQ(count_errors(loaded), 3U) << all_of(loaded.problems);
}

TEST(Checks, ForwardsMayOverlap) {
  const Loaded loaded = load_with(kNoEnis + ENI0 ", forwards: [0.0.0.0/0]}\n" ENI1
                                                 ", forwards: [0.0.0.0/0, 10.10.20.32/28]}\n");
  EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
}

TEST(Checks, ForwardsAreNoOwner) {
  const Loaded loaded =
      load_with(kNoEnis + ENI0 ", forwards: [0.0.0.0/0]}\nsnat: {source: [10.10.30.9]}\n");
  expect_problem(loaded, {"snat.source[0]", "10.10.30.9", 9});
}

TEST(Checks, OwnershipIsNotJudgedWhileAnEniCannotBeRead) {
  const Loaded loaded = load_with(kNoEnis + ENI0
                                  ", secondary: [10.10.30.999]}\n"
                                  "snat: {source: [10.10.30.9]}\n");
  EXPECT_EQ(count_errors(loaded), 1U) << all_of(loaded.problems);
}

TEST(Checks, TheInstanceHoldsWhatItCan) {
  const std::string enis = ENI0
      ", secondary: [10.10.10.21, 10.10.10.22], "
      "prefixes: [10.10.10.32/28, \"fd00::/80\"]}\n";
  EXPECT_TRUE(
      load_with(kNoEnis + enis + "gateway: {instance: {enis: 1, addresses_per_eni: 4}}\n").config);
  const Loaded loaded =
      load_with(kNoEnis + enis + "gateway: {instance: {enis: 1, addresses_per_eni: 3}}\n");
  expect_problem(loaded, {"enis[0]", "4 IPv4 addresses", 8});
}

TEST(Checks, MorePodsThanTheInstanceHas) {
  const auto load_pods = [](unsigned count) {
    std::string pods;
    for (unsigned i = 0; i < count; ++i) pods += "10.10.11." + std::to_string(i + 1) + ", ";
    return load_with(std::string{"pods: {cidrs: [10.10.0.0/16]}\nvpc: {cidrs: [10.10.0.0/16]}\n"} +
                     (ENI0 ", forwards: [10.10.0.0/16]}\n") +
                     "gateway: {instance: {enis: 2, addresses_per_eni: 4}}\n"
                     "pod_ports: [{name: p, device: net_null9, pods: [" +
                     pods + "]}]\n");
  };
  EXPECT_TRUE(load_pods(6).config);
  expect_problem(load_pods(7), {"pod_ports", "up to 6 as secondary addresses", 6});
}

TEST(Checks, MaxPodsOfKnownInstances) {
  const auto pods = [](unsigned enis, unsigned addresses) {
    return std::pair{InstanceLimits{enis, addresses}.max_pods(),
                     InstanceLimits{enis, addresses}.max_pods_with_prefixes()};
  };
  EXPECT_EQ(pods(3, 4), std::pair(11U, 146U));       // t3.small
  EXPECT_EQ(pods(3, 10), std::pair(29U, 434U));      // m5.large
  EXPECT_EQ(pods(8, 30), std::pair(234U, 3714U));    // c5.4xlarge
  EXPECT_EQ(pods(15, 50), std::pair(737U, 11762U));  // c5n.18xlarge
}

TEST(Checks, TheVpcCniNeedsToKnowTheVpc) {
  const std::string devices = ENI0 "}\npods: {cidrs: [10.10.0.0/16]}\n";
  expect_problem(load_with(devices + "snat: {vpc_cni: {}}\n"), {"vpc.cidrs", "vpc_cni"});
  EXPECT_TRUE(load_with(devices + "snat: {ip_masq_agent: {}}\n").config);
  EXPECT_TRUE(
      load_with(devices + "snat: {vpc_cni: {env: {AWS_VPC_K8S_CNI_EXTERNALSNAT: 1}}}\n").config);
  EXPECT_TRUE(
      load_with(devices +
                "snat: {vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: 10.0.0.0/8}}}\n")
          .config);
}

TEST(Checks, OneAddressMayHaveOneMappingInManyRules) {
  const Loaded loaded = load_with(kBase + R"(snat:
  rules:
    - {to: [8.0.0.0/8], action: snat, source: [10.10.10.21], mapping: endpoint_independent}
    - {to: [9.0.0.0/8], action: snat, source: [10.10.10.21], mapping: endpoint_independent}
    - {to: [7.0.0.0/8], action: snat}
)");
  EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
}

/// A configuration that works, and what `check` should say of it all the same.
struct Odd {
  const char* text;
  const char* key;
  const char* contains;
  bool complete = false;  ///< the text is all there is; else it is added to kBase
};

void PrintTo(const Odd& odd, std::ostream* out) { *out << odd.text; }

class OddTest : public ::testing::TestWithParam<Odd> {};

TEST_P(OddTest, IsPointedOutAndWorks) {
  const Loaded loaded = load_with((GetParam().complete ? "" : kBase) + GetParam().text);
  EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
  expect_problem(loaded,
                 {GetParam().key, GetParam().contains, 0, std::string{kFile}, Severity::kWarning});
}

#define DEDICATED(INNER)                                                       \
  "pods: {cidrs: [10.20.64.0/18]}\nvpc: {cidrs: [10.20.0.0/16]}\nenis:\n"      \
  "  - {name: up, device: net_null0, primary: true, address: 10.20.1.10/24}\n" \
  "  - {name: inner, device: net_null1, address: 10.20.2.10/24" INNER "}\n"

const Odd kOdd[] = {
    {DEDICATED(", forwards: [10.20.64.0/18], routes: [{to: 10.20.64.0/18, via: 10.20.2.1}]"),
     "enis[1].forwards", "0.0.0.0/0", true},
    {DEDICATED(", forwards: [0.0.0.0/0]"), "pods.cidrs[0]", "no ENI has a route", true},
    {"pods: {cidrs: [10.20.64.0/18]}\nvpc: {cidrs: [10.20.0.0/16]}\nenis:\n"
     "  - {name: up, device: net_null0, primary: true, address: 10.20.1.10/24, "
     "forwards: [0.0.0.0/0], routes: [{to: 10.20.64.0/18, via: 10.20.1.1}]}\n"
     "  - {name: inner, device: net_null1, address: 10.20.2.10/24, forwards: [0.0.0.0/0], "
     "routes: [{to: 10.20.64.0/18, via: 10.20.2.1}]}\n",
     "pods.cidrs[0]", "both have a route", true},
    {"pods: {cidrs: [10.20.64.0/18]}\nvpc: {cidrs: [10.20.0.0/16]}\nenis:\n"
     "  - {name: up, device: net_null0, primary: true, address: 10.20.1.10/24, "
     "forwards: [10.20.64.0/18]}\n"
     "  - {name: inner, device: net_null1, address: 10.20.2.10/24, forwards: [0.0.0.0/0], "
     "routes: [{to: 10.20.64.0/18, via: 10.20.2.1}]}\n",
     "pods.cidrs[0]", "leaves by up", true},
    {"pods: {cidrs: [10.30.0.0/16]}\nvpc: {cidrs: [10.20.0.0/16]}\nenis:\n"
     "  - {name: up, device: net_null0, primary: true, address: 10.20.1.10/24}\n"
     "pod_ports: [{name: p, device: net_null1, pods: [10.30.0.1]}]\n",
     "pods.cidrs[0]", "outside the VPC", true},
    {"pods: {cidrs: [10.20.0.0/16]}\nvpc: {cidrs: [10.20.0.0/16]}\nenis:\n"
     "  - {name: up, device: net_null0, primary: true, address: 10.20.1.10/24}\n"
     "pod_ports: [{name: p, device: net_null1, pods: [10.20.0.9]}]\n",
     "pod_ports[0].pods[0]", "no ENI owns 10.20.0.9", true},
    {"snat: {vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: \"10.10.5.0/24\"}}}\n",
     "snat.vpc_cni.env.AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "10.10.0.0/16 of the VPC"},
    {"snat: {vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: "
     "\"172.31.1.0/24,172.31.0.0/16\"}}}\n",
     "snat.vpc_cni.env.AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "172.31.1.0/24 changes nothing"},
    {"snat: {vpc_cni: {platform: windows, excluded_snat_cidrs: [9.0.0.0/8, 9.0.0.0/8]}}\n",
     "snat.vpc_cni.excluded_snat_cidrs", "twice"},
    {"snat: {source: [10.10.10.20]}\n", "snat.source", "no rule and no dialect"},
    {"snat: {source: [10.10.10.21], vpc_cni: {env: {AWS_VPC_K8S_CNI_EXTERNALSNAT: true}}}\n",
     "snat.source", "no rule and no dialect"},
    {"snat: {rules: [{from: [10.99.0.0/16], action: snat}]}\n", "snat.rules[0].from",
     "outside pods.cidrs"},
    {"snat: {rules: [{to: [\"fd00::/8\"], action: drop}]}\n", "snat.rules[0]", "families"},
    {"snat: {rules: [{to: [8.0.0.0/8], except: [9.9.9.0/24], action: drop}]}\n",
     "snat.rules[0].except[0]", "9.9.9.0/24"},
    {"gateway: {workers: 4}\nsnat: {ports: 1024-1500}\n", "snat.ports", "477 ports"},
    {"gateway: {workers: 2}\nsnat: {ip_masq_agent: {to_ports: \"5000\"}}\n",
     "snat.ip_masq_agent.to_ports", "1 ports"},
    {"flows: {timeouts: {tcp_established: 1h}}\n", "flows.timeouts.tcp_established", "RFC 5382"},
    {"snat: {ip_masq_agent: {enable_ipv6: true}}\n", "snat.ip_masq_agent.enable_ipv6",
     "nat66_unsupported"},
    {"snat: {gke: {cluster: autopilot, ip_masq_agent: false}}\n", "snat.gke.ip_masq_agent",
     "no effect"},
    {"snat: {gke: {disable_default_snat: true}}\n", "snat.gke.disable_default_snat", "void"},
    {"snat: {gke: {ip_masq_agent: false, config: a.yaml}}\n", "snat.gke.config", "does not run"},
    {"snat: {ip_masq_agent: {config: a.yaml}}\n", "snat.ip_masq_agent.config", "conf/a.yaml"},
    {"snat: {vpc_cni: {excluded_snat_cidrs: [172.31.0.0/16]}}\n",
     "snat.vpc_cni.excluded_snat_cidrs", "linux"},
};

INSTANTIATE_TEST_SUITE_P(Checks, OddTest, ::testing::ValuesIn(kOdd));

TEST(Checks, AProperGatewayAndAProperNodeHaveNothingOdd) {
  for (const std::string& text :
       {kBase + "snat: {vpc_cni: {}}\n",
        std::string{
            DEDICATED(", forwards: [0.0.0.0/0], routes: [{to: 10.20.64.0/18, via: 10.20.2.1}]")}}) {
    const Loaded loaded = load_with(text);
    EXPECT_TRUE(loaded.problems.empty()) << all_of(loaded.problems);
  }
}

}  // namespace
}  // namespace sluice::config
