// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: the owner function's tables are faster than DPDK's portable Toeplitz, and need no vector
/// instructions. 12 bytes of input: addresses and ports.
#include <benchmark/benchmark.h>
#include <rte_byteorder.h>
#include <rte_thash.h>

#include <array>
#include <cstring>
#include <vector>

#include "nat/owner.h"
#include "support/eal.h"
#include "support/meter.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

constexpr unsigned kKeys = 1024;
using Words = std::array<std::uint32_t, 3>;

std::vector<nat::FlowKey> keys() {
  std::vector<nat::FlowKey> result;
  for (std::uint32_t i = 0; i < kKeys; ++i) result.push_back(flow(i * 1009));
  return result;
}

/// The words rte_softrss wants: in host order.
Words words(const nat::FlowKey& key) {
  return {key.source.to_host(), key.destination.to_host(),
          std::uint32_t{key.source_port.to_host()} << 16 | key.destination_port.to_host()};
}

template <typename Hash>
void run(benchmark::State& state, Hash hash) {
  test::start_eal();
  const nat::OwnerFunction ours(nat::symmetric_key(), 2);
  const auto tuples = keys();
  for (const nat::FlowKey& key : tuples) {
    if (hash(key) != ours.hash(key)) return state.SkipWithError("another hash than the owner's");
  }
  Meter meter(state);
  for (auto _ : state) {
    meter.time(kKeys, [&] {
      for (const nat::FlowKey& key : tuples) benchmark::DoNotOptimize(hash(key));
    });
  }
  meter.report();
}

void tables(benchmark::State& state) {
  const nat::OwnerFunction ours(nat::symmetric_key(), 2);
  run(state, [&](const nat::FlowKey& key) { return ours.hash(key); });
}

void softrss(benchmark::State& state) {
  alignas(std::uint32_t) const nat::ToeplitzKey key_bytes = nat::symmetric_key();
  run(state, [&](const nat::FlowKey& key) {
    Words tuple = words(key);
    return rte_softrss(tuple.data(), tuple.size(), key_bytes.data());
  });
}

/// The key is swapped once, ahead.
void softrss_be(benchmark::State& state) {
  const nat::ToeplitzKey key_bytes = nat::symmetric_key();
  std::array<std::uint32_t, sizeof(nat::ToeplitzKey) / 4> swapped{};
  std::memcpy(swapped.data(), key_bytes.data(), key_bytes.size());
  for (std::uint32_t& word : swapped) word = rte_be_to_cpu_32(word);
  run(state, [&](const nat::FlowKey& key) {
    Words tuple = words(key);
    return rte_softrss_be(tuple.data(), tuple.size(),
                          reinterpret_cast<const std::uint8_t*>(swapped.data()));
  });
}

#ifdef RTE_THASH_GFNI_DEFINED  // built for a processor that has it: -Dnative=true
void gfni(benchmark::State& state) {
  // Not asked of rte_thash_gfni_supported(): it answers for the processor libdpdk was built for.
  const nat::ToeplitzKey key_bytes = nat::symmetric_key();
  std::array<std::uint64_t, sizeof(nat::ToeplitzKey)> matrices{};
  rte_thash_complete_matrix(matrices.data(), key_bytes.data(), static_cast<int>(key_bytes.size()));
  run(state, [&](const nat::FlowKey& key) {
    return rte_thash_gfni(matrices.data(), reinterpret_cast<const std::uint8_t*>(&key), 12);
  });
}
BENCHMARK(gfni)->Name("toeplitz/rte_thash_gfni")->UseManualTime();
#endif

BENCHMARK(tables)->Name("toeplitz/sluice_tables")->UseManualTime();
BENCHMARK(softrss)->Name("toeplitz/rte_softrss")->UseManualTime();
BENCHMARK(softrss_be)->Name("toeplitz/rte_softrss_be")->UseManualTime();

}  // namespace
}  // namespace sluice::bench
