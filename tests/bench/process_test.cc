// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/process.h"

#include <gtest/gtest.h>

#include <thread>

namespace sluice::bench {
namespace {

/// How a shell ends that runs this; "" where it does not within ten seconds.
std::string end_of(const std::string& script) {
  constexpr auto kPoll = std::chrono::milliseconds(10);
  auto started = Process::start({{"sh", "-c", script}, "/dev/null"});
  if (!started) return started.error();
  for (auto waited = kPoll; started.value()->runs(); waited += kPoll) {
    if (waited > std::chrono::seconds(10)) return "";
    std::this_thread::sleep_for(kPoll);
  }
  return started.value()->how_it_ended();
}

TEST(Process, SaysHowItEnded) {
  EXPECT_EQ(end_of("exit 0"), "status 0");
  EXPECT_EQ(end_of("exit 3"), "status 3");
  EXPECT_EQ(end_of("kill -KILL $$"), "signal 9 (Killed)");
}

}  // namespace
}  // namespace sluice::bench
