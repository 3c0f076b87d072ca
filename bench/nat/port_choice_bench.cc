// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: choosing a port costs much the same at any use of the ports towards one remote. `lookups`
/// is how often the flow table is asked for one port; where it rises, a map is being learnt.
///
/// Beside it rte_thash_adjust_tuple(), DPDK's way to a port whose reply hashes to a given queue. It
/// does not know which ports are in use, so each of its proposals would still have to be looked up;
/// it serves one queue with one key, where ours takes any of the classes that lead to this worker.
#include <benchmark/benchmark.h>
#include <rte_byteorder.h>
#include <rte_thash.h>

#include <cstring>
#include <vector>

#include "core/port_range.h"
#include "nat/port_allocator.h"
#include "net/headers.h"
#include "support/eal.h"
#include "support/meter.h"

namespace sluice::bench {
namespace {

constexpr std::uint32_t kPorts = 64'512;
constexpr unsigned kRound = 64;

nat::FlowKey reply() {
  return {Be32::from_host(0x08080808),
          Be32::from_host(0x0a0a0a14),
          Be16::from_host(53),
          {},
          net::kUdp,
          {}};
}

/// One worker's table with so many ports towards one remote in use. Each round some flows end, as
/// many open.
class Remote {
 public:
  Remote() {
    nat::IdleLimits limits;
    limits.udp = 300'000;
    table_->set_limits(limits);
  }
  void open() {
    const auto port = ports_.choose({reply(), std::nullopt, false}, classes_, now_);
    const nat::FlowKey key = reply();
    nat::NewSession session{Be32::from_host(0x0a000000 + flows_ / 60'000),
                            key.source,
                            key.destination,
                            Be16::from_host(static_cast<std::uint16_t>(flows_ % 60'000)),
                            key.source_port,
                            *port,
                            key.protocol};
    session.flags = nat::kTranslated;
    ++flows_;
    sessions_.push_back(table_->insert(session, now_));
  }
  void end_some() {
    for (unsigned i = 0; i < kRound; ++i) {
      std::swap(sessions_[dice_.below(static_cast<std::uint32_t>(sessions_.size()))],
                sessions_.back());
      table_->erase(sessions_.back(), now_);
      sessions_.pop_back();
    }
  }
  [[nodiscard]] std::size_t used() const { return sessions_.size(); }
  [[nodiscard]] std::uint64_t lookups() const { return ports_.lookups(); }

 private:
  const nat::OwnerFunction owner_{nat::symmetric_key(), 1};
  const PortRange range_{1024, 65535};
  const nat::PortClasses classes_{owner_, std::span(&range_, 1)};
  std::unique_ptr<nat::FlowTable> table_{nat::FlowTable::create({70'000, 7}).value()};
  nat::PortAllocator ports_{owner_, WorkerId{0}, *table_, 7};
  nat::Random dice_{11};
  std::vector<nat::SessionIndex> sessions_;
  std::uint32_t flows_ = 0;
  Instant now_{1000};
};

/// `range(0)`: thousandths of the ports that stay in use.
void port_choice(benchmark::State& state) {
  test::start_eal();
  Remote remote;
  const std::size_t stay = kPorts * static_cast<std::size_t>(state.range(0)) / 1000;
  while (remote.used() < std::min<std::size_t>(stay + kRound, kPorts)) remote.open();
  std::uint64_t lookups = 0;
  Meter meter(state);
  for (auto _ : state) {
    remote.end_some();
    const std::uint64_t before = remote.lookups();
    meter.time(kRound, [&] {
      for (unsigned i = 0; i < kRound; ++i) remote.open();
    });
    lookups += remote.lookups() - before;
  }
  meter.report();
  state.counters["lookups"] = static_cast<double>(lookups) / static_cast<double>(meter.items());
}
BENCHMARK(port_choice)
    ->ArgName("permille")
    ->Arg(100)
    ->Arg(500)
    ->Arg(900)
    ->Arg(999)
    ->UseManualTime();

void adjust_tuple(benchmark::State& state) {
  test::start_eal();
  auto key = nat::symmetric_key();
  rte_thash_ctx* context = rte_thash_init_ctx("bench", key.size(), 7, key.data(), 0);
  if (context == nullptr || rte_thash_add_helper(context, "port", 16, 80) != 0) {
    return state.SkipWithError("DPDK makes no helper for this key");
  }
  rte_thash_subtuple_helper* helper = rte_thash_get_helper(context, "port");
  Meter meter(state);
  std::uint32_t queue = 0;
  for (auto _ : state) {
    meter.time(kRound, [&] {
      for (unsigned i = 0; i < kRound; ++i) {
        nat::FlowKey tuple = reply();
        std::uint8_t bytes[12];
        std::memcpy(bytes, &tuple, sizeof bytes);
        benchmark::DoNotOptimize(rte_thash_adjust_tuple(context, helper, bytes, sizeof bytes,
                                                        queue++ % 128, 20, nullptr, nullptr));
      }
    });
  }
  meter.report();
  rte_thash_free_ctx(context);
}
BENCHMARK(adjust_tuple)->UseManualTime();

}  // namespace
}  // namespace sluice::bench
