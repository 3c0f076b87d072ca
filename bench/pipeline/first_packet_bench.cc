// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: with 10,000 rules the first packet of a flow costs at most 1.5 times what it costs with
/// 10, and later packets cost the same with both. The whole path is measured, frame in to frame
/// out, in bursts of 32; runs of both sizes take turns (--benchmark_enable_random_interleaving).
#include <benchmark/benchmark.h>

#include <array>
#include <memory>

#include "pipeline/pipeline.h"
#include "support/frame.h"
#include "support/meter.h"
#include "support/one_worker.h"

namespace sluice::bench {
namespace {

using pipeline::Burst;
using pipeline::kBurstSize;

constexpr std::uint32_t kSessions = 1U << 18;

/// Frames of a burst, filled afresh before each run: the path rewrites them.
class Frames {
 public:
  /// Flows number `first` onwards; which rule a flow meets depends on its number alone.
  void fill(Burst& burst, std::uint32_t rules, std::uint64_t first) {
    burst.begin(Instant{1000});
    for (unsigned i = 0; i < kBurstSize; ++i) {
      const auto number = static_cast<std::uint32_t>(first + i);
      const Ipv4Addr network = OneWorker::destination(spread(number) % rules);
      const nat::FlowKey key{Be32::from_host((10U << 24) + (number >> 14)),
                             Be32::from_host(network.value() + 1 + number % 250),
                             Be16::from_host(static_cast<std::uint16_t>(1024 + number % 16384)),
                             Be16::from_host(53),
                             net::kUdp,
                             {}};
      write_udp(bytes_[i], OneWorker::macs_into(kInner), key);
      pipeline::Packet& packet = burst.add();
      packet.frame = bytes_[i].data();
      packet.contiguous = packet.length = kSmallestFrame;
      packet.in = kInner;
    }
  }

 private:
  /// Neighbouring flows meet rules far apart.
  static std::uint32_t spread(std::uint32_t number) { return number * 0x9e3779b1U >> 8; }

  std::array<std::array<std::uint8_t, kSmallestFrame>, kBurstSize> bytes_{};
};

void first_packet(benchmark::State& state) {
  const auto rules = static_cast<std::uint32_t>(state.range(0));
  OneWorker worker({kSessions, rules});
  auto path = std::make_unique<pipeline::EgressPipeline>(worker.context());
  Burst burst;
  Frames frames;
  std::uint64_t number = 0;
  Meter meter(state);
  for (auto _ : state) {
    if (worker.table().size() > kSessions * 3 / 4) {
      worker.forget();
      path = std::make_unique<pipeline::EgressPipeline>(worker.context());
      number = 0;
    }
    frames.fill(burst, rules, number);
    number += kBurstSize;
    meter.time(kBurstSize, [&] { path->process(burst); });
    if (burst[0].fate != pipeline::Fate::kEmit) return state.SkipWithError("a packet was lost");
  }
  meter.report();
}

void later_packet(benchmark::State& state) {
  const auto rules = static_cast<std::uint32_t>(state.range(0));
  OneWorker worker({kSessions, rules});
  pipeline::EgressPipeline path(worker.context());
  Burst burst;
  Frames frames;
  Meter meter(state);
  for (auto _ : state) {
    frames.fill(burst, rules, 0);  // the same flows every time
    meter.time(kBurstSize, [&] { path.process(burst); });
  }
  meter.report();
}

BENCHMARK(first_packet)->ArgName("rules")->Arg(10)->Arg(10'000)->UseManualTime();
BENCHMARK(later_packet)->ArgName("rules")->Arg(10)->Arg(10'000)->UseManualTime();

}  // namespace
}  // namespace sluice::bench
