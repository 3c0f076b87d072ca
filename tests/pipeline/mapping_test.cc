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
    Harness harness(
        node_yaml("", kIndependent + (filtered ? "\n  filtering: endpoint_dependent" : "")));
    const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
    const Outcome stranger = harness.send("eni0", inbound("203.0.113.9", port, 777));
    if (filtered) {
      EXPECT_TRUE(dropped(stranger, DropReason::kNoSession));
      continue;
    }
    ASSERT_EQ(stranger.device, "pod-a") << stranger;
    const auto wanted =
        inbound("203.0.113.9", port, 777).destination("10.10.10.21").destination_port(4000).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), stranger.frame));
    // The pod's answer leaves as the same address and port.
    const Outcome answer = harness.send("pod-a", udp("203.0.113.9").destination_port(777));
    EXPECT_EQ(test::source_port_of(answer.frame), port);
    EXPECT_TRUE(
        dropped(harness.send("eni0", inbound("203.0.113.9", port + 1)), DropReason::kNoSession));
    EXPECT_TRUE(
        dropped(harness.send("eni1", inbound("203.0.113.8", port)), DropReason::kWrongDevice));
  }
}

/// Ports that sessions hold towards a remote from before a reload are not given a second time.
TEST(Mapping, SharesNoPortWithSessionsFromBeforeAReload) {
  const std::string two_ports = "  ports: 40000-40001\n";
  Harness harness(node_yaml("", two_ports));
  const auto pod_b = [](std::string_view to, unsigned from) {
    return eth().ipv4("10.10.20.21", to).udp(from, 53);
  };
  const unsigned held = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
  harness.reload(node_yaml("", two_ports + kIndependent));

  const Outcome mapped = harness.send("pod-b", pod_b("198.51.100.1", 4000));
  ASSERT_TRUE(mapped.emitted()) << mapped;
  const unsigned other = test::source_port_of(mapped.frame);
  EXPECT_NE(other, held);
  EXPECT_EQ(harness.send("eni0", inbound("198.51.100.1", held)).device, "pod-a");
  EXPECT_EQ(harness.send("eni0", inbound("198.51.100.1", other)).device, "pod-b");

  // The port that is left serves every remote but the one towards which it is held.
  EXPECT_TRUE(
      dropped(harness.send("pod-b", pod_b("198.51.100.1", 4001)), DropReason::kPortsExhausted));
  const Outcome elsewhere = harness.send("pod-b", pod_b("198.51.100.2", 4001));
  ASSERT_TRUE(elsewhere.emitted()) << elsewhere;
  EXPECT_EQ(test::source_port_of(elsewhere.frame), held);
  EXPECT_TRUE(
      dropped(harness.send("pod-b", pod_b("198.51.100.1", 4001)), DropReason::kPortsExhausted))
      << "its mapping's port is another pod's here";
  EXPECT_EQ(harness.send("eni0", inbound("198.51.100.1", held)).device, "pod-a");
  EXPECT_EQ(harness.table().check_invariants(), "");
}

// --- TCP (RFC 5382) --------------------------------------------------------------------------

PacketBuilder tcp(std::string_view to, unsigned from = 4000) {
  return eth().ipv4("10.10.10.21", to).tcp(from, 443);
}
PacketBuilder tcp_inbound(std::string_view from, unsigned port, unsigned remote_port = 443) {
  return eth().ipv4(from, kSnat).tcp(remote_port, port);
}

/// RFC 5382 REQ-1.
TEST(Mapping, OnePortServesAllRemotesOfTcp) {
  Harness harness(node_yaml("", kIndependent));
  const auto syn = [](unsigned i) {
    return tcp("198.51.100." + std::to_string(i)).flags(net::kSyn).seq(100);
  };
  const unsigned port = test::source_port_of(harness.send("pod-a", syn(1)).frame);
  for (unsigned i = 2; i < 20; ++i) {
    const std::string remote = "198.51.100." + std::to_string(i);
    const Outcome out = harness.send("pod-a", syn(i));
    ASSERT_TRUE(out.emitted()) << out;
    EXPECT_EQ(test::source_port_of(out.frame), port);
    const auto syn_ack = tcp_inbound(remote, port).flags(net::kSyn).seq(500 + i).ack(101);
    const Outcome back = harness.send("eni0", syn_ack);
    const auto wanted = syn_ack.destination("10.10.10.21").destination_port(4000).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), back.frame));
  }
  EXPECT_EQ(harness.sessions(), 20u) << "a mapping, and a session for each remote";
}

/// RFC 5382 REQ-3a: whether another remote may connect to the pod's port is configured.
TEST(Mapping, AdmitsStrangersConnectionsUnlessFiltered) {
  for (const bool filtered : {false, true}) {
    Harness harness(
        node_yaml("", kIndependent + (filtered ? "\n  filtering: endpoint_dependent" : "")));
    const unsigned port =
        test::source_port_of(harness.send("pod-a", tcp("198.51.100.1").flags(net::kSyn)).frame);
    const auto stranger = tcp_inbound("203.0.113.9", port, 777);
    EXPECT_TRUE(dropped(harness.send("eni0", stranger.seq(500).ack(1)), DropReason::kNoSession))
        << "a connection begins with a SYN";
    const auto syn = stranger.flags(net::kSyn).seq(500);
    const Outcome came = harness.send("eni0", syn);
    if (filtered) {
      EXPECT_TRUE(dropped(came, DropReason::kNoSession));
      continue;
    }
    ASSERT_EQ(came.device, "pod-a") << came;
    const auto wanted = syn.destination("10.10.10.21").destination_port(4000).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), came.frame));
    const auto answer = tcp("203.0.113.9").destination_port(777).seq(100);
    const Outcome back = harness.send("pod-a", answer.flags(net::kSyn).ack(501));
    ASSERT_EQ(back.device, "eni0") << back;
    EXPECT_EQ(test::source_port_of(back.frame), port);
    ASSERT_TRUE(harness.send("eni0", stranger.seq(501).ack(101)).emitted());
    harness.advance(7440s);
    EXPECT_TRUE(harness.send("eni0", stranger.seq(501).ack(101)).emitted()) << "established";
  }
}

/// RFC 5382 REQ-8, REQ-8a: a connection between two pods, each of which sees an external side only.
TEST(Mapping, HairpinsConnections) {
  Harness harness(node_yaml("", kIndependent));
  const auto to_server = eth().ipv4("10.10.20.21", "198.51.100.1").tcp(9000, 443);
  const unsigned port_b =
      test::source_port_of(harness.send("pod-b", to_server.flags(net::kSyn)).frame);
  const auto a = eth().ipv4("10.10.10.21", kSnat).tcp(4000, port_b);
  const Outcome opened = harness.send("pod-a", a.flags(net::kSyn).seq(100));
  ASSERT_EQ(opened.device, "pod-b") << opened;
  const unsigned port_a = test::source_port_of(opened.frame);
  const auto b = eth().ipv4("10.10.20.21", kSnat).tcp(9000, port_a);
  const auto arrives_at_b = [&](const PacketBuilder& sent) {
    const Outcome out = harness.send("pod-a", sent);
    const auto wanted = sent.source(kSnat)
                            .source_port(port_a)
                            .destination("10.10.20.21")
                            .destination_port(9000)
                            .ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-b", "10.10.20.21", wanted), out.frame)) << out;
  };
  const auto arrives_at_a = [&](const PacketBuilder& sent) {
    const Outcome out = harness.send("pod-b", sent);
    const auto wanted = sent.source(kSnat)
                            .source_port(port_b)
                            .destination("10.10.10.21")
                            .destination_port(4000)
                            .ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), out.frame)) << out;
  };
  arrives_at_b(a.flags(net::kSyn).seq(100));
  arrives_at_a(b.flags(net::kSyn).seq(500).ack(101));
  arrives_at_b(a.seq(101).ack(501).payload("request"));
  arrives_at_a(b.seq(501).ack(108).payload("response"));
  harness.advance(7440s);  // both sessions are established ones
  arrives_at_b(a.seq(108).ack(509).payload("more"));
  arrives_at_a(b.flags(net::kFin).seq(509).ack(112));
  arrives_at_b(a.flags(net::kFin).seq(112).ack(510));
  arrives_at_a(b.seq(510).ack(113));
  harness.advance(120'001ms);
  EXPECT_EQ(harness.send("pod-a", a.seq(113).ack(510)).answer, AnswerKind::kTcpRst) << "closed";
}

// --- queries (RFC 5508) ----------------------------------------------------------------------

/// RFC 5508 REQ-1a.
TEST(Mapping, OneIdentifierServesAllRemotes) {
  Harness harness(node_yaml("", kIndependent));
  const auto ping = eth().ipv4("10.10.10.21", "198.51.100.1").echo(4000);
  const unsigned identifier = test::source_port_of(harness.send("pod-a", ping).frame);
  for (const std::string_view remote : {"198.51.100.2", "198.51.100.3"}) {
    const Outcome out = harness.send("pod-a", ping.destination(remote));
    EXPECT_EQ(test::source_port_of(out.frame), identifier);
    const auto pong = eth().ipv4(remote, kSnat).echo_reply(identifier);
    const Outcome back = harness.send("eni0", pong);
    const auto wanted = pong.destination("10.10.10.21").source_port(4000).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted), back.frame));
  }
  const Outcome another = harness.send("pod-a", ping.echo(4001));
  EXPECT_NE(test::source_port_of(another.frame), identifier) << "another query of the pod";
}

/// RFC 7857 12 would send it to the other pod. A request names no mapping, so whoever asks for the
/// SNAT address, pod or remote, is answered by the gateway; the pod's own pings are not disturbed.
TEST(Mapping, APingOfTheSnatAddressIsTheGatewaysToAnswer) {
  Harness harness(node_yaml("", kIndependent));
  const auto ping = eth().ipv4("10.10.10.21", "198.51.100.1").echo(4000);
  const unsigned identifier = test::source_port_of(harness.send("pod-a", ping).frame);
  for (const auto& [device, asker] :
       {std::pair{"pod-b", "10.10.20.21"}, std::pair{"eni0", "203.0.113.9"}}) {
    const Outcome out = harness.send(device, eth().ipv4(asker, kSnat).echo(identifier));
    ASSERT_EQ(out.device, device) << out;
    EXPECT_EQ(out.verdict, Verdict::kLocal);
    EXPECT_EQ(test::destination_of(out.frame), asker);
    EXPECT_EQ(test::source_port_of(out.frame), identifier);
  }
  EXPECT_TRUE(dropped(harness.send("eni0", eth().ipv4("203.0.113.9", kSnat).echo_reply(identifier)),
                      DropReason::kNoSession))
      << "a reply that nobody asked for";
  EXPECT_EQ(harness.send("eni0", eth().ipv4("198.51.100.1", kSnat).echo_reply(identifier)).device,
            "pod-a");
}

// --- protocols are apart, and what keeps a mapping (RFC 7857) --------------------------------

/// RFC 7857 5: one port of a pod, and one port outside, once for TCP and once for UDP.
TEST(Mapping, TcpAndUdpAreApart) {
  Harness harness(node_yaml("", kIndependent + "\n  ports: 40000-40000"));
  const auto syn = tcp("198.51.100.1").flags(net::kSyn);
  ASSERT_EQ(test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame), 40'000u);
  ASSERT_EQ(test::source_port_of(harness.send("pod-a", syn).frame), 40'000u);
  // Another pod finds both ports taken, each for itself.
  for (const PacketBuilder& packet : {udp("198.51.100.1"), syn}) {
    EXPECT_TRUE(
        dropped(harness.send("pod-b", packet.source("10.10.20.21")), DropReason::kPortsExhausted));
  }
  // One ends, the other stays, and the port of the one that ended is free for its protocol.
  harness.advance(240s);
  ASSERT_TRUE(harness.send("pod-a", udp("198.51.100.1")).emitted());
  harness.advance(1ms);
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_EQ(harness.send("eni0", inbound("203.0.113.9", 40'000)).device, "pod-a");
  EXPECT_EQ(harness.send("pod-b", syn.source("10.10.20.21")).device, "eni0");
  EXPECT_TRUE(dropped(harness.send("pod-b", udp("198.51.100.1").source("10.10.20.21")),
                      DropReason::kPortsExhausted));
}

/// RFC 7857 6: what is open to strangers by UDP is closed to their TCP, and the other way round.
TEST(Mapping, FilteringIsByProtocol) {
  Harness by_udp(node_yaml("", kIndependent));
  const unsigned udp_port = test::source_port_of(by_udp.send("pod-a", udp("198.51.100.1")).frame);
  EXPECT_TRUE(dropped(by_udp.send("eni0", tcp_inbound("203.0.113.9", udp_port).flags(net::kSyn)),
                      DropReason::kNoSession));
  EXPECT_EQ(by_udp.send("eni0", inbound("203.0.113.9", udp_port)).device, "pod-a");

  Harness by_tcp(node_yaml("", kIndependent));
  const unsigned tcp_port =
      test::source_port_of(by_tcp.send("pod-a", tcp("198.51.100.1").flags(net::kSyn)).frame);
  EXPECT_TRUE(
      dropped(by_tcp.send("eni0", inbound("203.0.113.9", tcp_port)), DropReason::kNoSession));
  EXPECT_EQ(by_tcp.send("eni0", tcp_inbound("203.0.113.9", tcp_port).flags(net::kSyn)).device,
            "pod-a");
}

/// RFC 7857 7: who is turned away keeps nothing alive, however often it knocks.
TEST(Mapping, StrangersThatAreFilteredDoNotKeepIt) {
  Harness harness(node_yaml("", kIndependent + "\n  filtering: endpoint_dependent"));
  const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
  for (int knock = 0; knock < 30; ++knock) {
    harness.advance(10s);
    EXPECT_TRUE(
        dropped(harness.send("eni0", inbound("203.0.113.9", port)), DropReason::kNoSession));
    EXPECT_TRUE(
        dropped(harness.send("eni0", inbound("198.51.100.1", port, 54)), DropReason::kNoSession));
  }
  harness.advance(1ms);
  EXPECT_TRUE(dropped(harness.send("eni0", inbound("198.51.100.1", port)), DropReason::kNoSession));
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_EQ(harness.sessions(), 0u) << "session and mapping";
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
    Harness harness(node_yaml("flows: {capacity: " + std::to_string(capacity) + "}", kIndependent));
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
  const auto wanted = sent.source(kSnat)
                          .source_port(port_a)
                          .destination("10.10.20.21")
                          .destination_port(9000)
                          .ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-b", "10.10.20.21", wanted), out.frame));
  const auto reply = eth().ipv4("10.10.20.21", kSnat).udp(9000, port_a).payload("hello yourself");
  const Outcome back = harness.send("pod-b", reply);
  ASSERT_EQ(back.device, "pod-a") << back;
  const auto wanted_back = reply.source(kSnat)
                               .source_port(port_b)
                               .destination("10.10.10.21")
                               .destination_port(4000)
                               .ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", wanted_back), back.frame));
  EXPECT_EQ(harness.table().check_invariants(), "");
}

/// The link at the end of both halves decides what fits, and its MTU is told.
TEST(Mapping, AHairpinFitsTheLinkItEndsAt) {
  const auto with_mtu = [](std::string_view key) {
    std::string yaml = node_yaml("", kIndependent);
    return yaml.replace(yaml.find(key), key.size(), std::string{key} + " mtu: 1300,");
  };
  const auto from_b = eth().ipv4("10.10.20.21", "198.51.100.1").udp(9000, 53);
  const std::string body(1400, 'x');
  for (const bool df : {false, true}) {
    Harness small_pod(with_mtu("name: pod-b,"));
    unsigned port_b = test::source_port_of(small_pod.send("pod-b", from_b).frame);
    const auto sent = eth().ipv4("10.10.10.21", kSnat).udp(4000, port_b).payload(body);
    for (int packet = 0; packet < 2; ++packet) {  // of a flow that is not known, and of one that is
      const Outcome out = small_pod.send("pod-a", df ? sent.df() : sent);
      if (df) {
        EXPECT_TRUE(dropped(out, DropReason::kTooBig));
        EXPECT_EQ(out.answer, AnswerKind::kIcmpFragmentationNeeded);
        ASSERT_TRUE(small_pod.send("pod-a", sent.payload("short")).emitted());
      } else {
        EXPECT_EQ(out.device, "pod-b") << out;
        EXPECT_EQ(out.pieces.size(), 2u);
      }
    }
    Harness small_eni(with_mtu("address: 10.10.10.20/24,"));
    port_b = test::source_port_of(small_eni.send("pod-b", from_b).frame);
    const auto same = sent.destination_port(port_b);
    EXPECT_EQ(small_eni.send("pod-a", df ? same.df() : same).device, "pod-b")
        << "it crosses no ENI";
  }
}

/// A rule that drops does so for mappings as well, whoever writes to them.
TEST(Mapping, RulesThatDropAreAskedFirst) {
  const auto rules = [](std::string_view rule) {
    return kIndependent + "\n  rules: [{" + std::string{rule} + ", action: drop}]";
  };
  const std::pair<std::string, bool> kRules[] = {
      {"from: [10.10.20.21/32], to: [10.10.10.20/32]", true},
      {"to: [10.10.10.20/32]", true},
      {"from: [198.51.100.9/32]", false},
      {"to: [198.51.100.9/32]", false}};
  for (const auto& [rule, hairpin] : kRules) {
    Harness harness(node_yaml("", rules(rule)));
    const unsigned port = test::source_port_of(harness.send("pod-a", udp("198.51.100.1")).frame);
    const Outcome came = hairpin
                             ? harness.send("pod-b", eth().ipv4("10.10.20.21", kSnat).udp(9, port))
                             : harness.send("eni0", inbound("198.51.100.9", port));
    EXPECT_TRUE(dropped(came, DropReason::kPolicyDrop)) << rule;
  }
}

/// A mapping serves the pool it is of; where a rule wants another source, it gets that one.
TEST(Mapping, ARulesSourceIsObeyed) {
  const std::string two_pools =
      kIndependent + "\n  rules: [{to: [198.51.100.0/24], action: snat, source: [10.10.20.20]}]";
  for (const bool rule_first : {false, true}) {
    Harness harness(node_yaml("", two_pools));
    const auto source_of = [&](std::string_view remote) {
      const Outcome out = harness.send("pod-a", udp(remote));
      EXPECT_TRUE(out.emitted()) << out;
      return std::pair{out.device, test::source_port_of(out.frame)};
    };
    std::pair<std::string, unsigned> by_rule, by_default;
    if (rule_first) by_rule = source_of("198.51.100.9");
    by_default = source_of("203.0.113.9");
    if (!rule_first) by_rule = source_of("198.51.100.9");
    EXPECT_EQ(by_rule.first, "eni1");
    EXPECT_EQ(by_default.first, "eni0");
    const auto reply = eth().ipv4("198.51.100.9", "10.10.20.20").udp(53, by_rule.second);
    EXPECT_EQ(harness.send("eni1", reply).device, "pod-a");
    EXPECT_EQ(harness.send("eni0", inbound("203.0.113.9", by_default.second)).device, "pod-a");
    EXPECT_EQ(harness.table().check_invariants(), "");
  }
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
      const Outcome again = harness.send("pod-a", udp("198.51.100.2", from), (from + 1) % workers);
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
          out = harness.send(
              "eni0", inbound(random.coin() ? remote : "10.10.30.5", 5000 + random.below(31)));
          break;
        case 3:
          out =
              harness.send("pod-a", udp(kSnat, pod_port).destination_port(5000 + random.below(31)));
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
