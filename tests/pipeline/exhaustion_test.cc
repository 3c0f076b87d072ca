// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// When nothing is left (rows 22, 102 and the decision "port hold after close"): what is refused,
/// and what gives way before anything is.
#include <gtest/gtest.h>

#include <set>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using namespace std::chrono_literals;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";

PacketBuilder from_pod(unsigned port) { return eth().ipv4("10.10.10.21", kServer).tcp(port, 443); }
Outcome open(Harness& harness, unsigned port) {
  return harness.send("pod-a", from_pod(port).flags(net::kSyn));
}
/// The server's refusal: the session ends, its port rests.
void reset(Harness& harness, unsigned external) {
  const auto rst = eth().ipv4(kServer, kSnat).tcp(443, external).flags(net::kRst).seq(0).ack(1001);
  EXPECT_TRUE(harness.send("eni0", rst).emitted());
}

// 22. All 64,512 ports to one server used: no port used twice, exactly the rest refused and counted
TEST(Exhaustion, Row22Every64512thPort) {
  Harness harness(node_yaml("flows: {capacity: 70000}"));
  std::set<unsigned> ports;
  for (unsigned i = 0; i < 64'512; ++i) {
    // One server port, so that all compete; the pod's ports do not suffice for one pod.
    const auto syn =
        eth().ipv4(i % 2 == 0 ? "10.10.10.21" : "10.10.20.21", kServer).udp(1 + i / 2, 53);
    const Outcome out = harness.send(i % 2 == 0 ? "pod-a" : "pod-b", syn);
    ASSERT_TRUE(out.emitted()) << i << ": " << out;
    ports.insert(test::source_port_of(out.frame));
  }
  EXPECT_EQ(ports.size(), 64'512u);
  EXPECT_EQ(*ports.begin(), 1024u);
  EXPECT_EQ(*ports.rbegin(), 65'535u);
  const auto more = eth().ipv4("10.10.10.21", kServer).udp(60'000, 53);
  const Outcome refused = harness.send("pod-a", more);
  EXPECT_TRUE(dropped(refused, DropReason::kPortsExhausted));
  EXPECT_EQ(refused.answer, AnswerKind::kIcmpAdminProhibited);
  EXPECT_TRUE(harness.send("pod-a", more.destination("198.51.100.8")).emitted());
}

// 23. An address added live: everything maps without restart
TEST(Exhaustion, Row23AnAddressIsAddedLive) {
  Harness harness(node_yaml("", "  ports: 40000-40000"));
  EXPECT_TRUE(open(harness, 1000).emitted());
  EXPECT_TRUE(dropped(open(harness, 1001), DropReason::kPortsExhausted));
  harness.reload(node_yaml("", "  ports: 40000-40000\n  source: [10.10.10.20, 10.10.20.20]"));
  const Outcome out = open(harness, 1001);
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(test::source_of(out.frame), "10.10.20.20");
  EXPECT_EQ(out.device, "eni1");
  EXPECT_TRUE(dropped(open(harness, 1002), DropReason::kPortsExhausted));
}

TEST(Exhaustion, ThePortThatRestedLongestServesWhenNoneIsFree) {
  Harness harness(node_yaml("", "  ports: 40000-40002"));
  std::vector<unsigned> externals;
  for (const unsigned port : {1000u, 1001u, 1002u}) {
    externals.push_back(test::source_port_of(open(harness, port).frame));
  }
  reset(harness, externals[1]);
  harness.advance(1s);
  reset(harness, externals[0]);
  harness.advance(1s);
  const Outcome first = open(harness, 1003);
  EXPECT_EQ(test::source_port_of(first.frame), externals[1]);
  const Outcome second = open(harness, 1004);
  EXPECT_EQ(test::source_port_of(second.frame), externals[0]);
  EXPECT_TRUE(dropped(open(harness, 1005), DropReason::kPortsExhausted));
  EXPECT_EQ(harness.table().check_invariants(), "");
}

TEST(Exhaustion, APortThatRestsIsLeftAloneWhileAnotherIsFree) {
  Harness harness(node_yaml("", "  ports: 40000-40001"));
  const unsigned external = test::source_port_of(open(harness, 1000).frame);
  reset(harness, external);
  EXPECT_NE(test::source_port_of(open(harness, 1001).frame), external);
}

TEST(Exhaustion, AnotherAddressServesBeforeAPortThatRests) {
  Harness harness(node_yaml("", "  ports: 40000-40000\n  source: [10.10.10.20, 10.10.20.20]"));
  const Outcome first = open(harness, 1000);
  const std::string address = test::source_of(first.frame);
  const auto rst = eth().ipv4(kServer, address).tcp(443, 40'000).flags(net::kRst).ack(1001);
  ASSERT_TRUE(harness.send(first.device, rst).emitted());
  EXPECT_NE(test::source_of(open(harness, 1001).frame), address);
  EXPECT_EQ(test::source_of(open(harness, 1002).frame), address);
}

// 102. Global table full of live flows: refused, none evicted; what has ended gives way, oldest
// first
TEST(Exhaustion, Row102RecordsOfEndedSessionsGiveWay) {
  Harness harness(node_yaml("flows: {capacity: 3}"));
  std::vector<unsigned> externals;
  for (const unsigned port : {1000u, 1001u, 1002u}) {
    externals.push_back(test::source_port_of(open(harness, port).frame));
  }
  EXPECT_TRUE(dropped(open(harness, 1003), DropReason::kFlowTableFull));
  reset(harness, externals[2]);
  reset(harness, externals[0]);
  EXPECT_EQ(harness.table().held(), 2u);
  EXPECT_TRUE(open(harness, 1003).emitted());
  // The one that ended last is still there: its port rests, a stray segment of it finds it.
  const auto stray = eth().ipv4(kServer, kSnat).tcp(443, externals[0]).ack(1001).seq(1);
  EXPECT_TRUE(harness.send("eni0", stray.flags(net::kRst)).emitted());
  const auto gone = eth().ipv4(kServer, kSnat).tcp(443, externals[2]).ack(1001).seq(1);
  EXPECT_TRUE(dropped(harness.send("eni0", gone), DropReason::kNoSession));
  EXPECT_TRUE(open(harness, 1004).emitted());
  EXPECT_TRUE(dropped(open(harness, 1005), DropReason::kFlowTableFull));
  EXPECT_EQ(harness.table().held(), 0u);
  EXPECT_EQ(harness.table().check_invariants(), "");
}

/// A packet under way to an ended session must not find another's in its record.
TEST(Exhaustion, ARecordInUseByTheSameBurstIsNotTaken) {
  Harness harness(node_yaml("flows: {capacity: 1}"));
  const unsigned external = test::source_port_of(open(harness, 1000).frame);
  reset(harness, external);
  const auto late = eth().ipv4(kServer, kSnat).tcp(443, external).flags(net::kRst).ack(1001);
  const auto outcomes =
      harness.send_burst({{"eni0", late}, {"pod-a", from_pod(1001).flags(net::kSyn)}});
  EXPECT_EQ(outcomes[0].device, "pod-a");
  EXPECT_EQ(test::destination_port_of(outcomes[0].frame), 1000u);
  EXPECT_TRUE(dropped(outcomes[1], DropReason::kFlowTableFull));
  EXPECT_TRUE(open(harness, 1001).emitted()) << "in the next burst it is free to go";
}

TEST(Exhaustion, WhatHasEndedDoesNotCountAgainstAPodsLimit) {
  Harness harness(node_yaml("flows: {per_pod: 1}"));
  const unsigned external = test::source_port_of(open(harness, 1000).frame);
  EXPECT_TRUE(dropped(open(harness, 1001), DropReason::kPodLimit));
  reset(harness, external);
  EXPECT_TRUE(open(harness, 1001).emitted());
  EXPECT_TRUE(dropped(open(harness, 1002), DropReason::kPodLimit));
  EXPECT_EQ(harness.table().check_invariants(), "");
}

}  // namespace
}  // namespace sluice::pipeline
