// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/search.h"

#include <algorithm>
#include <cmath>

namespace sluice::bench {
namespace {

/// One search under way: between `result_.rate`, which met the goal, and `result_.upper`.
class Search {
 public:
  Search(const SearchGoal& goal, const RunTrial& run) : goal_(goal), run_(run) {
    result_.upper = goal.highest;
  }

  SearchResult narrow() {
    load_ = goal_.highest;
    double seconds = std::min(goal_.first_seconds, goal_.seconds);
    while (true) {
      narrow_with(seconds);
      if (seconds >= goal_.seconds || result_.trials >= kMostTrials) return result_;
      // The rate found by short trials has to stand a long one; what failed may have been bad luck.
      seconds = std::min(seconds * 4, goal_.seconds);
      load_ = result_.rate > 0 ? result_.rate : result_.upper / 2;
      result_.rate = 0;
      result_.upper = std::min(goal_.highest, result_.upper * (1 + 4 * goal_.width));
    }
  }

 private:
  static constexpr unsigned kMostTrials = 60;

  void narrow_with(double seconds) {
    while (result_.trials < kMostTrials) {
      const Outcome outcome = run_(load_, seconds);
      ++result_.trials;
      if (outcome.loss() <= goal_.loss) {
        result_.rate = load_;
        result_.outcome = outcome;
        if (load_ >= goal_.highest) return;
      } else {
        result_.upper = load_;
      }
      if (result_.upper - result_.rate <= goal_.width * result_.upper) return;
      if (result_.upper < goal_.highest * kLowest) return;
      load_ = next_load(outcome);
    }
  }

  /// After the first failures the rate that came through is the best guess; then the middle.
  double next_load(const Outcome& outcome) const {
    if (result_.rate > 0) return std::sqrt(result_.rate * result_.upper);
    const double through = load_ * (1 - outcome.loss()) * (1 + goal_.loss);
    return std::clamp(through, result_.upper / 2, result_.upper * (1 - goal_.width));
  }

  static constexpr double kLowest = 1.0 / 1024;
  const SearchGoal& goal_;
  const RunTrial& run_;
  SearchResult result_;
  double load_ = 0;
};

}  // namespace

SearchResult search(const SearchGoal& goal, const RunTrial& run) {
  return Search(goal, run).narrow();
}

}  // namespace sluice::bench
