// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/classify.h"

#include <gtest/gtest.h>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::dedicated_yaml;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::same_bytes;

PacketBuilder udp(std::string_view source, std::string_view destination) {
  return eth().ipv4(source, destination).udp(4000, 53).payload("query");
}
PacketBuilder udp6(std::string_view source, std::string_view destination) {
  return eth().ipv6(source, destination).udp(4000, 53).payload("query");
}

// --- refused ---------------------------------------------------------------------------------

struct Case {
  std::string name;
  std::string_view device;
  PacketBuilder packet;
  DropReason reason;
  std::string yaml = node_yaml();
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, ByName) {
  const Case& c = GetParam();
  Harness harness(c.yaml);
  EXPECT_TRUE(dropped(harness.send(c.device, c.packet), c.reason));
  EXPECT_EQ(harness.sessions(), 0u);
}

const Case kSources[] = {
    {"ThisNetwork", "pod-a", udp("0.0.0.0", "198.51.100.7"), DropReason::kMartianSource},
    {"ThisNetworksHost", "eni0", udp("0.1.2.3", "10.10.10.21"), DropReason::kMartianSource},
    {"Loopback", "eni0", udp("127.0.0.1", "10.10.10.21"), DropReason::kMartianSource},
    {"Multicast", "eni0", udp("224.0.0.1", "10.10.10.21"), DropReason::kMartianSource},
    {"LastMulticast", "eni0", udp("239.255.255.255", "10.10.10.21"), DropReason::kMartianSource},
    {"Broadcast", "eni0", udp("255.255.255.255", "10.10.10.21"), DropReason::kMartianSource},
    {"DirectedBroadcast", "eni0", udp("10.10.20.255", "10.10.10.21"), DropReason::kMartianSource},
    {"OwnAddress", "eni0", udp("10.10.10.20", "10.10.10.21"), DropReason::kMartianSource},
    {"OwnAddressOfAnotherEni", "eni0", udp("10.10.20.20", "10.10.10.21"),
     DropReason::kMartianSource},
    {"OwnAddressOnAPodPort", "pod-a", udp("10.10.10.20", "198.51.100.7"),
     DropReason::kMartianSource},
    {"OwnAddressPingingItself", "eni0", eth().ipv4("10.10.10.20", "10.10.20.20").echo(1),
     DropReason::kMartianSource},
    {"SourceIsDestination", "pod-a", udp("10.10.10.21", "10.10.10.21"), DropReason::kMartianSource},
    {"APodsOnAnotherPodPort", "pod-b", udp("10.10.10.21", "198.51.100.7"),
     DropReason::kSpoofedSource},
    {"APodsOnAnEni", "eni0", udp("10.10.10.21", "10.10.20.21"), DropReason::kSpoofedSource},
    {"APodsPingingUsFromAnEni", "eni0", eth().ipv4("10.10.10.21", "10.10.10.20").echo(1),
     DropReason::kSpoofedSource},
    {"UnlistedOnAPodPort", "pod-a", udp("10.10.77.7", "198.51.100.7"), DropReason::kSpoofedSource},
    {"RoutedByAnotherEni", "uplink", udp("100.64.3.4", "198.51.100.7"), DropReason::kSpoofedSource,
     dedicated_yaml()},
    {"NotAPodsAndNobodys", "pod-a", udp("172.30.0.1", "198.51.100.7"), DropReason::kNoOwner},
    {"BetweenStrangers", "eni0", udp("172.30.0.1", "198.51.100.7"), DropReason::kNoOwner},
    {"StrangersToAnotherPod", "pod-b", udp("198.51.100.7", "10.10.10.21"),
     DropReason::kSpoofedSource},
    {"StrangersPingingUsFromAPodPort", "pod-b", eth().ipv4("198.51.100.7", "10.10.10.20").echo(1),
     DropReason::kSpoofedSource},
    {"LinkLocal", "pod-a", udp("169.254.7.7", "198.51.100.7"), DropReason::kMartianSource},
    {"LinkLocalToAPod", "eni1", udp("169.254.169.254", "10.10.20.21"), DropReason::kMartianSource},
};
INSTANTIATE_TEST_SUITE_P(Sources, Refused, testing::ValuesIn(kSources), [](const auto& c) {
  return c.param.name;
});

const Case kDestinations[] = {
    {"Multicast", "pod-a", udp("10.10.10.21", "224.0.0.251"), DropReason::kMulticastDestination},
    {"ScopedMulticast", "pod-a", udp("10.10.10.21", "239.1.2.3"),
     DropReason::kMulticastDestination},
    {"Broadcast", "pod-a", udp("10.10.10.21", "255.255.255.255"),
     DropReason::kBroadcastDestination},
    {"DirectedBroadcast", "pod-a", udp("10.10.10.21", "10.10.20.255"),
     DropReason::kBroadcastDestination},
    {"DirectedBroadcastFromOutside", "eni0", udp("172.30.0.1", "10.10.10.255"),
     DropReason::kBroadcastDestination},
    {"MulticastThoughLinkLocalIsForwarded", "pod-a", udp("10.10.10.21", "224.0.0.251"),
     DropReason::kMulticastDestination, node_yaml("", "  forward_link_local: true")},
    {"InstanceMetadata", "pod-a", udp("10.10.10.21", "169.254.169.254"),
     DropReason::kLinkLocalDestination},
    {"Loopback", "pod-a", udp("10.10.10.21", "127.0.0.1"), DropReason::kMartianDestination},
    {"ThisNetwork", "pod-a", udp("10.10.10.21", "0.0.0.0"), DropReason::kMartianDestination},
    {"UdpToOurselves", "eni0", udp("172.30.0.1", "10.10.10.20"), DropReason::kNoSession},
    {"SynToOurselves", "eni0", eth().ipv4("172.30.0.1", "10.10.10.20").tcp(7, 22).flags(net::kSyn),
     DropReason::kNoSession},
    {"EchoReplyToOurselves", "eni0", eth().ipv4("172.30.0.1", "10.10.10.20").echo_reply(1),
     DropReason::kNoSession},
    {"TimestampToOurselves", "eni0", eth().ipv4("172.30.0.1", "10.10.10.20").icmp(13, 0, 1, 1),
     DropReason::kNoSession},
    {"GreToOurselves", "eni0", eth().ipv4("172.30.0.1", "10.10.10.20").protocol(47),
     DropReason::kNoSession},
    {"ARouteThroughOurselves", "pod-a",
     udp("10.10.10.21", "10.10.10.20").ip_options({131, 7, 4, 203, 0, 113, 9, 0}),
     DropReason::kNoSession},
    {"APodsUdpToTheSnatAddress", "pod-a", udp("10.10.10.21", "10.10.10.20"),
     DropReason::kNoSession},
    {"ARuleThatDrops", "pod-a", udp("10.10.10.21", "203.0.113.9"), DropReason::kPolicyDrop,
     node_yaml("", "  rules: [{to: [203.0.113.0/24], action: drop}]")},
};
INSTANTIATE_TEST_SUITE_P(Destinations,
                         Refused,
                         testing::ValuesIn(kDestinations),
                         [](const auto& c) { return c.param.name; });

TEST(Classify, LinkLocalIsForwardedOnRequest) {
  Harness harness(node_yaml("", "  forward_link_local: true"));
  EXPECT_EQ(harness.send("pod-a", udp("10.10.10.21", "169.254.169.254")).device, "eni0");
}

// --- preserved -------------------------------------------------------------------------------

struct Path {
  std::string name;
  std::string_view in;
  std::string_view source, destination;
  std::string_view out;
  std::string_view next_hop;
  std::string_view answer_out = {};       ///< empty: `in`
  std::string_view answer_next_hop = {};  ///< where that needs saying
  std::string_view answer_in = {};        ///< empty: `out`
  std::string yaml = node_yaml();
};
void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }

class Preserved : public testing::TestWithParam<Path> {};

/// UDP, TCP, ping and a protocol without ports go and come as they are, but for the TTL.
TEST_P(Preserved, LeavesAsItCameAndSoDoesItsAnswer) {
  const Path& path = GetParam();
  const auto there = eth().ipv4(path.source, path.destination);
  const auto back = eth().ipv4(path.destination, path.source);
  const std::pair<PacketBuilder, PacketBuilder> kinds[] = {
      {there.udp(4000, 53).payload("query"), back.udp(53, 4000).payload("answer")},
      {there.udp(4000, 53).no_checksum(), back.udp(53, 4000).no_checksum()},
      {there.udp(4000, 53).spoil(9).tos(0x28).df(), back.udp(53, 4000).spoil(9)},
      {there.tcp(4000, 443).flags(net::kSyn).padding(6),
       back.tcp(443, 4000).flags(net::kSyn | net::kAck).padding(6)},
      {there.echo(77).payload("ping"), back.echo_reply(77).payload("ping")},
      {there.protocol(50).payload("esp"), back.protocol(50).payload("esp")},
  };
  for (const auto& [request, reply] : kinds) {
    Harness harness(path.yaml);
    for (int i = 0; i < 2; ++i) {
      const Outcome out = harness.send(path.in, request);
      ASSERT_EQ(out.device, path.out) << out;
      EXPECT_EQ(out.verdict, Verdict::kPreserve);
      EXPECT_TRUE(same_bytes(
          harness.as_emitted(path.out, path.next_hop, request.ttl(63).padding(0)), out.frame));
      const Outcome answer =
          harness.send(path.answer_in.empty() ? path.out : path.answer_in, reply);
      ASSERT_EQ(answer.device, path.answer_out.empty() ? path.in : path.answer_out) << answer;
      EXPECT_EQ(answer.verdict, Verdict::kPreserve);
      EXPECT_TRUE(same_bytes(
          harness.as_emitted(answer.device,
                             path.answer_next_hop.empty() ? path.source : path.answer_next_hop,
                             reply.ttl(63).padding(0)),
          answer.frame));
    }
    EXPECT_EQ(harness.sessions(), 1u);
  }
}

const Path kPaths[] = {
    {"InsideTheVpcFromEni0", "pod-a", "10.10.10.21", "10.10.30.5", "eni0", "10.10.10.1"},
    {"InsideTheVpcFromEni1", "pod-b", "10.10.20.21", "10.10.30.5", "eni1", "10.10.20.1"},
    {"InsideTheVpcFromAPrefix", "pod-c", "10.10.20.33", "10.10.30.5", "eni1", "10.10.20.1"},
    {"ExcludedFromSnat", "pod-b", "10.10.20.21", "192.168.7.7", "eni1", "10.10.20.1"},
    {"PodToPod", "pod-a", "10.10.10.21", "10.10.20.33", "pod-c", "10.10.20.33"},
    // Opened from outside: the answer leaves untranslated, by the ENI that owns the pod's address.
    {"FromAPeerToEni0", "eni0", "172.30.0.1", "10.10.10.21", "pod-a", "10.10.10.21", "eni0",
     "10.10.10.1"},
    {"FromAPeerToEni1", "eni1", "172.30.0.1", "10.10.20.21", "pod-b", "10.10.20.21", "eni1",
     "10.10.20.1"},
    {"FromAPeerToAPrefix", "eni1", "172.30.0.1", "10.10.20.33", "pod-c", "10.10.20.33", "eni1",
     "10.10.20.1"},
    {"FromAPeerByTheWrongEni", "eni0", "172.30.0.1", "10.10.20.21", "pod-b", "10.10.20.21", "eni1",
     "10.10.20.1"},
    {"FromInsideTheVpc", "eni1", "10.10.30.5", "10.10.20.21", "pod-b", "10.10.20.21", "eni1",
     "10.10.20.1"},
    {"FromOutsideThroughADedicatedGateway", "uplink", "172.30.0.1", "100.64.3.4", "inner",
     "10.20.1.1", "inner", "10.20.1.1", "inner", dedicated_yaml()},
    {"InsideTheVpcThroughADedicatedGateway", "inner", "100.64.3.4", "10.20.44.4", "inner",
     "10.20.1.1", "inner", "10.20.1.1", "inner", dedicated_yaml()},
};
// The next hops above must be known; so must those on a connected subnet (see egress_test).
INSTANTIATE_TEST_SUITE_P(Classify, Preserved, testing::ValuesIn(kPaths), [](const auto& p) {
  return p.param.name;
});

/// The same pod, the same peer: what the pod opens is translated, what the peer opened is not.
TEST(Classify, WhoOpenedTheFlowDecides) {
  Harness harness(node_yaml());
  const Outcome own = harness.send("pod-b", udp("10.10.20.21", "172.30.0.1"));
  EXPECT_EQ(own.verdict, Verdict::kSnat);
  EXPECT_EQ(own.device, "eni0");
  const auto peers = eth().ipv4("172.30.0.1", "10.10.20.21").udp(9, 9);
  EXPECT_EQ(harness.send("eni1", peers).device, "pod-b");
  const auto answer = eth().ipv4("10.10.20.21", "172.30.0.1").udp(9, 9);
  const Outcome answered = harness.send("pod-b", answer);
  EXPECT_EQ(answered.verdict, Verdict::kPreserve);
  EXPECT_EQ(answered.device, "eni1");
}

/// Another node's pod that comes in by an ENI is refused as it would be on its way to anyone else.
TEST(Classify, ARuleMayRefuseAnotherNodesPod) {
  Harness harness(node_yaml("", "  rules: [{from: [10.10.99.0/24], action: drop}]"));
  const auto from = [&](std::string_view source) {
    return harness.send("eni0", eth().ipv4(source, "10.10.10.21").udp(1, 2));
  };
  EXPECT_TRUE(dropped(from("10.10.99.1"), DropReason::kPolicyDrop));
  EXPECT_EQ(from("10.10.98.1").device, "pod-a");
}

/// The rule that explain names is the one that decided, also where none judges IPv6.
TEST(Classify, Ipv6IsDecidedByNoRuleOfIpv4) {
  Harness harness(node_yaml());
  const auto packet = eth()
                          .ipv6("2001:db8:a:1::21", "2600::1")
                          .udp(1, 2)
                          .from_mac({2, 0xf, 0, 0, 0, 1})
                          .to_mac(test::device_mac(2));
  Burst one;
  one.begin(harness.now());
  Bytes frame = packet.bytes();
  Packet& taken = one.add();
  taken.frame = frame.data();
  taken.contiguous = taken.length = static_cast<std::uint32_t>(frame.size());
  taken.in = harness.device("pod-a");
  harness.pipeline().process(one);
  EXPECT_EQ(taken.verdict, Verdict::kPreserve);
  EXPECT_EQ(harness.context().snapshot->policy->text(taken.decision.rule),
            "IPv6 is forwarded, never translated");
}

TEST(Classify, ARuleMayRefuseWhatComesFromOutside) {
  Harness harness(node_yaml("", "  rules: [{from: [172.30.0.0/16], action: drop}]"));
  EXPECT_TRUE(
      dropped(harness.send("eni1", udp("172.30.0.1", "10.10.20.21")), DropReason::kPolicyDrop));
  EXPECT_EQ(harness.send("eni1", udp("172.31.0.1", "10.10.20.21")).device, "pod-b");
}

TEST(Classify, RepliesAreNeverJudged) {
  const std::string rules =
      "  ports: 40000-40000\n  rules: [{from: [198.51.100.0/24], action: drop}]";
  Harness harness(node_yaml("", rules));
  ASSERT_TRUE(harness.send("pod-a", udp("10.10.10.21", "198.51.100.7")).emitted());
  const auto reply = eth().ipv4("198.51.100.7", "10.10.10.20").udp(53, 40'000);
  EXPECT_EQ(harness.send("eni0", reply).device, "pod-a");
}

/// A reload changes new flows only.
TEST(Classify, AVerdictIsKeptUntilItsFlowEnds) {
  Harness harness(node_yaml());
  const auto sent = udp("10.10.10.21", "198.51.100.7");
  const Outcome before = harness.send("pod-a", sent);
  ASSERT_EQ(before.verdict, Verdict::kSnat);
  harness.reload(node_yaml("", "  rules: [{to: [198.51.100.0/24], action: preserve}]"));
  const Outcome after = harness.send("pod-a", sent);
  EXPECT_TRUE(same_bytes(before.frame, after.frame));
  EXPECT_EQ(harness.send("pod-a", sent.source_port(4001)).verdict, Verdict::kPreserve);
}

// --- pinging the gateway ---------------------------------------------------------------------

struct Ping {
  std::string name;
  std::string_view in;
  std::string_view asker, address;
  std::string_view out;
  std::string_view next_hop;
  std::string yaml = node_yaml();
};
void PrintTo(const Ping& ping, std::ostream* out) { *out << ping.name; }

class Pinged : public testing::TestWithParam<Ping> {};

TEST_P(Pinged, Answers) {
  const Ping& ping = GetParam();
  Harness harness(ping.yaml);
  for (const PacketBuilder& request :
       {eth().ipv4(ping.asker, ping.address).echo(7, 9).payload("abc"),
        eth().ipv4(ping.asker, ping.address).echo(0xffff, 0).tos(0x20).df().ttl(1),
        eth().ipv4(ping.asker, ping.address).echo(0, 0).padding(18),
        eth().ipv4(ping.asker, ping.address).echo(7, 9).payload("wrong").spoil(3)}) {
    const Outcome outcome = harness.send(ping.in, request);
    ASSERT_EQ(outcome.device, ping.out) << outcome;
    EXPECT_EQ(outcome.verdict, Verdict::kLocal);
    // The same packet turned around; only type, addresses and TTL change.
    const unsigned id = test::source_port_of(request.bytes());
    const unsigned seq = unsigned{request.bytes().at(40)} << 8 | request.bytes().at(41);
    const auto wanted =
        request.source(ping.address).destination(ping.asker).echo_reply(id, seq).ttl(64).padding(0);
    EXPECT_TRUE(same_bytes(harness.as_emitted(ping.out, ping.next_hop, wanted), outcome.frame));
  }
  EXPECT_EQ(harness.sessions(), 0u);
}

const Ping kPings[] = {
    {"FromOutside", "eni0", "172.30.0.1", "10.10.10.20", "eni0", "10.10.10.1"},
    {"TheOtherEnisAddress", "eni1", "172.30.0.1", "10.10.20.20", "eni1", "10.10.20.1"},
    {"ByAnEniThatMayNotEmitTheAnswer", "eni0", "172.30.0.1", "10.10.20.20", "eni1", "10.10.20.1"},
    {"ASecondaryAddress", "eni0", "172.30.0.1", "10.10.10.22", "eni0", "10.10.10.1"},
    {"FromAPodToTheSnatAddress", "pod-a", "10.10.10.21", "10.10.10.20", "pod-a", "10.10.10.21"},
    {"FromAPodToAnotherEni", "pod-c", "10.10.20.33", "10.10.10.20", "pod-c", "10.10.20.33"},
    {"FromBehindADedicatedGateway", "inner", "100.64.3.4", "10.20.0.20", "inner", "10.20.1.1",
     dedicated_yaml()},
    {"OfADedicatedGatewaysInnerAddress", "uplink", "172.30.0.1", "10.20.1.20", "inner", "10.20.1.1",
     dedicated_yaml()},
};
INSTANTIATE_TEST_SUITE_P(Classify, Pinged, testing::ValuesIn(kPings), [](const auto& p) {
  return p.param.name;
});

TEST(Classify, APodsAddressIsThePodsToAnswerFor) {
  Harness harness(node_yaml());
  const auto request = eth().ipv4("172.30.0.1", "10.10.10.21").echo(7);
  EXPECT_EQ(harness.send("eni0", request).device, "pod-a");
}

// --- IPv6 ------------------------------------------------------------------------------------

constexpr std::string_view kPod6 = "2001:db8:a:1::21";
constexpr std::string_view kOwn6 = "2001:db8:a:1::20";
constexpr std::string_view kServer6 = "2001:db8:f::9";

TEST(ClassifyIpv6, IsForwardedAsItIsByTheOwnerOfItsSource) {
  Harness harness(node_yaml());
  const auto request = udp6(kPod6, kServer6).tos(0xb8);
  const Outcome out = harness.send("pod-a", request);
  ASSERT_EQ(out.device, "eni0") << out;
  EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", "fe80:ec2::1", request.ttl(63)), out.frame));
  const auto reply = udp6(kServer6, kPod6).padding(5);
  const Outcome back = harness.send("eni0", reply);
  ASSERT_EQ(back.device, "pod-a") << back;
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod6, reply.ttl(63).padding(0)), back.frame));
  EXPECT_EQ(harness.sessions(), 0u) << "IPv6 has no state";
}

TEST(ClassifyIpv6, APodCanBePinged) {
  Harness harness(node_yaml());
  const auto request = eth().ipv6(kServer6, kPod6).icmpv6(128, {0, 7, 0, 1, 'h', 'i'});
  const Outcome out = harness.send("eni0", request);
  ASSERT_EQ(out.device, "pod-a") << out;
  const auto reply = eth().ipv6(kPod6, kServer6).icmpv6(129, {0, 7, 0, 1, 'h', 'i'});
  EXPECT_EQ(harness.send("pod-a", reply).device, "eni0");
  // Also an error about what the pod sent, and with the largest hop limit.
  const auto error = eth().ipv6(kServer6, kPod6).icmpv6(2, Bytes(60)).ttl(255);
  EXPECT_EQ(harness.send("eni0", error).device, "pod-a");
}

TEST(ClassifyIpv6, WhatConcernsTheLinkOrOurselvesGoesToControl) {
  Harness harness(node_yaml());
  const auto goes = [&](std::string_view device, const PacketBuilder& packet) {
    return harness.send(device, packet).fate == Fate::kToControl;
  };
  const auto solicitation = [](std::string_view from, std::string_view to) {
    return eth().ipv6(from, to).icmpv6(135, Bytes(20)).ttl(255);
  };
  const net::MacAddress group{0x33, 0x33, 0xff, 0, 0, 0x20};
  EXPECT_TRUE(goes("eni0", solicitation("fe80::1", "ff02::1:ff00:20").to_mac(group)));
  EXPECT_TRUE(goes("eni0", solicitation("fe80::1", kOwn6)));
  EXPECT_TRUE(goes("eni0", solicitation("fe80::1", kPod6))) << "we answer for the pod there";
  EXPECT_TRUE(goes("pod-a", solicitation(kPod6, "fe80::1")));
  EXPECT_TRUE(goes("pod-a", eth().ipv6(kPod6, "fe80::1").icmpv6(136, Bytes(20)).ttl(255)));
  EXPECT_TRUE(goes("eni0", eth().ipv6(kServer6, kOwn6).icmpv6(128, Bytes(4))));
  EXPECT_TRUE(goes("pod-a", eth().ipv6(kPod6, "ff02::2").icmpv6(133, Bytes(4)).ttl(255)));
}

const Case kIpv6[] = {
    {"HopLimit", "pod-a", udp6(kPod6, kServer6).ttl(1), DropReason::kTtlExpired},
    {"NobodysSource", "pod-a", udp6("2001:db8:bad::1", kServer6), DropReason::kNoOwner},
    {"APodsSourceOnAnEni", "eni0", udp6(kPod6, kOwn6).destination("2001:db8:a:1::99"),
     DropReason::kSpoofedSource},
    {"APodsSourceOnAnotherPort", "pod-b", udp6(kPod6, kServer6), DropReason::kSpoofedSource},
    {"MulticastSource", "eni0", udp6("ff02::1", kPod6), DropReason::kMartianSource},
    {"UnspecifiedSource", "eni0", udp6("::", kPod6), DropReason::kMartianSource},
    {"OwnSource", "eni0", udp6(kOwn6, kPod6), DropReason::kMartianSource},
    {"SourceIsDestination", "pod-a", udp6(kPod6, kPod6), DropReason::kMartianSource},
    {"LoopbackSource", "eni0", udp6("::1", kPod6), DropReason::kMartianSource},
    {"MappedSource", "eni0", udp6("::ffff:1.2.3.4", kPod6), DropReason::kMartianSource},
    {"LoopbackDestination", "pod-a", udp6(kPod6, "::1"), DropReason::kMartianDestination},
    {"UnspecifiedDestination", "pod-a", udp6(kPod6, "::"), DropReason::kMartianDestination},
    {"MappedDestination", "pod-a", udp6(kPod6, "::ffff:8.8.8.8"), DropReason::kMartianDestination},
    {"StrangersToAPod", "pod-b", udp6(kServer6, kPod6), DropReason::kSpoofedSource},
    {"MulticastDestination", "pod-a", udp6(kPod6, "ff0e::5"), DropReason::kMulticastDestination},
    {"LinkLocalDestination", "pod-a", udp6(kPod6, "fe80::5"), DropReason::kLinkLocalDestination},
    {"LinkLocalSource", "pod-a", udp6("fe80::5", kServer6), DropReason::kLinkLocalDestination},
    {"ToOurselves", "eni0", udp6(kServer6, kOwn6), DropReason::kNoSession},
    {"TooBig", "pod-a", udp6(kPod6, kServer6).payload(Bytes(1453)), DropReason::kTooBig},
    {"WouldBeTranslated", "pod-a", udp6(kPod6, kServer6), DropReason::kNat66Unsupported,
     [] {
       std::string yaml = node_yaml();
       const auto at = yaml.find("  vpc_cni:");
       return yaml.substr(0, at) + "  ip_masq_agent: {config: none.yaml, enable_ipv6: true}\n";
     }()},
};
INSTANTIATE_TEST_SUITE_P(Ipv6, Refused, testing::ValuesIn(kIpv6), [](const auto& c) {
  return c.param.name;
});

}  // namespace
}  // namespace sluice::pipeline
