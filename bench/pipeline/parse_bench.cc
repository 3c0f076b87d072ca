// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: reading a packet's headers costs little beside filling in what a burst knows of it, which
/// is the baseline.
#include <benchmark/benchmark.h>

#include "support/frame_pool.h"
#include "support/meter.h"
#include "support/one_worker.h"
#include "support/path.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

constexpr unsigned kFrames = 512 * pipeline::kBurstSize;

struct NoStages {
  explicit NoStages(pipeline::Context&) {}
  void process(pipeline::Burst&) noexcept {}
};

template <typename Stages>
void run(benchmark::State& state) {
  OneWorker worker({.capacity = 64});
  FramePool pool(kFrames);
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    FramePool::write(*pool.frames()[i], OneWorker::macs_into(kInner), flow(i));
  }
  NatPath<Stages> path(worker.context());
  Meter meter(state);
  for (auto _ : state) {
    meter.time(kFrames, [&] {
      for (unsigned i = 0; i < kFrames; i += pipeline::kBurstSize) {
        benchmark::DoNotOptimize(path.run(pool.frames().subspan(i, pipeline::kBurstSize), kInner));
      }
    });
  }
  meter.report();
}

BENCHMARK(run<NoStages>)->Name("parse/burst_only")->UseManualTime();
BENCHMARK(run<pipeline::Pipeline<pipeline::Parse>>)->Name("parse/sluice")->UseManualTime();

}  // namespace
}  // namespace sluice::bench
