// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/pod_counts.h"

#include <gtest/gtest.h>

#include <map>

#include "support/random.h"

namespace sluice::nat {
namespace {

using test::Random;

/// As many pods as sessions, some with one and some with many, against a map.
TEST(PodCounts, CountsAsAMapDoes) {
  for (const std::uint32_t capacity : {1u, 2u, 3u, 7u, 16u, 100u}) {
    Random random;
    SCOPED_TRACE(random.seed() + ", capacity " + std::to_string(capacity));
    PodCounts counts(capacity);
    std::map<std::uint32_t, std::uint32_t> model;
    std::uint32_t held = 0;
    for (int step = 0; step < 30'000; ++step) {
      const std::uint32_t pod = 0x0a000000 + random.below(2 * capacity);
      const Be32 key = Be32::from_host(pod);
      if (held < capacity && random.coin()) {
        counts.add(key);
        ++model[pod];
        ++held;
      } else if (model[pod] != 0) {
        counts.remove(key);
        --model[pod];
        --held;
      }
      for (std::uint32_t i = 0; i < 2 * capacity; ++i) {
        ASSERT_EQ(counts.of(Be32::from_host(0x0a000000 + i)), model[0x0a000000 + i]);
      }
    }
  }
}

TEST(PodCounts, RemovingWhatIsNotThereChangesNothing) {
  PodCounts counts(4);
  const Be32 pod = Be32::from_host(0x0a000001);
  counts.remove(pod);
  EXPECT_EQ(counts.of(pod), 0u);
  counts.add(pod);
  EXPECT_EQ(counts.of(pod), 1u);
}

}  // namespace
}  // namespace sluice::nat
