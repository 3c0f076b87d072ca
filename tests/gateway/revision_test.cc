// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/revision.h"

#include <gtest/gtest.h>

#include "support/config_parts.h"
#include "support/eal.h"

namespace sluice::gateway {
namespace {

using nat::Direction;
using test::address;
using test::prefix;

constexpr DeviceId kEni0{0};
constexpr DeviceId kEni1{1};
constexpr DeviceId kPodPort{2};
constexpr unsigned kAll = 1000;
constexpr Instant kNow{1000};

/// Two ENIs and a pod port; the second ENI emits what is given.
config::Config config_with(std::vector<IpPrefix> eni0, std::vector<IpPrefix> eni1) {
  config::Config config;
  config.pods.cidrs = test::marked({"10.10.0.0/16"});
  config.enis = {test::eni("eni0", "10.10.10.20/24"), test::eni("eni1", "10.10.20.20/24")};
  config.enis[0].primary = true;
  config.enis[0].prefixes = std::move(eni0);
  config.enis[1].prefixes = std::move(eni1);
  config.pod_ports = {test::pod_port("pod0", {"10.10.10.21"})};
  return config;
}

class RevisionTest : public ::testing::Test {
 protected:
  RevisionTest() {
    test::start_eal();
    neighbours_ = std::move(eni::NeighbourTable::create(3, 16)).value();
    table_ = std::move(nat::FlowTable::create({64, 1})).value();
    nat::IdleLimits limits;
    limits.udp = 1'000'000;
    table_->set_limits(limits);
    revision_.emplace(*table_, *neighbours_);
  }

  /// A flow of the pod behind the pod port, by `out`, seen as `source`.
  nat::SessionIndex open(const char* source, DeviceId out, std::uint16_t port) {
    nat::NewSession session;
    session.pod = address("10.10.10.21").v4().wire();
    session.remote = address("8.8.8.8").v4().wire();
    session.snat = address(source).v4().wire();
    session.pod_port = session.snat_port = Be16::from_host(port);
    session.remote_port = Be16::from_host(53);
    session.protocol = 17;
    session.flags = session.pod == session.snat ? 0 : nat::kTranslated;
    session.adjacency[nat::Session::index(Direction::kOutbound)] = neighbours_->glean(out);
    session.adjacency[nat::Session::index(Direction::kInbound)] = neighbours_->glean(kPodPort);
    return table_->insert(session, kNow);
  }
  bool lives(nat::SessionIndex index) const { return table_->read(index).has_value(); }
  DeviceId way_out(nat::SessionIndex index) const {
    return neighbours_->device(table_->at(index).adjacency_id(Direction::kOutbound));
  }

  std::unique_ptr<eni::NeighbourTable> neighbours_;
  std::unique_ptr<nat::FlowTable> table_;
  std::optional<Revision> revision_;
};

TEST_F(RevisionTest, EndsOnlyFlowsThatNoEniMayEmit) {
  const auto kept = open("10.10.10.20", kEni0, 1);
  const auto doomed = open("10.10.20.40", kEni1, 2);
  const eni::EniMap enis(config_with({prefix("10.10.10.16/28")}, {}));
  revision_->begin();
  revision_->step(enis, kNow, kAll);
  EXPECT_FALSE(revision_->active());
  EXPECT_TRUE(lives(kept));
  EXPECT_FALSE(lives(doomed));
  EXPECT_EQ(revision_->ended(), 1U);
  EXPECT_EQ(revision_->moved(), 0U);
  EXPECT_EQ(table_->check_invariants(), "");
}

TEST_F(RevisionTest, MovesFlowsToTheEniThatOwnsThemNow) {
  const auto moved = open("10.10.20.40", kEni1, 1);
  const eni::EniMap enis(config_with({prefix("10.10.20.32/28")}, {}));
  revision_->begin();
  revision_->step(enis, kNow, kAll);
  EXPECT_TRUE(lives(moved));
  EXPECT_EQ(way_out(moved), kEni0);
  EXPECT_EQ(revision_->moved(), 1U);
  EXPECT_EQ(revision_->ended(), 0U);
}

TEST_F(RevisionTest, EndsPreservedFlowsOfAPodNoEniOwns) {
  const auto orphan = open("10.10.10.21", kEni0, 1);
  const eni::EniMap enis(config_with({}, {}));
  revision_->begin();
  revision_->step(enis, kNow, kAll);
  EXPECT_FALSE(lives(orphan));
}

TEST_F(RevisionTest, EndsATranslatedFlowBetweenPodsWhoseAddressIsNobodys) {
  const auto orphan = open("10.10.20.40", kPodPort, 1);
  const eni::EniMap enis(config_with({}, {}));
  revision_->begin();
  revision_->step(enis, kNow, kAll);
  EXPECT_FALSE(lives(orphan));
}

TEST_F(RevisionTest, GoesOnWhereItStopped) {
  for (std::uint16_t port = 1; port <= 10; ++port) (void)open("10.10.20.40", kEni1, port);
  const eni::EniMap enis(config_with({}, {}));
  revision_->begin();
  revision_->step(enis, kNow, 4);
  EXPECT_TRUE(revision_->active());
  EXPECT_EQ(revision_->ended(), 4U);
  revision_->step(enis, kNow, 4);
  revision_->step(enis, kNow, 4);
  EXPECT_FALSE(revision_->active());
  EXPECT_EQ(revision_->ended(), 10U);
  EXPECT_EQ(table_->size(), 0U);
}

TEST_F(RevisionTest, StopsFramesOfSessionsItHasNotReached) {
  const auto doomed = open("10.10.20.40", kEni1, 1);
  const eni::EniMap enis(config_with({}, {}));
  revision_->begin();
  std::array<std::uint8_t, 64> frame{};
  pipeline::Packet packet;
  packet.frame = frame.data();
  packet.out = kEni1;
  packet.found = {doomed, Direction::kOutbound};
  packet.ipv4().source = address("10.10.20.40").v4().wire();
  EXPECT_FALSE(revision_->may_leave(packet, enis, kNow));
  EXPECT_FALSE(lives(doomed)) << "looked at out of turn";
  // The next packet of the same burst still names the record, which is free by now.
  EXPECT_FALSE(revision_->may_leave(packet, enis, kNow));
  EXPECT_EQ(revision_->ended(), 1U);
  packet.ipv4().source = address("10.10.20.20").v4().wire();
  EXPECT_TRUE(revision_->may_leave(packet, enis, kNow));
  EXPECT_EQ(table_->check_invariants(), "");
}

TEST_F(RevisionTest, LeavesWhatIsPastItsTimeToTheSweep) {
  const auto old = open("10.10.20.40", kEni1, 1);
  const eni::EniMap enis(config_with({}, {}));
  revision_->begin();
  revision_->step(enis, kNow.plus(std::chrono::hours(1)), kAll);
  EXPECT_TRUE(lives(old));
  EXPECT_EQ(revision_->ended(), 0U);
}

TEST(SameSources, DependOnWhatMayBeEmittedAlone) {
  const auto base = config_with({}, {});
  auto other = base;
  other.enis[0].routes.push_back({prefix("10.30.0.0/16"), address("10.10.10.1")});
  EXPECT_TRUE(same_sources(base, other));
  for (const auto& change : std::initializer_list<void (*)(config::Config&)>{
           [](auto& c) { c.enis[1].secondary.push_back(address("10.10.20.30")); },
           [](auto& c) { c.enis[1].forwards.push_back(prefix("0.0.0.0/0")); },
           [](auto& c) { c.enis[0].prefixes.push_back(prefix("10.10.10.32/28")); },
           [](auto& c) { c.pod_ports[0].pods.clear(); }}) {
    other = base;
    change(other);
    EXPECT_FALSE(same_sources(base, other));
  }
}

}  // namespace
}  // namespace sluice::gateway
