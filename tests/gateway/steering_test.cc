// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Packets that meet their owners through devices, and what becomes of them when the NIC changes.
#include "gateway/steering.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>

#include "gateway/nic_fabric.h"

namespace sluice::gateway {
namespace {

using test::eth;
using test::PacketBuilder;

constexpr const char* kPodAddress = "10.10.10.21";
constexpr unsigned kFlows = 384;

/// Flows of a pod towards many remotes; what the gateway made of each, learnt from what it sent.
class SteeringTest : public NicFabric {
 protected:
  /// Scattered, as ports and addresses in a row differ in a few of the hash's bits only.
  static unsigned pod_port(unsigned flow) { return 1000 + flow * 7919 % 60'013; }
  static std::string remote(unsigned flow, bool translated) {
    return (translated ? "198.51.100." : "10.10.30.") + std::to_string(1 + flow * 73 % 200);
  }
  static PacketBuilder query(unsigned flow, bool translated) {
    const auto ip = eth().ipv4(kPodAddress, remote(flow, translated));
    return flow % 2 == 0 ? ip.udp(pod_port(flow), 53)
                         : ip.tcp(pod_port(flow), 443).flags(net::kSyn);
  }
  static PacketBuilder answer(unsigned flow,
                              bool translated,
                              const std::string& to,
                              unsigned port) {
    const auto ip = eth().ipv4(remote(flow, translated), to);
    return flow % 2 == 0 ? ip.udp(53, port) : ip.tcp(443, port).flags(net::kSyn | net::kAck);
  }

  /// One packet of every flow and its reply; each arrives as it should, on the port it always had.
  void exchange(bool translated = true) {
    for (unsigned flow = 0; flow < kFlows; ++flow) deliver(kPod, query(flow, translated));
    take_turns_until(kEni, kFlows);
    const auto out = std::exchange(seen_, {});
    ASSERT_EQ(out.size(), kFlows) << "queries";
    for (const test::Bytes& frame : out) {
      const auto of = flow_of(test::destination_of(frame), frame, translated);
      auto& port = translated ? ports_[of] : preserved_[of];
      const unsigned seen = test::source_port_of(frame);
      ASSERT_EQ(port == 0 ? seen : port, seen) << "another port than before: a second session";
      port = seen;
      deliver(kEni, answer(of, translated, test::source_of(frame), seen));
    }
    take_turns_until(kPod, kFlows);
    ASSERT_EQ(std::exchange(seen_, {}).size(), kFlows) << "replies";
  }
  /// Goes on with that until the sign is seen; the gateway looks ten times a second.
  void exchange_until(const std::function<bool()>& sign) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!sign()) {
      ASSERT_NO_FATAL_FAILURE(exchange());
      ASSERT_LT(std::chrono::steady_clock::now(), deadline)
          << in_force(kEni) << ", " << in_force(kPod);
    }
  }
  void exchange_until(const std::string& word) {
    exchange_until([&] { return in_force(kEni) == word && in_force(kPod) == word; });
  }
  /// The sum of what was ever handed to another worker.
  std::uint64_t handed_over() const { return gateway_->totals().handed_over; }

  /// By the order in which replies may come: the remote and, translated, the pod's port are not
  /// enough.
  unsigned flow_of(const std::string& to, const test::Bytes& frame, bool translated) {
    const unsigned external = test::source_port_of(frame);
    if (!translated) {
      unsigned flow = 0;
      while (flow < kFlows && pod_port(flow) != external) ++flow;
      return flow;
    }
    const auto known = by_port_.find({to, external, frame[23]});
    if (known != by_port_.end()) return known->second;
    // New: the first flow towards this remote and protocol that has no port yet.
    for (unsigned flow = 0; flow < kFlows; ++flow) {
      const bool udp = frame[23] == net::kUdp;
      if (remote(flow, true) == to && (flow % 2 == 0) == udp && !ports_.contains(flow)) {
        by_port_[{to, external, frame[23]}] = flow;
        return flow;
      }
    }
    ADD_FAILURE() << "a port that no flow should have: a second session";
    return 0;
  }
  void take_turns_until(Side side, std::size_t frames) {
    for (int round = 0; round < 32 && seen_.size() < frames; ++round) {
      take_turns();
      for (auto& frame : nic(side).sent()) seen_.push_back(std::move(frame));
    }
  }

  std::vector<test::Bytes> seen_;
  std::map<unsigned, unsigned> ports_, preserved_;  ///< external port by flow
  std::map<std::tuple<std::string, unsigned, std::uint8_t>, unsigned> by_port_;
};

struct Case {
  const char* name;
  nat::ToeplitzKey key;
  unsigned workers;
};
class Affinity : public SteeringTest, public testing::WithParamInterface<Case> {};

/// No packet of a translated flow crosses a ring, from the first one on, in either direction. Of
/// preserved flows the pod's packets meet their owner, and those replies whose own hash leads
/// there: all under the symmetric key, about one in as many as there are workers under another.
TEST_P(Affinity, PacketsMeetTheirOwners) {
  set_up(GetParam().workers, GetParam().key);
  ASSERT_NO_FATAL_FAILURE(exchange());
  const std::string settled = GetParam().workers == 1 ? "one worker, nothing to steer" : "nic";
  ASSERT_NO_FATAL_FAILURE(exchange_until(settled));
  ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(handed_over(), 0U);
  EXPECT_EQ(sessions(), kFlows);
  unsigned at_work = 0;
  for (const auto& worker : gateway_->workers()) at_work += worker->table().size() > 0 ? 1 : 0;
  EXPECT_EQ(at_work, GetParam().workers) << "all of them have sessions";

  unsigned astray = 0;
  for (unsigned flow = 0; flow < kFlows; ++flow) {
    const auto there = nic(kPod).rss.place(query(flow, false).bytes());
    const auto back = nic(kEni).rss.place(answer(flow, false, kPodAddress, pod_port(flow)).bytes());
    astray += there.queue == back.queue ? 0 : 1;
  }
  ASSERT_NO_FATAL_FAILURE(exchange(false));
  EXPECT_EQ(handed_over(), astray);
  EXPECT_EQ(astray == 0, GetParam().key == nat::symmetric_key() || GetParam().workers == 1);
  RecordProperty("preserved_replies_met_by_their_owner_of_384", static_cast<int>(kFlows - astray));
  EXPECT_EQ(sessions(), 2 * kFlows);
  EXPECT_EQ(in_force(kEni), settled) << "a NIC that hashes tuples as they stand is right";
  EXPECT_EQ(gateway_->totals().all_dropped(), 0U);
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (unsigned workers = 1; workers <= kMostQueues; ++workers) {
    all.push_back({"Symmetric", nat::symmetric_key(), workers});
  }
  for (const unsigned workers : {2U, 3U, 5U, 8U, 16U}) {
    all.push_back({"Microsoft", eni::kMicrosoftKey, workers});
    all.push_back({"Ena", eni::kEnaKey, workers});
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Keys, Affinity, testing::ValuesIn(cases()), [](const auto& each) {
  return each.param.name + std::to_string(each.param.workers);
});

class Changes : public SteeringTest {
 protected:
  void begin() {
    set_up(4, nat::symmetric_key());
    ASSERT_NO_FATAL_FAILURE(exchange_until("nic"));
    ASSERT_EQ(handed_over(), 0U);
  }
  void rotate_tables() {
    for (const Side side : {kEni, kPod}) {
      auto& table = nic(side).rss.table;
      std::rotate(table.begin(), table.begin() + 1, table.end());
    }
  }
  [[nodiscard]] bool was_told(const std::string& part) {
    for (auto& line : gateway_->steering().take_news()) told_ += line + "\n";
    return told_.find(part) != std::string::npos;
  }
  std::string told_;
};

TEST_F(Changes, AnotherTableOfQueuesLosesNoSession) {
  ASSERT_NO_FATAL_FAILURE(begin());
  rotate_tables();
  ASSERT_NO_FATAL_FAILURE(exchange_until("software"));
  EXPECT_GT(handed_over(), 0U);
  EXPECT_EQ(sessions(), kFlows);
  for (const Side side : {kEni, kPod}) nic(side).rss = test::SoftRss(nat::symmetric_key(), 4);
  ASSERT_NO_FATAL_FAILURE(exchange_until("nic"));
  EXPECT_EQ(sessions(), kFlows);
  EXPECT_EQ(gateway_->totals().all_dropped(), 0U);
}

TEST_F(Changes, WithoutHashesSoftwareMovesThem) {
  ASSERT_NO_FATAL_FAILURE(begin());
  for (const Side side : {kEni, kPod}) nic(side).rss.reports = false;
  ASSERT_NO_FATAL_FAILURE(exchange_until("software"));
  EXPECT_EQ(sessions(), kFlows);
  EXPECT_EQ(handed_over(), 0U) << "they still come to where they belong";
}

TEST_F(Changes, AnotherKeyLosesNoSession) {
  ASSERT_NO_FATAL_FAILURE(begin());
  for (const Side side : {kEni, kPod}) nic(side).rss.key = eni::kMicrosoftKey;
  ASSERT_NO_FATAL_FAILURE(exchange_until("software"));
  ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(sessions(), kFlows);
  EXPECT_EQ(gateway_->totals().all_dropped(), 0U);
}

TEST_F(Changes, SoftwareAloneUntilSetAutoAgain) {
  ASSERT_NO_FATAL_FAILURE(begin());
  gateway_->steering().set_mode(Steering::Mode::kSoftware);
  for (int round = 0; round < 8; ++round) ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(in_force(kEni), "software (as set)");
  gateway_->steering().set_mode(Steering::Mode::kAuto);
  EXPECT_EQ(in_force(kEni), "software") << "nothing is trusted before it has been seen";
  ASSERT_NO_FATAL_FAILURE(exchange_until("nic"));
  EXPECT_EQ(sessions(), kFlows);
}

/// The driver's part, writing the table, is what tests/eni/rss_test.cc looks at.
TEST_F(Changes, AHashThatBeginsWithOnesIsUnderstood) {
  set_up(4, nat::symmetric_key());
  for (const Side side : {kEni, kPod}) nic(side).rss.initial = 0xffffffff;
  exchange_until([&] {
    return was_told("eni0: its hash begins with 0xffff") &&
           was_told("pod0: its hash begins with 0xffff");
  });
  for (const Side side : {kEni, kPod})
    std::reverse(nic(side).rss.table.begin(), nic(side).rss.table.end());
  ASSERT_NO_FATAL_FAILURE(exchange_until("nic"));
  EXPECT_EQ(sessions(), kFlows);
}

TEST_F(Changes, AnOlderEnaSortsAndIsLeftToSoftware) {
  set_up(4, eni::kEnaKey);
  for (const Side side : {kEni, kPod}) {
    nic(side).rss.initial = 0xffffffff;
    nic(side).rss.sorts = nic(side).rss.low_half_twice = true;
  }
  exchange_until([&] { return was_told("eni0: its hash sorts addresses and ports"); });
  EXPECT_EQ(in_force(kEni), "software");
  EXPECT_EQ(sessions(), kFlows);
  EXPECT_EQ(gateway_->totals().all_dropped(), 0U);
}

TEST_F(Changes, EndpointIndependentMappingsAreLeftToSoftware) {
  mapping_ = "endpoint_independent";
  set_up(4, nat::symmetric_key());
  for (int round = 0; round < 8; ++round) ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(in_force(kEni), "software (endpoint-independent mappings)");
  EXPECT_EQ(sessions(), 2 * kFlows) << "a record for each mapping and one for its session";
}

/// Another kind would give open flows to other workers.
TEST_F(Changes, AnotherKindOfMappingNeedsARestart) {
  ASSERT_NO_FATAL_FAILURE(begin());
  config::Config changed = gateway_->config();
  changed.snat.mapping = config::Mapping::kEndpointIndependent;
  const Status reloaded = gateway_->reload(std::move(changed));
  ASSERT_FALSE(reloaded.ok());
  EXPECT_NE(reloaded.error().find("snat.mapping has changed, which needs a restart"),
            std::string::npos)
      << reloaded.error();
  ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(in_force(kEni), "nic");
  EXPECT_EQ(sessions(), kFlows);
}

TEST_F(Changes, FewerQueuesThanWorkersAreLeftToSoftware) {
  set_up(4, nat::symmetric_key(), 2);
  for (int round = 0; round < 8; ++round) ASSERT_NO_FATAL_FAILURE(exchange());
  EXPECT_EQ(in_force(kEni), "software (fewer queues than workers)");
  EXPECT_EQ(sessions(), kFlows);
}

/// What the console shows of it.
TEST_F(Changes, TellsTheShareThatMetItsOwner) {
  ASSERT_NO_FATAL_FAILURE(begin());
  const auto share = [&] { return gateway_->steering().states()[kEni].met_by_owner; };
  const auto told = [&](const std::string& by) {
    return was_told("eni0: packets are moved to their workers by " + by + ";");
  };
  ASSERT_NO_FATAL_FAILURE(exchange_until([&] { return share() == 1.0 && told("nic"); }));
  rotate_tables();
  // Each goes to the neighbour of its owner, but for what ARP there is.
  ASSERT_NO_FATAL_FAILURE(exchange_until([&] { return *share() < 0.01 && told("software"); }));
}

}  // namespace
}  // namespace sluice::gateway
