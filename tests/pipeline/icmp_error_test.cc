// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// ICMP errors about translated flows (RFC 5508 4): outer header, quoted header, quoted transport,
/// and every checksum, against messages built anew.
#include "nat/icmp_error.h"

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

constexpr std::string_view kPod = "10.10.10.21";
constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";
constexpr std::string_view kRouter = "203.0.113.1";
constexpr unsigned kPort = 40'000;

std::string yaml() { return node_yaml("", "  ports: 40000-40000"); }

/// The packet as an error quotes it: from its IP header on, `l4` bytes behind that.
Bytes quote(const PacketBuilder& packet, std::size_t l4 = 10'000) {
  const Bytes frame = packet.bytes();
  const auto end = std::min(frame.size(), std::size_t{34} + l4);
  return {frame.begin() + 14, frame.begin() + static_cast<std::ptrdiff_t>(end)};
}

PacketBuilder error(std::string_view from,
                    std::string_view to,
                    const Bytes& quoted,
                    unsigned type = 3,
                    unsigned code = 3,
                    unsigned mtu = 0) {
  return eth().ipv4(from, to).icmp(type, code, 0, mtu).payload(quoted);
}

struct Case {
  std::string name;
  PacketBuilder request;  ///< from the pod's port 4000
  PacketBuilder reply;    ///< to the pod's port 4000, as the pod sees it
  bool icmp = false;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

PacketBuilder there() { return eth().ipv4(kPod, kServer); }
PacketBuilder back() { return eth().ipv4(kServer, kPod); }

const Case kCases[] = {
    {"Udp", there().udp(4000, 53).payload("query"), back().udp(53, 4000).payload("answer")},
    {"UdpWithoutChecksum", there().udp(4000, 53).payload("query").no_checksum(),
     back().udp(53, 4000).no_checksum()},
    {"UdpWithWrongChecksum", there().udp(4000, 53).payload("query").spoil(5),
     back().udp(53, 4000).spoil(5)},
    {"Tcp", there().tcp(4000, 443).flags(net::kSyn), back().tcp(443, 4000).flags(net::kSyn).ack(1)},
    {"Echo", there().echo(4000).payload("ping"), back().echo_reply(4000).payload("ping"), true},
    {"Sctp", there().protocol(132).payload("twelve bytes"),
     back().protocol(132).payload("twelve bytes")},
};

/// How much of the quoted transport there is: all, up to TCP's checksum and not, the least.
constexpr std::size_t kLengths[] = {10'000, 18, 16, 12, 8};

class IcmpError : public testing::TestWithParam<Case> {};

TEST_P(IcmpError, FromOutsideReachesThePodAboutWhatThePodSent) {
  const Case& c = GetParam();
  for (const std::size_t length : kLengths) {
    for (const auto& [type, code, mtu] :
         {std::tuple{3u, 3u, 0u}, {3u, 1u, 0u}, {3u, 4u, 1400u}, {11u, 0u, 0u}, {12u, 0u, 0u}}) {
      Harness harness(yaml());
      ASSERT_TRUE(harness.send("pod-a", c.request).emitted());
      // As it was when a router on the way gave up on it.
      auto on_the_way = c.request.source(kSnat).ttl(3);
      if (c.name != "Sctp") on_the_way = on_the_way.source_port(kPort);
      const Outcome out =
          harness.send("eni0", error(kRouter, kSnat, quote(on_the_way, length), type, code, mtu));
      ASSERT_EQ(out.device, "pod-a") << out;
      const auto wanted =
          error(kRouter, kPod, quote(c.request.ttl(3), length), type, code, mtu).ttl(63);
      EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod, wanted), out.frame))
          << length << " bytes quoted";
    }
  }
}

TEST_P(IcmpError, OfThePodReachesTheServerAboutWhatItAnswered) {
  const Case& c = GetParam();
  for (const std::size_t length : kLengths) {
    Harness harness(yaml());
    ASSERT_TRUE(harness.send("pod-a", c.request).emitted());
    const Outcome out = harness.send("pod-a", error(kPod, kServer, quote(c.reply, length)));
    ASSERT_EQ(out.device, "eni0") << out;
    auto as_answered = c.reply.destination(kSnat);
    if (c.icmp) as_answered = as_answered.source_port(kPort);
    if (!c.icmp && c.name != "Sctp") as_answered = as_answered.destination_port(kPort);
    const auto wanted = error(kSnat, kServer, quote(as_answered, length)).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", "10.10.10.1", wanted), out.frame))
        << length << " bytes quoted";
  }
}

INSTANTIATE_TEST_SUITE_P(Flows, IcmpError, testing::ValuesIn(kCases), [](const auto& c) {
  return c.param.name;
});

const PacketBuilder kQuery = there().udp(4000, 53).payload("query");
const PacketBuilder kOnTheWay = kQuery.source(kSnat).source_port(kPort);

/// A pod on a pod port is no router: it cannot speak, with the SNAT address, about another's flow.
TEST(IcmpErrors, OfAnotherPodGoNowhere) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", there().udp(4000, 53)).emitted());
  const auto forged = error("10.10.20.21", kServer, quote(back().udp(53, 4000), 28), 3, 4, 68);
  EXPECT_TRUE(dropped(harness.send("pod-b", forged), DropReason::kSpoofedSource));
}

TEST(IcmpErrors, NeitherKeepAFlowNorEndIt) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  const auto unreachable = error(kRouter, kSnat, quote(kOnTheWay));
  harness.advance(200s);
  EXPECT_TRUE(harness.send("eni0", unreachable).emitted());
  const auto reply = eth().ipv4(kServer, kSnat).udp(53, kPort);
  EXPECT_TRUE(harness.send("eni0", reply.ttl(64)).emitted()) << "not ended";
  harness.advance(200s);
  EXPECT_TRUE(harness.send("eni0", unreachable).emitted());
  harness.advance(101s);
  EXPECT_TRUE(dropped(harness.send("eni0", unreachable), DropReason::kNoSession)) << "not kept";
}

/// RFC 5382 REQ-10: a connection, whatever the error says and whoever sends it.
TEST(IcmpErrors, NeitherKeepAConnectionNorEndIt) {
  Harness harness(yaml());
  const auto pod = there().tcp(4000, 443);
  const auto server = eth().ipv4(kServer, kSnat).tcp(443, kPort);
  ASSERT_TRUE(harness.send("pod-a", pod.flags(net::kSyn).seq(100)).emitted());
  ASSERT_TRUE(harness.send("eni0", server.flags(net::kSyn).seq(500).ack(101)).emitted());
  ASSERT_TRUE(harness.send("pod-a", pod.seq(101).ack(501)).emitted());
  const auto data = server.seq(501).ack(101);
  const Bytes from_pod = quote(pod.seq(101).ack(501).source(kSnat).source_port(kPort), 8);
  const Bytes to_pod = quote(data.destination(kPod).destination_port(4000), 8);
  const auto complain_all = [&] {
    for (const auto& [type, code] : {std::pair{3u, 0u}, {3u, 1u}, {3u, 2u}, {3u, 3u}, {11u, 0u}}) {
      EXPECT_TRUE(harness.send("eni0", error(kRouter, kSnat, from_pod, type, code)).emitted());
      EXPECT_TRUE(harness.send("pod-a", error(kPod, kServer, to_pod, type, code)).emitted());
    }
  };
  complain_all();
  harness.advance(7440s);
  EXPECT_TRUE(harness.send("eni0", data).emitted()) << "not ended, nor on its way to it";
  harness.advance(7440s);
  complain_all();
  harness.advance(1ms);
  EXPECT_TRUE(dropped(harness.send("eni0", data), DropReason::kNoSession)) << "not kept";
}

/// RFC 5508 REQ-6.
TEST(IcmpErrors, NeitherKeepAQueryNorEndIt) {
  Harness harness(yaml());
  const auto ping = there().echo(4000);
  const auto pong = eth().ipv4(kServer, kSnat).echo_reply(kPort);
  ASSERT_TRUE(harness.send("pod-a", ping).emitted());
  const auto from_outside = error(kRouter, kSnat, quote(ping.source(kSnat).source_port(kPort)));
  const auto of_the_pod = error(kPod, kServer, quote(back().echo_reply(4000)));
  const auto complain_both = [&] {
    EXPECT_TRUE(harness.send("eni0", from_outside).emitted());
    EXPECT_TRUE(harness.send("pod-a", of_the_pod).emitted());
  };
  complain_both();
  harness.advance(60s);
  EXPECT_TRUE(harness.send("eni0", pong).emitted()) << "not ended";
  harness.advance(60s);
  complain_both();
  harness.advance(1ms);
  EXPECT_TRUE(dropped(harness.send("eni0", pong), DropReason::kNoSession)) << "not kept";
}

/// RFC 5508 REQ-3b: behind the quoted header's options lies the transport that has to be changed.
TEST(IcmpErrors, QuotedOptionsAreSkipped) {
  const Bytes kRecordRoute{7, 11, 8, 203, 0, 113, 1, 0, 0, 0, 0, 0};
  for (const std::size_t length : {std::size_t{10'000}, kRecordRoute.size() + 8}) {
    Harness harness(yaml());
    ASSERT_TRUE(harness.send("pod-a", kQuery.ip_options(kRecordRoute)).emitted());
    const Outcome in = harness.send(
        "eni0", error(kRouter, kSnat, quote(kOnTheWay.ip_options(kRecordRoute), length)));
    ASSERT_EQ(in.device, "pod-a") << in;
    const auto wanted =
        error(kRouter, kPod, quote(kQuery.ip_options(kRecordRoute), length)).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod, wanted), in.frame));

    const auto reply = back().udp(53, 4000).ip_options(kRecordRoute);
    const Outcome out = harness.send("pod-a", error(kPod, kServer, quote(reply, length)));
    ASSERT_EQ(out.device, "eni0") << out;
    const auto answered = reply.destination(kSnat).destination_port(kPort);
    const auto wanted_out = error(kSnat, kServer, quote(answered, length)).ttl(63);
    EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", "10.10.10.1", wanted_out), out.frame));
  }
}

/// RFC 5508 REQ-3d, RFC 4884: the quote is filled up to 128 bytes, and an extension of MPLS follows
/// (RFC 4950), which has a checksum of its own.
TEST(IcmpErrors, ExtensionsStayAsTheyAre) {
  const auto extended = [](std::string_view from, std::string_view to, Bytes quoted) {
    quoted.resize(128);
    for (const unsigned byte : {0x20, 0, 0xd4, 0x05, 0, 8, 1, 1, 0x0a, 0xbc, 0xd1, 0x40}) {
      quoted.push_back(static_cast<std::uint8_t>(byte));
    }
    constexpr unsigned kWords = 128 / 4;  // where RFC 792 has unused bytes, in the second of them
    return eth().ipv4(from, to).icmp(11, 0, kWords, 0).payload(quoted);
  };
  for (const Case& c : kCases) {
    if (c.name == "Sctp") continue;  // has no port to change
    for (const std::size_t size : {std::size_t{0}, std::size_t{200}}) {
      Harness harness(yaml());
      const auto sent = c.request.payload(Bytes(size, 0xab));
      ASSERT_TRUE(harness.send("pod-a", sent).emitted());
      const auto on_the_way = sent.source(kSnat).source_port(kPort);
      const Outcome out = harness.send("eni0", extended(kRouter, kSnat, quote(on_the_way)));
      ASSERT_EQ(out.device, "pod-a") << out;
      const auto wanted = extended(kRouter, kPod, quote(sent)).ttl(63);
      EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod, wanted), out.frame)) << c.name;
    }
  }
}

TEST(IcmpErrors, AboutNoFlowGoNowhere) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  const auto about = [&](const PacketBuilder& quoted) {
    return harness.send("eni0", error(kRouter, kSnat, quote(quoted)));
  };
  EXPECT_TRUE(dropped(about(kOnTheWay.source_port(kPort + 1)), DropReason::kNoSession));
  EXPECT_TRUE(dropped(about(kOnTheWay.destination("198.51.100.8")), DropReason::kNoSession));
  EXPECT_TRUE(dropped(about(kQuery), DropReason::kNoSession)) << "quoted as the pod sent it";
  // To another than the quoted packet's sender.
  EXPECT_TRUE(dropped(harness.send("eni0", error(kRouter, kPod, quote(kOnTheWay))),
                      DropReason::kNoSession));
  EXPECT_TRUE(
      dropped(harness.send("pod-a", error(kPod, kServer, quote(kQuery))), DropReason::kNoSession))
      << "of a pod, about its own packet";
  EXPECT_EQ(harness.sessions(), 1u);
}

// 70. Redirect messages treated as related, not forwarded as new
TEST(IcmpErrors, Row70ARedirectBelongsToItsFlow) {
  Harness harness(yaml());
  const auto sent = there().udp(4000, 53);
  const Outcome out = harness.send("pod-a", sent);
  ASSERT_TRUE(out.emitted());
  const Bytes seen(out.frame.begin() + 14, out.frame.end());
  const Outcome known = harness.send("eni0", error(kRouter, kSnat, seen, 5, 1));
  ASSERT_TRUE(known.emitted()) << known;
  EXPECT_EQ(known.device, "pod-a");
  EXPECT_EQ(test::destination_of(known.frame), kPod);
  EXPECT_EQ(test::wrong_checksums(known.frame), "");
  const auto unknown = quote(eth().ipv4(kSnat, kServer).udp(41'000, 53));
  EXPECT_TRUE(
      dropped(harness.send("eni0", error(kRouter, kSnat, unknown, 5, 1)), DropReason::kNoSession));
  EXPECT_EQ(harness.sessions(), 1u);
}

TEST(IcmpErrors, AboutErrorsOrTooLittleAreMalformed) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  const auto about = [&](const Bytes& quoted) {
    return harness.send("eni0", error(kRouter, kSnat, quoted));
  };
  EXPECT_TRUE(dropped(about(quote(kOnTheWay, 7)), DropReason::kMalformedIcmp));
  EXPECT_TRUE(
      dropped(about(quote(error(kSnat, kServer, quote(kOnTheWay)))), DropReason::kMalformedIcmp));
  EXPECT_TRUE(dropped(about(quote(kOnTheWay.fragment(8, false))), DropReason::kMalformedIcmp));
  EXPECT_TRUE(
      dropped(about(quote(kOnTheWay.version_and_length(0x44))), DropReason::kMalformedIcmp));
  EXPECT_TRUE(
      dropped(about(quote(kOnTheWay.version_and_length(0x4f))), DropReason::kMalformedIcmp));
}

/// A wrong checksum of the message itself is passed on as wrong.
TEST(IcmpErrors, AWrongChecksumStaysWrong) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  const Outcome out = harness.send("eni0", error(kRouter, kSnat, quote(kOnTheWay)).spoil(0x0101));
  const auto wanted = error(kRouter, kPod, quote(kQuery)).spoil(0x0101).ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod, wanted), out.frame));
}

/// RFC 5508 REQ-3a would drop it. The quoted header is as wrong for the pod as it was on the way.
TEST(IcmpErrors, AWrongChecksumOfTheQuotedHeaderStaysWrong) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  constexpr std::size_t kSumAt = 10;
  const auto spoilt = [](const PacketBuilder& packet) {
    Bytes quoted = quote(packet);
    // Ones' complement, as a difference that holds whatever the sum is.
    const unsigned sum = (quoted[kSumAt] << 8 | quoted[kSumAt + 1]) + 0x0123u;
    quoted[kSumAt] = static_cast<std::uint8_t>((sum + (sum >> 16)) >> 8);
    quoted[kSumAt + 1] = static_cast<std::uint8_t>(sum + (sum >> 16));
    return quoted;
  };
  const Outcome out = harness.send("eni0", error(kRouter, kSnat, spoilt(kOnTheWay)));
  ASSERT_EQ(out.device, "pod-a") << out;
  const auto wanted = error(kRouter, kPod, spoilt(kQuery)).ttl(63);
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", kPod, wanted), out.frame));
}

TEST(IcmpErrors, ByAnEniThatDoesNotOwnTheSnatAddress) {
  Harness harness(yaml());
  ASSERT_TRUE(harness.send("pod-a", kQuery).emitted());
  EXPECT_TRUE(dropped(harness.send("eni1", error(kRouter, kSnat, quote(kOnTheWay))),
                      DropReason::kWrongDevice));
}

// --- preserved flows: the invariant ----------------------------------------------------------

TEST(IcmpErrors, OfAPreservedFlowPassAsTheyAre) {
  Harness harness(node_yaml());
  const auto query = eth().ipv4("10.10.20.21", "10.10.30.5").udp(1, 2);
  ASSERT_TRUE(harness.send("pod-b", query).emitted());
  const auto inbound = error("10.10.40.1", "10.10.20.21", quote(query));
  const Outcome in = harness.send("eni1", inbound);
  ASSERT_EQ(in.device, "pod-b") << in;
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-b", "10.10.20.21", inbound.ttl(63)), in.frame));
  const auto reply = eth().ipv4("10.10.30.5", "10.10.20.21").udp(2, 1);
  const auto outbound = error("10.10.20.21", "10.10.30.5", quote(reply));
  EXPECT_EQ(harness.send("pod-b", outbound).device, "eni1");
  EXPECT_EQ(harness.sessions(), 1u);
}

/// A pod may say that any router complains; but there is none behind its port, and the ENI may emit
/// the pod's address only.
TEST(IcmpErrors, OfAPodAreItsOwn) {
  Harness harness(node_yaml());
  const auto translated = eth().ipv4("10.10.10.21", "198.51.100.7").udp(1, 2);
  const unsigned port = test::source_port_of(harness.send("pod-a", translated).frame);
  const auto answer = eth().ipv4("198.51.100.7", "10.10.10.20").udp(2, port);
  ASSERT_EQ(harness.send("eni0", answer).device, "pod-a");
  const auto inside = answer.destination("10.10.10.21").destination_port(1);
  EXPECT_TRUE(dropped(harness.send("pod-b", error("203.0.113.1", "198.51.100.7", quote(inside))),
                      DropReason::kSpoofedSource));

  const auto query = eth().ipv4("10.10.20.21", "10.10.30.5").udp(1, 2);
  ASSERT_TRUE(harness.send("pod-b", query).emitted());
  const auto reply = eth().ipv4("10.10.30.5", "10.10.20.21").udp(2, 1);
  const auto complain = [&](std::string_view who) {
    return harness.send("pod-b", error(who, "10.10.30.5", quote(reply)));
  };
  EXPECT_TRUE(dropped(complain("203.0.113.1"), DropReason::kSpoofedSource));
  EXPECT_TRUE(dropped(complain("10.10.10.21"), DropReason::kSpoofedSource));
  EXPECT_TRUE(dropped(complain("10.10.10.20"), DropReason::kMartianSource));
  EXPECT_TRUE(dropped(complain("127.0.0.1"), DropReason::kMartianSource));
}

}  // namespace
}  // namespace sluice::pipeline
