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
  Search(const SearchGoal& goal, const RunTrial& run, const SearchResult& stricter)
      : goal_(goal), run_(run), least_{.rate = stricter.rate, .outcome = stricter.outcome} {}

  SearchResult narrow() {
    result_ = least_;
    if (goal_.start <= 0) return result_;
    load_ = above_least(goal_.start);
    double seconds = std::min(goal_.first_seconds, goal_.seconds);
    while (true) {
      narrow_with(seconds);
      // What nothing stands for a moment nothing stands for longer.
      if (seconds >= goal_.seconds || result_.rate == 0) return result_;
      // The rate found by short trials has to stand a long one; what failed may have been bad luck.
      seconds = std::min(seconds * 4, goal_.seconds);
      load_ = above_least(result_.rate);
      const unsigned trials = result_.trials;
      result_ = least_;
      result_.trials = trials;
    }
  }

 private:
  /// Of one length: short trials leave the long ones as many as they need.
  static constexpr unsigned kMostTrials = 30;
  static constexpr double kLowest = 1.0 / 1024;

  /// What met a stricter goal, for as long as a trial that counts takes, need not be tried.
  [[nodiscard]] double above_least(double rate) const {
    return std::max(rate, least_.rate / (1 - goal_.width));
  }

  void narrow_with(double seconds) {
    step_ = goal_.width;
    for (unsigned trial = 0; trial < kMostTrials; ++trial) {
      const Outcome outcome = run_(load_, seconds);
      ++result_.trials;
      if (outcome.loss() <= goal_.loss) {
        result_.rate = load_;
        result_.outcome = outcome;
      } else {
        result_.upper = load_;
      }
      const bool failed = result_.upper > 0;
      if (failed && result_.upper - result_.rate <= goal_.width * result_.upper) return;
      if (failed && result_.upper < goal_.start * kLowest) return;
      load_ = next_load(outcome);
    }
  }

  /// Between a rate that met the goal and one that did not, the middle. While there is only one of
  /// them, away from it by steps that double; downwards at least to what came through.
  double next_load(const Outcome& outcome) {
    if (result_.rate > 0 && result_.upper > 0) return std::sqrt(result_.rate * result_.upper);
    const double step = step_;
    step_ = std::min(step_ * 2, 0.5);
    if (result_.rate > 0) return load_ / (1 - step);
    const double through = load_ * (1 - outcome.loss()) * (1 + goal_.loss);
    return std::clamp(through, load_ / 2, load_ * (1 - step));
  }

  const SearchGoal& goal_;
  const RunTrial& run_;
  const SearchResult least_;  ///< rate and outcome, where a stricter goal was met
  SearchResult result_;
  double load_ = 0;
  double step_ = 0;
};

}  // namespace

SearchResult search(const SearchGoal& goal, const RunTrial& run, const SearchResult& stricter) {
  return Search(goal, run, stricter).narrow();
}

}  // namespace sluice::bench
