// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Endpoint-independent mappings and hairpins (RFC 4787 REQ-1, REQ-8, REQ-9).
#include <gtest/gtest.h>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::same_bytes;
using namespace std::chrono_literals;

constexpr std::string_view kSnat = "10.10.10.20";
const std::string kIndependent = "  mapping: endpoint_independent";

PacketBuilder udp(std::string_view to, unsigned from = 4000) {
  return eth().ipv4("10.10.10.21", to).udp(from, 53);
}
PacketBuilder inbound(std::string_view from, unsigned port, unsigned remote_port = 53) {
  return eth().ipv4(from, kSnat).udp(remote_port, port);
}

TEST(Mapping, OnePortServesAllRemotes) {
  Harness harness(node_yaml("", kIndependent));
  const Outcome first = harness.send("pod-a", udp("198.51.100.1"));
  const unsigned port = test::source_port_of(first.frame);
  for (unsigned i = 2; i < 50; ++i) {
    const std::string remote = "198.51.100." + std::to_string(i);
    const Outcome out = harness.send("pod-a", udp(remote).destination_port(i));
    ASSERT_TRUE(out.emitted()) << out;
    EXPECT_EQ(test::source_port_of(out.frame), port);
    EXPECT_EQ(test::wrong_checksums(out.frame), "");
    EXPECT_EQ(harness.send("eni0", inbound(remote, port, i)).device, "pod-a");
  }
  const Outcome other = harness.send("pod-a", udp("198.51.100.1", 4001));
  EXPECT_NE(test::source_port_of(other.frame), port) << "another port of the pod";
  const Outcome pod_b = harness.send("pod-b", udp("198.51.100.1").source("10.10.20.21"));
  EXPECT_NE(test::source_port_of(pod_b.frame), port) << "another pod";
  EXPECT_EQ(harness.table().check_invariants(), "");
}

TEST(Mapping, AdmitsStrangersUnlessFiltered) {
  for (const bool filtered : {false, true}) {
    Harness harness(node_yaml(
        "", kIndependent + (filtered ? "\n  filtering: endpoint_dependent" : "")));
    const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
    const Outcome stranger = harness.send("eni0", inbound("203.0.113.9", port, 777));
    if (filtered) {
      EXPECT_TRUE(dropped(stranger, DropReason::kNoSession));
      continue;
    }
    ASSERT_EQ(stranger.device, "pod-a") << stranger;
    const auto wanted = inbound("203.0.113.9", port, 777).destination("10.10.10.21")
                            .destination_port(4000).ttl(63);
    EXPECT_TRUE(
        same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), stranger.frame));
    // The pod's answer leaves as the same address and port.
    const Outcome answer =
        harness.send("pod-a", udp("203.0.113.9").destination_port(777));
    EXPECT_EQ(test::source_port_of(answer.frame), port);
    EXPECT_TRUE(dropped(harness.send("eni0", inbound("203.0.113.9", port + 1)),
                        DropReason::kNoSession));
    EXPECT_TRUE(dropped(harness.send("eni1", inbound("203.0.113.8", port)),
                        DropReason::kWrongDevice));
  }
}

TEST(Mapping, EndsWithItsLastSession) {
  Harness harness(node_yaml("", kIndependent));
  const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
  harness.advance(200s);
  ASSERT_TRUE(harness.send("pod-a", udp("198.51.100.2")).emitted());
  harness.advance(200s);  // the first session is over, the second holds the mapping
  EXPECT_EQ(harness.send("eni0", inbound("203.0.113.9", port)).device, "pod-a");
  harness.advance(400s);
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_EQ(harness.sessions(), 0u);
  EXPECT_TRUE(dropped(harness.send("eni0", inbound("203.0.113.9", port)), DropReason::kNoSession));
  EXPECT_EQ(harness.table().check_invariants(), "");
}

/// A full table whose only expired session holds the mapping that a new flow wants to use.
TEST(Mapping, OutlivesTheSearchForRoom) {
  Harness harness(node_yaml("flows: {capacity: 4}", kIndependent));
  ASSERT_TRUE(harness.send("pod-a", udp("198.51.100.1")).emitted());  // a mapping and a session
  harness.advance(200s);
  for (unsigned port = 1; port <= 2; ++port) {  // two more records
    ASSERT_TRUE(harness.send("pod-a", udp("10.10.30.5", port)).emitted());
  }
  ASSERT_EQ(harness.sessions(), 4u);
  harness.advance(101s);  // now the first session is past its time
  const Outcome out = harness.send("pod-a", udp("198.51.100.2"));
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(harness.table().check_invariants(), "");
  EXPECT_EQ(harness.send("eni0", inbound("198.51.100.2", test::source_port_of(out.frame))).device,
            "pod-a");
}

TEST(Mapping, WithoutRoomForMappingAndSessionThereIsNeither) {
  for (const unsigned capacity : {1u, 2u, 3u}) {
    Harness harness(
        node_yaml("flows: {capacity: " + std::to_string(capacity) + "}", kIndependent));
    unsigned opened = 0;
    for (unsigned from = 1; from <= 3; ++from) {
      const Outcome out = harness.send("pod-a", udp("198.51.100.1", from));
      if (!out.emitted()) {
        EXPECT_TRUE(dropped(out, DropReason::kFlowTableFull));
      }
      opened += out.emitted() ? 1 : 0;
    }
    EXPECT_EQ(opened, capacity / 2);
    EXPECT_EQ(harness.sessions(), capacity / 2 * 2);
    EXPECT_EQ(harness.table().check_invariants(), "");
  }
}

/// Pod to pod through an external side: both see external addresses only (REQ-9).
TEST(Mapping, Hairpins) {
  Harness harness(node_yaml("", kIndependent));
  const auto from_b = eth().ipv4("10.10.20.21", "198.51.100.1").udp(9000, 53);
  const unsigned port_b = test::source_port_of(harness.send("pod-b", from_b).frame);
  const auto sent = eth().ipv4("10.10.10.21", kSnat).udp(4000, port_b).payload("hello");
  const Outcome out = harness.send("pod-a", sent);
  ASSERT_EQ(out.device, "pod-b") << out;
  EXPECT_EQ(out.verdict, Verdict::kSnat);
  const unsigned port_a = test::source_port_of(out.frame);
  const auto wanted = sent.source(kSnat).source_port(port_a).destination("10.10.20.21")
                          .destination_port(9000).ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-b", "10.10.20.21", wanted), out.frame));
  const auto reply = eth().ipv4("10.10.20.21", kSnat).udp(9000, port_a).payload("hello yourself");
  const Outcome back = harness.send("pod-b", reply);
  ASSERT_EQ(back.device, "pod-a") << back;
  const auto wanted_back = reply.source(kSnat).source_port(port_b).destination("10.10.10.21")
                               .destination_port(4000).ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted_back), back.frame));
  EXPECT_EQ(harness.table().check_invariants(), "");
}

/// RFC 5508 REQ-7: what one pod says of another's packet goes the same two steps back.
TEST(Mapping, ErrorsAboutHairpinnedPacketsPass) {
  Harness harness(node_yaml("", kIndependent));
  const auto from_b = eth().ipv4("10.10.20.21", "198.51.100.1").udp(9000, 53);
  const unsigned port_b = test::source_port_of(harness.send("pod-b", from_b).frame);
  const auto sent = eth().ipv4("10.10.10.21", kSnat).udp(4000, port_b).payload("hello");
  const Outcome out = harness.send("pod-a", sent);
  ASSERT_EQ(out.device, "pod-b") << out;

  const test::Bytes seen(out.frame.begin() + 14, out.frame.end());
  const auto complaint = eth().ipv4("10.10.20.21", kSnat).icmp(3, 3, 0, 0).payload(seen);
  const Outcome told = harness.send("pod-b", complaint);
  ASSERT_EQ(told.device, "pod-a") << told;
  // It quotes what the pod sent, but for the hop that was taken.
  const test::Bytes original = sent.ttl(63).bytes();
  const auto wanted = complaint.source(kSnat)
                          .destination("10.10.10.21")
                          .payload(test::Bytes(original.begin() + 14, original.end()))
                          .ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), told.frame));
}

TEST(Mapping, APodMayReachItsOwnMapping) {
  Harness harness(node_yaml("", kIndependent));
  const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
  const Outcome out = harness.send("pod-a", eth().ipv4("10.10.10.21", kSnat).udp(4001, port));
  ASSERT_EQ(out.device, "pod-a") << out;
  EXPECT_EQ(test::source_of(out.frame), kSnat);
  EXPECT_EQ(test::wrong_checksums(out.frame), "");
}

TEST(Mapping, EveryWorkerHasItsOwnSliceOfPorts) {
  for (const unsigned workers : {2u, 3u, 8u}) {
    test::HarnessOptions options;
    options.workers = workers;
    Harness harness(node_yaml("", kIndependent), options);
    for (unsigned from = 1; from <= 300; ++from) {
      const Outcome out = harness.send("pod-a", udp("198.51.100.1", from), from % workers);
      ASSERT_TRUE(out.emitted()) << out;
      const unsigned port = test::source_port_of(out.frame);
      const Outcome again =
          harness.send("pod-a", udp("198.51.100.2", from), (from + 1) % workers);
      EXPECT_EQ(test::source_port_of(again.frame), port) << "one mapping for both remotes";
      const Outcome stranger =
          harness.send("eni0", inbound("203.0.113.9", port), (from + 2) % workers);
      EXPECT_EQ(stranger.device, "pod-a") << stranger;
    }
  }
}

/// Any mixture of flows, strangers, hairpins and time in a small table.
TEST(Mapping, StaysWholeWhateverHappens) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  for (const unsigned capacity : {2u, 5u, 16u, 100u}) {
    Harness harness(node_yaml("flows: {capacity: " + std::to_string(capacity) + "}",
                              kIndependent + "\n  ports: 5000-5030"));
    for (int step = 0; step < 6000; ++step) {
      const unsigned pod_port = 1 + random.below(12);
      const std::string remote = "198.51.100." + std::to_string(random.below(4));
      Outcome out;
      switch (random.below(5)) {
        case 0: out = harness.send("pod-a", udp(remote, pod_port)); break;
        case 1: out = harness.send("pod-b", udp(remote, pod_port).source("10.10.20.21")); break;
        case 2:
          out = harness.send("eni0", inbound(random.coin() ? remote : "10.10.30.5",
                                             5000 + random.below(31)));
          break;
        case 3:
          out = harness.send("pod-a",
                             udp(kSnat, pod_port).destination_port(5000 + random.below(31)));
          break;
        default: out = harness.send("pod-a", udp("10.10.30.5", pod_port)); break;
      }
      if (out.emitted()) {
        ASSERT_EQ(test::wrong_checksums(out.frame), "");
      }
      if (random.below(4) == 0) harness.advance(std::chrono::milliseconds(random.below(150'000)));
      if (random.below(50) == 0) harness.table().sweep(harness.now(), random.below(capacity + 1));
      ASSERT_EQ(harness.table().check_invariants(), "") << "step " << step << ", " << capacity;
    }
    harness.advance(301s);
    harness.table().sweep(harness.now(), capacity);
    harness.table().sweep(harness.now(), capacity);
    EXPECT_EQ(harness.sessions(), 0u) << "no mapping is left behind";
  }
}

}  // namespace
}  // namespace sluice::pipeline
