// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: a worker opens five million flows a second from an empty table to one 95 % full, never
/// much slower for a tenth of a second, and removes ten million. Every frame is a new UDP flow from
/// a pod (idle limit 300 s, the default); the sweep looks at as many records a burst as a
/// worker's turn does. With several workers the flows are those the first one owns, and ports those
/// whose replies it gets.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "support/frame_pool.h"
#include "support/meter.h"
#include "support/one_worker.h"
#include "support/path.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

constexpr unsigned kFrames = 512 * pipeline::kBurstSize;
constexpr unsigned kSweep = nat::FlowTable::records_a_turn(pipeline::kBurstSize);
constexpr Instant kMuchLater = kNow.plus(std::chrono::seconds(3600));

/// Flows per second over windows of a tenth of a second.
class Windows {
 public:
  void add(std::uint64_t flows, std::uint64_t cycles) {
    flows_ += flows, cycles_ += cycles;
    all_flows_ += flows, all_cycles_ += cycles;
    if (cycles_ < rte_get_tsc_hz() / 10) return;
    worst_ = std::min(worst_, rate(flows_, cycles_));
    flows_ = cycles_ = 0;
  }
  [[nodiscard]] double mean() const { return rate(all_flows_, all_cycles_); }
  [[nodiscard]] double worst() const { return std::min(worst_, mean()); }
  /// What the worker's clock says.
  [[nodiscard]] Instant now() const {
    return kNow.plus(std::chrono::milliseconds(all_cycles_ * 1000 / rte_get_tsc_hz()));
  }

 private:
  static double rate(std::uint64_t flows, std::uint64_t cycles) {
    return static_cast<double>(flows) * static_cast<double>(rte_get_tsc_hz()) /
           static_cast<double>(cycles);
  }
  std::uint64_t flows_ = 0, cycles_ = 0, all_flows_ = 0, all_cycles_ = 0;
  double worst_ = 1e18;
};

/// The next flow of the shape that the worker owns.
std::uint32_t next_owned(const OneWorker& worker, std::uint32_t number) {
  while (!worker.owns(flow(number))) ++number;
  return number;
}

struct Filled {
  Windows windows;
  bool complete = true;
};

Filled fill(OneWorker& worker, std::uint32_t sessions) {
  Filled result;
  NatPath<pipeline::EgressPipeline> path(worker.context());
  FramePool pool(kFrames);
  std::uint32_t number = 0;
  std::uint64_t opened = 0;
  while (opened < sessions && result.complete) {
    for (rte_mbuf* frame : pool.frames()) {
      number = next_owned(worker, number);
      FramePool::write(*frame, OneWorker::macs_into(kInner), flow(number++));
    }
    for (unsigned i = 0; i < kFrames && opened < sessions; i += pipeline::kBurstSize) {
      const Instant now = result.windows.now();
      const std::uint64_t begun = rte_rdtsc();
      const std::size_t sent =
          path.run(pool.frames().subspan(i, pipeline::kBurstSize), kInner, now);
      worker.table().sweep(now, kSweep);
      result.windows.add(sent, rte_rdtsc() - begun);
      worker.take_events();  // by another thread in a gateway
      result.complete = result.complete && sent == pipeline::kBurstSize;
      opened += sent;
    }
  }
  return result;
}

/// As fast as the sweep goes. Where the session log is on, this worker takes its own events, which
/// is another thread's work in a gateway.
void remove_all(OneWorker& worker) {
  constexpr unsigned kSweepsAtOnce = 128;  // fewer events than the queue has room for
  while (worker.table().size() != 0) {
    for (unsigned i = 0; i < kSweepsAtOnce; ++i) worker.table().sweep(kMuchLater, kSweep);
    worker.take_events();
  }
}

void new_flows(benchmark::State& state, bool log) {
  const auto capacity = static_cast<std::uint32_t>(state.range(0));
  const auto sessions = static_cast<std::uint32_t>(std::uint64_t{capacity} * 95 / 100);
  OneWorker worker(
      {.capacity = capacity, .workers = static_cast<unsigned>(state.range(1)), .log = log});
  Meter removal(state);
  for (auto _ : state) {
    worker.forget();
    const Filled filled = fill(worker, sessions);
    if (!filled.complete) return state.SkipWithError("a flow was refused before 95 %");
    const std::uint32_t opened = worker.table().size();
    removal.time(opened, [&] { remove_all(worker); });
    state.counters["new_per_second"] = filled.windows.mean();
    state.counters["worst_window"] = filled.windows.worst() / filled.windows.mean();
  }
  removal.report();  // items are the removals
}

BENCHMARK_CAPTURE(new_flows, plain, false)
    ->Name("new_flows")
    ->ArgNames({"capacity", "workers"})
    ->ArgsProduct({{1 << 20, 1 << 24}, {1, 4}})
    ->Iterations(1)
    ->UseManualTime();
/// The same with the session log on: what it costs a worker is the difference.
BENCHMARK_CAPTURE(new_flows, logged, true)
    ->Name("new_flows_logged")
    ->ArgNames({"capacity", "workers"})
    ->ArgsProduct({{1 << 20}, {1}})
    ->Iterations(1)
    ->UseManualTime();

}  // namespace
}  // namespace sluice::bench
