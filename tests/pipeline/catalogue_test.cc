// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Rows of docs/catalogue.md that belong to no single stage.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::dedicated_yaml;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::same_bytes;

constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";

std::string pod_address(unsigned number) {
  return "100.64." + std::to_string(number / 250) + "." + std::to_string(number % 250 + 1);
}

// 2. Same 5 packets again: later packets are rewritten byte for byte like the first
TEST(Catalogue, Row02LaterPacketsLeaveLikeTheFirst) {
  Harness harness(node_yaml());
  for (const PacketBuilder& packet : {eth().udp(4000, 53).payload("q"),
                                      eth().tcp(4000, 443).flags(net::kSyn), eth().echo(4000)}) {
    const auto sent = packet.ipv4("10.10.10.21", kServer);
    const Outcome first = harness.send("pod-a", sent);
    ASSERT_TRUE(first.emitted()) << first;
    EXPECT_TRUE(first.first);
    for (int again = 0; again < 4; ++again) {
      const Outcome later = harness.send("pod-a", sent);
      EXPECT_FALSE(later.first);
      EXPECT_TRUE(same_bytes(first.frame, later.frame));
    }
  }
  EXPECT_EQ(harness.counters().sessions_opened.get(), 3u);
}

// 5. 100 clients ping at once: 3 of 3 replies each, server sees exactly 3x100
TEST(Catalogue, Row05AHundredPodsPing) {
  Harness harness(dedicated_yaml());
  std::map<unsigned, unsigned> asker;  // by the identifier outside
  std::vector<Bytes> seen;
  for (unsigned seq = 1; seq <= 3; ++seq) {
    for (unsigned pod = 0; pod < 100; ++pod) {
      const Outcome out = harness.send("inner", eth().ipv4(pod_address(pod), kServer).echo(7, seq));
      ASSERT_TRUE(out.emitted()) << out;
      const unsigned identifier = test::source_port_of(out.frame);
      EXPECT_EQ(asker.emplace(identifier, pod).first->second, pod) << "an identifier of two pods";
      seen.push_back(out.frame);
    }
  }
  EXPECT_EQ(seen.size(), 300u);
  for (const auto& [identifier, pod] : asker) {
    for (unsigned seq = 1; seq <= 3; ++seq) {
      const Outcome back =
          harness.send("uplink", eth().ipv4(kServer, "10.20.0.20").echo_reply(identifier, seq));
      ASSERT_EQ(back.device, "inner") << back;
      EXPECT_EQ(test::destination_of(back.frame), pod_address(pod));
      EXPECT_EQ(test::source_port_of(back.frame), 7u);
    }
  }
}

// 12. Each worker's first and last port: map exactly as specified
TEST(Catalogue, Row12EveryPortOfEveryWorkersSliceServes) {
  test::HarnessOptions options;
  options.workers = 4;
  Harness harness(node_yaml("", "  ports: 40000-40007\n  mapping: endpoint_independent"), options);
  std::set<unsigned> ports;
  for (unsigned from = 1; from <= 400; ++from) {
    const Outcome out =
        harness.send("pod-a", eth().ipv4("10.10.10.21", kServer).udp(from, 53), from % 4);
    if (!out.emitted()) {
      EXPECT_TRUE(dropped(out, DropReason::kPortsExhausted));
      continue;
    }
    const unsigned port = test::source_port_of(out.frame);
    EXPECT_TRUE(ports.insert(port).second) << port << " was given twice";
    const Outcome back =
        harness.send("eni0", eth().ipv4(kServer, kSnat).udp(53, port), (from + 1) % 4);
    EXPECT_EQ(back.device, "pod-a");
    EXPECT_EQ(test::destination_port_of(back.frame), from);
  }
  EXPECT_EQ(ports, (std::set<unsigned>{40000, 40001, 40002, 40003, 40004, 40005, 40006, 40007}));
}

// 13. Source hashing over 64 outside addresses is even (variance bound)
TEST(Catalogue, Row13PodsSpreadEvenlyOver64Addresses) {
  std::string addresses;
  for (unsigned i = 0; i < 64; ++i) addresses += "10.20.0." + std::to_string(30 + i) + ", ";
  std::string yaml = dedicated_yaml("", "  source: [" + addresses + "]");
  const std::string eni = "address: 10.20.0.20/24";
  yaml.replace(yaml.find(eni), eni.size(), eni + ", secondary: [" + addresses + "]");
  Harness harness(yaml);
  std::map<std::string, unsigned> pods;
  constexpr unsigned kPods = 6400;
  for (unsigned pod = 0; pod < kPods; ++pod) {
    const Outcome out = harness.send("inner", eth().ipv4(pod_address(pod), kServer).udp(1, 53));
    ASSERT_TRUE(out.emitted()) << out;
    ++pods[test::source_of(out.frame)];
  }
  // 100 each on average; a fair die would leave that by 40 about once in ten thousand addresses.
  EXPECT_EQ(pods.size(), 64u);
  for (const auto& [address, count] : pods) {
    EXPECT_GT(count, 60u) << address;
    EXPECT_LT(count, 140u) << address;
  }
}

// 43. SYN never answered: state goes after the SYN timeout, new rule applies to the retry
TEST(Catalogue, Row43ARetryFollowsTheRulesOfItsDay) {
  Harness harness(node_yaml());
  const auto syn = eth().ipv4("10.10.10.21", kServer).tcp(4000, 443).flags(net::kSyn);
  EXPECT_EQ(harness.send("pod-a", syn).verdict, Verdict::kSnat);
  harness.reload(node_yaml("", "  rules: [{action: preserve}]"));
  harness.advance(240s);
  EXPECT_EQ(harness.send("pod-a", syn).verdict, Verdict::kSnat) << "the flow still waits";
  harness.advance(240'001ms);
  EXPECT_EQ(harness.send("pod-a", syn).verdict, Verdict::kPreserve);
}

// 53. Old SYN/ACK from a previous incarnation handled
TEST(Catalogue, Row53ASynAckOfAnEarlierConnection) {
  Harness harness(node_yaml("", "  ports: 40000-40000"));
  const auto pod = eth().ipv4("10.10.10.21", kServer).tcp(4000, 443);
  const auto server = eth().ipv4(kServer, kSnat).tcp(443, 40'000);
  ASSERT_TRUE(harness.send("pod-a", pod.flags(net::kSyn).seq(100)).emitted());
  ASSERT_TRUE(harness.send("eni0", server.flags(net::kRst).seq(0).ack(101)).emitted());
  ASSERT_TRUE(harness.send("pod-a", pod.flags(net::kSyn).seq(500'000)).emitted());
  // It reaches the pod, which answers it as RFC 9293 3.5.1 says; the connection goes on.
  const auto stale = server.flags(net::kSyn).seq(7).ack(101);
  EXPECT_EQ(harness.send("eni0", stale).device, "pod-a");
  ASSERT_TRUE(harness.send("pod-a", pod.flags(net::kRst).seq(101)).emitted());
  ASSERT_TRUE(harness.send("eni0", server.flags(net::kSyn).seq(9000).ack(500'001)).emitted());
  ASSERT_TRUE(harness.send("pod-a", pod.seq(500'001).ack(9001)).emitted());
  harness.advance(3600s);
  EXPECT_EQ(harness.send("eni0", server.seq(9001).ack(500'001)).device, "pod-a");
}

// 86. One-armed: inside and outside on one port
TEST(Catalogue, Row86OneArmed) {
  Harness harness(R"(
pods: {cidrs: [100.64.0.0/16]}
vpc: {cidrs: [10.20.0.0/16, 100.64.0.0/16]}
enis:
  - {name: only, device: net_null0, primary: true, address: 10.20.0.20/24, forwards: [0.0.0.0/0],
     routes: [{to: 100.64.0.0/16, via: 10.20.0.9}]}
snat: {ports: 40000-40000, vpc_cni: {env: {AWS_VPC_K8S_CNI_EXTERNALSNAT: "false"}}}
)");
  const auto sent = eth().ipv4("100.64.3.4", kServer).udp(4000, 53).payload("query");
  const Outcome out = harness.send("only", sent);
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_TRUE(same_bytes(harness.as_emitted("only", "10.20.0.1",
                                            sent.source("10.20.0.20").source_port(40'000).ttl(63)),
                         out.frame));
  const auto reply = eth().ipv4(kServer, "10.20.0.20").udp(53, 40'000).payload("answer");
  const Outcome back = harness.send("only", reply);
  ASSERT_TRUE(back.emitted()) << back;
  EXPECT_TRUE(
      same_bytes(harness.as_emitted("only", "10.20.0.9",
                                    reply.destination("100.64.3.4").destination_port(4000).ttl(63)),
                 back.frame));
}

// 99. SCTP by address: INIT collision and stale INIT-ACK do no harm
TEST(Catalogue, Row99SctpChunksThatCross) {
  Harness harness(node_yaml());
  const auto chunk = [](std::uint8_t type, std::uint8_t tag) {
    Bytes packet(20);
    packet[1] = 9;  // ports 9 and 10, a verification tag, one chunk
    packet[3] = 10;
    packet[7] = tag;
    packet[12] = type;
    packet[15] = 8;
    return packet;
  };
  constexpr std::uint8_t kInit = 1;
  constexpr std::uint8_t kInitAck = 2;
  const auto pod = eth().ipv4("10.10.10.21", kServer).protocol(132);
  const auto server = eth().ipv4(kServer, kSnat).protocol(132);
  ASSERT_TRUE(harness.send("pod-a", pod.payload(chunk(kInit, 0))).emitted());
  for (const auto& crossing : {chunk(kInit, 0), chunk(kInitAck, 99), chunk(kInitAck, 1)}) {
    const Outcome back = harness.send("eni0", server.payload(crossing));
    ASSERT_EQ(back.device, "pod-a") << back;
    EXPECT_TRUE(
        same_bytes(harness.as_emitted("pod-a", "10.10.10.21",
                                      server.payload(crossing).destination("10.10.10.21").ttl(63)),
                   back.frame));
  }
  EXPECT_EQ(harness.sessions(), 1u);
}

// 104. More sessions than there are ports, in both directions
TEST(Catalogue, Row104AHundredThousandSessionsBothWays) {
  Harness harness(dedicated_yaml("flows: {capacity: 120000}"));
  constexpr unsigned kSessions = 100'000;
  std::vector<std::uint16_t> external(kSessions);
  const auto remote = [](unsigned i) {
    return "198.51." + std::to_string(i / 250 % 250) + "." + std::to_string(i % 250 + 1);
  };
  for (unsigned i = 0; i < kSessions; ++i) {
    const auto sent = eth().ipv4(pod_address(i % 1000), remote(i)).udp(1 + i / 1000, 53);
    const Outcome out = harness.send("inner", sent);
    ASSERT_TRUE(out.emitted()) << i << ": " << out;
    external[i] = static_cast<std::uint16_t>(test::source_port_of(out.frame));
  }
  EXPECT_EQ(harness.sessions(), kSessions);
  for (unsigned i = 0; i < kSessions; ++i) {
    const Outcome back =
        harness.send("uplink", eth().ipv4(remote(i), "10.20.0.20").udp(53, external[i]));
    ASSERT_EQ(back.device, "inner") << i << ": " << back;
    ASSERT_EQ(test::destination_of(back.frame), pod_address(i % 1000));
    ASSERT_EQ(test::destination_port_of(back.frame), 1 + i / 1000);
  }
}

}  // namespace
}  // namespace sluice::pipeline
