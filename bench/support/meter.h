// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <cstdint>

namespace sluice::bench {

/// Times parts of a benchmark's iterations by the TSC, for benchmarks with UseManualTime(): what an
/// iteration prepares does not count. Reports TSC cycles an item as `cycles`.
class Meter {
 public:
  explicit Meter(benchmark::State& state) : state_(state) {}

  template <typename Work>
  void time(std::uint64_t items, Work&& work) {
    const std::uint64_t begun = rte_rdtsc_precise();
    work();
    const std::uint64_t took = rte_rdtsc_precise() - begun;
    state_.SetIterationTime(static_cast<double>(took) / static_cast<double>(rte_get_tsc_hz()));
    cycles_ += took;
    items_ += items;
  }

  void report() const {
    if (items_ == 0) return;
    state_.SetItemsProcessed(static_cast<std::int64_t>(items_));
    state_.counters["cycles"] = static_cast<double>(cycles_) / static_cast<double>(items_);
  }
  [[nodiscard]] std::uint64_t items() const { return items_; }

 private:
  benchmark::State& state_;
  std::uint64_t cycles_ = 0;
  std::uint64_t items_ = 0;
};

}  // namespace sluice::bench
