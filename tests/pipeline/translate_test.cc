// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What becomes of a translated packet, byte for byte, both ways. The expected frame is built anew,
/// with its checksums computed in full.
#include "pipeline/stages/translate.h"

#include <gtest/gtest.h>

#include "support/harness.h"
#include "support/random.h"

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

constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";
constexpr std::string_view kRouter0 = "10.10.10.1";
constexpr unsigned kPort = 40'000;
const std::string kOnePort = "  ports: 40000-40000";

struct Pod {
  std::string_view device;
  std::string_view address;
};
/// Whose addresses belong to eni0, to eni1, to eni1's prefix.
constexpr Pod kPods[] = {
    {"pod-a", "10.10.10.21"}, {"pod-b", "10.10.20.21"}, {"pod-c", "10.10.20.33"}};

/// A request and its reply, without addresses; the reply as the server sends it.
struct Case {
  std::string name;
  PacketBuilder request;
  PacketBuilder reply;
  bool icmp = false;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

PacketBuilder ip() { return eth().ipv4("0.0.0.0", "0.0.0.0"); }
PacketBuilder syn() { return ip().tcp(4000, 443).flags(net::kSyn); }
PacketBuilder syn_ack() { return ip().tcp(443, kPort).flags(net::kSyn).seq(9000).ack(1001); }
PacketBuilder query() { return ip().udp(4000, 53).payload("query"); }
PacketBuilder answer() { return ip().udp(53, kPort).payload("the answer"); }
PacketBuilder ping() { return ip().echo(4000, 3).payload("abcdefg"); }
PacketBuilder pong() { return ip().echo_reply(kPort, 3).payload("abcdefg"); }

const Bytes kMssAndScale{2, 4, 5, 0xb4, 1, 3, 3, 7};
const Bytes kRouterAlert{0x94, 4, 0, 0};
const Bytes kRecordRoute{7, 7, 4, 0, 0, 0, 0, 0};
const Bytes kLooseSourceRoute{131, 7, 4, 203, 0, 113, 9, 0};
const Bytes kStrictSourceRoute{137, 7, 4, 203, 0, 113, 9, 0};

const Case kCases[] = {
    {"Tcp", syn(), syn_ack()},
    {"TcpWithOptions", syn().tcp_options(kMssAndScale), syn_ack().tcp_options(kMssAndScale)},
    {"TcpWithPayload", syn().payload("fast open, an odd length"), syn_ack().payload("x")},
    {"Udp", query(), answer()},
    {"UdpEmpty", ip().udp(4000, 53), ip().udp(53, kPort)},
    {"UdpOfOneByte", query().payload("q"), answer().payload("a")},
    {"UdpWithoutChecksum", query().no_checksum(), answer().no_checksum()},
    {"UdpFromAndToPortZero", ip().udp(0, 53).payload("zero"), answer()},
    {"Echo", ping(), pong(), true},
    {"EchoOfOddLength", ping().payload("abc"), pong().payload("abc"), true},
    {"EchoEmpty", ip().echo(4000), ip().echo_reply(kPort), true},
    {"Timestamp", ip().icmp(13, 0, 4000, 1).payload(Bytes(12, 1)),
     ip().icmp(14, 0, kPort, 1).payload(Bytes(12, 2)), true},
    {"ServiceClassKept", query().tos(0xb8), answer().tos(0x2b)},
    {"DontFragmentKept", syn().df(), syn_ack().df()},
    {"IdentificationKept", query().id(0), answer().id(0xffff)},
    {"IpOptionsKept", query().ip_options(kRouterAlert), answer().ip_options(kRecordRoute)},
    {"IpOptionsKeptOverTcp", syn().ip_options(kRecordRoute), syn_ack().ip_options(kRouterAlert)},
    {"SourceRouteKept", query().ip_options(kLooseSourceRoute),
     answer().ip_options(kStrictSourceRoute)},
    {"PaddingCut", syn().padding(6), syn_ack().padding(6)},
    {"PaddingCutAfterOddLength", query().payload("q").padding(17),
     answer().payload("a").padding(17)},
    {"PaddingCutAfterEcho", ping().payload("").padding(18), pong().payload("").padding(18), true},
    {"WrongTcpChecksumStaysWrong", syn().spoil(1), syn_ack().spoil(0xfffe)},
    {"WrongUdpChecksumStaysWrong", query().spoil(0x1234), answer().spoil(0x8000)},
    {"WrongIcmpChecksumStaysWrong", ping().spoil(7), pong().spoil(7), true},
    {"HighTtl", query().ttl(255), answer().ttl(255)},
    {"TtlTwo", query().ttl(2), answer().ttl(2)},
    {"AsLongAsTheMtu", ip().udp(4000, 53).payload(Bytes(1472, 0x5a)),
     ip().udp(53, kPort).payload(Bytes(1472, 0xa5))},
};

unsigned ttl_of(const PacketBuilder& packet) { return packet.bytes().at(22); }

class BothWays : public testing::TestWithParam<Case> {};

TEST_P(BothWays, LeavesAsTheSnatAddressAndComesBackToThePod) {
  const auto& [name, request, reply, icmp] = GetParam();
  for (const Pod& pod : kPods) {
    SCOPED_TRACE(pod.address);
    Harness harness(node_yaml("", kOnePort));
    const auto sent = request.source(pod.address).destination(kServer);
    // The first packet opens the session, the second finds it: no byte may differ.
    for (const bool first : {true, false}) {
      const Outcome out = harness.send(pod.device, sent);
      ASSERT_EQ(out.device, "eni0") << out;
      EXPECT_EQ(out.verdict, Verdict::kSnat);
      EXPECT_EQ(out.first, first);
      const auto wanted = sent.source(kSnat).source_port(kPort).ttl(ttl_of(sent) - 1).padding(0);
      EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", kRouter0, wanted), out.frame));

      const auto answered = reply.source(kServer).destination(kSnat);
      const Outcome back = harness.send("eni0", answered);
      ASSERT_EQ(back.device, pod.device) << back;
      EXPECT_EQ(back.verdict, Verdict::kUnsnat);
      auto wanted_back = answered.destination(pod.address).ttl(ttl_of(answered) - 1).padding(0);
      wanted_back = icmp ? wanted_back.source_port(4000)
                         : wanted_back.destination_port(name == "UdpFromAndToPortZero" ? 0 : 4000);
      EXPECT_TRUE(same_bytes(harness.as_emitted(pod.device, pod.address, wanted_back), back.frame));
    }
    EXPECT_EQ(harness.sessions(), 1u);
  }
}

INSTANTIATE_TEST_SUITE_P(Translate, BothWays, testing::ValuesIn(kCases), [](const auto& c) {
  return c.param.name;
});

TEST(Translate, ThroughADedicatedGateway) {
  Harness harness(test::dedicated_yaml("", kOnePort));
  const auto sent = query().source("100.64.3.4").destination(kServer);
  const Outcome out = harness.send("inner", sent);
  ASSERT_EQ(out.device, "uplink") << out;
  EXPECT_TRUE(same_bytes(harness.as_emitted("uplink", "10.20.0.1",
                                            sent.source("10.20.0.20").source_port(kPort).ttl(63)),
                         out.frame));
  const auto answered = answer().source(kServer).destination("10.20.0.20");
  const Outcome back = harness.send("uplink", answered);
  ASSERT_EQ(back.device, "inner") << back;
  EXPECT_TRUE(same_bytes(
      harness.as_emitted("inner", "10.20.1.1",
                         answered.destination("100.64.3.4").destination_port(4000).ttl(63)),
      back.frame));
}

// --- what does not survive the hop -----------------------------------------------------------

TEST(Translate, ATtlThatEndsHereOpensNoSession) {
  Harness harness(node_yaml());
  for (const unsigned ttl : {0u, 1u}) {
    const auto sent = query().source("10.10.10.21").destination(kServer).ttl(ttl);
    EXPECT_TRUE(dropped(harness.send("pod-a", sent), DropReason::kTtlExpired));
  }
  EXPECT_EQ(harness.sessions(), 0u);
}

TEST(Translate, ATtlThatEndsHereDoesNotRefreshTheSession) {
  using namespace std::chrono_literals;
  Harness harness(node_yaml("", kOnePort));
  const auto sent = query().source("10.10.10.21").destination(kServer);
  ASSERT_TRUE(harness.send("pod-a", sent).emitted());
  harness.advance(200s);
  EXPECT_TRUE(dropped(harness.send("pod-a", sent.ttl(1)), DropReason::kTtlExpired));
  const auto answered = answer().source(kServer).destination(kSnat);
  EXPECT_TRUE(dropped(harness.send("eni0", answered.ttl(1)), DropReason::kTtlExpired));
  harness.advance(101s);
  EXPECT_TRUE(dropped(harness.send("eni0", answered), DropReason::kNoSession));
}

TEST(Translate, LargerThanTheMtuOfTheWayOutIsTooBig) {
  Harness harness(node_yaml("", kOnePort));
  const auto sent = ip().udp(4000, 53).source("10.10.10.21").destination(kServer).df();
  EXPECT_TRUE(dropped(harness.send("pod-a", sent.payload(Bytes(1473))), DropReason::kTooBig));
  EXPECT_TRUE(harness.send("pod-a", sent.payload(Bytes(1472)).padding(9)).emitted())
      << "padding does not count";
}

TEST(Translate, EachDeviceHasItsOwnMtu) {
  test::HarnessOptions options;
  options.mtu = 9001;
  std::string yaml = node_yaml("", kOnePort);
  yaml.replace(yaml.find("primary: true"), 13, "primary: true, mtu: 1500");
  Harness harness(yaml, options);
  const auto large = ip().udp(4000, 53).payload(Bytes(4000)).source("10.10.10.21").df();
  EXPECT_TRUE(dropped(harness.send("pod-a", large.destination(kServer)), DropReason::kTooBig));
  EXPECT_EQ(harness.send("pod-a", large.destination("10.10.20.21")).device, "pod-b");
}

// --- properties ------------------------------------------------------------------------------

/// Any packet out, its reply back: right checksums on the way, and at the pod what was sent.
TEST(Translate, OutAndBackRestoresWhatThePodKnows) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml());
  for (int round = 0; round < 5000; ++round) {
    const Pod& pod = kPods[random.below(3)];
    const std::string server = Ipv4Addr{0xc6336400 + random.below(256)}.to_string();
    const unsigned from = random.below(65536);
    const unsigned to = random.below(65536);
    const unsigned kind = random.below(3);
    Bytes payload(random.below(40));
    for (auto& byte : payload) byte = random.byte();
    const auto base = ip().payload(payload).id(random.below(65536)).tos(random.byte());
    const auto request = kind == 0   ? base.tcp(from, to).flags(net::kSyn).seq(random.word())
                         : kind == 1 ? base.udp(from, to)
                                     : base.echo(from, to);
    const Outcome out = harness.send(pod.device, request.source(pod.address).destination(server));
    ASSERT_EQ(out.device, "eni0") << out;
    ASSERT_EQ(test::wrong_checksums(out.frame), "");
    ASSERT_EQ(test::source_of(out.frame), kSnat);
    const unsigned port = test::source_port_of(out.frame);
    ASSERT_GE(port, 1024u);

    const auto reply = kind == 0   ? base.tcp(to, port).flags(net::kSyn).ack(1)
                       : kind == 1 ? base.udp(to, port)
                                   : base.echo_reply(port, to);
    const Outcome back = harness.send("eni0", reply.source(server).destination(kSnat));
    ASSERT_EQ(back.device, pod.device) << back;
    const auto wanted = reply.source(server).destination(pod.address).ttl(63);
    ASSERT_TRUE(same_bytes(
        harness.as_emitted(pod.device, pod.address,
                           kind == 2 ? wanted.source_port(from) : wanted.destination_port(from)),
        back.frame));
  }
}

}  // namespace
}  // namespace sluice::pipeline
