// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a sender is told about its dropped packet.
#include "pipeline/stages/answer.h"

#include <gtest/gtest.h>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::same_bytes;
using namespace std::chrono_literals;

constexpr net::MacAddress kAsker{2, 5, 5, 5, 5, 5};
constexpr std::string_view kServer = "198.51.100.7";

PacketBuilder from_pod_a() { return eth().from_mac(kAsker).ipv4("10.10.10.21", kServer); }
PacketBuilder from_pod_b() { return eth().from_mac(kAsker).ipv4("10.10.20.21", kServer); }

/// The error as RFC 1812 4.3.2 has it: at most 576 bytes, quoting the packet as it came.
Bytes error(const Harness& harness,
            std::string_view device,
            std::string_view own,
            const PacketBuilder& about,
            unsigned type,
            unsigned code,
            unsigned mtu = 0) {
  Bytes quoted = about.bytes();
  quoted.erase(quoted.begin(), quoted.begin() + 14);
  if (quoted.size() > 548) quoted.resize(548);
  return eth()
      .from_mac(test::device_mac(harness.device(device).value))
      .to_mac(kAsker)
      .ipv4(own, test::source_of(about.bytes()))
      .id(0)
      .tos(0xc0 | (about.bytes()[15] & 0x1e))
      .df()
      .icmp(type, code, 0, mtu)
      .payload(quoted)
      .bytes();
}

TEST(Answer, TimeExceededComesFromTheEniThatOwnsThePod) {
  Harness harness(node_yaml());
  const auto a = from_pod_a().udp(1, 2).payload("traceroute").ttl(1);
  const Outcome out_a = harness.send("pod-a", a);
  EXPECT_TRUE(dropped(out_a, DropReason::kTtlExpired));
  EXPECT_EQ(out_a.answer, AnswerKind::kIcmpTimeExceeded);
  EXPECT_EQ(out_a.device, "pod-a");
  EXPECT_TRUE(same_bytes(error(harness, "pod-a", "10.10.10.20", a, 11, 0), out_a.frame));
  const auto b = from_pod_b().echo(5).ttl(1).padding(18);
  const Outcome out_b = harness.send("pod-b", b);
  EXPECT_TRUE(same_bytes(error(harness, "pod-b", "10.10.20.20", b.padding(0), 11, 0), out_b.frame));
}

TEST(Answer, TimeExceededOfAKnownFlowQuotesWhatThePodSent) {
  Harness harness(node_yaml());
  const auto sent = from_pod_a().udp(1, 2);
  ASSERT_TRUE(harness.send("pod-a", sent).emitted());
  const Outcome out = harness.send("pod-a", sent.ttl(1));
  EXPECT_TRUE(same_bytes(error(harness, "pod-a", "10.10.10.20", sent.ttl(1), 11, 0), out.frame));
}

/// RFC 1812 4.3.2.5: the type of service is that of the packet, its precedence 6 whatever it was.
TEST(Answer, AnErrorKeepsTheTypeOfServiceButNotThePrecedence) {
  Harness harness(node_yaml());
  constexpr std::size_t kServiceAt = 15;
  for (const auto& [sent, told] : {std::pair{0x00u, 0xc0u},
                                   {0x10u, 0xd0u},
                                   {0x08u, 0xc8u},
                                   {0xb8u, 0xd8u},
                                   {0xe0u, 0xc0u},
                                   {0x20u, 0xc0u}}) {
    const Outcome expired = harness.send("pod-a", from_pod_a().udp(1, 2).tos(sent).ttl(1));
    ASSERT_EQ(expired.fate, Fate::kDropAnswered) << expired;
    EXPECT_EQ(expired.frame.at(kServiceAt), told);
    EXPECT_EQ(test::wrong_checksums(expired.frame), "");
  }
}

TEST(Answer, OnAnEniItComesFromThatEnisAddress) {
  Harness harness(node_yaml());
  const auto sent = eth().from_mac(kAsker).ipv4("172.30.0.1", "10.10.20.21").udp(1, 2).ttl(1);
  for (const auto& [device, own] :
       {std::pair{"eni0", "10.10.10.20"}, std::pair{"eni1", "10.10.20.20"}}) {
    const Outcome out = harness.send(device, sent);
    EXPECT_EQ(out.device, device);
    EXPECT_TRUE(same_bytes(error(harness, device, own, sent, 11, 0), out.frame));
  }
}

TEST(Answer, TooBigIsToldWithTheMtuWhereFragmentingIsForbidden) {
  Harness harness(node_yaml());
  const auto sent = from_pod_a().udp(1, 2).payload(Bytes(2000, 7));
  const Outcome told = harness.send("pod-a", sent.df());
  EXPECT_TRUE(dropped(told, DropReason::kTooBig));
  EXPECT_TRUE(
      same_bytes(error(harness, "pod-a", "10.10.10.20", sent.df(), 3, 4, 1500), told.frame));
  EXPECT_EQ(harness.send("pod-a", sent).pieces.size(), 2u) << "cut where it may be";
}

TEST(Answer, ExhaustionIsToldAsAdministrativelyProhibited) {
  const auto sent = from_pod_a().udp(1, 2);
  struct Case {
    std::string yaml;
    PacketBuilder refused;
    DropReason reason;
  };
  for (const Case& c :
       {Case{node_yaml("", "  ports: 4000-4000"), sent.source_port(9), DropReason::kPortsExhausted},
        Case{node_yaml("flows: {capacity: 1}"), sent.source_port(9), DropReason::kFlowTableFull},
        Case{node_yaml("flows: {per_pod: 1}"), sent.source_port(9), DropReason::kPodLimit}}) {
    Harness harness(c.yaml);
    ASSERT_TRUE(harness.send("pod-a", sent).emitted());
    const Outcome out = harness.send("pod-a", c.refused);
    EXPECT_TRUE(dropped(out, c.reason));
    EXPECT_TRUE(same_bytes(error(harness, "pod-a", "10.10.10.20", c.refused, 3, 13), out.frame));
  }
}

// --- RST -------------------------------------------------------------------------------------

Bytes rst(const Harness& harness, const PacketBuilder& fields) {
  return fields.from_mac(test::device_mac(harness.device("pod-a").value))
      .to_mac(kAsker)
      .id(0)
      .df()
      .window(0)
      .bytes();
}

/// RFC 9293 3.10.7.1, in the server's name.
TEST(Answer, AMidStreamSegmentGetsARst) {
  Harness harness(node_yaml());
  const auto from_server = eth().ipv4(kServer, "10.10.10.21").tcp(443, 4000);
  const auto acks = from_pod_a().tcp(4000, 443).seq(70).ack(900).payload("data").padding(2);
  const Outcome one = harness.send("pod-a", acks);
  EXPECT_TRUE(dropped(one, DropReason::kTcpMidStream));
  EXPECT_EQ(one.answer, AnswerKind::kTcpRst);
  EXPECT_TRUE(same_bytes(rst(harness, from_server.flags(net::kRst).seq(900)), one.frame));

  const auto syn_fin =
      from_pod_a().tcp(4000, 443).seq(70).flags(net::kSyn | net::kFin).payload("abc");
  const Outcome two = harness.send("pod-a", syn_fin);
  EXPECT_TRUE(same_bytes(rst(harness, from_server.flags(net::kRst).seq(0).ack(75)), two.frame));
  EXPECT_EQ(harness.sessions(), 0u);
}

TEST(Answer, ARstGetsNone) {
  Harness harness(node_yaml());
  for (const unsigned flags : {net::kRst | 0u, net::kRst | net::kAck | 0u}) {
    const Outcome out = harness.send("pod-a", from_pod_a().tcp(1, 2).flags(flags));
    EXPECT_EQ(out.fate, Fate::kDrop) << out;
  }
  Harness silent(node_yaml("flows: {tcp_mid_stream: drop}"));
  EXPECT_EQ(silent.send("pod-a", from_pod_a().tcp(1, 2).ack(3)).fate, Fate::kDrop);
}

// --- IPv6 ------------------------------------------------------------------------------------

PacketBuilder from_pod_a6() {
  return eth().from_mac(kAsker).ipv6("2001:db8:a:1::21", "2001:db8:f::9");
}

/// RFC 4443 3: the error from the ENI that owns the pod, quoting what fits into 1280 bytes.
Bytes error6(const PacketBuilder& about, unsigned type, unsigned mtu) {
  const Bytes packet = about.to_mac(test::device_mac(2)).bytes();
  Bytes body{static_cast<std::uint8_t>(mtu >> 24), static_cast<std::uint8_t>(mtu >> 16),
             static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)};
  const auto quoted = std::min<std::size_t>(packet.size() - 14, 1280 - 48);
  body.insert(body.end(), packet.begin() + 14,
              packet.begin() + 14 + static_cast<std::ptrdiff_t>(quoted));
  return eth()
      .from_mac(test::device_mac(2))
      .to_mac(kAsker)
      .ipv6("2001:db8:a:1::20", "2001:db8:a:1::21")
      .icmpv6(type, body)
      .bytes();
}

TEST(Answer, Ipv6PacketTooBigIsToldWithTheMtu) {
  Harness harness(node_yaml());
  const auto sent = from_pod_a6().udp(1, 2).payload(Bytes(2000, 7));
  const Outcome out = harness.send("pod-a", sent);
  EXPECT_TRUE(dropped(out, DropReason::kTooBig));
  EXPECT_EQ(out.device, "pod-a");
  EXPECT_TRUE(same_bytes(error6(sent, 2, 1500), out.frame));
}

TEST(Answer, Ipv6HopLimitThatEndsHereIsTold) {
  Harness harness(node_yaml());
  const auto sent = from_pod_a6().udp(1, 2).payload("traceroute").ttl(1);
  const Outcome out = harness.send("pod-a", sent);
  EXPECT_TRUE(dropped(out, DropReason::kTtlExpired));
  EXPECT_TRUE(same_bytes(error6(sent, 3, 0), out.frame));
}

/// RFC 4443 2.4 (e).
TEST(Answer, NothingIsSaidAboutAnIcmpv6Error) {
  Harness harness(node_yaml());
  const auto error = from_pod_a6().icmpv6(1, Bytes(60)).ttl(1);
  EXPECT_EQ(harness.send("pod-a", error).fate, Fate::kDrop);
  constexpr unsigned kDestinationOptions = 60;
  const Bytes hidden{58, 0, 1, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};  // and an unreachable behind
  const auto behind_options = from_pod_a6().protocol(kDestinationOptions).payload(hidden).ttl(1);
  EXPECT_EQ(harness.send("pod-a", behind_options).fate, Fate::kDrop);
  const auto echo = from_pod_a6().icmpv6(128, Bytes(60)).ttl(1);
  EXPECT_EQ(harness.send("pod-a", echo).fate, Fate::kDropAnswered);
}

// --- restraint -------------------------------------------------------------------------------

/// RFC 1122 3.2.2, and what else deserves silence.
TEST(Answer, NothingIsSaidAbout) {
  Harness harness(node_yaml());
  const auto quoted = eth().ipv4(kServer, "10.10.10.21").udp(1, 2).bytes();
  const std::pair<std::string, PacketBuilder> kSilent[] = {
      {"an ICMP error",
       from_pod_a().icmp(3, 3, 0, 0).payload(Bytes(quoted.begin() + 14, quoted.end())).ttl(1)},
      {"an impossible fragment", from_pod_a().udp(1, 2).fragment(65'528, false).ttl(1)},
      {"a martian source", from_pod_a().source("127.0.0.1").udp(1, 2).ttl(1)},
      {"a spoofed source", from_pod_a().source("10.10.20.21").udp(1, 2).ttl(1)},
      {"a multicast destination", from_pod_a().destination("224.0.0.9").udp(1, 2).ttl(1)},
      {"a broadcast destination", from_pod_a().destination("255.255.255.255").udp(1, 2).ttl(1)},
      {"a broken header", from_pod_a().udp(1, 2).spoil_ip_checksum().ttl(1)},
  };
  for (const auto& [what, packet] : kSilent) {
    EXPECT_EQ(harness.send("pod-a", packet).fate, Fate::kDrop) << what;
  }
  // Unsolicited packets to the gateway's address: silence, not reflection.
  const auto unsolicited = eth().ipv4("172.30.0.1", "10.10.10.20").tcp(1, 2).flags(net::kSyn);
  EXPECT_EQ(harness.send("eni0", unsolicited).fate, Fate::kDrop);
}

/// How many of so many packets, sent at once, are answered.
unsigned answered(Harness& harness,
                  std::string_view in,
                  const PacketBuilder& packet,
                  unsigned count) {
  unsigned answers = 0;
  for (unsigned i = 0; i < count; ++i) {
    const Outcome out = harness.send(in, packet);
    EXPECT_TRUE(out.fate == Fate::kDrop || out.fate == Fate::kDropAnswered) << out;
    answers += out.fate == Fate::kDropAnswered ? 1 : 0;
  }
  return answers;
}

TEST(Answer, IsRateLimited) {
  Harness harness(node_yaml());
  const auto expired = from_pod_a().udp(1, 2).ttl(1);
  EXPECT_EQ(answered(harness, "pod-a", expired, 1000), AnswerBudget::kSender.most);
  EXPECT_EQ(harness.counters().unanswered.get(), 1000 - AnswerBudget::kSender.most);
  harness.advance(50ms);
  EXPECT_EQ(answered(harness, "pod-a", expired, 1000), AnswerBudget::kSender.per_second / 20);
  harness.advance(1h);
  EXPECT_EQ(answered(harness, "pod-a", expired, 1000), AnswerBudget::kSender.most);
}

/// Whatever others send, and whatever else the pod itself does, it hears of its path's MTU.
TEST(Answer, NobodyUsesUpWhatOthersAreToBeTold) {
  Harness harness(node_yaml());
  const auto large = from_pod_a().udp(1, 2).df().payload(std::string(2000, 'x'));
  const auto expired = from_pod_a().udp(1, 2).ttl(1);
  const auto segment = from_pod_a().tcp(1, 2).flags(net::kAck);
  const auto of_another = eth().ipv4("10.10.20.21", "198.51.100.7").udp(1, 2);
  const auto outside = eth().ipv4("172.30.0.1", "10.10.20.21").udp(1, 2).ttl(1);
  for (int round = 0; round < 20; ++round) {
    harness.advance(50ms);
    answered(harness, "pod-a", expired, 500);
    answered(harness, "pod-a", segment, 500);
    answered(harness, "eni1", outside, 500);
    answered(harness, "pod-b", of_another.df().payload(std::string(2000, 'x')), 500);
    answered(harness, "pod-b", of_another.ttl(1), 500);
    EXPECT_EQ(answered(harness, "pod-a", large, 1), 1u) << round;
  }
}

/// Many senders together are limited as well.
TEST(Answer, SendersTogetherAreLimited) {
  Harness harness(node_yaml());
  unsigned answers = 0;
  for (unsigned i = 0; i < 20'000; ++i) {
    const auto from = Ipv4Addr{0xac1e0000 + i}.to_string();
    answers += answered(harness, "eni1", eth().ipv4(from, "10.10.20.21").udp(1, 2).ttl(1), 1);
  }
  EXPECT_EQ(answers, AnswerBudget::kAll.most);
}

}  // namespace
}  // namespace sluice::pipeline
