// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Finds the highest rate at which a trial loses no more than a share of its packets, in the manner
/// of MLRsearch (draft-ietf-bmwg-mlrsearch): short trials first, each next load from the rate that
/// was forwarded, then bisection until the interval is narrow, and full-length trials to confirm.
#pragma once

#include <functional>

#include "linerate/tester.h"

namespace sluice::bench {

struct SearchGoal {
  double loss = 0;      ///< share of packets: 0, or 0.005
  double width = 0.01;  ///< the interval's, as a share of its upper end
  double seconds = 1;   ///< of a trial that counts
  double first_seconds = 0.2;
  double start = 0;  ///< packets per second: where the search begins; it may end above
};

struct SearchResult {
  double rate = 0;   ///< packets per second offered, met for `seconds`; 0: none met the goal
  double upper = 0;  ///< the lowest rate above seen to fail; 0: none did
  Outcome outcome;   ///< at `rate`
  unsigned trials = 0;
};

/// Runs one trial at so many packets per second for so long.
using RunTrial = std::function<Outcome(double rate, double seconds)>;

/// \p stricter is what was found for a goal that allows less loss: what met that one meets this
/// one, so nothing below it is tried and no less is found.
[[nodiscard]] SearchResult search(const SearchGoal& goal,
                                  const RunTrial& run,
                                  const SearchResult& stricter = {});

}  // namespace sluice::bench
