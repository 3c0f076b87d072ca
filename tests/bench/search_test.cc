// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/search.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::bench {
namespace {

/// A device that forwards so many packets a second and drops the rest.
struct Device {
  double capacity;
  double steady_loss = 0;  ///< a share it always drops

  Outcome operator()(double rate, double seconds) const {
    Outcome outcome;
    outcome.seconds = seconds;
    outcome.offered = static_cast<std::uint64_t>(rate * seconds);
    const double through = std::min(rate, capacity) * (1 - steady_loss) * seconds;
    outcome.sent = outcome.offered;
    outcome.received = rate <= capacity && steady_loss == 0 ? outcome.offered
                                                            : static_cast<std::uint64_t>(through);
    return outcome;
  }
};

constexpr double kHighest = 10e6;

TEST(Search, FindsTheRateBelowWhichNothingIsLost) {
  for (const double capacity : {9.9e6, 7.3e6, 1e6, 0.2e6}) {
    const SearchResult found = search({.loss = 0, .highest = kHighest}, Device{capacity});
    EXPECT_LE(found.rate, capacity);
    EXPECT_GE(found.rate, capacity * 0.98);
    EXPECT_GT(found.upper, found.rate);
    EXPECT_EQ(found.outcome.lost(), 0U);
  }
}

TEST(Search, FindsTheRateAtWhichAShareIsLost) {
  const SearchResult found = search({.loss = 0.005, .highest = kHighest}, Device{5e6});
  EXPECT_GE(found.rate, 5e6);
  EXPECT_LE(found.rate, 5e6 / 0.995 * 1.01);
  EXPECT_LE(found.outcome.loss(), 0.005);
}

TEST(Search, StopsAtTheHighestRateWhereItMeetsTheGoal) {
  const SearchResult found = search({.loss = 0, .highest = kHighest}, Device{20e6});
  EXPECT_EQ(found.rate, kHighest);
}

TEST(Search, FindsNothingWhereSomethingIsAlwaysLost) {
  const SearchResult found = search({.loss = 0, .highest = kHighest}, Device{5e6, 0.01});
  EXPECT_EQ(found.rate, 0);
  EXPECT_LE(found.trials, 60U);
}

}  // namespace
}  // namespace sluice::bench
