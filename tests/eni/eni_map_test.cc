// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/eni_map.h"

#include <gtest/gtest.h>

#include "support/config_parts.h"

namespace sluice::eni {
namespace {

using test::address;
using test::interface_address;
using test::marked;
using test::pod_port;
using test::prefix;

constexpr DeviceId kEni0{0};
constexpr DeviceId kEni1{1};
constexpr DeviceId kPod0{2};
constexpr DeviceId kPod1{3};

/// A node: pods on pod ports, their addresses on two ENIs.
config::Config node() {
  config::Config config;
  config.pods.cidrs = marked({"10.30.0.0/16"});
  auto eni0 = test::eni("eni0", "10.30.1.10/24");
  eni0.primary = true;
  eni0.secondary = {address("10.30.1.11"), address("10.30.1.21")};
  auto eni1 = test::eni("eni1", "10.30.2.10/24");
  eni1.secondary = {address("10.30.2.21"), address("10.30.2.22")};
  eni1.prefixes = {prefix("10.30.2.64/28")};
  config.enis = {eni0, eni1};
  config.pod_ports = {pod_port("pod0", {"10.30.2.21", "10.30.2.22", "10.30.2.64", "10.30.2.79"}),
                      pod_port("pod1", {"10.30.1.21"})};
  config.snat.source = {Ipv4Addr{10, 30, 1, 10}};
  return config;
}

/// A dedicated gateway: pods come in by "inner", which may emit anything.
config::Config dedicated() {
  config::Config config;
  config.pods.cidrs = marked({"10.20.64.0/18"});
  auto uplink = test::eni("uplink", "10.20.1.10/24");
  uplink.primary = true;
  auto inner = test::eni("inner", "10.20.2.10/24");
  inner.forwards = {prefix("0.0.0.0/0")};
  inner.routes = {{prefix("10.20.64.0/18"), address("10.20.2.1")}};
  config.enis = {uplink, inner};
  config.snat.source = {Ipv4Addr{10, 20, 1, 10}};
  return config;
}

constexpr DeviceId kUplink{0};
constexpr DeviceId kInner{1};

const IpAddr kInternet = Ipv4Addr{8, 8, 8, 8};

std::string name_of(const EniMap& map, DeviceId device) {
  return device == kNoDevice ? "none" : map.devices()[device.value].name;
}

std::string owner(const EniMap& map, std::string_view source, const IpAddr& to = kInternet) {
  return name_of(map, map.owner(address(source), to));
}

TEST(EniMapDevices, AreTheEnisThenThePodPorts) {
  const EniMap map{node()};
  ASSERT_EQ(map.devices().size(), 4u);
  EXPECT_EQ(name_of(map, kEni0), "eni0");
  EXPECT_EQ(name_of(map, kEni1), "eni1");
  EXPECT_EQ(name_of(map, kPod0), "pod0");
  EXPECT_EQ(name_of(map, kPod1), "pod1");
  EXPECT_TRUE(map.devices()[0].primary);
  EXPECT_FALSE(map.devices()[1].primary);
  EXPECT_TRUE(map.devices()[1].is_eni);
  EXPECT_FALSE(map.devices()[2].is_eni);
  EXPECT_EQ(map.devices()[1].address, (Ipv4Addr{10, 30, 2, 10}));
  EXPECT_EQ(map.devices()[1].gateway, (Ipv4Addr{10, 30, 2, 1}));
  EXPECT_EQ(map.devices()[2].address, (Ipv4Addr{169, 254, 1, 1}));
}

TEST(EniMapOwner, IsTheEniThatHasTheAddress) {
  const EniMap map{node()};
  EXPECT_EQ(owner(map, "10.30.1.10"), "eni0");
  EXPECT_EQ(owner(map, "10.30.1.11"), "eni0");
  EXPECT_EQ(owner(map, "10.30.2.10"), "eni1");
  EXPECT_EQ(owner(map, "10.30.2.22"), "eni1");
}

TEST(EniMapOwner, IsNoneForAStrangerThereIsNoDefaultEni) {
  const EniMap map{node()};
  for (const char* text : {"10.30.1.9", "10.30.1.12", "10.30.2.99", "192.0.2.77", "8.8.8.8",
                           "0.0.0.0", "255.255.255.255", "fd00::1"}) {
    EXPECT_EQ(owner(map, text), "none") << text;
  }
}

TEST(EniMapOwner, KnowsTheEdgesOfADelegatedPrefix) {
  const EniMap map{node()};
  EXPECT_EQ(owner(map, "10.30.2.63"), "none");
  EXPECT_EQ(owner(map, "10.30.2.64"), "eni1");
  EXPECT_EQ(owner(map, "10.30.2.79"), "eni1");
  EXPECT_EQ(owner(map, "10.30.2.80"), "none");
}

TEST(EniMapOwner, OfSeveralTheMostSpecificWins) {
  auto config = dedicated();
  config.enis[0].forwards = {prefix("10.20.64.0/18")};
  config.enis[1].prefixes = {prefix("10.20.64.16/28")};
  config.enis[1].forwards = {prefix("10.20.65.0/24")};
  const EniMap map{config};
  EXPECT_EQ(owner(map, "10.20.64.15"), "uplink");
  EXPECT_EQ(owner(map, "10.20.64.16"), "inner");
  EXPECT_EQ(owner(map, "10.20.64.31"), "inner");
  EXPECT_EQ(owner(map, "10.20.64.32"), "uplink");
  EXPECT_EQ(owner(map, "10.20.65.1"), "inner");
  EXPECT_EQ(owner(map, "10.20.66.1"), "uplink");
  EXPECT_EQ(owner(map, "10.20.128.0"), "none");
}

config::Config two_equal_forwards() {
  auto config = dedicated();
  config.enis[0].forwards = {prefix("10.99.0.0/16")};
  config.enis[1].forwards = {prefix("10.99.0.0/16")};
  return config;
}

TEST(EniMapOwner, OfTwoEqualOnesTheBestRouteToTheDestinationWins) {
  auto config = two_equal_forwards();
  config.enis[0].routes = {{prefix("172.16.0.0/12"), address("10.20.1.1")}};
  config.enis[1].routes = {{prefix("172.20.0.0/16"), address("10.20.2.1")}};
  const EniMap map{config};
  EXPECT_EQ(owner(map, "10.99.1.1", address("172.16.0.1")), "uplink");
  EXPECT_EQ(owner(map, "10.99.1.1", address("172.20.0.1")), "inner");
  EXPECT_EQ(owner(map, "10.99.1.1", address("172.21.0.0")), "uplink");
  EXPECT_EQ(owner(map, "10.99.1.1", address("10.20.2.77")), "inner") << "connected";
}

TEST(EniMapOwner, OfTwoEqualOnesWithEqualRoutesDeviceOrderDecides) {
  auto config = two_equal_forwards();
  EXPECT_EQ(owner(EniMap{config}, "10.99.1.1"), "uplink");
  // A written default route is as good as the one every ENI has.
  config.enis[1].routes = {{prefix("0.0.0.0/0"), address("10.20.2.7")}};
  EXPECT_EQ(owner(EniMap{config}, "10.99.1.1"), "uplink");
}

TEST(EniMapOwner, IsNotChosenByARouteOfAnEniThatMayNotEmit) {
  auto config = two_equal_forwards();
  auto third = test::eni("third", "10.20.3.10/24");
  third.routes = {{prefix("172.20.0.0/16"), address("10.20.3.1")}};
  config.enis.push_back(third);
  config.enis[1].routes = {{prefix("172.16.0.0/12"), address("10.20.2.1")}};
  EXPECT_EQ(owner(EniMap{config}, "10.99.1.1", address("172.20.0.1")), "inner");
}

TEST(EniMapOwner, WorksForIpv6) {
  auto config = node();
  config.enis[0].address6 = interface_address("2600:1f14::5/64");
  config.enis[1].secondary.push_back(address("2600:1f14:0:1::9"));
  config.enis[1].prefixes.push_back(prefix("2600:1f14:0:1:8000::/80"));
  config.enis[1].forwards = {prefix("fd10::/64")};
  const EniMap map{config};
  EXPECT_EQ(owner(map, "2600:1f14::5"), "eni0");
  EXPECT_EQ(owner(map, "2600:1f14::6"), "none");
  EXPECT_EQ(owner(map, "2600:1f14:0:1::9"), "eni1");
  EXPECT_EQ(owner(map, "2600:1f14:0:1:8000:ffff:ffff:ffff"), "eni1");
  EXPECT_EQ(owner(map, "2600:1f14:0:1:8001::"), "none");
  EXPECT_EQ(owner(map, "fd10::5"), "eni1");
}

TEST(EniMapMayEmit, CountsEveryMatchNotOnlyTheMostSpecific) {
  auto config = dedicated();
  const EniMap map{config};
  EXPECT_TRUE(map.may_emit(kUplink, address("10.20.1.10")));
  EXPECT_TRUE(map.may_emit(kInner, address("10.20.1.10"))) << "forwards everything";
  EXPECT_TRUE(map.may_emit(kInner, address("8.8.8.8")));
  EXPECT_FALSE(map.may_emit(kUplink, address("8.8.8.8")));
  EXPECT_FALSE(map.may_emit(kUplink, address("10.20.1.11")));
  EXPECT_FALSE(map.may_emit(kInner, address("fd00::1"))) << "0.0.0.0/0 is IPv4";
  EXPECT_FALSE(map.may_emit(kNoDevice, address("10.20.1.10")));
}

TEST(EniMapMayEmit, IsTrueForEveryPodPort) {
  const EniMap map{node()};
  EXPECT_TRUE(map.may_emit(kPod0, kInternet));
  EXPECT_TRUE(map.may_emit(kPod1, address("fd00::1")));
  EXPECT_FALSE(map.may_emit(kEni0, kInternet));
}

TEST(EniMapPodPort, IsTheOneThatListsTheAddress) {
  const EniMap map{node()};
  EXPECT_EQ(map.about(address("10.30.2.64")).pod_port, kPod0);
  EXPECT_EQ(map.about(address("10.30.1.21")).pod_port, kPod1);
  EXPECT_EQ(map.about(address("10.30.2.65")).pod_port, kNoDevice) << "in the prefix, not listed";
  EXPECT_EQ(map.about(address("10.30.2.10")).pod_port, kNoDevice);
}

TEST(EniMapRoutedEni, GoesByConnectedAndWrittenRoutes) {
  const EniMap map{dedicated()};
  EXPECT_EQ(map.routed_eni(address("10.20.1.77")), kUplink);
  EXPECT_EQ(map.routed_eni(address("10.20.2.77")), kInner);
  EXPECT_EQ(map.routed_eni(address("10.20.64.0")), kInner);
  EXPECT_EQ(map.routed_eni(address("10.20.127.255")), kInner);
  EXPECT_EQ(map.routed_eni(address("10.20.128.0")), kNoDevice);
}

TEST(EniMapRoutedEni, DoesNotCountDefaultRoutesAlsoWrittenOnes) {
  auto config = dedicated();
  config.enis[1].routes.push_back({prefix("0.0.0.0/0"), address("10.20.2.7")});
  EXPECT_EQ(EniMap{config}.routed_eni(kInternet), kNoDevice);
}

TEST(EniMapRoutedEni, PrefersTheMostSpecificThenDeviceOrder) {
  auto config = dedicated();
  config.enis[0].routes = {{prefix("10.20.64.0/18"), address("10.20.1.1")}};
  config.enis[1].routes.push_back({prefix("10.20.65.0/24"), address("10.20.2.1")});
  const EniMap map{config};
  EXPECT_EQ(map.routed_eni(address("10.20.64.5")), kUplink);
  EXPECT_EQ(map.routed_eni(address("10.20.65.5")), kInner);
}

TEST(EniMapEgress, GoesToThePodPortFirst) {
  const EniMap map{node()};
  EXPECT_EQ(map.egress(address("8.8.8.8"), address("10.30.2.21")), kPod0);
  EXPECT_EQ(map.egress(address("10.30.2.21"), address("10.30.1.21")), kPod1);
}

TEST(EniMapEgress, GoesToThePodsEniIfThatMayEmitTheSource) {
  const EniMap map{dedicated()};
  EXPECT_EQ(map.egress(kInternet, address("10.20.64.5")), kInner);
  EXPECT_EQ(map.egress(address("10.20.1.10"), address("10.20.64.5")), kInner)
      << "uplink owns that source more specifically, forwards suffices towards a pod";
  EXPECT_EQ(map.egress(address("10.20.64.5"), address("10.20.64.9")), kInner);
}

TEST(EniMapEgress, ElseGoesToTheOwnerOfTheSource) {
  const EniMap map{node()};
  EXPECT_EQ(map.egress(address("10.30.1.10"), address("10.30.2.200")), kEni0)
      << "eni1 is connected to the destination, yet may not emit the source";
  EXPECT_EQ(map.egress(address("10.30.2.21"), address("10.30.2.200")), kEni1);
  EXPECT_EQ(map.egress(address("10.30.2.21"), kInternet), kEni1);
  EXPECT_EQ(map.egress(address("192.0.2.77"), kInternet), kNoDevice);
  EXPECT_EQ(map.egress(address("192.0.2.77"), address("10.30.2.200")), kNoDevice);
}

TEST(EniMapEgress, LooksAtRoutesOnlyForPods) {
  const EniMap map{dedicated()};
  EXPECT_EQ(map.egress(address("10.20.1.10"), address("10.20.2.77")), kUplink)
      << "no pod: the owner, though inner is connected and forwards everything";
}

std::string next_hop(const EniMap& map, DeviceId device, std::string_view destination) {
  return map.next_hop(device, address(destination)).to_string();
}

TEST(EniMapNextHop, IsTheDestinationWhenConnected) {
  const EniMap map{node()};
  EXPECT_EQ(next_hop(map, kEni1, "10.30.2.200"), "10.30.2.200");
  EXPECT_EQ(next_hop(map, kEni0, "10.30.2.200"), "10.30.1.1") << "connected to the other one";
  EXPECT_EQ(next_hop(map, kPod0, "10.30.2.21"), "10.30.2.21");
}

TEST(EniMapNextHop, IsTheBestRoutesElseTheRouter) {
  auto config = node();
  config.enis[0].routes = {{prefix("198.51.100.0/24"), address("10.30.1.77")},
                           {prefix("198.51.100.64/26"), address("10.30.1.78")}};
  const EniMap map{config};
  EXPECT_EQ(next_hop(map, kEni0, "198.51.100.9"), "10.30.1.77");
  EXPECT_EQ(next_hop(map, kEni0, "198.51.100.64"), "10.30.1.78");
  EXPECT_EQ(next_hop(map, kEni0, "198.51.100.127"), "10.30.1.78");
  EXPECT_EQ(next_hop(map, kEni0, "198.51.100.128"), "10.30.1.77");
  EXPECT_EQ(next_hop(map, kEni0, "198.51.101.9"), "10.30.1.1");
  EXPECT_EQ(next_hop(map, kEni1, "198.51.100.9"), "10.30.2.1");
}

TEST(EniMapNextHop, FindsItsOwnWiderRouteBehindAnothersBetterOne) {
  auto config = node();
  config.enis[0].routes = {{prefix("198.51.0.0/16"), address("10.30.1.77")}};
  config.enis[1].routes = {{prefix("198.51.100.0/24"), address("10.30.2.77")}};
  const EniMap map{config};
  EXPECT_EQ(next_hop(map, kEni0, "198.51.100.9"), "10.30.1.77");
  EXPECT_EQ(next_hop(map, kEni1, "198.51.100.9"), "10.30.2.77");
}

TEST(EniMapNextHop, FollowsAWrittenDefaultRoute) {
  auto config = node();
  config.enis[0].routes = {{prefix("0.0.0.0/0"), address("10.30.1.5")}};
  const EniMap map{config};
  EXPECT_EQ(next_hop(map, kEni0, "8.8.8.8"), "10.30.1.5");
  EXPECT_EQ(next_hop(map, kEni0, "10.30.1.77"), "10.30.1.77");
}

TEST(EniMapNextHop, WorksForIpv6) {
  auto config = node();
  config.enis[0].address6 = interface_address("2600:1f14::5/64");
  const EniMap map{config};
  EXPECT_EQ(next_hop(map, kEni0, "2600:1f14::9"), "2600:1f14::9");
  EXPECT_EQ(next_hop(map, kEni0, "2001:4860:4860::8888"), "fe80:ec2::1");
  EXPECT_EQ(next_hop(map, kEni0, "fe80::9"), "fe80::9") << "link-local is always connected";
}

TEST(EniMapIsPod, GoesByPodCidrs) {
  auto config = node();
  config.pods.cidrs = marked({"10.30.2.0/24", "fd10::/64"});
  const EniMap map{config};
  EXPECT_FALSE(map.about(address("10.30.1.255")).in_pod_cidrs);
  EXPECT_TRUE(map.about(address("10.30.2.0")).in_pod_cidrs);
  EXPECT_TRUE(map.about(address("10.30.2.255")).in_pod_cidrs);
  EXPECT_FALSE(map.about(address("10.30.3.0")).in_pod_cidrs);
  EXPECT_TRUE(map.about(address("fd10::ffff")).in_pod_cidrs);
  EXPECT_FALSE(map.about(address("10.30.1.21")).in_pod_cidrs)
      << "listed by a pod port, outside pods.cidrs";
}

TEST(EniMapOwnAddress, IsPrimaryAndWhateverIsTranslatedTo) {
  auto config = node();
  config.enis[0].address6 = interface_address("2600:1f14::5/64");
  config.snat.source = {Ipv4Addr{10, 30, 1, 11}};
  config::RuleConfig rule;
  rule.action = config::Action::kSnat;
  rule.source = {Ipv4Addr{10, 30, 2, 70}};
  config.snat.rules = {rule};
  const EniMap map{config};
  EXPECT_TRUE(map.about(address("10.30.1.10")).own);
  EXPECT_TRUE(map.about(address("10.30.2.10")).own);
  EXPECT_TRUE(map.about(address("2600:1f14::5")).own);
  EXPECT_TRUE(map.about(address("10.30.1.11")).own) << "secondary, translated to";
  EXPECT_TRUE(map.about(address("10.30.2.70")).own) << "delegated, translated to by a rule";
  EXPECT_FALSE(map.about(address("10.30.2.71")).own) << "delegated only";
  EXPECT_FALSE(map.about(address("10.30.2.21")).own) << "a pod's";
  EXPECT_TRUE(map.about(Ipv4Addr{10, 30, 1, 11}).snat);
  EXPECT_TRUE(map.about(Ipv4Addr{10, 30, 2, 70}).snat);
  EXPECT_FALSE(map.about(Ipv4Addr{10, 30, 1, 10}).snat);
}

TEST(EniMapOwnAddress, IsNeverOneThatAPodPortLists) {
  auto config = node();
  config.snat.source = {Ipv4Addr{10, 30, 1, 21}};
  EXPECT_FALSE(EniMap{config}.about(address("10.30.1.21")).own);
}

TEST(EniMapAnswersFor, AddressesOfTheEniOnThatEni) {
  const EniMap map{node()};
  EXPECT_TRUE(map.answers_for(kEni0, address("10.30.1.10")));
  EXPECT_TRUE(map.answers_for(kEni0, address("10.30.1.21"))) << "also a pod's";
  EXPECT_TRUE(map.answers_for(kEni1, address("10.30.2.64")));
  EXPECT_TRUE(map.answers_for(kEni1, address("10.30.2.79")));
  EXPECT_FALSE(map.answers_for(kEni1, address("10.30.2.80")));
  EXPECT_FALSE(map.answers_for(kEni1, address("10.30.1.10")));
  EXPECT_FALSE(map.answers_for(kEni0, address("10.30.1.99")));
}

TEST(EniMapAnswersFor, NotForWhatIsOnlyForwarded) {
  EXPECT_FALSE(EniMap{dedicated()}.answers_for(kInner, address("10.20.64.5")));
}

TEST(EniMapAnswersFor, ThePodsRouterOnAPodPort) {
  const EniMap map{node()};
  EXPECT_TRUE(map.answers_for(kPod0, address("169.254.1.1")));
  EXPECT_TRUE(map.answers_for(kPod0, address("fe80::1")));
  EXPECT_FALSE(map.answers_for(kPod0, address("10.30.1.21")));
  EXPECT_FALSE(map.answers_for(kEni0, address("169.254.1.1")));
  EXPECT_FALSE(map.answers_for(kNoDevice, address("10.30.1.10")));
}

TEST(EniMapDirectedBroadcast, IsTheLastAddressOfEverySubnet) {
  auto config = node();
  config.enis[1].address = interface_address("10.30.2.10/30");
  config.enis.push_back(test::eni("eni2", "10.30.3.10/31"));
  const EniMap map{config};
  EXPECT_TRUE(map.about(Ipv4Addr{10, 30, 1, 255}).directed_broadcast);
  EXPECT_FALSE(map.about(Ipv4Addr{10, 30, 1, 254}).directed_broadcast);
  EXPECT_TRUE(map.about(Ipv4Addr{10, 30, 2, 11}).directed_broadcast);
  EXPECT_FALSE(map.about(Ipv4Addr{10, 30, 3, 11}).directed_broadcast) << "a /31 has none";
  EXPECT_FALSE(map.about(Ipv4Addr{255, 255, 255, 255}).directed_broadcast);
}

TEST(EniMapSourceMayArrive, APodPortsAddressOnlyThere) {
  const EniMap map{node()};
  EXPECT_TRUE(map.source_may_arrive(kPod0, address("10.30.2.21")));
  EXPECT_FALSE(map.source_may_arrive(kPod1, address("10.30.2.21")));
  EXPECT_FALSE(map.source_may_arrive(kEni0, address("10.30.2.21")));
  EXPECT_FALSE(map.source_may_arrive(kEni1, address("10.30.2.21"))) << "also its own ENI";
}

TEST(EniMapSourceMayArrive, APodOnAPodPortOnlyWhenListed) {
  const EniMap map{node()};
  EXPECT_FALSE(map.source_may_arrive(kPod0, address("10.30.2.99")));
  EXPECT_FALSE(map.source_may_arrive(kPod0, address("192.0.2.77"))) << "what is there is no router";
}

TEST(EniMapSourceMayArrive, APodOnAnEniUnlessOnlyOthersHaveARouteToIt) {
  auto config = dedicated();
  const EniMap map{config};
  EXPECT_TRUE(map.source_may_arrive(kInner, address("10.20.64.5")));
  EXPECT_FALSE(map.source_may_arrive(kUplink, address("10.20.64.5")));
  EXPECT_TRUE(map.source_may_arrive(kUplink, address("10.20.128.0"))) << "no pod";
  config.enis[0].routes = {{prefix("10.20.0.0/16"), address("10.20.1.1")}};
  EXPECT_TRUE(EniMap{config}.source_may_arrive(kUplink, address("10.20.64.5")))
      << "a wider route is a route";
  config.enis[0].routes = {{prefix("0.0.0.0/0"), address("10.20.1.1")}};
  EXPECT_FALSE(EniMap{config}.source_may_arrive(kUplink, address("10.20.64.5")))
      << "a default route is none";
  config.enis[1].routes.clear();
  EXPECT_TRUE(EniMap{config}.source_may_arrive(kUplink, address("10.20.64.5")))
      << "nobody has a route";
}

TEST(EniMapSourceMayArrive, ANeighbourOfOneSubnetReachesThePodsOfAnother) {
  const EniMap map{node()};
  EXPECT_TRUE(map.source_may_arrive(kEni0, address("10.30.2.99")))
      << "the VPC delivers by destination";
  EXPECT_TRUE(map.source_may_arrive(kEni1, address("10.30.2.99")));
}

std::string arrival(const EniMap& map, std::string_view source, std::string_view destination) {
  return name_of(map, map.arrival(address(source), address(destination)));
}

TEST(EniMapArrival, IsWhereTheSourceIsReached) {
  const EniMap map{node()};
  EXPECT_EQ(arrival(map, "10.30.2.64", "8.8.8.8"), "pod0");
  const EniMap gateway{dedicated()};
  EXPECT_EQ(arrival(gateway, "10.20.64.5", "8.8.8.8"), "inner");
  EXPECT_EQ(arrival(gateway, "10.20.64.5", "10.20.1.10"), "inner");
}

TEST(EniMapArrival, ElseIsTheOwnerOfTheDestinationElseThePrimary) {
  const EniMap map{node()};
  EXPECT_EQ(arrival(map, "8.8.8.8", "10.30.2.21"), "eni1");
  EXPECT_EQ(arrival(map, "8.8.8.8", "10.30.1.10"), "eni0");
  EXPECT_EQ(arrival(map, "8.8.8.8", "9.9.9.9"), "eni0");
  EXPECT_EQ(arrival(map, "10.31.0.1", "10.30.2.10"), "eni1");
}

TEST(EniMapArrival, IsNoneWithoutAPrimary) {
  config::Config config;
  EXPECT_EQ(arrival(EniMap{config}, "8.8.8.8", "9.9.9.9"), "none");
}

TEST(EniMap, HoldsManyDevicesAndPrefixes) {
  config::Config config;
  config.pods.cidrs = marked({"10.0.0.0/8"});
  for (std::uint8_t i = 0; i < 250; ++i) {
    auto eni = test::eni("eni" + std::to_string(i), "192.168.0.10/24");
    eni.address = {Ipv4Addr{192, 168, i, 10}, 24};
    for (std::uint8_t k = 0; k < 20; ++k) {
      eni.prefixes.emplace_back(Ipv4Addr{10, i, k, 16}, 28);
      eni.routes.push_back({IpPrefix{Ipv4Addr{172, i, k, 0}, 24}, Ipv4Addr{192, 168, i, 1}});
    }
    config.enis.push_back(eni);
  }
  config.pod_ports = {pod_port("pod", {"10.7.7.17"})};
  const EniMap map{config};
  for (std::uint8_t i = 0; i < 250; ++i) {
    EXPECT_EQ(map.owner(Ipv4Addr{10, i, 19, 31}, kInternet), DeviceId{i});
    EXPECT_EQ(map.owner(Ipv4Addr{10, i, 19, 32}, kInternet), kNoDevice);
    EXPECT_EQ(map.routed_eni(Ipv4Addr{172, i, 19, 255}), DeviceId{i});
  }
  EXPECT_EQ(map.about(address("10.7.7.17")).pod_port, DeviceId{250});
}

}  // namespace
}  // namespace sluice::eni
