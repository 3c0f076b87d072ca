// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Several workers in one process: a packet may meet any of them first.
#include "pipeline/stages/steer.h"

#include <gtest/gtest.h>

#include <set>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

/// A key under which the two directions of a tuple hash differently.
nat::ToeplitzKey asymmetric_key() {
  nat::ToeplitzKey key{};
  for (unsigned i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i * 37 + 11);
  return key;
}

struct Variant {
  unsigned workers;
  bool symmetric;
};
class Workers : public testing::TestWithParam<Variant> {
 protected:
  test::HarnessOptions options() const {
    test::HarnessOptions options;
    options.workers = GetParam().workers;
    if (!GetParam().symmetric) options.key = asymmetric_key();
    return options;
  }
};

/// Whoever sees a packet first, request and reply meet in one worker, and one session serves both.
TEST_P(Workers, BothDirectionsOfEveryFlowMeetAtOneOwner) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml(), options());
  const auto any = [&] { return random.below(GetParam().workers); };
  std::set<unsigned> owners;
  for (int round = 0; round < 400; ++round) {
    const unsigned from = 1 + random.below(65535);
    const unsigned to = 1 + random.below(65535);
    const std::string remote = Ipv4Addr{0xc6336400 + random.below(256)}.to_string();
    const auto opener = [&](std::string_view a, std::string_view b) {
      switch (round % 3) {
        case 0: return eth().ipv4(a, b).udp(from, to);
        case 1: return eth().ipv4(a, b).tcp(from, to).flags(net::kSyn);
        default: return eth().ipv4(a, b).echo(from);
      }
    };
    const auto answer = [&](std::string_view a, std::string_view b, unsigned back_to) {
      switch (round % 3) {
        case 0: return eth().ipv4(a, b).udp(to, back_to);
        case 1: return eth().ipv4(a, b).tcp(to, back_to).flags(net::kSyn | net::kAck);
        default: return eth().ipv4(a, b).echo_reply(back_to);
      }
    };
    struct Flow {
      std::string_view in;
      PacketBuilder first;
      std::string_view out;
      std::string_view answer_in;
      std::string answer_from, answer_to;
    };
    const Flow flows[] = {
        {"pod-b", opener("10.10.20.21", remote), "eni0", "eni0", remote, "10.10.10.20"},
        {"pod-b", opener("10.10.20.21", "10.10.30.5"), "eni1", "eni1", "10.10.30.5", "10.10.20.21"},
        {"pod-b", opener("10.10.20.21", "10.10.10.21"), "pod-a", "pod-a", "10.10.10.21",
         "10.10.20.21"},
        {"eni1", opener("172.30.0.1", "10.10.20.33"), "pod-c", "pod-c", "10.10.20.33",
         "172.30.0.1"},
    };
    for (const Flow& flow : flows) {
      const auto before = harness.sessions();
      const Outcome out = harness.send(flow.in, flow.first, any());
      ASSERT_TRUE(out.emitted()) << out;
      ASSERT_EQ(out.device, flow.out);
      const bool known = harness.sessions() == before;  // the dice may fall twice alike
      const auto reply = answer(flow.answer_from, flow.answer_to, test::source_port_of(out.frame));
      const Outcome back = harness.send(flow.answer_in, reply, any());
      ASSERT_TRUE(back.emitted()) << back;
      EXPECT_EQ(back.device, flow.in);
      EXPECT_EQ(back.worker, out.worker);
      EXPECT_EQ(harness.sessions(), before + (known ? 0 : 1)) << "the reply opened nothing";
      owners.insert(out.worker);
    }
  }
  EXPECT_EQ(owners.size(), GetParam().workers) << "all of them work";
}

/// Catalogue 105, 106 in small: no two workers hand out one port towards one remote.
TEST_P(Workers, NeverHandOutOnePortTwice) {
  Harness harness(node_yaml("", "  ports: 10000-11023"), options());
  std::set<unsigned> ports;
  for (unsigned from = 1; from <= 600; ++from) {
    const auto sent = eth().ipv4("10.10.10.21", "198.51.100.7").udp(from, 53);
    const Outcome out = harness.send("pod-a", sent, from % GetParam().workers);
    if (!out.emitted()) continue;  // this worker's share is used up
    ASSERT_TRUE(ports.insert(test::source_port_of(out.frame)).second);
  }
  EXPECT_GT(ports.size(), 400u);
}

INSTANTIATE_TEST_SUITE_P(Steer,
                         Workers,
                         testing::Values(Variant{1, true},
                                         Variant{2, true},
                                         Variant{3, true},
                                         Variant{4, true},
                                         Variant{5, true},
                                         Variant{8, true},
                                         Variant{2, false},
                                         Variant{3, false},
                                         Variant{8, false}),
                         [](const auto& v) {
                           return std::to_string(v.param.workers) +
                                  (v.param.symmetric ? "Symmetric" : "Asymmetric");
                         });

/// Under the symmetric key a NIC that hashes tuples delivers preserved packets and replies to SNAT
/// addresses right by itself: the owner is what the tuple's own hash says.
TEST(Steer, AgreesWithANicThatHasTheSymmetricKey) {
  test::HarnessOptions options;
  options.workers = 4;
  Harness harness(node_yaml(), options);
  for (unsigned from = 1; from <= 200; ++from) {
    const auto sent = eth().ipv4("10.10.10.21", "198.51.100.7").udp(from, 53);
    const nat::FlowKey key{Ipv4Addr{10, 10, 10, 21}.wire(),
                           Ipv4Addr{198, 51, 100, 7}.wire(),
                           Be16::from_host(static_cast<std::uint16_t>(from)),
                           Be16::from_host(53),
                           net::kUdp,
                           {}};
    const unsigned queue = harness.owner().owner(harness.owner().hash(key)).value;
    const Bytes frame = sent.to_mac(test::device_mac(2)).bytes();
    const auto outcome = harness.run({{harness.device("pod-a"), frame}}, queue).front();
    EXPECT_TRUE(outcome.emitted()) << outcome;
  }
}

TEST(Steer, ASteeredPacketStays) {
  test::HarnessOptions options;
  options.workers = 2;
  Harness harness(node_yaml(), options);
  const Bytes frame =
      eth().ipv4("10.10.10.21", "198.51.100.7").udp(1, 53).to_mac(test::device_mac(2)).bytes();
  for (unsigned worker = 0; worker < 2; ++worker) {
    Harness::Frame steered{harness.device("pod-a"), frame};
    steered.steered = true;
    EXPECT_NE(harness.run({steered}, worker).front().fate, Fate::kToWorker);
  }
}

}  // namespace
}  // namespace sluice::pipeline
