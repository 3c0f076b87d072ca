// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Next hops: known, not yet known, no longer known.
#include "pipeline/stages/egress.h"

#include <gtest/gtest.h>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

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

testing::AssertionResult waits(const Outcome& outcome,
                               std::string_view device,
                               std::string_view next_hop) {
  if (outcome.fate == Fate::kAwaitNeighbour && outcome.device == device &&
      outcome.next_hop == next_hop) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << outcome;
}

test::HarnessOptions unresolved() {
  test::HarnessOptions options;
  options.resolved = false;
  return options;
}

TEST(Egress, APacketWaitsUntilItsNextHopAnswers) {
  Harness harness(node_yaml("", "  ports: 40000-40000"), unresolved());
  const auto sent = udp("10.10.10.21", "198.51.100.7");
  const Outcome first = harness.send("pod-a", sent);
  ASSERT_TRUE(waits(first, "eni0", "10.10.10.1"));
  // It is ready but for the destination's MAC, which is whatever stood there before.
  const auto wanted = sent.source("10.10.10.20").source_port(40'000).ttl(63);
  EXPECT_TRUE(same_bytes(wanted.from_mac(test::device_mac(0)).to_mac(test::device_mac(2)).bytes(),
                         first.frame));
  EXPECT_TRUE(waits(harness.send("pod-a", sent), "eni0", "10.10.10.1"));
  EXPECT_EQ(harness.sessions(), 1u);

  harness.resolve("eni0", "10.10.10.1");
  const Outcome then = harness.send("pod-a", sent);
  ASSERT_TRUE(then.emitted()) << then;
  EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", "10.10.10.1", wanted), then.frame));

  const auto reply = udp("198.51.100.7", "10.10.10.20").source_port(53).destination_port(40'000);
  EXPECT_TRUE(waits(harness.send("eni0", reply), "pod-a", "10.10.10.21"));
  harness.resolve("pod-a", "10.10.10.21");
  EXPECT_TRUE(harness.send("eni0", reply).emitted());
}

TEST(Egress, ANeighbourThatNoLongerAnswersIsWaitedForAgain) {
  Harness harness(node_yaml());
  const auto sent = udp("10.10.10.21", "198.51.100.7");
  ASSERT_TRUE(harness.send("pod-a", sent).emitted());
  harness.forget("eni0", "10.10.10.1");
  EXPECT_TRUE(waits(harness.send("pod-a", sent), "eni0", "10.10.10.1"));
  EXPECT_TRUE(waits(harness.send("pod-a", sent.source_port(9)), "eni0", "10.10.10.1"));
  harness.resolve("eni0", "10.10.10.1");
  EXPECT_TRUE(harness.send("pod-a", sent).emitted());
}

TEST(Egress, OneNeighboursSilenceDoesNotStopOthers) {
  Harness harness(node_yaml(), unresolved());
  harness.resolve("eni1", "10.10.20.1");
  const auto outcomes = harness.send_burst({{"pod-a", udp("10.10.10.21", "198.51.100.7")},
                                            {"pod-b", udp("10.10.20.21", "10.10.30.5")},
                                            {"pod-a", udp("10.10.10.21", "10.10.30.5")}});
  EXPECT_TRUE(waits(outcomes[0], "eni0", "10.10.10.1"));
  EXPECT_EQ(outcomes[1].device, "eni1");
  EXPECT_TRUE(outcomes[1].emitted());
  EXPECT_TRUE(waits(outcomes[2], "eni0", "10.10.10.1"));
}

TEST(Egress, NeighboursOfTheSubnetAreReachedDirectly) {
  Harness harness(node_yaml());
  EXPECT_TRUE(
      waits(harness.send("pod-a", udp("10.10.10.21", "10.10.10.77")), "eni0", "10.10.10.77"));
  // eni1's subnet seen from eni0's pod: the owner of the source emits, and asks its own router.
  EXPECT_EQ(harness.send("pod-a", udp("10.10.10.21", "10.10.20.77")).device, "eni0");
  const auto answer = harness.send("eni0", eth().ipv4("10.10.10.77", "10.10.10.20").echo(1));
  EXPECT_TRUE(waits(answer, "eni0", "10.10.10.77"));
  const auto six = eth().ipv6("2001:db8:a:1::21", "2001:db8:a:1::77").udp(1, 2);
  EXPECT_TRUE(waits(harness.send("pod-a", six), "eni0", "2001:db8:a:1::77"));
}

TEST(Egress, RoutesNameTheirOwnNextHop) {
  std::string yaml = node_yaml();
  yaml.replace(yaml.find("primary: true"), 13,
               "primary: true, routes: [{to: 203.0.113.0/24, via: 10.10.10.9}]");
  Harness harness(yaml, unresolved());
  EXPECT_TRUE(
      waits(harness.send("pod-a", udp("10.10.10.21", "203.0.113.5")), "eni0", "10.10.10.9"));
  EXPECT_TRUE(
      waits(harness.send("pod-a", udp("10.10.10.21", "203.0.114.5")), "eni0", "10.10.10.1"));
}

TEST(Egress, WithoutRoomForASessionANeighbourIsStillWaitedFor) {
  Harness harness(node_yaml("flows: {capacity: 1}"), unresolved());
  ASSERT_TRUE(
      waits(harness.send("pod-a", udp("10.10.10.21", "198.51.100.7")), "eni0", "10.10.10.1"));
  EXPECT_TRUE(waits(harness.send("pod-b", udp("10.10.20.21", "10.10.30.5")), "eni1", "10.10.20.1"));
}

}  // namespace
}  // namespace sluice::pipeline
