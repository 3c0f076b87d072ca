// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: the path costs little more with 16 million sessions than with 64 thousand, and half of
/// what it costs with rte_hash as its index. 64-byte frames of established flows in random order;
/// `io` is what touching frames costs without any of it; `nic` and `software` are what one of
/// several workers does, with packets steered by NICs that are trusted and by itself. Run one size
/// with
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
void run(benchmark::State& state,
         Sessions& sessions,
         Traffic::Flow flow,
         Path& path,
         const nat::OwnerFunction* owner = nullptr) {
  Traffic traffic(sessions, flow, owner);
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

/// The same path as `sluice`, with the cycles of each stage; numbered, as counters are sorted by
/// name.
void stages(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  Sessions& sessions = Sessions::kept(count);
  using Timed = TimedPipeline<EgressPipeline>;
  NatPath<Timed> path(sessions.worker().context());
  run(state, sessions, flow, path);
  const auto names = Timed::names();
  const auto packets = static_cast<double>(state.items_processed());
  for (std::size_t i = 0; i < names.size(); ++i) {
    state.counters[fmt::format("{:02} {}", i, names[i])] =
        static_cast<double>(path.pipeline().cycles()[i]) / packets;
  }
}

/// The first of two workers, whose queue brings nothing but its own packets. Where NICs are not
/// trusted it asks each packet for its owner.
void of_two(benchmark::State& state, std::uint32_t count, Traffic::Flow flow, bool trusts) {
  static const nat::OwnerFunction kOwner{nat::symmetric_key(), 2};
  Sessions& sessions = Sessions::kept(count);
  const pipeline::Context& one = sessions.worker().context();
  pipeline::Context context{one.self,  kOwner,       one.links,     one.neighbours, one.table,
                            one.ports, one.counters, one.fragments, one.outbox,     one.snapshot};
  std::array<pipeline::NicQueue, 2> queues;
  for (pipeline::NicQueue& queue : queues) queue.allow(trusts);
  context.nic_queues = queues;
  NatPath<EgressPipeline> path(context);
  run(state, sessions, flow, path, &kOwner);
  const bool trusted = std::any_of(queues.begin(), queues.end(),
                                   [](const pipeline::NicQueue& queue) { return queue.trusted(); });
  if (trusted != trusts) state.SkipWithError("packets were steered otherwise");
}

void nic(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  of_two(state, count, flow, true);
}

void software(benchmark::State& state, std::uint32_t count, Traffic::Flow flow) {
  of_two(state, count, flow, false);
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
      add("nic", nic, count, way, flow);
      add("software", software, count, way, flow);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sluice::bench
