// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/pace.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::bench {
namespace {

constexpr double kHz = 2e9;
constexpr std::uint64_t kBegun = 123'456'789;
constexpr double kSeconds = 0.01;

struct Sent {
  std::uint64_t sent = 0;
  std::uint64_t ended = 0;  ///< cycles after the trial began
};

/// The tester's loop by a clock of its own: each turn offers at most a burst, and costs time.
/// \p room says how many packets the device can have taken, so many cycles after the beginning.
template <typename Room>
Sent offer(const Pace::Wanted& wanted, std::uint64_t turn, Room room) {
  constexpr std::uint64_t kBurst = 32;
  Pace pace(wanted, kHz, kBegun);
  Sent result;
  std::uint64_t made = 0;
  std::uint64_t now = kBegun;
  while (pace.goes_on(now, result.sent, made != result.sent)) {
    if (made == result.sent) made += std::min(kBurst, std::max(pace.due(now), made) - made);
    result.sent = std::max(result.sent, std::min(made, room(now - kBegun)));
    now += turn;
  }
  result.ended = now - kBegun;
  return result;
}

std::uint64_t any_number(std::uint64_t) { return ~std::uint64_t{0}; }

TEST(Pace, AnInstantDeviceGetsAllThatIsDueInTheLastTurn) {
  constexpr std::uint64_t kTurn = 6'000;
  constexpr double kMost = 32 * kHz / kTurn;
  for (int i = 0; i < 200; ++i) {
    const double rate = kMost * (0.5 + i * 0.0024);  // up to 98 % of what the tester can
    EXPECT_EQ(offer({rate, kSeconds, 0}, kTurn, any_number).sent,
              static_cast<std::uint64_t>(rate * kSeconds));
  }
}

TEST(Pace, WhatADeviceHasNotTakenWhenTheTimeIsUpIsLost) {
  constexpr double kRate = 1e6;
  // It takes 99 packets of 100, and would take the others a moment later.
  const auto slow = [](std::uint64_t passed) {
    return static_cast<std::uint64_t>(static_cast<double>(passed) / kHz * kRate * 0.99);
  };
  const Sent sent = offer({kRate, kSeconds, 0}, 100, slow);
  EXPECT_NEAR(static_cast<double>(sent.sent), kRate * kSeconds * 0.99, 2);
  EXPECT_NEAR(static_cast<double>(sent.ended), kSeconds * kHz, 200);
}

TEST(Pace, ARateBeyondTheTestersOwnIsNotMadeUpForAfterTheEnd) {
  constexpr std::uint64_t kTurn = 6'000;
  constexpr double kMost = 32 * kHz / kTurn;
  const Sent sent = offer({kMost * 1.1, kSeconds, 0}, kTurn, any_number);
  EXPECT_LT(static_cast<double>(sent.sent), kMost * kSeconds * 1.01);
  EXPECT_LT(static_cast<double>(sent.ended), kSeconds * kHz * 1.01);
}

TEST(Pace, PacketsThatAreCountedNeedNotAllTheirTime) {
  EXPECT_EQ(offer({0, 600, 1000}, 100, any_number).sent, 1000U);
  EXPECT_EQ(offer({1e6, 600, 1000}, 100, any_number).sent, 1000U);
}

TEST(Pace, AsFastAsPossibleEndsWithItsTime) {
  const Sent sent = offer({0, kSeconds, 0}, 100, any_number);
  EXPECT_NEAR(static_cast<double>(sent.ended), kSeconds * kHz, 200);
}

}  // namespace
}  // namespace sluice::bench
