// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/histogram.h"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::bench {
namespace {

TEST(Histogram, ReadsPercentilesWithinThreePercent) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100'000; ++value) histogram.add(value);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = share * 100'000;
    EXPECT_GE(static_cast<double>(histogram.percentile(share)), exact);
    EXPECT_LE(static_cast<double>(histogram.percentile(share)), exact * 1.035);
  }
}

TEST(Histogram, CountsEveryValueWhateverItsSize) {
  Histogram histogram;
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64},
                                    std::numeric_limits<std::uint64_t>::max()}) {
    histogram.add(value);
  }
  std::uint64_t sum = 0;
  histogram.for_each([&](std::uint64_t, std::uint64_t count) { sum += count; });
  EXPECT_EQ(sum, 4U);
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.largest(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(histogram.percentile(1), std::numeric_limits<std::uint64_t>::max());
}

TEST(Histogram, NeverSaysMoreThanTheLargestValue) {
  Histogram histogram;
  histogram.add(1'000'000);
  EXPECT_EQ(histogram.percentile(0.5), 1'000'000U);
}

}  // namespace
}  // namespace sluice::bench
