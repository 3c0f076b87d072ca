// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// As many workers as there can be, in one process: owner function, port choice and a shard each.
#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <tuple>
#include <vector>

#include "eni/rss.h"
#include "nat/port_allocator.h"
#include "net/headers.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

constexpr std::uint32_t kSnat = 0x0a0a0a14;
constexpr unsigned kFlows = 4096;

struct Shard {
  Shard(const OwnerFunction& owner, WorkerId self)
      : table(std::move(FlowTable::create({2 * kFlows, 7})).value()),
        ports(owner, self, *table, 7U + self.value) {
    IdleLimits limits;
    limits.udp = 300'000;
    table->set_limits(limits);
  }
  std::unique_ptr<FlowTable> table;
  PortAllocator ports;
};

/// UDP flows of many pods towards a few remotes, so that ports are taken many times over.
NewSession random_flow(test::Random& random) {
  const auto port = [&](unsigned number) {
    return Be16::from_host(static_cast<std::uint16_t>(number));
  };
  NewSession flow{Be32::from_host(0x64400000 + random.below(1 << 16)),
                  Be32::from_host(0x08080800 + random.below(3)),
                  Be32::from_host(kSnat),
                  port(1 + random.below(65'535)),
                  port(random.coin() ? 53 : 30'000),
                  {},
                  random.coin() ? net::kUdp : net::kTcp};
  flow.flags = kTranslated;
  return flow;
}

class Affinity : public testing::TestWithParam<std::pair<const char*, ToeplitzKey>> {};

/// A NIC that hashes tuples as they stand delivers both directions of a translated flow to one
/// worker, and no two workers ever hand out the same reply's tuple.
TEST_P(Affinity, HoldsWithOneTo128Workers) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  const std::vector<PortRange> range{{1024, 65'535}};
  for (unsigned workers = 1; workers <= 128; ++workers) {
    const OwnerFunction owner(GetParam().second, workers);
    const PortClasses classes(owner, range);
    std::deque<Shard> shards;  // they stay where they are
    for (unsigned i = 0; i < workers; ++i)
      shards.emplace_back(owner, WorkerId{static_cast<std::uint8_t>(i)});
    std::set<std::tuple<std::uint32_t, std::uint16_t, std::uint16_t, std::uint8_t>> replies;
    std::set<unsigned> at_work;
    for (unsigned i = 0; i < kFlows; ++i) {
      NewSession flow = random_flow(random);
      const FlowKey sent{flow.pod, flow.remote, flow.pod_port, flow.remote_port, flow.protocol, {}};
      Shard& shard = shards[owner.owner(owner.hash(sent)).value];
      if (shard.table->find(sent, Instant{1})) continue;  // the dice may fall twice alike
      FlowKey reply{flow.remote, flow.snat, flow.remote_port, {}, flow.protocol, {}};
      const auto port = shard.ports.choose({reply, std::nullopt}, classes, Instant{1});
      ASSERT_TRUE(port) << workers;
      flow.snat_port = reply.destination_port = *port;
      ASSERT_NE(shard.table->insert(flow, Instant{1}), kNoSession);
      ASSERT_EQ(owner.owner(owner.hash(reply)), owner.owner(owner.hash(sent))) << workers;
      ASSERT_TRUE(
          replies.emplace(reply.source.raw(), reply.source_port.raw(), port->raw(), flow.protocol)
              .second)
          << workers << ": two flows with one reply";
      at_work.insert(owner.owner(owner.hash(sent)).value);
    }
    EXPECT_EQ(at_work.size(), workers) << "all of them work";
  }
}

INSTANTIATE_TEST_SUITE_P(Keys,
                         Affinity,
                         testing::Values(std::pair{"Symmetric", symmetric_key()},
                                         std::pair{"Microsoft", eni::kMicrosoftKey},
                                         std::pair{"Ena", eni::kEnaKey}),
                         [](const auto& key) { return key.param.first; });

}  // namespace
}  // namespace sluice::nat
