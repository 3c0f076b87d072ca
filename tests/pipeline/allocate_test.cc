// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/allocate.h"

#include <gtest/gtest.h>

#include <set>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

constexpr std::string_view kServer = "198.51.100.7";
const std::string kOnePort = "  ports: 40000-40000";

PacketBuilder udp(unsigned from = 4000, std::string_view to = kServer) {
  return eth().ipv4("10.10.10.21", to).udp(from, 53);
}
PacketBuilder tcp(unsigned flags, unsigned from = 4000, std::string_view to = kServer) {
  return eth().ipv4("10.10.10.21", to).tcp(from, 443).flags(flags);
}
PacketBuilder of_pod_b(const PacketBuilder& packet) { return packet.source("10.10.20.21"); }

// --- one flow, one session -------------------------------------------------------------------

TEST(Allocate, TwoFirstPacketsInOneBurstOpenOneSession) {
  Harness harness(node_yaml());
  for (const PacketBuilder& packet :
       {udp(), tcp(net::kSyn), eth().ipv4("10.10.10.21", kServer).echo(5),
        udp(4000, "10.10.30.5")}) {
    const auto before = harness.sessions();
    const auto outcomes =
        harness.send_burst({{"pod-a", packet}, {"pod-a", packet}, {"pod-a", packet}});
    EXPECT_EQ(harness.sessions(), before + 1);
    EXPECT_TRUE(outcomes[0].first);
    for (const Outcome& outcome : outcomes) {
      ASSERT_TRUE(outcome.emitted()) << outcome;
      EXPECT_TRUE(test::same_bytes(outcomes[0].frame, outcome.frame));
      EXPECT_EQ(outcome.first, &outcome == &outcomes[0]);
    }
  }
}

TEST(Allocate, AnAnswerInTheBurstOfItsRequestIsOfTheSameSession) {
  Harness harness(node_yaml());
  const auto outcomes =
      harness.send_burst({{"pod-a", eth().ipv4("10.10.10.21", "10.10.20.21").udp(1, 2)},
                          {"pod-b", eth().ipv4("10.10.20.21", "10.10.10.21").udp(2, 1)}});
  EXPECT_EQ(outcomes[0].device, "pod-b");
  EXPECT_EQ(outcomes[1].device, "pod-a");
  EXPECT_EQ(harness.sessions(), 1u);
}

/// Catalogue 3: two pods, one source port, one server.
TEST(Allocate, PodsWithOneSourcePortGetDifferentExternalPorts) {
  Harness harness(node_yaml());
  const Outcome a = harness.send("pod-a", udp());
  const Outcome b = harness.send("pod-b", of_pod_b(udp()));
  ASSERT_TRUE(a.emitted() && b.emitted());
  EXPECT_NE(test::source_port_of(a.frame), test::source_port_of(b.frame));
}

/// Catalogue 24: TCP, UDP and echo count apart; one port serves all three, and every remote.
TEST(Allocate, OnePortServesEveryProtocolAndRemote) {
  Harness harness(node_yaml("", kOnePort));
  EXPECT_TRUE(harness.send("pod-a", udp()).emitted());
  EXPECT_TRUE(harness.send("pod-a", tcp(net::kSyn)).emitted());
  EXPECT_TRUE(harness.send("pod-a", eth().ipv4("10.10.10.21", kServer).echo(5)).emitted());
  EXPECT_TRUE(harness.send("pod-a", udp(4000, "198.51.100.8")).emitted());
  EXPECT_TRUE(harness.send("pod-a", udp().destination_port(54)).emitted());
  EXPECT_EQ(harness.sessions(), 5u);
}

TEST(Allocate, PreserveKeepsThePodsPortWhileItIsFree) {
  Harness harness(node_yaml("", "  port_selection: preserve"));
  EXPECT_EQ(test::source_port_of(harness.send("pod-a", udp(5555)).frame), 5555u);
  EXPECT_NE(test::source_port_of(harness.send("pod-b", of_pod_b(udp(5555))).frame), 5555u);
  EXPECT_GE(test::source_port_of(harness.send("pod-a", udp(53)).frame), 1024u)
      << "outside snat.ports";
  const auto echo = eth().ipv4("10.10.10.21", kServer).echo(7777);
  EXPECT_EQ(test::source_port_of(harness.send("pod-a", echo).frame), 7777u);
}

// --- room ------------------------------------------------------------------------------------

TEST(Allocate, WithoutAPortTheFlowIsRefusedAndOthersAreNot) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", udp(1)).emitted());
  EXPECT_TRUE(dropped(harness.send("pod-a", udp(2)), DropReason::kPortsExhausted));
  EXPECT_TRUE(dropped(harness.send("pod-b", of_pod_b(udp(1))), DropReason::kPortsExhausted));
  EXPECT_TRUE(harness.send("pod-a", udp(1)).emitted()) << "the flow that has the port";
  EXPECT_TRUE(harness.send("pod-a", udp(2, "198.51.100.8")).emitted()) << "another remote";
  EXPECT_EQ(harness.sessions(), 2u);
}

/// Catalogue 21.
TEST(Allocate, ThePortOfAnEndedFlowServesTheNext) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", udp(1)).emitted());
  ASSERT_TRUE(dropped(harness.send("pod-a", udp(2)), DropReason::kPortsExhausted));
  harness.advance(std::chrono::milliseconds(300'001));
  EXPECT_TRUE(harness.send("pod-a", udp(2)).emitted());
}

/// Catalogue 14, 15: a pod keeps one address; the next serves when it has no port left.
TEST(Allocate, TheNextAddressServesWhenThePodsOwnIsFull) {
  Harness harness(node_yaml("", kOnePort + "\n  source: [10.10.10.20, 10.10.20.20]"));
  const Outcome first = harness.send("pod-a", udp(1));
  const std::string own = test::source_of(first.frame);
  for (unsigned i = 0; i < 20; ++i) {
    const std::string server = "203.0.113." + std::to_string(i);
    EXPECT_EQ(test::source_of(harness.send("pod-a", udp(1, server)).frame), own) << "paired";
  }
  const Outcome second = harness.send("pod-a", udp(2));
  ASSERT_TRUE(second.emitted()) << second;
  const std::string other = test::source_of(second.frame);
  EXPECT_NE(other, own);
  EXPECT_EQ(std::set({own, other}), std::set<std::string>({"10.10.10.20", "10.10.20.20"}));
  // Each leaves by the ENI that owns it, and its reply comes back by that one.
  EXPECT_NE(first.device, second.device);
  const auto reply = eth().ipv4(kServer, other).udp(53, 40'000);
  EXPECT_EQ(harness.send(second.device, reply).device, "pod-a");
  EXPECT_TRUE(dropped(harness.send("pod-a", udp(3)), DropReason::kPortsExhausted));
}

/// Catalogue 13: over many pods the addresses are used alike.
TEST(Allocate, PodsAreSpreadOverTheAddresses) {
  Harness harness(test::dedicated_yaml("", "  source: [10.20.0.20, 10.20.1.20]"));
  int on_first = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const std::string pod = Ipv4Addr{0x64400000 + i}.to_string();
    const Outcome out = harness.send("inner", eth().ipv4(pod, kServer).udp(1, 2));
    ASSERT_TRUE(out.emitted()) << out;
    on_first += test::source_of(out.frame) == "10.20.0.20" ? 1 : 0;
  }
  EXPECT_NEAR(on_first, 500, 80);  // five standard deviations
}

TEST(Allocate, AFullTableRefusesTranslatedFlowsAndForwardsPreservedOnes) {
  Harness harness(node_yaml("flows: {capacity: 4}"));
  for (unsigned port = 1; port <= 4; ++port) {
    ASSERT_TRUE(harness.send("pod-a", udp(port)).emitted());
  }
  EXPECT_TRUE(dropped(harness.send("pod-a", udp(5)), DropReason::kFlowTableFull));
  EXPECT_EQ(harness.counters().untracked.get(), 0u);
  for (int i = 1; i <= 2; ++i) {
    const Outcome preserved = harness.send("pod-b", of_pod_b(udp(9, "10.10.30.5")));
    EXPECT_EQ(preserved.device, "eni1") << preserved;
    EXPECT_EQ(harness.counters().untracked.get(), static_cast<unsigned>(i));
  }
  EXPECT_EQ(harness.sessions(), 4u);
  for (unsigned port = 1; port <= 4; ++port) {
    EXPECT_TRUE(harness.send("pod-a", udp(port)).emitted()) << "no live session was evicted";
  }
  harness.advance(std::chrono::milliseconds(300'001));
  EXPECT_TRUE(harness.send("pod-a", udp(5)).emitted()) << "expired sessions make room at once";
}

TEST(Allocate, APodMayHoldPerPodSessionsAndOthersAsManyOfTheirOwn) {
  Harness harness(node_yaml("flows: {per_pod: 3}"));
  for (unsigned port = 1; port <= 2; ++port) {
    ASSERT_TRUE(harness.send("pod-a", udp(port)).emitted());
  }
  ASSERT_EQ(harness.send("pod-a", udp(3, "10.10.30.5")).device, "eni0");  // preserved counts, too
  EXPECT_TRUE(dropped(harness.send("pod-a", udp(4)), DropReason::kPodLimit));
  EXPECT_EQ(harness.send("pod-a", udp(4, "10.10.30.5")).device, "eni0") << "without a record";
  EXPECT_EQ(harness.counters().untracked.get(), 1u);
  EXPECT_TRUE(harness.send("pod-a", udp(1)).emitted()) << "the flows it has go on";
  for (unsigned port = 1; port <= 3; ++port) {
    EXPECT_TRUE(harness.send("pod-b", of_pod_b(udp(port))).emitted());
  }
  EXPECT_EQ(harness.sessions(), 6u);
}

/// Sessions past their time are none, also before the sweep has met them.
TEST(Allocate, ExpiredSessionsDoNotCountTowardsPerPod) {
  Harness harness(node_yaml("flows: {per_pod: 2}"));
  ASSERT_TRUE(harness.send("pod-a", udp(1)).emitted());
  ASSERT_TRUE(harness.send("pod-a", udp(2)).emitted());
  harness.advance(std::chrono::milliseconds(300'001));
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_TRUE(harness.send("pod-a", udp(3)).emitted());
}

// --- protocols -------------------------------------------------------------------------------

/// Catalogue 98: by address only, one pod per SNAT address, remote and protocol.
TEST(Allocate, ProtocolsWithoutPortsAreTranslatedByAddress) {
  Harness harness(node_yaml());
  for (const unsigned protocol : {47u, 50u, 132u}) {
    const auto sent = eth().ipv4("10.10.10.21", kServer).protocol(protocol).payload("inside");
    const Outcome out = harness.send("pod-a", sent);
    ASSERT_EQ(out.device, "eni0") << out;
    EXPECT_TRUE(test::same_bytes(
        harness.as_emitted("eni0", "10.10.10.1", sent.source("10.10.10.20").ttl(63)), out.frame));
    const auto reply = eth().ipv4(kServer, "10.10.10.20").protocol(protocol).payload("back");
    const Outcome back = harness.send("eni0", reply);
    ASSERT_EQ(back.device, "pod-a") << back;
    EXPECT_TRUE(test::same_bytes(
        harness.as_emitted("pod-a", "10.10.10.21", reply.destination("10.10.10.21").ttl(63)),
        back.frame));
    EXPECT_TRUE(dropped(harness.send("pod-b", of_pod_b(sent)), DropReason::kProtocolInUse));
    EXPECT_TRUE(harness.send("pod-b", of_pod_b(sent).destination("198.51.100.8")).emitted());
  }
}

TEST(Allocate, ProtocolsWhoseChecksumsCoverAddressesAreRefused) {
  Harness harness(node_yaml());
  for (const unsigned protocol : {33u, 136u}) {
    const auto sent =
        eth().ipv4("10.10.10.21", kServer).protocol(protocol).payload("sixteen bytes...");
    EXPECT_TRUE(dropped(harness.send("pod-a", sent), DropReason::kProtocolUnsupported));
    EXPECT_EQ(harness.send("pod-a", sent.destination("10.10.30.5")).device, "eni0")
        << "untranslated they pass";
  }
}

TEST(Allocate, AnEchoReplyWithoutRequestOpensNoSession) {
  Harness harness(node_yaml());
  for (const PacketBuilder& reply : {eth().ipv4("10.10.10.21", kServer).echo_reply(5),
                                     eth().ipv4("10.10.10.21", kServer).icmp(14, 0, 5, 1)}) {
    EXPECT_TRUE(dropped(harness.send("pod-a", reply), DropReason::kNoSession));
  }
  // Where nothing is translated they pass: the VPC may have delivered the request directly. But
  // they open nothing, or a stranger's reply would keep the pod's next request from being
  // translated.
  EXPECT_EQ(harness.send("pod-a", eth().ipv4("10.10.10.21", "10.10.30.5").echo_reply(5)).device,
            "eni0");
  EXPECT_EQ(harness.send("eni0", eth().ipv4("172.30.0.1", "10.10.10.21").echo_reply(5)).device,
            "pod-a");
  EXPECT_EQ(harness.sessions(), 0u);
  const Outcome request = harness.send("pod-a", eth().ipv4("10.10.10.21", "172.30.0.1").echo(5));
  EXPECT_EQ(request.verdict, Verdict::kSnat);
}

// --- TCP that does not begin -----------------------------------------------------------------

constexpr unsigned kNoSyns[] = {
    net::kAck, net::kAck | net::kPsh, net::kSyn | net::kAck, net::kFin | net::kAck,
    net::kRst, net::kRst | net::kAck, net::kSyn | net::kFin, net::kSyn | net::kRst,
    0u};

TEST(Allocate, OnlyASynOpensATranslatedSession) {
  for (const std::string_view mode : {"rst", "drop"}) {
    Harness harness(node_yaml("flows: {tcp_mid_stream: " + std::string{mode} + "}"));
    for (const unsigned flags : kNoSyns) {
      EXPECT_TRUE(dropped(harness.send("pod-a", tcp(flags)), DropReason::kTcpMidStream)) << flags;
    }
    EXPECT_EQ(harness.sessions(), 0u);
    EXPECT_TRUE(harness.send("pod-a", tcp(net::kSyn)).emitted());
    EXPECT_TRUE(harness.send("pod-a", tcp(net::kSyn | 0xc0, 4001)).emitted()) << "ECN's SYN";
  }
}

TEST(Allocate, MidStreamSegmentsAreTakenOnRequest) {
  Harness harness(node_yaml("flows: {tcp_mid_stream: accept}", kOnePort));
  const Outcome out = harness.send("pod-a", tcp(net::kAck).seq(77).ack(99).payload("more"));
  ASSERT_EQ(out.verdict, Verdict::kSnat) << out;
  EXPECT_EQ(test::wrong_checksums(out.frame), "");
  const auto reply = eth().ipv4(kServer, "10.10.10.20").tcp(443, 40'000).seq(99).ack(81);
  EXPECT_EQ(harness.send("eni0", reply).device, "pod-a");
  EXPECT_TRUE(
      dropped(harness.send("pod-b", tcp(net::kRst, 1, "198.51.100.8").source("10.10.20.21")),
              DropReason::kTcpMidStream))
      << "a reset ends something and begins nothing";
}

TEST(Allocate, PreservedTcpIsForwardedInAnyState) {
  for (const unsigned flags : kNoSyns) {
    Harness harness(node_yaml());
    EXPECT_EQ(harness.send("pod-a", tcp(flags, 4000, "10.10.30.5")).device, "eni0") << flags;
    const auto from_outside = eth().ipv4("172.30.0.1", "10.10.10.21").tcp(5, 6).flags(flags);
    EXPECT_EQ(harness.send("eni0", from_outside).device, "pod-a") << flags;
  }
}

/// A stray reset must not leave a record for hours.
TEST(Allocate, AResetLeavesNoLongLivedSession) {
  Harness harness(node_yaml());
  for (const unsigned flags :
       {net::kRst | 0u, net::kRst | net::kAck | 0u, net::kFin | net::kAck | 0u}) {
    ASSERT_TRUE(harness.send("pod-a", tcp(flags, flags, "10.10.30.5")).emitted());
  }
  harness.advance(std::chrono::milliseconds(240'001));
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_EQ(harness.sessions(), 0u);
}

}  // namespace
}  // namespace sluice::pipeline
