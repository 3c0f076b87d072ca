// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/utc_clock.h"

#include <gtest/gtest.h>

#include "support/random.h"

namespace sluice::telemetry {
namespace {

constexpr UtcMs kUtc{1'800'000'000'000};

TEST(UtcClock, KeepsTheOrderOfEventsWhileClocksAreReadInWholeMilliseconds) {
  test::Random random;
  // Across the wrap of the sessions' clock.
  Instant now{0xffff'f000};
  std::uint64_t utc = kUtc.value;
  UtcClock clock({utc}, now);
  std::uint64_t last = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t step = random.below(3);
    now = now.plus(std::chrono::milliseconds(step));
    utc += step;
    EXPECT_GE(clock.of(now).value, last);
    clock.note({utc + random.below(3) - 1}, now);
    EXPECT_GE(clock.of(now).value, last) << "the same moment, looked at again";
    last = clock.of(now).value;
    ASSERT_LE(last, utc + 2);
    ASSERT_GE(last + 2, utc);
  }
}

TEST(UtcClock, FollowsASystemClockThatIsSet) {
  UtcClock clock(kUtc, {5000});
  EXPECT_EQ(clock.of({4000}).value, kUtc.value - 1000);
  clock.note({kUtc.value + 3'600'000}, {5000});
  EXPECT_EQ(clock.of({5001}).value, kUtc.value + 3'600'001);
  clock.note(kUtc, {5001});
  EXPECT_EQ(clock.of({5001}).value, kUtc.value);
}

}  // namespace
}  // namespace sluice::telemetry
