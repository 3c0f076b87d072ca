// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Several workers, and flows that their own worker has no port for.
#include "pipeline/elsewhere.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/fragments.h"
#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using namespace std::chrono_literals;
using test::dropped;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

constexpr std::string_view kServer = "198.51.100.7";
constexpr std::string_view kSnat = "10.10.10.20";

test::HarnessOptions workers(unsigned count) {
  test::HarnessOptions options;
  options.workers = count;
  return options;
}

PacketBuilder query(unsigned port) { return eth().ipv4("10.10.10.21", kServer).udp(port, 53); }
PacketBuilder answer(unsigned external) { return eth().ipv4(kServer, kSnat).udp(53, external); }

/// Replies to every port go back to whom they are for, whichever worker sees them first.
void expect_reply(Harness& harness, unsigned external, unsigned pod_port, unsigned first_seen_by) {
  const Outcome back = harness.send("eni0", answer(external), first_seen_by);
  ASSERT_TRUE(back.emitted()) << back;
  EXPECT_EQ(back.device, "pod-a");
  EXPECT_EQ(test::destination_port_of(back.frame), pod_port);
}

/// Row 22 with several workers: 64,512 flows towards one remote, no more and no fewer.
TEST(Elsewhere, EveryPortTowardsARemoteServesWithFourWorkers) {
  Harness harness(node_yaml("flows: {capacity: 400000}"), workers(4));
  std::set<unsigned> ports;
  for (unsigned i = 0; i < 64'512; ++i) {
    const bool even = i % 2 == 0;
    const auto sent = eth().ipv4(even ? "10.10.10.21" : "10.10.20.21", kServer).udp(1 + i / 2, 53);
    const Outcome out = harness.send(even ? "pod-a" : "pod-b", sent, i % 4);
    ASSERT_TRUE(out.emitted()) << i << ": " << out;
    ASSERT_TRUE(ports.insert(test::source_port_of(out.frame)).second) << "a port twice";
  }
  EXPECT_EQ(*ports.begin(), 1024u);
  EXPECT_EQ(*ports.rbegin(), 65'535u);
  for (unsigned worker = 0; worker < 4; ++worker) {
    const Outcome refused = harness.send("pod-a", query(60'000 + worker), worker);
    EXPECT_TRUE(dropped(refused, DropReason::kPortsExhausted)) << refused;
    EXPECT_EQ(refused.answer, AnswerKind::kIcmpAdminProhibited);
  }
  EXPECT_TRUE(harness.send("pod-a", query(60'000).destination("198.51.100.8"), 0).emitted());
  for (unsigned worker = 0; worker < 4; ++worker) {
    EXPECT_EQ(harness.table(worker).check_invariants(), "");
  }
}

class Few : public testing::Test {
 protected:
  /// Opens flows until none of the few ports is left; external port by pod port.
  std::map<unsigned, unsigned> fill() {
    std::map<unsigned, unsigned> opened;
    for (unsigned port = 1; opened.size() < 40; ++port) {
      const Outcome out = harness_.send("pod-a", query(port), port % 3);
      EXPECT_TRUE(out.emitted()) << out;
      opened[port] = test::source_port_of(out.frame);
    }
    EXPECT_TRUE(dropped(harness_.send("pod-a", query(999), 1), DropReason::kPortsExhausted));
    return opened;
  }

  Harness harness_{node_yaml("", "  ports: 5000-5039"), workers(3)};
};

TEST_F(Few, AFlowKeepsItsPortWhoeverHoldsIt) {
  for (const auto& [pod_port, external] : fill()) {
    for (unsigned worker = 0; worker < 3; ++worker) {
      const Outcome out = harness_.send("pod-a", query(pod_port), worker);
      ASSERT_TRUE(out.emitted()) << out;
      EXPECT_EQ(test::source_port_of(out.frame), external);
      EXPECT_FALSE(out.first);
      expect_reply(harness_, external, pod_port, worker);
    }
  }
}

TEST_F(Few, FragmentsFollowTheirFlow) {
  for (const auto& [pod_port, external] : fill()) {
    const auto whole = query(pod_port).payload(std::string(64, 'x')).id(pod_port);
    const auto pieces =
        test::cut(whole.to_mac(test::device_mac(harness_.device("pod-a").value)).bytes(), {40});
    ASSERT_EQ(pieces.size(), 2u);
    EXPECT_EQ(harness_.send("pod-a", pieces[0], 0).fate, Fate::kHeld);
    const Outcome out = harness_.send("pod-a", pieces[1], 2);
    ASSERT_TRUE(out.emitted()) << out;
    ASSERT_EQ(out.pieces.size(), 2u);
    EXPECT_EQ(test::source_port_of(out.pieces[0]), external);
  }
}

TEST_F(Few, NothingIsLeftOfFlowsThatHaveEnded) {
  const auto records = [&] {
    return harness_.table(0).size() + harness_.table(1).size() + harness_.table(2).size();
  };
  fill();
  EXPECT_EQ(harness_.sessions(), 40u);
  EXPECT_GT(records(), 40u) << "redirects are records as well";
  harness_.advance(301s);
  for (unsigned worker = 0; worker < 3; ++worker) {
    harness_.table(worker).sweep(harness_.now(), 1'000'000);
  }
  harness_.deliver_notices();
  EXPECT_EQ(records(), 0u);
  fill();
}

TEST_F(Few, ARefusedFlowLeavesNothing) {
  fill();
  const auto before = harness_.sessions();
  for (unsigned port = 1000; port < 1100; ++port) {
    EXPECT_TRUE(
        dropped(harness_.send("pod-a", query(port), port % 3), DropReason::kPortsExhausted));
  }
  EXPECT_EQ(harness_.sessions(), before);
}

nat::FlowKey key_of_query(unsigned port) {
  return {Ipv4Addr{10, 10, 10, 21}.wire(),
          Ipv4Addr{198, 51, 100, 7}.wire(),
          Be16::from_host(static_cast<std::uint16_t>(port)),
          Be16::from_host(53),
          net::kUdp,
          {}};
}

/// A redirect whose end was not heard of leads to a worker that treats the packet as the first.
TEST_F(Few, ARedirectThatLeadsNowhereHarmsNoFlow) {
  const auto flow = query(7);
  const nat::FlowKey key = key_of_query(7);
  for (unsigned to = 0; to < 3; ++to) {
    SCOPED_TRACE(to);
    Harness harness(node_yaml("", "  ports: 5000-5039"), workers(3));
    const unsigned home = harness.send("pod-a", flow).worker;
    harness.table(home).erase(harness.table(home).find(key, harness.now()).session, harness.now());
    if (to == home) continue;
    ASSERT_TRUE(nat::redirect(harness.table(home), key, WorkerId{static_cast<std::uint8_t>(to)},
                              harness.now()));
    const Outcome out = harness.send("pod-a", flow, 1);
    ASSERT_TRUE(out.emitted()) << out;
    EXPECT_TRUE(out.first);
    const unsigned external = test::source_port_of(out.frame);
    expect_reply(harness, external, 7, 2);
    EXPECT_EQ(test::source_port_of(harness.send("pod-a", flow, 0).frame), external);
  }
}

/// Whatever the worker that it leads to refuses the packet for.
TEST_F(Few, ARedirectThatLeadsToARefusalIsForgotten) {
  const nat::FlowKey key = key_of_query(7);
  const unsigned home = harness_.owner().owner(harness_.owner().hash(key)).value;
  const auto too_big = query(7).payload(std::string(1473, 'x')).df();
  for (unsigned to = 0; to < 3; ++to) {
    if (to == home) continue;
    nat::FlowTable& table = harness_.table(home);
    ASSERT_TRUE(nat::redirect(table, key, WorkerId{static_cast<std::uint8_t>(to)}, harness_.now()));
    const Outcome out = harness_.send("pod-a", too_big, 1);
    EXPECT_TRUE(dropped(out, DropReason::kTooBig)) << out;
    EXPECT_EQ(out.worker, to);
    harness_.deliver_notices();
    EXPECT_EQ(table.size(), 0u);
  }
}

/// The packet that it was made for may be lost between workers, and no other may follow.
TEST_F(Few, ARedirectThatNobodyAnswersIsForgottenSoon) {
  nat::FlowTable& table = harness_.table(0);
  ASSERT_TRUE(nat::redirect(table, key_of_query(7), WorkerId{1}, harness_.now()));
  harness_.advance(61s);
  table.sweep(harness_.now(), 1'000'000);
  EXPECT_EQ(table.size(), 0u);
}

/// As long as the longest of the timeouts that are configured, and longer: nobody else knows which
/// of them applies.
TEST(Elsewhere, ARedirectOutlivesASilenceThatItsSessionOutlives) {
  Harness harness(node_yaml("flows: {timeouts: {udp: 48h}}", "  ports: 5000-5039"), workers(3));
  unsigned port = 0;
  Outcome opened;
  unsigned home = 0;
  do {
    ++port;
    home = harness.owner().owner(harness.owner().hash(key_of_query(port))).value;
    opened = harness.send("pod-a", query(port), home);
    ASSERT_TRUE(opened.emitted()) << opened;
  } while (opened.worker == home);
  harness.deliver_notices();
  harness.advance(47h);
  const Outcome out = harness.send("pod-a", query(port), home);
  ASSERT_TRUE(out.emitted()) << out;
  EXPECT_FALSE(out.first) << "a second session for the flow";
}

/// A NIC may deliver a pod's packets to the holder of their session: it still passes them by their
/// home, whose redirect would not outlive it otherwise.
TEST(Elsewhere, ARedirectLivesAsLongAsItsSessionWhereverTheNicDelivers) {
  test::HarnessOptions options = workers(3);
  options.lying_nic = true;
  Harness harness(node_yaml("", "  ports: 5000-5039"), options);
  unsigned port = 0;
  unsigned home = 0;
  Outcome opened;
  do {
    const nat::FlowKey key{Ipv4Addr{10, 10, 10, 21}.wire(),
                           Ipv4Addr{198, 51, 100, 7}.wire(),
                           Be16::from_host(static_cast<std::uint16_t>(++port)),
                           Be16::from_host(53),
                           net::kUdp,
                           {}};
    home = harness.owner().owner(harness.owner().hash(key)).value;
    opened = harness.send("pod-a", query(port), home);
    ASSERT_TRUE(opened.emitted()) << opened;
  } while (opened.worker == home);
  for (auto passed = 0min; passed < 26h; passed += 4min) {
    harness.advance(4min);
    const Outcome out = harness.send("pod-a", query(port), opened.worker);
    ASSERT_TRUE(out.emitted()) << out;
    ASSERT_FALSE(out.first);
  }
  const Outcome by_home = harness.send("pod-a", query(port), home);
  EXPECT_FALSE(by_home.first) << "a second session for the flow";
  EXPECT_EQ(test::source_port_of(by_home.frame), test::source_port_of(opened.frame));
}

/// Ports that rest serve only when no worker has another, then the one that ended first.
TEST(Elsewhere, PortsThatRestServeLast) {
  Harness harness(node_yaml("", "  ports: 5000-5011"), workers(3));
  const auto syn = [](unsigned port) {
    return eth().ipv4("10.10.10.21", kServer).tcp(port, 443).flags(net::kSyn);
  };
  std::set<unsigned> ports;
  for (unsigned port = 1; port <= 12; ++port) {
    const Outcome out = harness.send("pod-a", syn(port), port % 3);
    ASSERT_TRUE(out.emitted()) << out;
    const unsigned external = test::source_port_of(out.frame);
    EXPECT_TRUE(ports.insert(external).second) << "a port that rests before a free one";
    harness.advance(10ms);
    const auto rst =
        eth().ipv4(kServer, kSnat).tcp(443, external).flags(net::kRst).seq(0).ack(1001);
    ASSERT_TRUE(harness.send("eni0", rst).emitted());
  }
  ASSERT_EQ(ports.size(), 12u);
  EXPECT_TRUE(harness.send("pod-a", syn(100), 0).emitted());
}

/// A pod's limit holds for all workers together, to the session.
TEST(Elsewhere, APodsLimitIsExactWithAnyNumberOfWorkers) {
  for (const unsigned limit : {1u, 3u, 10u}) {
    for (unsigned count = 1; count <= 5; ++count) {
      SCOPED_TRACE(std::to_string(limit) + " sessions, " + std::to_string(count) + " workers");
      Harness harness(node_yaml("flows: {per_pod: " + std::to_string(limit) + "}"), workers(count));
      for (unsigned port = 1; port <= limit; ++port) {
        const Outcome out = harness.send("pod-a", query(port), port % count);
        ASSERT_TRUE(out.emitted()) << out;
      }
      for (unsigned port = 100; port < 110; ++port) {
        const Outcome out = harness.send("pod-a", query(port), port % count);
        EXPECT_TRUE(dropped(out, DropReason::kPodLimit)) << out;
      }
      const auto of_another = eth().ipv4("10.10.20.21", kServer).udp(1, 53);
      EXPECT_TRUE(harness.send("pod-b", of_another).emitted());
      EXPECT_EQ(harness.sessions(), limit + 1);
    }
  }
}

/// Protocols without ports: whom the reply reaches is settled by the addresses alone.
TEST(Elsewhere, ProtocolsWithoutPortsWorkWithAnyNumberOfWorkers) {
  for (unsigned count = 1; count <= 5; ++count) {
    SCOPED_TRACE(count);
    Harness harness(node_yaml("", "  source: [10.10.10.20, 10.10.10.22]"), workers(count));
    constexpr unsigned kGre = 47;
    for (unsigned server = 1; server <= 20; ++server) {
      const std::string remote = "198.51.100." + std::to_string(server);
      std::set<std::string> sources;
      for (const auto& [port, pod] :
           {std::pair{"pod-a", "10.10.10.21"}, {"pod-b", "10.10.20.21"}}) {
        const auto sent = eth().ipv4(pod, remote).protocol(kGre).payload("tunnelled");
        const Outcome out = harness.send(port, sent, server % count);
        ASSERT_TRUE(out.emitted()) << out;
        EXPECT_TRUE(sources.insert(test::source_of(out.frame)).second) << "an address twice";
        const auto reply =
            eth().ipv4(remote, test::source_of(out.frame)).protocol(kGre).payload("back");
        const Outcome back = harness.send("eni0", reply, (server + 1) % count);
        ASSERT_TRUE(back.emitted()) << back;
        EXPECT_EQ(back.device, port);
        const Outcome again = harness.send(port, sent, (server + 2) % count);
        ASSERT_TRUE(again.emitted()) << again;
        EXPECT_EQ(test::source_of(again.frame), test::source_of(out.frame));
      }
      const auto third = eth().ipv4("10.10.20.33", remote).protocol(kGre).payload("none left");
      EXPECT_TRUE(dropped(harness.send("pod-c", third, 0), DropReason::kProtocolInUse));
    }
  }
}

}  // namespace
}  // namespace sluice::pipeline
