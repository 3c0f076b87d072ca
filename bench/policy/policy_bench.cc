// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: a decision among 10,000 rules costs little more than one among 10, and compiling them
/// takes well under a second. Keys are shuffled, so that tables larger than a cache show.
#include <benchmark/benchmark.h>

#include "policy/policy.h"
#include "support/config_parts.h"
#include "support/eal.h"
#include "support/meter.h"
#include "support/random.h"

namespace sluice::policy {
namespace {

struct Flow {
  Ipv4Addr source;
  Ipv4Addr destination;
};

/// Own rules as people write them: from one of many pod networks to one of many remote networks,
/// some of them nested, and a last rule for everything.
EntryList some_rules(std::uint32_t count, test::Random& random) {
  EntryList list;
  const auto add = [&](const IpPrefix& from, const IpPrefix& to) {
    list.entries.push_back({.from = {from},
                            .to = {to},
                            .except = {},
                            .verdict = Verdict::kSnat,
                            .pool = {},
                            .text = {}});
  };
  for (std::uint32_t i = 1; i < count; ++i) {
    add({Ipv4Addr{0x0a00'0000U | (random.word() & 0x00ff'ffffU)}, random.between(16, 28)},
        {Ipv4Addr{random.word()}, random.between(16, 32)});
  }
  add({Ipv4Addr{10, 0, 0, 0}, 8}, {Ipv4Addr{}, 0});
  return list;
}

std::vector<Flow> flows_for(const EntryList& list, test::Random& random) {
  constexpr std::uint32_t kFlows = 16'384;
  std::vector<Flow> flows;
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    const Entry& entry =
        list.entries[random.below(static_cast<std::uint32_t>(list.entries.size()))];
    const auto inside = [&](const IpPrefix& prefix) {
      const auto host = static_cast<std::uint32_t>(0xffff'ffffULL >> prefix.length());
      return Ipv4Addr{prefix.address().v4().value() | (random.word() & host)};
    };
    flows.push_back({inside(entry.from.front()), inside(entry.to.front())});
  }
  return flows;
}

void decide(benchmark::State& state) {
  test::start_eal();
  test::Random random;
  const EntryList list = some_rules(static_cast<std::uint32_t>(state.range(0)), random);
  const auto flows = flows_for(list, random);
  const auto policy = Policy::compile(list);
  if (!policy) return state.SkipWithError(policy.error().c_str());
  bench::Meter meter(state);
  for (auto _ : state) {
    meter.time(flows.size(), [&] {
      for (const Flow& flow : flows) {
        benchmark::DoNotOptimize(policy.value()->decide(flow.source, flow.destination));
      }
    });
  }
  meter.report();
}
BENCHMARK(decide)
    ->Name("policy_decide")
    ->ArgName("rules")
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->Arg(10'000)
    ->UseManualTime();

void compile(benchmark::State& state) {
  test::start_eal();
  test::Random random;
  const EntryList list = some_rules(static_cast<std::uint32_t>(state.range(0)), random);
  for (auto _ : state) {
    const auto policy = Policy::compile(list);
    if (!policy) return state.SkipWithError(policy.error().c_str());
  }
}
BENCHMARK(compile)
    ->Name("policy_compile")
    ->ArgName("rules")
    ->Arg(10)
    ->Arg(1000)
    ->Arg(10'000)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::policy
