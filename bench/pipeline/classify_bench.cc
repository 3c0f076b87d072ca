// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: judging a first packet costs little more with 10,000 prefixes than with 10.
#include <benchmark/benchmark.h>

#include "support/frame_pool.h"
#include "support/meter.h"
#include "support/one_worker.h"
#include "support/path.h"
#include "support/shape.h"
#include "support/timed_pipeline.h"

namespace sluice::bench {
namespace {

constexpr unsigned kFrames = 512 * pipeline::kBurstSize;

nat::FlowKey first_packet(std::uint32_t rules, Dice& dice) {
  nat::FlowKey key = flow(dice.below(kSessionCounts.back()));
  const std::uint32_t network = OneWorker::destination(dice.below(rules)).value();
  key.destination = Be32::from_host(network + 1 + dice.below(250));
  return key;
}

void classify(benchmark::State& state) {
  const auto rules = static_cast<std::uint32_t>(state.range(0));
  OneWorker worker({.capacity = 64, .rules = rules});
  FramePool pool(kFrames);
  Dice dice;
  for (rte_mbuf* frame : pool.frames()) {
    FramePool::write(*frame, OneWorker::macs_into(kInner), first_packet(rules, dice));
  }
  // No flow is known: it is Lookup that leaves packets to Classify.
  using Stages = pipeline::Pipeline<pipeline::Parse, pipeline::Lookup, pipeline::Classify>;
  using Timed = TimedPipeline<Stages>;
  NatPath<Timed> path(worker.context());
  for (auto _ : state) {
    const std::uint64_t before = path.pipeline().cycles().back();
    for (unsigned i = 0; i < kFrames; i += pipeline::kBurstSize) {
      path.run(pool.frames().subspan(i, pipeline::kBurstSize), kInner);
    }
    const std::uint64_t took = path.pipeline().cycles().back() - before;
    state.SetIterationTime(static_cast<double>(took) / static_cast<double>(rte_get_tsc_hz()));
  }
  for (const pipeline::Packet& packet : path.burst()) {
    if (packet.verdict != pipeline::Verdict::kSnat)
      return state.SkipWithError("nothing was judged");
  }
  const auto packets = state.iterations() * kFrames;
  state.SetItemsProcessed(packets);
  state.counters["cycles"] =
      static_cast<double>(path.pipeline().cycles().back()) / static_cast<double>(packets);
}

BENCHMARK(classify)
    ->Name("classify")
    ->ArgName("prefixes")
    ->Arg(10)
    ->Arg(1000)
    ->Arg(10'000)
    ->UseManualTime();

}  // namespace
}  // namespace sluice::bench
