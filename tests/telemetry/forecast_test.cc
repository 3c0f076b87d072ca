// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/forecast.h"

#include <gtest/gtest.h>

namespace sluice::telemetry {
namespace {

using std::chrono::seconds;

RemoteUse use(std::uint64_t sessions, std::uint16_t port = 443) {
  return {Ipv4Addr{10, 10, 10, 20}, Ipv4Addr{8, 8, 8, 8}, port, 6, sessions};
}
Instant at(std::uint32_t second) { return {second * 1000}; }

TEST(Forecast, IsAStraightLineFromTheOldestCount) {
  Forecast forecast;
  forecast.note({use(1000)}, at(0));
  forecast.note({use(1900)}, at(15));
  EXPECT_EQ(forecast.exhausted_in(use(2000), 4000, at(20)), seconds(40)) << "50 a second";
}

TEST(Forecast, NothingIsSaidOfWhatDoesNotGrow) {
  Forecast forecast;
  EXPECT_FALSE(forecast.exhausted_in(use(10), 4000, at(0))) << "nothing is known";
  forecast.note({use(1000), use(50, 80)}, at(0));
  EXPECT_FALSE(forecast.exhausted_in(use(1000), 4000, at(30)));
  EXPECT_FALSE(forecast.exhausted_in(use(900), 4000, at(30)));
  EXPECT_FALSE(forecast.exhausted_in(use(900, 8080), 4000, at(30)))
      << "not among the busiest before";
  EXPECT_FALSE(forecast.exhausted_in(use(3000), 4000, at(1))) << "a second is no rate";
  EXPECT_TRUE(forecast.exhausted_in(use(51, 80), 4000, at(30)));
}

TEST(Forecast, WithoutAPortLeftThatIsNow) {
  EXPECT_EQ(Forecast{}.exhausted_in(use(4000), 4000, at(0)), seconds(0));
}

TEST(Forecast, WhatIsOlderThanTwoMinutesNoLongerCounts) {
  Forecast forecast;
  forecast.note({use(0)}, at(0));
  forecast.note({use(1000)}, at(60));
  forecast.note({use(1000)}, at(150));
  EXPECT_FALSE(forecast.exhausted_in(use(1000), 4000, at(160))) << "it has stopped growing";
  EXPECT_EQ(forecast.exhausted_in(use(1100), 4000, at(160)), seconds(2900))
      << "one a second since 60 s";
}

}  // namespace
}  // namespace sluice::telemetry
