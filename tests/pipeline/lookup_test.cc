// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Packets of known flows: where they may come from, and for how long.
#include "pipeline/stages/lookup.h"

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
using namespace std::chrono_literals;

constexpr std::string_view kServer = "198.51.100.7";
const std::string kOnePort = "  ports: 40000-40000";

PacketBuilder query() { return eth().ipv4("10.10.10.21", kServer).udp(4000, 53); }
PacketBuilder answer() { return eth().ipv4(kServer, "10.10.10.20").udp(53, 40'000); }

// --- from where ------------------------------------------------------------------------------

TEST(Lookup, AReplyByAnEniThatDoesNotOwnTheSnatAddress) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(dropped(harness.send("eni1", answer()), DropReason::kWrongDevice));
  EXPECT_TRUE(dropped(harness.send("pod-b", answer()), DropReason::kWrongDevice));
  EXPECT_EQ(harness.send("eni0", answer()).device, "pod-a") << "the session stays";
}

TEST(Lookup, AnotherDevicesPacketIsNotOfThePodsFlow) {
  Harness harness(node_yaml());
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  for (const std::string_view device : {"pod-b", "pod-c", "eni0", "eni1"}) {
    EXPECT_TRUE(dropped(harness.send(device, query()), DropReason::kSpoofedSource)) << device;
  }
}

TEST(Lookup, APreservedFlowsAnswerMayComeByAnotherEni) {
  Harness harness(node_yaml());
  const auto sent = eth().ipv4("10.10.20.21", "10.10.30.5").udp(1, 2);
  ASSERT_EQ(harness.send("pod-b", sent).device, "eni1");
  const auto reply = eth().ipv4("10.10.30.5", "10.10.20.21").udp(2, 1);
  EXPECT_EQ(harness.send("eni0", reply).device, "pod-b");
  EXPECT_TRUE(dropped(harness.send("pod-a", reply), DropReason::kSpoofedSource));
}

/// Endpoint-dependent filtering (catalogue 32): only the remote itself answers.
TEST(Lookup, OnlyTheFlowsRemoteReachesThePod) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(
      dropped(harness.send("eni0", answer().source("198.51.100.8")), DropReason::kNoSession));
  EXPECT_TRUE(dropped(harness.send("eni0", answer().source_port(54)), DropReason::kNoSession));
  EXPECT_TRUE(
      dropped(harness.send("eni0", answer().destination_port(40'001)), DropReason::kNoSession));
  EXPECT_TRUE(dropped(harness.send("eni0", eth().ipv4(kServer, "10.10.10.20").tcp(53, 40'000)),
                      DropReason::kNoSession))
      << "another protocol";
}

/// The way back crosses an ENI that may not emit the remote's address: the reply has no owner.
TEST(Lookup, NoReplyLeavesAnEniThatMayNotEmitIt) {
  std::string yaml = test::dedicated_yaml("", kOnePort);
  yaml.replace(yaml.find("forwards: [0.0.0.0/0]"), 21, "forwards: [100.64.0.0/16]");
  Harness harness(yaml);
  ASSERT_EQ(harness.send("inner", eth().ipv4("100.64.3.4", kServer).udp(4000, 53)).device,
            "uplink");
  const auto reply = eth().ipv4(kServer, "10.20.0.20").udp(53, 40'000);
  EXPECT_TRUE(dropped(harness.send("uplink", reply), DropReason::kNoOwner));
}

// --- for how long ----------------------------------------------------------------------------

/// Whether the remote's packet still reaches the pod when `idle` has passed since the last one.
bool answered_after(Harness& harness, std::chrono::milliseconds idle, const PacketBuilder& reply) {
  harness.advance(idle);
  const Outcome outcome = harness.send("eni0", reply);
  EXPECT_TRUE(outcome.emitted() || dropped(outcome, DropReason::kNoSession)) << outcome;
  return outcome.emitted();
}

TEST(LookupTime, UdpLives300SecondsAfterAPacketOfEitherSide) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(answered_after(harness, 300s, answer()));
  EXPECT_TRUE(answered_after(harness, 300s, answer()));
  EXPECT_FALSE(answered_after(harness, 300'001ms, answer()));
  EXPECT_EQ(harness.sessions(), 0u);
}

TEST(LookupTime, OnRequestOnlyThePodKeepsUdpAlive) {
  Harness harness(node_yaml("flows: {udp_refresh: outbound}", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(answered_after(harness, 200s, answer()));
  EXPECT_FALSE(answered_after(harness, 101s, answer()));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  harness.advance(200s);
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(answered_after(harness, 200s, answer()));
}

TEST(LookupTime, EchoLives60Seconds) {
  Harness harness(node_yaml("", kOnePort));
  const auto request = eth().ipv4("10.10.10.21", kServer).echo(5);
  const auto reply = eth().ipv4(kServer, "10.10.10.20").echo_reply(40'000);
  ASSERT_TRUE(harness.send("pod-a", request).emitted());
  EXPECT_TRUE(answered_after(harness, 60s, reply));
  EXPECT_FALSE(answered_after(harness, 60'001ms, reply));
}

TEST(LookupTime, TimeoutsAreConfigured) {
  Harness harness(node_yaml("flows: {timeouts: {udp: 150s, icmp: 70s}}", kOnePort));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(answered_after(harness, 150s, answer()));
  EXPECT_FALSE(answered_after(harness, 150'001ms, answer()));

  const auto pong = eth().ipv4(kServer, "10.10.10.20").echo_reply(40'000);
  ASSERT_TRUE(harness.send("pod-a", eth().ipv4("10.10.10.21", kServer).echo(5)).emitted());
  EXPECT_TRUE(answered_after(harness, 70s, pong));
  EXPECT_FALSE(answered_after(harness, 70'001ms, pong));
}

/// A TCP connection's two ends, seen from the pod's side and from the remote's.
class Connection {
 public:
  explicit Connection(Harness& harness) : harness_(harness) {}
  Outcome pod(unsigned flags, std::uint32_t seq, std::uint32_t ack) {
    return harness_.send(
        "pod-a", eth().ipv4("10.10.10.21", kServer).tcp(4000, 443).ack(ack).flags(flags).seq(seq));
  }
  static PacketBuilder remote(unsigned flags, std::uint32_t seq, std::uint32_t ack) {
    return eth().ipv4(kServer, "10.10.10.20").tcp(443, 40'000).ack(ack).flags(flags).seq(seq);
  }
  void establish() {
    ASSERT_TRUE(pod(net::kSyn, 100, 0).emitted());
    ASSERT_TRUE(harness_.send("eni0", remote(net::kSyn | net::kAck, 500, 101)).emitted());
    ASSERT_TRUE(pod(net::kAck, 101, 501).emitted());
  }

 private:
  Harness& harness_;
};

/// RFC 5382 REQ-3: the port of a live connection is nobody else's to connect to.
TEST(Lookup, OnlyTheConnectionsRemoteReachesThePod) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  const auto syn = Connection::remote(net::kSyn, 900, 0).flags(net::kSyn);
  EXPECT_TRUE(dropped(harness.send("eni0", syn.source("198.51.100.8")), DropReason::kNoSession));
  EXPECT_TRUE(dropped(harness.send("eni0", syn.source_port(444)), DropReason::kNoSession));
  EXPECT_TRUE(harness.send("eni0", Connection::remote(net::kAck, 501, 101)).emitted());
  EXPECT_EQ(harness.sessions(), 1u);
}

/// A held tuple used again is a new flow: it follows the policy of its own time, not its
/// predecessor's.
TEST(Lookup, ASynOnAnEndedConnectionsTupleIsJudgedAnew) {
  const std::string preserving =
      kOnePort + "\n  rules: [{to: [198.51.100.0/24], action: preserve}]";
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  harness.reload(node_yaml("", preserving));
  EXPECT_EQ(connection.pod(net::kAck, 101, 501).verdict, Verdict::kSnat) << "still the old one";
  EXPECT_EQ(connection.pod(net::kRst | net::kAck, 101, 501).verdict, Verdict::kSnat);
  EXPECT_EQ(connection.pod(net::kSyn, 90'000, 0).verdict, Verdict::kPreserve);
  EXPECT_EQ(harness.sessions(), 1U) << "the old session is gone";

  EXPECT_EQ(connection.pod(net::kRst | net::kAck, 90'001, 501).verdict, Verdict::kPreserve);
  harness.reload(node_yaml("", kOnePort));
  EXPECT_EQ(connection.pod(net::kSyn, 180'000, 0).verdict, Verdict::kSnat);
  EXPECT_TRUE(
      harness.send("eni0", Connection::remote(net::kSyn | net::kAck, 700, 180'001)).emitted());
}

TEST(Lookup, ASynOnAnEndedConnectionsTupleKeepsItsPortUnderTheSamePolicy) {
  Harness harness(node_yaml());  // 64,512 ports: a new choice would show
  Connection connection(harness);
  const Outcome first = connection.pod(net::kSyn, 100, 0);
  ASSERT_TRUE(connection.pod(net::kRst, 101, 0).emitted());
  Outcome second = connection.pod(net::kSyn, 90'000, 0);
  ASSERT_TRUE(second.emitted());
  constexpr std::size_t kPortAt = 34;
  EXPECT_EQ(first.frame.at(kPortAt), second.frame.at(kPortAt));
  EXPECT_EQ(first.frame.at(kPortAt + 1), second.frame.at(kPortAt + 1));
  EXPECT_FALSE(second.first) << "the held session reopened";
}

/// A mapping is found by a key without a remote; no packet may pass for that key.
TEST(Lookup, NobodyIsAMappingsRemote) {
  Harness harness(node_yaml("", "  port_selection: preserve\n  mapping: endpoint_independent"));
  ASSERT_TRUE(harness.send("pod-a", query()).emitted());
  EXPECT_TRUE(dropped(harness.send("eni0", eth().ipv4("0.0.0.0", "10.10.10.20").udp(0, 4000)),
                      DropReason::kMartianSource));
  EXPECT_TRUE(dropped(harness.send("pod-a", eth().ipv4("10.10.10.21", "0.0.0.0").udp(4000, 0)),
                      DropReason::kMartianDestination));
}

TEST(LookupTime, ASynWaits240SecondsForItsAnswer) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  ASSERT_TRUE(connection.pod(net::kSyn, 100, 0).emitted());
  const auto syn_ack = Connection::remote(net::kSyn | net::kAck, 500, 101);
  EXPECT_TRUE(answered_after(harness, 240s, syn_ack));
  EXPECT_FALSE(answered_after(harness, 240'001ms, syn_ack)) << "the ACK never came";
}

/// RFC 5382 REQ-5: 2 h 4 min.
TEST(LookupTime, AnEstablishedConnectionLives7440Seconds) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  const auto data = Connection::remote(net::kAck, 501, 101);
  EXPECT_TRUE(answered_after(harness, 7440s, data));
  EXPECT_FALSE(answered_after(harness, 7'440'001ms, data));
}

/// Nobody holds a record for two hours by a segment that is not answered.
TEST(LookupTime, APreservedConnectionIsEstablishedOnceItIsAnswered) {
  for (const bool answered : {false, true}) {
    Harness harness(node_yaml());
    const auto data = eth().ipv4("10.10.30.5", "10.10.20.21").tcp(9, 10).seq(5).ack(6);
    ASSERT_EQ(harness.send("eni1", data).device, "pod-b");
    const auto answer = eth().ipv4("10.10.20.21", "10.10.30.5").tcp(10, 9).seq(6).ack(5);
    if (answered) {
      ASSERT_EQ(harness.send("pod-b", answer).device, "eni1");
    }
    EXPECT_EQ(harness.sessions(), 1u);
    harness.advance(241s);
    harness.table().sweep(harness.now(), 1024);
    EXPECT_EQ(harness.sessions(), answered ? 1u : 0u);
  }
}

TEST(LookupTime, AClosingConnectionLives240Seconds) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  ASSERT_TRUE(connection.pod(net::kFin | net::kAck, 101, 501).emitted());
  const auto data = Connection::remote(net::kAck, 501, 102);
  EXPECT_TRUE(answered_after(harness, 240s, data));
  EXPECT_FALSE(answered_after(harness, 240'001ms, data));
}

TEST(LookupTime, AClosedConnectionsPortRests120Seconds) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  ASSERT_TRUE(connection.pod(net::kFin | net::kAck, 101, 501).emitted());
  ASSERT_TRUE(harness.send("eni0", Connection::remote(net::kFin | net::kAck, 501, 102)).emitted());
  ASSERT_TRUE(connection.pod(net::kAck, 102, 502).emitted());
  const auto late = Connection::remote(net::kAck, 502, 103);
  EXPECT_TRUE(answered_after(harness, 120s, late));
  EXPECT_FALSE(answered_after(harness, 120'001ms, late));
}

TEST(LookupTime, AResetConnectionIsGoneAfter120SecondsUnlessDataFollows) {
  for (const bool data_follows : {false, true}) {
    Harness harness(node_yaml("", kOnePort));
    Connection connection(harness);
    connection.establish();
    ASSERT_TRUE(harness.send("eni0", Connection::remote(net::kRst, 501, 0)).emitted());
    if (data_follows) {
      ASSERT_TRUE(connection.pod(net::kAck | net::kPsh, 101, 501).emitted());
    }
    EXPECT_EQ(answered_after(harness, 120'001ms, Connection::remote(net::kAck, 501, 101)),
              data_follows);
  }
}

/// RFC 5382 REQ-5a: each of the three.
TEST(LookupTime, TimeoutsOfTcpAreConfigured) {
  const std::string timeouts =
      "flows: {timeouts: {tcp_established: 9000s, tcp_transitory: 300s, tcp_closed: 20s}}";
  const auto data = Connection::remote(net::kAck, 501, 101);
  for (const auto& [idle, lives] : {std::pair{9000s + 0ms, true}, {9000s + 1ms, false}}) {
    Harness harness(node_yaml(timeouts, kOnePort));
    Connection(harness).establish();
    EXPECT_EQ(answered_after(harness, idle, data), lives);
  }
  for (const auto& [idle, lives] : {std::pair{300s + 0ms, true}, {300s + 1ms, false}}) {
    Harness harness(node_yaml(timeouts, kOnePort));
    ASSERT_TRUE(Connection(harness).pod(net::kSyn, 100, 0).emitted());
    EXPECT_EQ(answered_after(harness, idle, Connection::remote(net::kSyn, 500, 101)), lives);
  }
  for (const auto& [idle, lives] : {std::pair{20s + 0ms, true}, {20s + 1ms, false}}) {
    Harness harness(node_yaml(timeouts, kOnePort));
    Connection connection(harness);
    connection.establish();
    ASSERT_TRUE(connection.pod(net::kRst, 101, 501).emitted());
    EXPECT_EQ(answered_after(harness, idle, data), lives);
  }
}

/// RFC 7857 7.1: an RST is no sign of life, whether it is valid or not, and whoever sends it.
TEST(LookupTime, ResetsKeepNothingAlive) {
  const auto data = Connection::remote(net::kAck, 501, 101);
  for (const bool of_the_pod : {true, false}) {
    Harness harness(node_yaml("", kOnePort));
    Connection connection(harness);
    const auto reset = [&](std::uint32_t ahead) {
      return of_the_pod ? connection.pod(net::kRst, 101 + ahead, 501)
                        : harness.send("eni0", Connection::remote(net::kRst, 501 + ahead, 101));
    };
    connection.establish();
    harness.advance(7000s);
    EXPECT_TRUE(reset(0x1000'0000).emitted());  // outside the window
    EXPECT_FALSE(answered_after(harness, 440'001ms, data));

    connection.establish();
    harness.advance(7000s);
    EXPECT_TRUE(reset(0).emitted());  // its time begins here
    for (int again = 0; again < 12; ++again) {
      EXPECT_TRUE(reset(0).emitted());
      harness.advance(10s);
    }
    EXPECT_TRUE(reset(0).emitted());
    EXPECT_FALSE(answered_after(harness, 1ms, data));
  }
}

/// Its numbers are outside the old windows, but it carries data both ways.
TEST(LookupTime, AConnectionOnTheTupleOfOneThatBothEndsLostLives) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  harness.advance(7000s);
  constexpr std::uint32_t kFar = 0x4000'0000;
  ASSERT_TRUE(connection.pod(net::kSyn, kFar, 0).emitted());
  const auto syn_ack = Connection::remote(net::kSyn | net::kAck, kFar, kFar + 1);
  ASSERT_TRUE(harness.send("eni0", syn_ack).emitted());
  ASSERT_TRUE(connection.pod(net::kAck, kFar + 1, kFar + 1).emitted());
  const auto data = Connection::remote(net::kAck, kFar + 1, kFar + 1);
  EXPECT_TRUE(answered_after(harness, 7440s, data));
  EXPECT_TRUE(answered_after(harness, 7440s, data));
}

TEST(LookupTime, AResetOutsideTheWindowEndsNothing) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  ASSERT_TRUE(harness.send("eni0", Connection::remote(net::kRst, 501 + 0x1000'0000, 0)).emitted());
  EXPECT_TRUE(answered_after(harness, 7440s, Connection::remote(net::kAck, 501, 101)));
}

TEST(LookupTime, APodReopensAClosedConnectionWithItsOldPort) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  ASSERT_TRUE(connection.pod(net::kRst, 101, 0).emitted());
  const Outcome again = connection.pod(net::kSyn, 70'000, 0);
  ASSERT_TRUE(again.emitted()) << again;
  EXPECT_EQ(test::source_port_of(again.frame), 40'000u);
  EXPECT_EQ(harness.sessions(), 1u);
  ASSERT_TRUE(harness.send("eni0", Connection::remote(net::kSyn | net::kAck, 9, 70'001)).emitted());
  ASSERT_TRUE(connection.pod(net::kAck, 70'001, 10).emitted());
  EXPECT_TRUE(answered_after(harness, 7440s, Connection::remote(net::kAck, 10, 70'001)));
}

/// Sequence numbers of another connection need not lie beyond the old one's: the remote decides.
TEST(LookupTime, AConnectionLivesOnATupleWhoseOldNumbersItIsNotBeyond) {
  enum class Before { kOpen, kReset, kClosed, kHalfClosed };
  for (const Before before :
       {Before::kOpen, Before::kReset, Before::kClosed, Before::kHalfClosed}) {
    SCOPED_TRACE(static_cast<int>(before));
    Harness harness(node_yaml("", kOnePort));
    Connection connection(harness);
    connection.establish();
    if (before == Before::kReset) {
      ASSERT_TRUE(connection.pod(net::kRst, 101, 0).emitted());
    } else if (before != Before::kOpen) {
      ASSERT_TRUE(connection.pod(net::kFin | net::kAck, 101, 501).emitted());
      if (before == Before::kClosed) {
        ASSERT_TRUE(
            harness.send("eni0", Connection::remote(net::kFin | net::kAck, 501, 102)).emitted());
        ASSERT_TRUE(connection.pod(net::kAck, 102, 502).emitted());
      }
    }
    constexpr std::uint32_t kFar = 0x9000'0000;
    ASSERT_TRUE(connection.pod(net::kSyn, kFar, 0).emitted());
    ASSERT_TRUE(
        harness.send("eni0", Connection::remote(net::kSyn | net::kAck, 77, kFar + 1)).emitted());
    ASSERT_TRUE(connection.pod(net::kAck, kFar + 1, 78).emitted());
    EXPECT_EQ(harness.table().held(), 0u) << "live, so nobody else gets its port";
    EXPECT_TRUE(answered_after(harness, 7440s, Connection::remote(net::kAck, 78, kFar + 1)));
    ASSERT_TRUE(harness.send("eni0", Connection::remote(net::kRst, 78, 0)).emitted());
    EXPECT_EQ(harness.table().held(), 1u) << "and its own numbers count";
  }
}

/// Nobody who has not seen the SYN can make the gateway forget a connection.
TEST(LookupTime, ASynAckThatAnswersNoSynChangesNothing) {
  Harness harness(node_yaml("", kOnePort));
  Connection connection(harness);
  connection.establish();
  ASSERT_TRUE(connection.pod(net::kSyn, 0x9000'0000, 0).emitted());
  for (const std::uint32_t guess : {0u, 101u, 0x9000'0000u, 0x9000'0002u}) {
    ASSERT_TRUE(
        harness.send("eni0", Connection::remote(net::kSyn | net::kAck, 77, guess)).emitted());
  }
  EXPECT_TRUE(answered_after(harness, 7440s, Connection::remote(net::kAck, 501, 101)));
}

/// Catalogue 57.
TEST(LookupTime, NothingIsLeftAfterTheLastTimeout) {
  Harness harness(node_yaml("", kOnePort));
  Connection(harness).establish();
  for (unsigned i = 1; i < 200; ++i) {
    const auto sent = query().source_port(i);
    ASSERT_TRUE(
        harness.send("pod-a", sent.destination("203.0.113." + std::to_string(i))).emitted());
    ASSERT_TRUE(harness.send("pod-a", sent.destination("10.10.30.5")).emitted());
  }
  ASSERT_EQ(harness.sessions(), 399u);
  harness.advance(7'440'001ms);
  harness.table().sweep(harness.now(), harness.table().capacity());
  EXPECT_EQ(harness.sessions(), 0u);
  EXPECT_EQ(harness.table().check_invariants(), "");
}

}  // namespace
}  // namespace sluice::pipeline
