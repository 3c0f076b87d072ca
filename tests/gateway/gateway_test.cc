// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/gateway.h"

#include <gtest/gtest.h>

#include <thread>

#include "gateway/wires.h"
#include "support/random.h"

namespace sluice::gateway {
namespace {

TEST_F(GatewayTest, AnnouncesItselfAtStart) {
  plug();
  start();
  std::vector<Bytes> frames;
  ASSERT_TRUE(until([&] {
    while (auto frame = eni().take()) frames.push_back(std::move(*frame));
    return frames.size() >= 3;
  }));
  const auto announced = [&](const std::string& who) {
    const Bytes wanted = test::arp({net::kArpRequest, kOwnMac, who, {}, who});
    return std::find(frames.begin(), frames.end(), wanted) != frames.end();
  };
  EXPECT_TRUE(announced("10.10.10.20"));
  EXPECT_TRUE(announced("10.10.10.21"));
  const Bytes question = test::arp({net::kArpRequest, kOwnMac, "10.10.10.20", {}, "10.10.10.1"});
  EXPECT_NE(std::find(frames.begin(), frames.end(), question), frames.end());
}

TEST_F(GatewayTest, TranslatesBothWays) {
  plug();
  start();
  introduce();
  pod().put(pool_, query().padding(18).bytes());
  const auto out = next_ip(eni());
  ASSERT_TRUE(out);
  const auto wanted = query().source("10.10.10.20").source_port(40'000).ttl(63);
  EXPECT_TRUE(test::same_bytes(wanted.from_mac(kOwnMac).to_mac(kRouterMac).bytes(), *out));
  eni().put(pool_, answer().bytes());
  const auto back = next_ip(pod());
  ASSERT_TRUE(back);
  const auto wanted_back = answer().destination("10.10.10.21").destination_port(4000).ttl(63);
  EXPECT_TRUE(test::same_bytes(wanted_back.from_mac(kOwnMac).to_mac(kPodMac).bytes(), *back));
  EXPECT_TRUE(rest());
  gateway_->stop();
  expect_equation();
}

TEST_F(GatewayTest, AnswersArpAndTellsThePodOfARefusal) {
  plug();
  start();
  introduce();
  pod().put(pool_, test::arp({net::kArpRequest, kPodMac, "10.10.10.21", {}, "169.254.1.1"}));
  const Bytes wanted =
      test::arp({net::kArpReply, kOwnMac, "169.254.1.1", kPodMac, "10.10.10.21"}, kPodMac);
  EXPECT_TRUE(until([&] {
    const auto frame = pod().take();
    return frame && *frame == wanted;
  }));
  pod().put(pool_, query().ttl(1).bytes());
  const auto error = next_ip(pod());
  ASSERT_TRUE(error);
  EXPECT_EQ(test::wrong_checksums(*error), "");
  EXPECT_EQ(error->at(34), 11) << "ICMP time exceeded";
  EXPECT_EQ(test::destination_of(*error), "10.10.10.21");
  EXPECT_TRUE(rest());
  expect_equation();
  EXPECT_EQ(dropped(DropReason::kTtlExpired), 1u);
}

TEST_F(GatewayTest, PacketsWaitForTheirNextHopAndLeaveInOrder) {
  plug();
  start();
  for (unsigned id = 1; id <= 5; ++id) pod().put(pool_, query().id(id).bytes());
  ASSERT_TRUE(until([&] { return gateway_->resolver().waiting() == 5; }));
  answer_arp(eni(), kRouterMac, "10.10.10.1", "10.10.10.20");
  for (unsigned id = 1; id <= 5; ++id) {
    const auto frame = next_ip(eni());
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->at(19), id);
  }
  EXPECT_TRUE(rest());
  expect_equation();
}

TEST_F(GatewayTest, WhatWaitsInVainIsDroppedByName) {
  plug();
  start();
  for (unsigned i = 0; i < 100; ++i) pod().put(pool_, query().id(i).bytes());
  ASSERT_TRUE(until([&] { return dropped(DropReason::kNeighbourUnresolved) == 64; }));
  EXPECT_EQ(dropped(DropReason::kNeighbourQueueFull), 36u);
  EXPECT_TRUE(rest());
  expect_equation();
}

TEST_F(GatewayTest, StoppingGivesUpWhatStillWaits) {
  plug();
  start();
  pod().put(pool_, query().bytes());
  ASSERT_TRUE(until([&] { return gateway_->resolver().waiting() == 1; }));
  gateway_->stop();
  expect_equation();
}  // and the buffer comes home: see the fixture

TEST_F(GatewayTest, NothingIsLostWithoutAName) {
  plug(4096);
  start();
  introduce();
  test::Random random;
  SCOPED_TRACE(random.seed());
  for (int round = 0; round < 4000; ++round) {
    Wire& wire = random.coin() ? eni() : pod();
    switch (random.below(6)) {
      case 0: {
        Bytes noise(1 + random.below(300));
        for (auto& byte : noise) byte = random.byte();
        if (random.coin() && noise.size() > 14) std::fill_n(noise.begin(), 6, std::uint8_t{0});
        wire.put(pool_, noise);
        break;
      }
      case 1: wire.put(pool_, query().source_port(random.below(9)).bytes()); break;
      case 2: wire.put(pool_, answer().destination_port(40'000 + random.below(2)).bytes()); break;
      case 3:
        wire.put(pool_, query().destination("10.10.30.5").ttl(random.below(3)).bytes());
        break;
      case 4:
        wire.put(pool_, test::arp({net::kArpRequest, kPodMac, "10.10.10.21", {}, "169.254.1.1"}));
        break;
      default: wire.put(pool_, answer().echo(7).padding(18).bytes()); break;
    }
    if (round % 64 == 0) gateway_->turn();
  }
  EXPECT_TRUE(rest());
  gateway_->stop();
  expect_equation();
  EXPECT_GT(gateway_->totals().sent, 100u);
}

TEST_F(GatewayTest, AFullDeviceLosesFramesByName) {
  plug(64);
  start();
  introduce();
  while (eni().take()) {
  }
  for (unsigned i = 0; i < 300; ++i) pod().put(pool_, query().id(i).bytes());
  EXPECT_TRUE(rest());
  EXPECT_GE(dropped(DropReason::kTransmitFull), 200u);
  expect_equation();
}

TEST_F(GatewayTest, AFullRingToTheMainThreadLosesFramesByName) {
  plug();
  start();
  introduce();
  const Bytes request = test::arp({net::kArpRequest, kPodMac, "10.10.10.9", {}, "10.10.10.8"});
  for (unsigned i = 0; i < 6000; ++i) pod().put(pool_, request);
  // The main thread takes no turn while the worker receives all of them.
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (gateway_->totals().received < eni().put() + pod().put()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    std::this_thread::yield();
  }
  EXPECT_TRUE(rest());
  EXPECT_GE(dropped(DropReason::kWorkerRingFull), 1000u);
  expect_equation();
}

TEST_F(GatewayTest, AReloadChangesNewFlowsOnly) {
  plug();
  start();
  introduce();
  pod().put(pool_, query().bytes());
  ASSERT_TRUE(next_ip(eni()));
  const Status reloaded = gateway_->reload(load(yaml("{action: preserve}")));
  ASSERT_TRUE(reloaded.ok()) << reloaded.error();
  pod().put(pool_, query().bytes());
  const auto old_flow = next_ip(eni());
  ASSERT_TRUE(old_flow);
  EXPECT_EQ(test::source_of(*old_flow), "10.10.10.20");
  pod().put(pool_, query().source_port(4001).bytes());
  const auto new_flow = next_ip(eni());
  ASSERT_TRUE(new_flow);
  EXPECT_EQ(test::source_of(*new_flow), "10.10.10.21");
}

TEST_F(GatewayTest, AReloadThatNeedsARestartChangesNothing) {
  plug();
  start();
  introduce();
  std::string text = yaml("{action: preserve}");
  text.replace(text.find("capacity: 1024"), 14, "capacity: 2048");
  const Status refused = gateway_->reload(load(text));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("capacity"), std::string::npos) << refused.error();
  EXPECT_EQ(gateway_->config().flows.capacity, 1024u);
  pod().put(pool_, query().bytes());
  const auto frame = next_ip(eni());
  ASSERT_TRUE(frame);
  EXPECT_EQ(test::source_of(*frame), "10.10.10.20") << "still translated";
}

/// No frame leaves an ENI that may not emit it, also after the ENI has lost the address.
TEST_F(GatewayTest, AnAddressTakenFromItsEniIsNotEmittedAgain) {
  plug();
  start();
  introduce();
  pod().put(pool_, query().bytes());
  ASSERT_TRUE(next_ip(eni()));
  std::string text = yaml();
  text.replace(text.find("address: 10.10.10.20/24"), 23, "address: 10.10.10.30/24");
  ASSERT_TRUE(gateway_->reload(load(text)).ok());
  ASSERT_TRUE(until([&] { return gateway_->revised().complete; }));
  EXPECT_EQ(gateway_->revised().ended, 1u);
  pod().put(pool_, query().bytes());
  const auto frame = next_ip(eni());
  ASSERT_TRUE(frame);
  EXPECT_EQ(test::source_of(*frame), "10.10.10.30") << "a new session";
}

struct CountSessions : Errand {
  CountSessions() {
    step = [](Errand& self, nat::FlowTable& table, Instant) noexcept {
      auto& errand = static_cast<CountSessions&>(self);
      errand.sessions = table.size();
      return ++errand.steps == 3;
    };
  }
  std::uint32_t sessions = 0;
  unsigned steps = 0;
};

TEST_F(GatewayTest, AWorkerSeesToErrandsInTheirOrderBetweenBursts) {
  plug();
  start();
  introduce();
  pod().put(pool_, query().bytes());
  ASSERT_TRUE(next_ip(eni()));
  std::vector<std::shared_ptr<CountSessions>> errands;
  for (int i = 0; i < 3; ++i) {
    errands.push_back(std::make_shared<CountSessions>());
    gateway_->send(WorkerId{0}, errands.back());
  }
  ASSERT_TRUE(until([&] { return errands.back()->done.load(); }));
  for (const auto& errand : errands) {
    EXPECT_TRUE(errand->done.load());
    EXPECT_EQ(errand->steps, 3U);
    EXPECT_EQ(errand->sessions, 1U);
  }
  // One that nobody waits for lives on until it is done, or the gateway ends.
  gateway_->send(WorkerId{0}, std::make_shared<CountSessions>());
}

TEST_F(GatewayTest, TellsHowBusyAWorkerIsAndWhatItDropped) {
  plug();
  start();
  introduce();
  for (unsigned i = 0; i < 3 * Load::kSampled; ++i) {
    pod().put(pool_, query().destination("224.0.0.1").bytes());
    ASSERT_TRUE(until([&] { return dropped(DropReason::kMulticastDestination) == i + 1; }));
  }
  const Load& load = gateway_->workers()[0]->load();
  EXPECT_GE(load.bursts.get(), 3 * Load::kSampled);
  EXPECT_GE(load.burst_frames.get(), load.bursts.get());
  EXPECT_GT(load.turns.get(), load.busy_turns.get());
  EXPECT_GT(load.cycles.get(), load.busy_cycles.get());
  EXPECT_GT(load.stage_cycles[0].get(), 0U);
  const auto samples =
      gateway_->workers()[0]->drop_samples().read(DropReason::kMulticastDestination);
  ASSERT_EQ(samples.size(), pipeline::DropSamples::kKept);
  EXPECT_EQ(Ipv4Addr{samples[0].key.destination}.to_string(), "224.0.0.1");
  EXPECT_EQ(samples[0].in, DeviceId{1});
  const auto& counters = gateway_->workers()[0]->counters();
  const auto reason = static_cast<std::size_t>(DropReason::kMulticastDestination);
  EXPECT_LT(gateway_->now().since(Instant{counters.last_dropped[reason].get()}), 60'000);
}

TEST_F(GatewayTest, AFailedStartGivesEverythingBack) {
  plug();
  const std::string missing =
      "  - {name: eni1, device: \"net_af_packet7,iface=nosuchiface\", address: 10.10.20.20/24}\n";
  auto failed = Gateway::start(load(yaml("", missing)));
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().find("enis[1].device"), std::string::npos) << failed.error();
  EXPECT_NE(failed.error().find("nosuchiface"), std::string::npos) << failed.error();
  EXPECT_EQ(rte_eth_dev_count_avail(), 1u) << "the wire that it had not come to";
  std::uint16_t port = 0;
  EXPECT_NE(rte_eth_dev_get_port_by_name("net_ring_wire0", &port), 0);
  ASSERT_EQ(rte_vdev_uninit("net_ring_wire1"), 0);
  wires_.clear();
  plug();
  start();
  introduce();
}

}  // namespace
}  // namespace sluice::gateway
