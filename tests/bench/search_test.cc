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

constexpr double kStart = 10e6;

TEST(Search, FindsTheRateBelowWhichNothingIsLost) {
  for (const double capacity : {9.9e6, 7.3e6, 1e6, 0.2e6}) {
    const SearchResult found = search({.loss = 0, .start = kStart}, Device{capacity});
    EXPECT_LE(found.rate, capacity);
    EXPECT_GE(found.rate, capacity * 0.98);
    EXPECT_GT(found.upper, found.rate);
    EXPECT_EQ(found.outcome.lost(), 0U);
  }
}

TEST(Search, FindsTheRateAtWhichAShareIsLost) {
  const SearchResult found = search({.loss = 0.005, .start = kStart}, Device{5e6});
  EXPECT_GE(found.rate, 5e6);
  EXPECT_LE(found.rate, 5e6 / 0.995 * 1.01);
  EXPECT_LE(found.outcome.loss(), 0.005);
}

TEST(Search, GoesAboveItsStartUntilARateFails) {
  for (const double capacity : {10.1e6, 11e6, 20e6, 90e6}) {
    const SearchResult found = search({.loss = 0, .start = kStart}, Device{capacity});
    EXPECT_LE(found.rate, capacity);
    EXPECT_GE(found.rate, capacity * 0.98);
    EXPECT_GT(found.upper, capacity);
  }
}

TEST(Search, FindsNothingWhereSomethingIsAlwaysLost) {
  const SearchResult found = search({.loss = 0, .start = kStart}, Device{5e6, 0.01});
  EXPECT_EQ(found.rate, 0);
  EXPECT_EQ(found.outcome.offered, 0U);
  EXPECT_LE(found.trials, 30U);
}

TEST(Search, FindsARateFarBelowItsStart) {
  const SearchResult found = search({.loss = 0, .start = kStart}, Device{kStart / 500});
  EXPECT_LE(found.rate, kStart / 500);
  EXPECT_GE(found.rate, kStart / 500 * 0.98);
}

TEST(Search, OnlyARateThatStoodALongTrialIsFound) {
  // Nothing is lost in a moment, a little always in a second.
  const auto buffered = [](double rate, double seconds) {
    return Device{5e6, seconds < 1 ? 0 : 0.001}(rate, seconds);
  };
  const SearchResult found = search({.loss = 0, .start = kStart}, buffered);
  EXPECT_EQ(found.rate, 0);
  EXPECT_EQ(found.outcome.offered, 0U);
}

TEST(Search, ConfirmsWhatItFoundHoweverManyTrialsTheShortOnesTook) {
  // So narrow an interval that short trials do not get there.
  const SearchResult found = search({.width = 1e-12, .start = kStart}, Device{7.3e6});
  EXPECT_GE(found.rate, 7.3e6 * 0.98);
  EXPECT_EQ(found.outcome.seconds, 1);
}

/// Loses a little in every other trial, whatever the rate.
struct Moody {
  unsigned* trials;
  Outcome operator()(double rate, double seconds) const {
    return Device{5e6, ++*trials % 2 == 0 ? 0 : 0.02}(rate, seconds);
  }
};

TEST(Search, WhatMetAStricterGoalIsTheLeastThatIsFound) {
  const SearchResult no_drop = search({.loss = 0, .start = kStart}, Device{5e6});
  const auto worse = [&](double rate, double seconds) {
    EXPECT_GT(rate, no_drop.rate);  // all others are known
    return Device{2e6}(rate, seconds);
  };
  const SearchResult found = search({.loss = 0.005, .start = kStart}, worse, no_drop);
  EXPECT_EQ(found.rate, no_drop.rate);
  EXPECT_EQ(found.outcome.offered, no_drop.outcome.offered);
  EXPECT_GT(found.trials, 0U);
  unsigned trials = 0;
  EXPECT_GE(search({.loss = 0.005, .start = kStart}, Moody{&trials}, no_drop).rate, no_drop.rate);
}

TEST(Search, FindsMoreThanMetAStricterGoal) {
  const SearchResult no_drop{.rate = 2e6};
  for (const double start : {1e6, kStart}) {
    const SearchResult found = search({.loss = 0.005, .start = start}, Device{5e6}, no_drop);
    EXPECT_GE(found.rate, 5e6 * 0.98);
    EXPECT_LE(found.rate, 5e6 / 0.995 * 1.01);
  }
}

TEST(Search, OfADeviceThatForwardsNothingNothingIsAsked) {
  const SearchResult found = search({.start = 0}, Device{5e6});
  EXPECT_EQ(found.trials, 0U);
}

}  // namespace
}  // namespace sluice::bench
