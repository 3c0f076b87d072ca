// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Datagrams that come in fragments (rows 71 to 83 of the catalogue): they are held until they are
/// whole, judged and translated like any other packet, and leave in the pieces they came in.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "pipeline/reassembly.h"
#include "support/fragments.h"
#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::cut;
using test::cut_to_mtu;
using test::dedicated_yaml;
using test::device_mac;
using test::dropped;
using test::eth;
using test::Harness;
using test::join;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::Random;
using test::same_bytes;
using test::sizes_of;

constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";
constexpr std::string_view kRouter0 = "10.10.10.1";
constexpr net::MacAddress kPodMac{0x02, 0x0f, 0, 0, 0, 9};
const std::string kOnePort = "  ports: 40000-40000";

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

PacketBuilder from_pod() {
  return eth().to_mac(device_mac(2)).from_mac(kPodMac).ipv4("10.10.10.21", kServer).id(0x77);
}
PacketBuilder from_server(std::string_view to = kSnat) {
  return eth().to_mac(device_mac(0)).from_mac(kPodMac).ipv4(kServer, to).id(0x99);
}

/// Sends all but the last, each of which is held; the last one's outcome is the datagram's.
Outcome send_all(Harness& harness,
                 std::string_view device,
                 const std::vector<Bytes>& pieces,
                 unsigned worker = 0) {
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
    const Outcome held = harness.send(device, pieces[i], worker);
    EXPECT_EQ(held.fate, Fate::kHeld) << held;
  }
  return harness.send(device, pieces.back(), worker);
}

struct Protocol {
  std::string name;
  PacketBuilder request;  ///< of the pod
  PacketBuilder outside;  ///< the same as it leaves
  PacketBuilder reply;
  PacketBuilder inside;
};
void PrintTo(const Protocol& p, std::ostream* out) { *out << p.name; }

std::vector<Protocol> protocols() {
  const Bytes body = counting(3000);
  const auto out = [](const PacketBuilder& packet) { return packet.source(kSnat).ttl(63); };
  const auto back = [](const PacketBuilder& packet) {
    return packet.destination("10.10.10.21").ttl(63);
  };
  const auto udp = from_pod().udp(4000, 53).payload(body);
  const auto udp_back = from_server().udp(53, 40'000).payload(body);
  const auto bare = udp.no_checksum();
  const auto bare_back = udp_back.no_checksum();
  const auto ping = from_pod().echo(4000, 3).payload(body);
  const auto pong = from_server().echo_reply(40'000, 3).payload(body);
  const auto syn = from_pod().tcp(4000, 443).flags(net::kSyn).payload(body);
  const auto syn_ack =
      from_server().tcp(443, 40'000).flags(net::kSyn).seq(9000).ack(1001).payload(body);
  const auto gre = from_pod().protocol(47).payload(body);
  const auto gre_back = from_server().protocol(47).payload(body);
  return {
      {"Udp", udp, out(udp.source_port(40'000)), udp_back, back(udp_back.destination_port(4000))},
      {"UdpWithoutChecksum", bare, out(bare.source_port(40'000)), bare_back,
       back(bare_back.destination_port(4000))},
      {"Icmp", ping, out(ping.source_port(40'000)), pong, back(pong.source_port(4000))},
      {"Tcp", syn, out(syn.source_port(40'000)), syn_ack, back(syn_ack.destination_port(4000))},
      {"Gre", gre, out(gre), gre_back, back(gre_back)},
  };
}

class Fragments : public testing::TestWithParam<Protocol> {};

// 71. In-order fragments TCP/UDP/ICMP both ways
TEST_P(Fragments, Row71InOrderBothWays) {
  const Protocol& p = GetParam();
  Harness harness(node_yaml("", kOnePort));
  const auto request = cut_to_mtu(p.request.bytes(), 1500);
  const Outcome out = send_all(harness, "pod-a", request);
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(out.device, "eni0");
  EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", kRouter0, p.outside), join(out.pieces)));
  EXPECT_EQ(sizes_of(out.pieces), sizes_of(request));

  const auto reply = cut_to_mtu(p.reply.bytes(), 1280);
  const Outcome back = send_all(harness, "eni0", reply);
  ASSERT_TRUE(back.emitted()) << back;
  EXPECT_EQ(back.device, "pod-a");
  EXPECT_TRUE(same_bytes(harness.as_emitted("pod-a", "10.10.10.21", p.inside), join(back.pieces)));
  EXPECT_EQ(sizes_of(back.pieces), sizes_of(reply));
}

// 72. Out of order: last first — and every other order of four
TEST_P(Fragments, Row72EveryOrder) {
  const Protocol& p = GetParam();
  const auto request = cut(p.request.bytes(), {1480, 8, 1400});
  ASSERT_EQ(request.size(), 4u);
  std::vector<std::size_t> order{0, 1, 2, 3};
  do {
    Harness harness(node_yaml("", kOnePort));
    std::vector<Bytes> shuffled;
    for (const std::size_t i : order) shuffled.push_back(request[i]);
    const Outcome out = send_all(harness, "pod-a", shuffled);
    ASSERT_TRUE(out.emitted()) << out;
    EXPECT_TRUE(same_bytes(harness.as_emitted("eni0", kRouter0, p.outside), join(out.pieces)));
    EXPECT_EQ(sizes_of(out.pieces), sizes_of(request));
  } while (std::next_permutation(order.begin(), order.end()));
}

INSTANTIATE_TEST_SUITE_P(Each, Fragments, testing::ValuesIn(protocols()), [](const auto& test) {
  return test.param.name;
});

PacketBuilder long_query() { return from_pod().udp(4000, 53).payload(counting(3000)); }

// 73. Fragments from inside and outside of one flow interleaved
TEST(Fragment, Row73BothDirectionsInterleaved) {
  Harness harness(node_yaml("", kOnePort));
  ASSERT_TRUE(send_all(harness, "pod-a", cut_to_mtu(long_query().bytes(), 1500)).emitted());
  // The same identification both ways: only the addresses tell them apart.
  const auto out = cut_to_mtu(long_query().id(7).bytes(), 1500);
  const auto in =
      cut_to_mtu(from_server().id(7).udp(53, 40'000).payload(counting(3000)).bytes(), 1500);
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    EXPECT_EQ(harness.send("pod-a", out[i]).fate, Fate::kHeld);
    EXPECT_EQ(harness.send("eni0", in[i]).fate, Fate::kHeld);
  }
  EXPECT_EQ(harness.send("pod-a", out.back()).device, "eni0");
  EXPECT_EQ(harness.send("eni0", in.back()).device, "pod-a");
}

// 74. Fragments while the rule says do-not-translate stay untouched
TEST(Fragment, Row74PreservedOnesStayAsTheyAre) {
  Harness harness(node_yaml());
  const auto packet = long_query().destination("10.10.30.5").df();
  const auto pieces = cut(packet.bytes(), {800, 8, 1480});
  const Outcome out = send_all(harness, "pod-a", pieces);
  ASSERT_TRUE(out.emitted()) << out;
  const auto expected = cut(harness.as_emitted("eni0", kRouter0, packet.ttl(63)), {800, 8, 1480});
  ASSERT_EQ(out.pieces.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(same_bytes(expected[i], out.pieces[i]));
  }
}

// 75. Fragments hairpinned
TEST(Fragment, Row75Hairpinned) {
  Harness harness(node_yaml("", "  mapping: endpoint_independent"));
  const Outcome opened = harness.send("pod-a", from_pod().udp(4000, 53));
  ASSERT_TRUE(opened.emitted()) << opened;
  const unsigned external = test::source_port_of(opened.frame);
  const auto packet = eth()
                          .to_mac(device_mac(3))
                          .from_mac(kPodMac)
                          .ipv4("10.10.20.21", kSnat)
                          .udp(5000, external)
                          .payload(counting(3000));
  const Outcome out = send_all(harness, "pod-b", cut_to_mtu(packet.bytes(), 1500));
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(out.device, "pod-a");
  const Bytes whole = join(out.pieces);
  EXPECT_EQ(test::source_of(whole), kSnat);
  EXPECT_EQ(test::destination_of(whole), "10.10.10.21");
  EXPECT_EQ(test::destination_port_of(whole), 4000u);
  EXPECT_EQ(test::wrong_checksums(whole), "");
}

// 76. First fragment lost: the rest expire, buffers back, counted
TEST(Fragment, Row76FirstLostTheRestExpire) {
  Harness harness(node_yaml());
  const auto pieces = cut(long_query().bytes(), {1000, 1000});
  EXPECT_EQ(harness.send("pod-a", pieces[1]).fate, Fate::kHeld);
  EXPECT_EQ(harness.send("pod-a", pieces[2]).fate, Fate::kHeld);
  EXPECT_EQ(harness.context().fragments.held(), 2u);
  harness.advance(Reassembly::kPatience);
  // Too late: what came before is gone, and this one begins anew.
  EXPECT_EQ(harness.send("pod-a", pieces[0]).fate, Fate::kHeld);
  EXPECT_EQ(harness.context().fragments.held(), 1u);
  EXPECT_EQ(test::drops(harness, DropReason::kFragmentIncomplete), 2u);
}

// 77. Overlap by one byte, in and out of order: dropped
TEST(Fragment, Row77OverlapsDropTheDatagram) {
  const auto pieces = cut(long_query().bytes(), {800, 800});
  const auto wider = cut(long_query().bytes(), {792});  // its second begins 8 bytes into the first
  const std::vector<std::vector<Bytes>> orders{
      {pieces[0], wider[1]}, {wider[1], pieces[0]}, {pieces[2], pieces[0], wider[1]}};
  for (const auto& order : orders) {
    Harness harness(node_yaml());
    for (std::size_t i = 0; i + 1 < order.size(); ++i) {
      EXPECT_EQ(harness.send("pod-a", order[i]).fate, Fate::kHeld);
    }
    EXPECT_TRUE(dropped(harness.send("pod-a", order.back()), DropReason::kBadFragment));
    EXPECT_EQ(test::drops(harness, DropReason::kBadFragment), order.size() - 1)
        << "the held ones, beside the packet's own drop";
    EXPECT_EQ(harness.context().fragments.held(), 0u);
  }
}

TEST(Fragment, ARepeatedOneIsDroppedAlone) {
  Harness harness(node_yaml());
  const auto pieces = cut_to_mtu(long_query().bytes(), 1500);
  EXPECT_EQ(harness.send("pod-a", pieces[0]).fate, Fate::kHeld);
  EXPECT_TRUE(dropped(harness.send("pod-a", pieces[0]), DropReason::kBadFragment));
  EXPECT_EQ(harness.send("pod-a", pieces[2]).fate, Fate::kHeld);
  EXPECT_TRUE(harness.send("pod-a", pieces[1]).emitted());
}

TEST(Fragment, ADifferentEndDropsTheDatagram) {
  Harness harness(node_yaml());
  const auto shorter = cut(from_pod().udp(4000, 53).payload(counting(1500)).bytes(), {800});
  const auto pieces = cut(long_query().bytes(), {800, 1600});
  EXPECT_EQ(harness.send("pod-a", shorter[1]).fate, Fate::kHeld);
  EXPECT_TRUE(dropped(harness.send("pod-a", pieces[2]), DropReason::kBadFragment));
  EXPECT_EQ(harness.context().fragments.held(), 0u);
}

/// Also an end within what has come, which would otherwise count as a repetition.
TEST(Fragment, AnEarlierEndDropsTheDatagram) {
  for (const unsigned end : {800u, 792u, 400u}) {
    Harness harness(node_yaml());
    const auto pieces = cut(long_query().bytes(), {800, 1600});
    EXPECT_EQ(harness.send("pod-a", pieces[0]).fate, Fate::kHeld);
    EXPECT_EQ(harness.send("pod-a", pieces[1]).fate, Fate::kHeld);
    const auto shorter =
        cut(from_pod().udp(4000, 53).payload(counting(end - 8)).bytes(), {end - 16});
    EXPECT_TRUE(dropped(harness.send("pod-a", shorter[1]), DropReason::kBadFragment)) << end;
    EXPECT_EQ(harness.context().fragments.held(), 0u) << end;
  }
}

// 78. Incomplete reassembled L4 header: dropped
TEST(Fragment, Row78TransportHeaderCutShort) {
  const auto tcp = [](std::size_t bytes) {
    return from_pod().protocol(6).payload(counting(bytes)).bytes();
  };
  Harness harness(node_yaml());
  EXPECT_TRUE(dropped(send_all(harness, "pod-a", cut(tcp(16), {8})), DropReason::kMalformedTcp));
  const auto udp = from_pod().udp(4000, 53).udp_length(5000).payload(counting(30)).bytes();
  EXPECT_TRUE(dropped(send_all(harness, "pod-a", cut(udp, {16})), DropReason::kMalformedUdp));
}

/// A header that is spread over fragments is whole once they are.
TEST(Fragment, TransportHeaderInSeveral) {
  Harness harness(node_yaml("", kOnePort));
  const auto syn = from_pod().tcp(4000, 443).flags(net::kSyn);
  const Outcome out = send_all(harness, "pod-a", cut(syn.bytes(), {8, 8}));
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_TRUE(same_bytes(
      harness.as_emitted("eni0", kRouter0, syn.source(kSnat).source_port(40'000).ttl(63)),
      join(out.pieces)));
  EXPECT_EQ(sizes_of(out.pieces), (std::vector<unsigned>{8, 8, 4}));
}

// 80. Datagram already fragmented by C to the tunnel MTU still passes though G reassembles
TEST(Fragment, Row80ForASmallerMtuWithDontFragment) {
  const std::string small = [] {
    std::string yaml = node_yaml("", kOnePort);
    const std::string key = "address: 10.10.10.20/24,";
    return yaml.replace(yaml.find(key), key.size(), key + " mtu: 1280,");
  }();
  for (const bool df : {false, true}) {
    Harness harness(small);
    const auto query = df ? long_query().df() : long_query();
    const Outcome out = send_all(harness, "pod-a", cut_to_mtu(query.bytes(), 1500));
    ASSERT_TRUE(out.emitted()) << out;
    for (const Bytes& piece : out.pieces) EXPECT_LE(piece.size(), 1280u + 14);
    EXPECT_TRUE(same_bytes(
        harness.as_emitted("eni0", kRouter0, query.source(kSnat).source_port(40'000).ttl(63)),
        join(out.pieces)));
  }
}

TEST(Fragment, APacketLargerThanTheMtuIsCutUnlessItForbids) {
  const std::string yaml = [] {
    std::string text = node_yaml("", kOnePort);
    const std::string key = "address: 10.10.10.20/24,";
    return text.replace(text.find(key), key.size(), key + " mtu: 1280,");
  }();
  Harness harness(yaml);
  const Bytes kRouterAlert{0x94, 4, 0, 0};
  const Bytes kRecordRoute{7, 7, 4, 0, 0, 0, 0, 0};
  for (const Bytes& options : {Bytes{}, kRouterAlert, kRecordRoute}) {
    const auto query = from_pod().ip_options(options).udp(4000, 53).payload(counting(1400));
    const Outcome out = harness.send("pod-a", query);
    ASSERT_TRUE(out.emitted()) << out;
    ASSERT_EQ(out.pieces.size(), 2u);
    EXPECT_LE(out.pieces[0].size(), 1280u + 14);
    EXPECT_TRUE(same_bytes(
        harness.as_emitted("eni0", kRouter0, query.source(kSnat).source_port(40'000).ttl(63)),
        join(out.pieces)));
    // RFC 791 3.1: of the options only those marked "copied" are in all fragments.
    const unsigned header_words = out.pieces[1][14] & 0xfU;
    EXPECT_EQ(header_words, options == kRouterAlert ? 6u : 5u);
  }
  const Outcome refused =
      harness.send("pod-a", from_pod().udp(4000, 53).payload(counting(1400)).df());
  EXPECT_TRUE(dropped(refused, DropReason::kTooBig));
  EXPECT_EQ(refused.answer, AnswerKind::kIcmpFragmentationNeeded);
  // What cannot leave takes neither a port nor a record.
  EXPECT_EQ(harness.sessions(), 1u);
  EXPECT_TRUE(dropped(harness.send("pod-a", from_pod().udp(4001, 54).payload(counting(1400)).df()),
                      DropReason::kTooBig));
  EXPECT_EQ(harness.sessions(), 1u);
}

// 81. Fragment flood beyond the context limit: new flows live, old contexts evicted
TEST(Fragment, Row81AFloodPushesOutTheOldest) {
  Harness harness(node_yaml());
  const auto pieces = cut_to_mtu(long_query().bytes(), 1500);
  EXPECT_EQ(harness.send("pod-a", pieces[0]).fate, Fate::kHeld);
  for (unsigned i = 0; i < 3 * Reassembly::kDatagrams; ++i) {
    const auto flood = cut(from_pod().id(1000 + i).udp(9, 9).payload(counting(64)).bytes(), {32});
    EXPECT_EQ(harness.send("pod-a", flood[0]).fate, Fate::kHeld);
  }
  EXPECT_EQ(harness.context().fragments.held(), Reassembly::kDatagrams);
  EXPECT_EQ(test::drops(harness, DropReason::kFragmentLimit), 2 * Reassembly::kDatagrams + 1);
  const auto fresh = cut_to_mtu(long_query().id(0x88).bytes(), 1500);
  EXPECT_TRUE(send_all(harness, "pod-a", fresh).emitted());
  EXPECT_TRUE(harness.send("pod-a", from_pod().udp(4001, 53)).emitted());
}

TEST(Fragment, MoreThan64OfOneDatagramAreRefused) {
  Harness harness(node_yaml());
  const auto query = from_pod().udp(4000, 53).payload(counting(65 * 8)).bytes();
  const auto pieces = cut(query, std::vector<unsigned>(70, 8));
  for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(harness.send("pod-a", pieces[i]).fate, Fate::kHeld);
  EXPECT_TRUE(dropped(harness.send("pod-a", pieces[64]), DropReason::kFragmentLimit));
  EXPECT_EQ(test::drops(harness, DropReason::kFragmentLimit), 64u);
}

TEST(Fragment, TheLargestDatagramPasses) {
  for (const unsigned mtu : {1500u, 1280u}) {
    Harness harness(node_yaml("", kOnePort));
    const auto query = from_pod().udp(4000, 53).payload(counting(65'507));
    const auto pieces = cut_to_mtu(query.bytes(), mtu);
    EXPECT_EQ(pieces.size(), mtu == 1500 ? 45u : 53u);
    const Outcome out = send_all(harness, "pod-a", pieces);
    ASSERT_TRUE(out.emitted()) << describe(out);
    EXPECT_TRUE(same_bytes(
        harness.as_emitted("eni0", kRouter0, query.source(kSnat).source_port(40'000).ttl(63)),
        join(out.pieces)));
  }
}

TEST(Fragment, WhatCannotBePartOfADatagramIsDropped) {
  Harness harness(node_yaml());
  const auto udp = from_pod().protocol(17);
  const std::vector<std::pair<std::string, PacketBuilder>> cases{
      {"a length that is no multiple of 8", udp.payload(counting(12)).fragment(0, true)},
      {"nothing", udp.fragment(8, true)},
      {"past 65535", udp.payload(counting(100)).fragment(65'528, false)},
  };
  for (const auto& [name, packet] : cases) {
    EXPECT_TRUE(dropped(harness.send("pod-a", packet), DropReason::kBadFragment)) << name;
  }
}

// 82. Non-first fragment as the first packet on a multi-worker box
TEST(Fragment, Row82SeveralWorkers) {
  Random random;
  SCOPED_TRACE(random.seed());
  for (unsigned round = 0; round < 60; ++round) {
    Harness harness(node_yaml(), {.workers = 4});
    const unsigned port = 4000 + round;
    const auto query = from_pod().id(random.below(65'536)).udp(port, 53).payload(counting(3000));
    auto pieces = cut_to_mtu(query.bytes(), 1500);
    std::reverse(pieces.begin(), pieces.end());
    Outcome out;
    for (const Bytes& piece : pieces) out = harness.send("pod-a", piece, random.below(4));
    ASSERT_TRUE(out.emitted()) << describe(out);
    const unsigned external = test::source_port_of(join(out.pieces));
    const auto reply =
        from_server().udp(53, external).id(random.below(65'536)).payload(counting(3000));
    for (const Bytes& piece : cut_to_mtu(reply.bytes(), 1500)) {
      out = harness.send("eni0", piece, random.below(4));
    }
    ASSERT_TRUE(out.emitted()) << describe(out);
    EXPECT_EQ(out.device, "pod-a");
    EXPECT_EQ(test::destination_port_of(join(out.pieces)), port);
    EXPECT_EQ(harness.sessions(), 1u);
  }
}

// 83. Fragment id reuse between two clients
TEST(Fragment, Row83TheSameIdOfTwoPods) {
  Harness harness(node_yaml());
  const auto a = cut_to_mtu(long_query().bytes(), 1500);
  const auto other = eth().to_mac(device_mac(3)).from_mac(kPodMac).ipv4("10.10.20.21", kServer);
  const auto b = cut_to_mtu(other.id(0x77).udp(4000, 53).payload(Bytes(3000, 0x42)).bytes(), 1500);
  EXPECT_EQ(harness.send("pod-a", a[0]).fate, Fate::kHeld);
  EXPECT_EQ(harness.send("pod-b", b[0]).fate, Fate::kHeld);
  EXPECT_EQ(harness.send("pod-a", a[1]).fate, Fate::kHeld);
  EXPECT_EQ(harness.send("pod-b", b[1]).fate, Fate::kHeld);
  const Outcome out_a = harness.send("pod-a", a[2]);
  const Outcome out_b = harness.send("pod-b", b[2]);
  EXPECT_EQ(test::wrong_checksums(join(out_a.pieces)), "");
  EXPECT_EQ(test::wrong_checksums(join(out_b.pieces)), "");
  // RFC 6864 5.3.1 would have them differ; they stay what the pods chose, as in Linux.
  for (const Outcome* out : {&out_a, &out_b}) {
    for (const Bytes& piece : out->pieces) EXPECT_EQ(piece.at(18) << 8 | piece.at(19), 0x77);
  }
}

/// What a datagram's sender is told about it is told as about any packet.
TEST(Fragment, ADroppedDatagramIsAnswered) {
  Harness harness(node_yaml());
  const Outcome out = send_all(harness, "pod-a", cut_to_mtu(long_query().ttl(1).bytes(), 1500));
  EXPECT_TRUE(dropped(out, DropReason::kTtlExpired));
  EXPECT_EQ(out.answer, AnswerKind::kIcmpTimeExceeded);
  EXPECT_EQ(test::wrong_checksums(out.frame), "");
}

TEST(Fragment, ALongPingOfTheGatewayIsAnswered) {
  Harness harness(node_yaml());
  const auto ping = eth()
                        .to_mac(device_mac(0))
                        .from_mac(kPodMac)
                        .ipv4(kServer, kSnat)
                        .echo(5, 1)
                        .payload(counting(4000));
  const Outcome out = send_all(harness, "eni0", cut_to_mtu(ping.bytes(), 1500));
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(test::source_of(join(out.pieces)), kSnat);
  EXPECT_EQ(test::wrong_checksums(join(out.pieces)), "");
}

/// AF_PACKET hands over what the kernel has put together.
TEST(Fragment, APingLongerThanTheMtuIsAnsweredInPieces) {
  Harness harness(node_yaml());
  const auto ping = eth().ipv4(kServer, kSnat).echo(5, 1).payload(counting(4000)).df();
  const Outcome out = harness.send("eni0", ping);
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_EQ(out.pieces.size(), 3u);
  EXPECT_EQ(test::wrong_checksums(join(out.pieces)), "");
}

/// They leave with one header: none may live longer than it came, nor be cut where it forbids that.
TEST(Fragment, TheLeastOfTheirTimesToLiveCounts) {
  Harness harness(node_yaml("", kOnePort));
  auto pieces = cut_to_mtu(long_query().ttl(64).bytes(), 1500);
  pieces[1] = cut_to_mtu(long_query().ttl(9).df().bytes(), 1500)[1];
  const Outcome out = send_all(harness, "pod-a", pieces);
  ASSERT_TRUE(out.emitted()) << out;
  for (const Bytes& piece : out.pieces) {
    EXPECT_EQ(piece[22], 8);
    EXPECT_EQ(piece[20] & 0x40, 0x40);
  }
  pieces = cut_to_mtu(long_query().id(0x78).ttl(64).bytes(), 1500);
  pieces[1] = cut_to_mtu(long_query().id(0x78).ttl(1).bytes(), 1500)[1];
  EXPECT_TRUE(dropped(send_all(harness, "pod-a", pieces), DropReason::kTtlExpired));
}

/// RFC 3168 5.3: congestion that one fragment met, the datagram met.
TEST(Fragment, CongestionExperiencedByOneIsExperiencedByAll) {
  Harness harness(node_yaml("", kOnePort));
  auto pieces = cut_to_mtu(long_query().tos(2).bytes(), 1500);
  const auto marked = cut_to_mtu(long_query().tos(3).bytes(), 1500);
  pieces[1] = marked[1];
  const Outcome out = send_all(harness, "pod-a", pieces);
  ASSERT_TRUE(out.emitted()) << out;
  for (const Bytes& piece : out.pieces) EXPECT_EQ(piece[15] & 3, 3);

  auto mixed = cut_to_mtu(long_query().tos(0).bytes(), 1500);
  mixed[1] = marked[1];
  EXPECT_EQ(harness.send("pod-a", mixed[0]).fate, Fate::kHeld);
  EXPECT_TRUE(dropped(harness.send("pod-a", mixed[1]), DropReason::kBadFragment));
}

/// Whatever is sent in whatever order, frames are not lost from the count, and memory comes back.
TEST(Fragment, RandomOnesAddUp) {
  Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml());
  constexpr unsigned kFrames = 20'000;
  unsigned left = 0;
  unsigned ended = 0;
  for (unsigned i = 0; i < kFrames; ++i) {
    const bool usual = random.below(4) != 0;  // a part of 32 bytes of a datagram of 96
    const unsigned part = random.below(3);
    const unsigned length = usual ? 32 : random.below(200);
    const auto packet =
        from_pod()
            .protocol(random.coin() ? 47 : 6)
            .id(random.below(50))
            .payload(counting(length))
            .fragment(usual ? part * 32 : random.below(40) * 8, usual ? part != 2 : random.coin());
    const Outcome out = harness.send("pod-a", packet);
    ASSERT_NE(out.fate, Fate::kLive);
    if (out.fate == Fate::kHeld) continue;
    ++ended;
    left += static_cast<unsigned>(out.pieces.size());
    if (random.below(100) == 0) harness.advance(std::chrono::seconds(random.below(20)));
  }
  harness.advance(Reassembly::kPatience);
  static_cast<void>(harness.send("pod-a", from_pod().udp(1, 2)));
  EXPECT_EQ(harness.context().fragments.held(), 0u);
  const auto& counters = harness.counters();
  const std::uint64_t dropped_while_held = test::drops(harness, DropReason::kBadFragment) +
                                           test::drops(harness, DropReason::kFragmentIncomplete) +
                                           test::drops(harness, DropReason::kFragmentLimit);
  EXPECT_EQ(kFrames, ended + counters.merged.get() + dropped_while_held);
  EXPECT_GT(left, 0u);
}

}  // namespace
}  // namespace sluice::pipeline
