// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "linerate/tester.h"

namespace sluice::bench {
namespace {

TEST(Outcome, AFloodThatWasNotMadeIsNoLossOfTheSessions) {
  // A quarter is the flood's. The device took 600 of 1,000, and lost nothing of these.
  Outcome outcome{.offered = 1000, .sent = 600, .received = 450, .fresh_sent = 150};
  outcome.extrapolate_fresh(600);
  const Outcome sessions = outcome.without_fresh();
  EXPECT_EQ(sessions.offered, 750U);
  EXPECT_EQ(sessions.lost(), 300U);
  EXPECT_DOUBLE_EQ(sessions.loss(), 0.4);
}

TEST(Outcome, WhereAllWasMadeTheFloodIsCountedAsItIs) {
  Outcome outcome{.offered = 1000, .sent = 1000, .received = 1000};
  outcome.fresh_sent = outcome.fresh_received = 251;
  outcome.extrapolate_fresh(1000);
  EXPECT_EQ(outcome.without_fresh().offered, 749U);
  EXPECT_EQ(outcome.without_fresh().lost(), 0U);
}

TEST(Outcome, ADeviceThatSendsMoreThanItGotLosesNothing) {
  const Outcome outcome{.offered = 1000, .sent = 1000, .received = 1010};
  EXPECT_EQ(outcome.without_fresh().lost(), 0U);
  EXPECT_EQ(outcome.without_fresh().loss(), 0);
}

}  // namespace
}  // namespace sluice::bench
