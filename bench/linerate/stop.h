// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A signal ends the run, not the process: a limit of the machine that was raised, the devices and
/// the folder of the run are to be as they were. What waits or sends for long asks.
#pragma once

#include <atomic>
#include <csignal>
#include <initializer_list>

namespace sluice::bench {

/// Thrown where the run was when the signal came.
struct Stopped {};

inline std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free);

inline void stop_on_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action {};
    // Under nohup a terminal that hangs up is to end nothing.
    ::sigaction(number, nullptr, &action);
    if (number == SIGHUP && action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = [](int) { stop_asked = true; };
    action.sa_flags = SA_RESTART;
    ::sigaction(number, &action, nullptr);
  }
}

[[nodiscard]] inline bool is_stopped() { return stop_asked.load(std::memory_order_relaxed); }
inline void throw_if_stopped() {
  if (is_stopped()) throw Stopped{};
}

}  // namespace sluice::bench
