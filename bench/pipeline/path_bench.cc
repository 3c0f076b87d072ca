// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: the path costs little more with 16 million sessions than with 64 thousand, and half of
/// what it costs with rte_hash as its index. 64-byte frames of established flows in random order;
/// `io` is what touching frames costs without any of it. Run one size with
/// --benchmark_enable_random_interleaving and repetitions to compare.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "support/hash_lookup.h"
#include "support/meter.h"
#include "support/path.h"
#include "support/sessions.h"
#include "support/timed_pipeline.h"

namespace sluice::bench {
namespace {

using pipeline::EgressPipeline;

template <typename Path>
void run(benchmark::State& state, Sessions& sessions, Traffic::Flow flow, Path& path) {
  Traffic traffic(sessions, flow);
  Meter meter(state);
  std::size_t sent = 0;
  const auto all_bursts = [&] {
    for (unsigned i = 0; i < Traffic::kBursts; ++i) {
      sent += path.run(traffic.burst(i), traffic.device(i));
    }
  };
  for (auto _ : state) {
    traffic.refill();
    meter.time(Traffic::kFrames, all_bursts);
  }
  if (sent != meter.items()) state.SkipWithError("packets were lost");
  meter.report();
}

void io(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  IoPath path;
  run(state, Sessions::kept(count), flow, path);
}

void sluice(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  Sessions& sessions = Sessions::kept(count);
  NatPath<EgressPipeline> path(sessions.worker().context());
  run(state, sessions, flow, path);
}

void with_rte_hash(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  Sessions& sessions = Sessions::kept(count);
  NatPath<HashPipeline<EgressPipeline>> path(sessions.worker().context(), sessions.hash_index());
  run(state, sessions, flow, path);
}

/// The same path as `sluice`, with the cycles of each stage.
void stages(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  Sessions& sessions = Sessions::kept(count);
  using Timed = TimedPipeline<EgressPipeline>;
  NatPath<Timed> path(sessions.worker().context());
  run(state, sessions, flow, path);
  const auto names = Timed::names();
  const auto packets = static_cast<double>(state.items_processed());
  for (std::size_t i = 0; i < names.size(); ++i) {
    state.counters[names[i]] = static_cast<double>(path.pipeline().cycles()[i]) / packets;
  }
}

/// By size first: sessions are opened once for all benchmarks of a size.
[[maybe_unused]] const bool kRegistered = [] {
  using Function = void (*)(benchmark::State&, std::uint32_t, Traffic::Flow);
  const auto add = [](const char* name, Function function, std::uint32_t count, const char* way,
                      Traffic::Flow flow) {
    const std::string full = fmt::format("path/{}/{}/sessions:{}", name, way, count);
    benchmark::RegisterBenchmark(full.c_str(), function, count, flow)->UseManualTime();
  };
  for (const std::uint32_t count : kSessionCounts) {
    for (const auto& [way, flow] :
         {std::pair{"out", Traffic::Flow::kOutbound}, std::pair{"in", Traffic::Flow::kInbound},
          std::pair{"both", Traffic::Flow::kBoth}}) {
      add("io", io, count, way, flow);
      add("sluice", sluice, count, way, flow);
      add("rte_hash", with_rte_hash, count, way, flow);
      add("stages", stages, count, way, flow);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sluice::bench
