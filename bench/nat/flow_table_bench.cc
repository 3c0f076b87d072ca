// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: a lookup in bursts costs little more at 16 million sessions than at 64 thousand, and less
/// than rte_hash's; a session takes at most 96 bytes. Keys in random order, both directions, all
/// hits. The baselines are rte_hash one key at a time and in bulk.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "nat/flow_table.h"
#include "support/eal.h"
#include "support/hash_index.h"
#include "support/meter.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

using nat::Direction;
using nat::FlowKey;
using nat::FlowTable;
using nat::Found;

constexpr std::array<std::uint32_t, 4> kSizes{1U << 16, 1U << 20, 1U << 22, 1U << 24};
constexpr unsigned kBurst = HashIndex::kBulk;
constexpr unsigned kBatch = 512 * kBurst;
constexpr Instant kNow{1000};

/// Session `number` as if translated to one address; its external port is no other session's
/// towards that remote.
nat::NewSession session(std::uint32_t number) {
  const FlowKey key = flow(number);
  const Be32 snat = Be32::from_host((30U << 24) + number / kPortsPerHost);
  return {key.source,           key.destination, snat,        key.source_port,
          key.destination_port, key.source_port, key.protocol};
}

FlowKey key(std::uint32_t number, Direction direction) {
  const nat::NewSession of = session(number);
  if (direction == Direction::kOutbound) return flow(number);
  return {of.remote, of.snat, of.remote_port, of.snat_port, of.protocol, {}};
}

std::unique_ptr<FlowTable> empty_table(std::uint32_t size) {
  test::start_eal();
  auto table = FlowTable::create({size, 7});
  if (!table) throw std::runtime_error(table.error());
  table.value()->set_limits({.udp = 1000});
  return std::move(table).value();
}

/// The fill that tables are measured at.
constexpr std::uint32_t filled(std::uint32_t size) {
  return static_cast<std::uint32_t>(std::uint64_t{size} * 95 / 100);
}

std::unique_ptr<FlowTable> full_table(std::uint32_t size) {
  auto table = empty_table(size);
  for (std::uint32_t i = 0; i < filled(size); ++i) {
    if (table->insert(session(i), kNow) == nat::kNoSession) throw std::runtime_error("no room");
  }
  return table;
}

std::unique_ptr<HashIndex> full_hash(std::uint32_t size) {
  test::start_eal();
  auto index = std::make_unique<HashIndex>(size);
  for (std::uint32_t i = 0; i < filled(size); ++i) {
    for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
      if (!index->add(key(i, direction), {{i}, direction})) throw std::runtime_error("no room");
    }
  }
  return index;
}

/// Looks up kBatch random keys a time by `find`, which returns how many of a burst it found.
template <typename Find>
void look_up(benchmark::State& state, std::uint32_t size, Find find) {
  std::vector<FlowKey> keys(kBatch);
  Dice dice;
  Meter meter(state);
  std::uint64_t hits = 0;
  for (auto _ : state) {
    for (FlowKey& wanted : keys) {
      const Direction direction = dice.below(2) == 0 ? Direction::kOutbound : Direction::kInbound;
      wanted = key(dice.below(filled(size)), direction);
    }
    meter.time(kBatch, [&] {
      for (unsigned i = 0; i < kBatch; i += kBurst) hits += find(std::span{&keys[i], kBurst});
    });
  }
  if (hits != meter.items()) state.SkipWithError("keys were not found");
  meter.report();
}

std::uint64_t count_hits(std::span<const Found> found) {
  std::uint64_t hits = 0;
  for (const Found& one : found) hits += one ? 1 : 0;
  return hits;
}

void lookup_bulk(benchmark::State& state, std::uint32_t size) {
  const auto table = full_table(size);
  std::array<Found, kBurst> found;
  look_up(state, size, [&](std::span<const FlowKey> keys) {
    table->find_burst(keys, kNow, found);
    return count_hits(found);
  });
}

void lookup_single(benchmark::State& state, std::uint32_t size) {
  const auto table = full_table(size);
  look_up(state, size, [&](std::span<const FlowKey> keys) {
    std::uint64_t hits = 0;
    for (const FlowKey& wanted : keys) hits += table->find(wanted, kNow) ? 1 : 0;
    return hits;
  });
}

/// Of rte_hash, a session's own record of 64 bytes is neither read nor counted.
void lookup_rte_hash_bulk(benchmark::State& state, std::uint32_t size) {
  const auto index = full_hash(size);
  std::array<Found, kBurst> found;
  look_up(state, size, [&](std::span<const FlowKey> keys) {
    index->find(keys, found);
    return count_hits(found);
  });
  state.counters["bytes"] = static_cast<double>(index->bytes()) / filled(size);
}

void lookup_rte_hash_single(benchmark::State& state, std::uint32_t size) {
  const auto index = full_hash(size);
  look_up(state, size, [&](std::span<const FlowKey> keys) {
    std::uint64_t hits = 0;
    for (const FlowKey& wanted : keys) hits += index->find(wanted) ? 1 : 0;
    return hits;
  });
}

/// Does \p work with what \p make makes of each session, kBatch at a time; only the work is timed.
/// What a packet brings along costs an index nothing.
template <typename Make, typename Work>
void with_each(Meter& meter, std::uint32_t size, Make make, Work work) {
  std::vector<decltype(make(0))> made;
  for (std::uint32_t first = 0; first < filled(size); first += kBatch) {
    const std::uint32_t end = std::min(first + kBatch, filled(size));
    made.clear();
    for (std::uint32_t i = first; i < end; ++i) made.push_back(make(i));
    meter.time(end - first, [&] {
      for (std::uint32_t i = first; i < end; ++i) work(i, made[i - first]);
    });
  }
}

/// A session's keys in either direction, as an index that has no records is asked for them.
struct Keys {
  FlowKey outbound;
  FlowKey inbound;
};
Keys keys(std::uint32_t number) {
  return {key(number, Direction::kOutbound), key(number, Direction::kInbound)};
}

/// From empty to 95 %.
void insert(benchmark::State& state, std::uint32_t size) {
  Meter meter(state);
  for (auto _ : state) {
    const auto table = empty_table(size);
    bool all = true;
    with_each(meter, size, session, [&](std::uint32_t, const nat::NewSession& one) {
      all = table->insert(one, kNow) != nat::kNoSession && all;
    });
    if (!all) state.SkipWithError("no room before 95 %");
  }
  meter.report();
}

void insert_rte_hash(benchmark::State& state, std::uint32_t size) {
  test::start_eal();
  Meter meter(state);
  for (auto _ : state) {
    HashIndex index(size);
    bool all = true;
    with_each(meter, size, keys, [&](std::uint32_t i, const Keys& of) {
      all = index.add(of.outbound, {{i}, Direction::kOutbound}) && all;
      all = index.add(of.inbound, {{i}, Direction::kInbound}) && all;
    });
    if (!all) state.SkipWithError("no room before 95 %");
  }
  meter.report();
}

/// Target: at most 96 bytes mapped for each session accepted before the first refusal.
void memory(benchmark::State& state, std::uint32_t size) {
  Meter meter(state);
  for (auto _ : state) {
    const auto table = empty_table(size);
    std::uint32_t accepted = 0;
    meter.time(1, [&] {
      while (table->insert(session(accepted), kNow) != nat::kNoSession) ++accepted;
    });
    state.counters["accepted"] = accepted;
    state.counters["bytes"] = static_cast<double>(table->bytes_mapped()) / accepted;
  }
}

/// The sweep meets nothing but sessions past their time.
void expire(benchmark::State& state, std::uint32_t size) {
  constexpr unsigned kAtMost = 64;
  Meter meter(state);
  for (auto _ : state) {
    const auto table = full_table(size);
    const Instant later = kNow.plus(std::chrono::seconds(10));
    meter.time(filled(size), [&] {
      while (table->size() != 0) table->sweep(later, kAtMost);
    });
  }
  meter.report();
}

void expire_rte_hash(benchmark::State& state, std::uint32_t size) {
  Meter meter(state);
  for (auto _ : state) {
    const auto index = full_hash(size);
    with_each(meter, size, keys, [&](std::uint32_t, const Keys& of) {
      index->remove(of.outbound);
      index->remove(of.inbound);
    });
  }
  meter.report();
}

[[maybe_unused]] const bool kRegistered = [] {
  using Function = void (*)(benchmark::State&, std::uint32_t);
  const auto add = [](const char* name, Function function, std::uint32_t size) {
    const std::string full = fmt::format("table/{}/capacity:{}", name, size);
    return benchmark::RegisterBenchmark(full.c_str(), function, size)->UseManualTime();
  };
  for (const std::uint32_t size : kSizes) {
    add("lookup/sluice_bulk", lookup_bulk, size);
    add("lookup/sluice_single", lookup_single, size);
    add("lookup/rte_hash_bulk", lookup_rte_hash_bulk, size);
    add("lookup/rte_hash_single", lookup_rte_hash_single, size);
    add("memory/sluice", memory, size)->Iterations(1);
    add("insert/sluice", insert, size)->Iterations(1);
    add("insert/rte_hash", insert_rte_hash, size)->Iterations(1);
    add("expire/sluice", expire, size)->Iterations(1);
    add("expire/rte_hash", expire_rte_hash, size)->Iterations(1);
  }
  return true;
}();

}  // namespace
}  // namespace sluice::bench
