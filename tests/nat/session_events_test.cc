// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/session_events.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "nat/flow_table.h"
#include "net/headers.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

using What = SessionEvent::What;

constexpr Instant kNow{5000};

NewSession session(unsigned number, std::uint8_t flags = kTranslated) {
  NewSession made{Be32::from_host(0x0a000000 + number),
                  Be32::from_host(0x08080808),
                  Be32::from_host(0xc0a8010a),
                  Be16::from_host(4000),
                  Be16::from_host(53),
                  Be16::from_host(static_cast<std::uint16_t>(1024 + number))};
  made.protocol = net::kUdp;
  made.flags = flags;
  return made;
}

class LoggedTable : public ::testing::Test {
 protected:
  void make(std::uint32_t capacity, std::uint32_t queue) {
    table_ = std::move(FlowTable::create({capacity, 1})).value();
    IdleLimits limits;
    limits.udp = 3000;
    table_->set_limits(limits);
    events_ = std::make_unique<SessionEvents>(queue);
    table_->log_to(events_.get());
  }
  std::vector<SessionEvent> taken() {
    std::vector<SessionEvent> all(1024);
    all.resize(events_->take(all).size());
    return all;
  }

  std::unique_ptr<FlowTable> table_;
  std::unique_ptr<SessionEvents> events_;
};

TEST_F(LoggedTable, TellsWhoHadWhichAddressAndPortFromWhenToWhen) {
  make(8, 16);
  const SessionIndex index = table_->insert(session(1, kTranslated | kOpenedInbound), kNow);
  table_->erase(index, kNow.plus(std::chrono::seconds(1)));
  const auto events = taken();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].what, What::kCreate);
  EXPECT_EQ(events[0].time, kNow);
  EXPECT_EQ(events[1].what, What::kDelete);
  EXPECT_EQ(events[1].time, Instant{6000});
  for (const SessionEvent& event : events) {
    EXPECT_EQ(event.pod.to_host(), 0x0a000001U);
    EXPECT_EQ(event.pod_port.to_host(), 4000);
    EXPECT_EQ(event.snat.to_host(), 0xc0a8010aU);
    EXPECT_EQ(event.snat_port.to_host(), 1025);
    EXPECT_EQ(event.remote.to_host(), 0x08080808U);
    EXPECT_EQ(event.remote_port.to_host(), 53);
    EXPECT_EQ(event.protocol, net::kUdp);
    EXPECT_TRUE(event.opened_inbound);
  }
}

TEST_F(LoggedTable, LeavesOutWhatHasNoTranslation) {
  make(8, 16);
  table_->erase(table_->insert(session(1, 0), kNow), kNow);
  NewSession elsewhere = session(2, 0);
  elsewhere.state = SessionState::kElsewhere;
  table_->erase(table_->insert(elsewhere, kNow), kNow);
  // A mapping's sessions are told of, the mapping is not.
  NewSession mapping = session(3, kTranslated | kMapping);
  mapping.remote = {};
  mapping.remote_port = {};
  ASSERT_NE(table_->insert(mapping, kNow), kNoSession);
  table_->erase(table_->insert(session(3, kTranslated | kHasMapping), kNow), kNow);
  ASSERT_EQ(table_->size(), 0U);
  EXPECT_EQ(taken().size(), 2U);
}

TEST_F(LoggedTable, ASessionThatFindsNoRoomIsNotToldOf) {
  make(2, 16);
  for (unsigned i = 0; i < 3; ++i) static_cast<void>(table_->insert(session(i), kNow));
  EXPECT_EQ(taken().size(), table_->size());
}

TEST_F(LoggedTable, AFullQueueLosesEventsAndCountsThem) {
  make(64, 10);
  for (unsigned i = 0; i < 40; ++i) ASSERT_NE(table_->insert(session(i), kNow), kNoSession);
  EXPECT_EQ(events_->dropped(), 30U);
  const auto kept = taken();
  ASSERT_EQ(kept.size(), 10U);
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(kept[i].pod.to_host(), 0x0a000000U + i);
  EXPECT_EQ(table_->size(), 40U);
  static_cast<void>(table_->insert(session(41), kNow));
  EXPECT_EQ(taken().size(), 1U) << "there is room again";
  EXPECT_EQ(events_->dropped(), 30U);
}

/// However sessions end (asked for, by the sweep, by a lookup, to make room), each one that was
/// created is deleted once, after it was created.
TEST_F(LoggedTable, EverySessionIsCreatedOnceAndDeletedOnce) {
  constexpr unsigned kFlows = 200;
  make(64, 4096);
  test::Random random;
  Instant now = kNow;
  std::map<std::uint32_t, int> open;  // by pod
  const auto follow = [&] {
    for (const SessionEvent& event : taken()) {
      int& count = open[event.pod.to_host()];
      count += event.what == What::kCreate ? 1 : -1;
      ASSERT_TRUE(count == 0 || count == 1) << event.pod.to_host();
    }
  };
  for (unsigned round = 0; round < 20'000; ++round) {
    now = now.plus(std::chrono::milliseconds(random.below(50)));
    const NewSession made = session(random.below(kFlows));
    const FlowKey key{made.pod, made.remote, made.pod_port, made.remote_port, made.protocol, {}};
    const Found found = table_->find(key, now);
    switch (random.below(4)) {
      case 0:
        if (found) table_->erase(found.session, now);
        break;
      case 1: table_->sweep(now, 4); break;
      default:
        if (!found) static_cast<void>(table_->insert(made, now));
    }
    if (round % 100 == 0) {
      ASSERT_NO_FATAL_FAILURE(follow());
    }
  }
  ASSERT_NO_FATAL_FAILURE(follow());
  int live = 0;
  for (const auto& [pod, count] : open) live += count;
  EXPECT_EQ(live, static_cast<int>(table_->size()));
  now = now.plus(std::chrono::hours(1));
  while (table_->size() != 0) table_->sweep(now, 64);
  ASSERT_NO_FATAL_FAILURE(follow());
  for (const auto& [pod, count] : open) EXPECT_EQ(count, 0) << pod;
  EXPECT_EQ(events_->dropped(), 0U);
}

}  // namespace
}  // namespace sluice::nat
