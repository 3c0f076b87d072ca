// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include "gateway/load.h"

namespace sluice::gateway {
namespace {

TEST(TurnTimes, AClassHoldsWhatIsAtMostAnEighthShorterThanItsBound) {
  for (std::uint64_t cycles = 257; cycles < std::uint64_t{1} << TurnTimes::kLongest;
       cycles += 1 + cycles / 50) {
    const unsigned number = TurnTimes::class_of(cycles);
    ASSERT_LE(cycles, TurnTimes::bound(number));
    ASSERT_GT(cycles, TurnTimes::bound(number - 1)) << number;
    ASSERT_LE(static_cast<double>(TurnTimes::bound(number)),
              static_cast<double>(cycles) * 1.125 + 1)
        << cycles;
  }
}

TEST(TurnTimes, BoundsBelongToTheirClassAndTheEndsTakeTheRest) {
  for (unsigned number = 0; number < TurnTimes::kClasses; ++number) {
    EXPECT_EQ(TurnTimes::class_of(TurnTimes::bound(number)), number);
  }
  EXPECT_EQ(TurnTimes::class_of(0), 0U);
  EXPECT_EQ(TurnTimes::class_of(UINT64_MAX), TurnTimes::kClasses - 1);
}

TEST(Load, ATurnCountsForEachOfItsPacketsAndAGapOnce) {
  Load load;
  load.gap_cycles = 100'000;
  const std::uint64_t long_turn = load.gap_cycles + 1;
  load.add_turn(0, long_turn);
  load.add_turn(3, 1000);
  load.add_turn(0, load.gap_cycles);
  EXPECT_EQ(load.poll_gaps.get(), 1U);
  EXPECT_EQ(load.longest_since_cleared.get(), long_turn);
  EXPECT_EQ(load.longest_cycles.get(), long_turn);
  EXPECT_EQ(load.longest_busy_since_cleared.get(), 1000U) << "an idle turn kept no packet";
  EXPECT_EQ(load.turn_times.read()[TurnTimes::class_of(1000)], 3U);
  EXPECT_EQ(load.packet_cycles.get(), 3000U);
  EXPECT_EQ(load.busy_turns.get(), 1U);
}

}  // namespace
}  // namespace sluice::gateway
