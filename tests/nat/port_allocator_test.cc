// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/port_allocator.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <set>
#include <vector>

#include "nat/table_header.h"
#include "net/headers.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

using namespace std::chrono_literals;

Be16 be16(unsigned value) { return Be16::from_host(static_cast<std::uint16_t>(value)); }

constexpr std::uint32_t kSnat = 0x0a0a0a14;

/// One worker's table and allocator, and the flows of pods that come to it.
struct Shard {
  Shard(const OwnerFunction& owner, unsigned self, std::uint32_t capacity, std::uint64_t seed = 7)
      : table(std::move(FlowTable::create({capacity, seed})).value()),
        ports(owner, WorkerId{static_cast<std::uint8_t>(self)}, *table, seed + self) {
    IdleLimits limits;
    limits.udp = 300'000;
    table->set_limits(limits);
  }

  static FlowKey reply_from(std::uint32_t remote, unsigned remote_port) {
    return {
        Be32::from_host(remote), Be32::from_host(kSnat), be16(remote_port), Be16{}, net::kUdp, {}};
  }

  /// Opens one more flow towards the remote; its port.
  std::optional<unsigned> open(const PortClasses& classes,
                               std::uint32_t remote = 0x08080808,
                               unsigned remote_port = 53,
                               std::optional<unsigned> preferred = std::nullopt) {
    PortAllocator::Request request{reply_from(remote, remote_port), std::nullopt};
    if (preferred) request.preferred = be16(*preferred);
    request.drawn = ports.draw(request, classes);
    return open(request, classes);
  }
  std::optional<unsigned> open(const PortAllocator::Request& request, const PortClasses& classes) {
    const auto port = ports.choose(request, classes, now);
    if (!port) return std::nullopt;
    NewSession session{Be32::from_host(0x0a000000 + flows / 60'000),
                       request.reply.source,
                       Be32::from_host(kSnat),
                       be16(flows % 60'000),
                       request.reply.source_port,
                       *port,
                       net::kUdp};
    session.flags = kTranslated;
    ++flows;
    last = table->insert(session, now);
    EXPECT_NE(last, kNoSession);
    return port->to_host();
  }

  std::unique_ptr<FlowTable> table;
  PortAllocator ports;
  std::uint32_t flows = 0;
  SessionIndex last = kNoSession;
  Instant now{1000};
};

constexpr PortRange kAll{1024, 65535};

/// The known key of a NIC whose key cannot be set.
constexpr ToeplitzKey kFixedKey{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

std::vector<ToeplitzKey> keys() {
  std::vector<ToeplitzKey> result{symmetric_key(), kFixedKey};
  test::Random random;
  for (int i = 0; i < 3; ++i) {
    ToeplitzKey key;
    for (auto& byte : key) byte = random.byte();
    result.push_back(key);
  }
  return result;
}

TEST(PortClasses, TheSymmetricKeyPuts504PortsIntoEveryClass) {
  const OwnerFunction owner(symmetric_key(), 4);
  const PortClasses classes(owner, std::span(&kAll, 1));
  for (unsigned number = 0; number < kRetaSize; ++number) {
    EXPECT_EQ(classes.of(number).size(), 504u) << number;
  }
}

TEST(PortClasses, HoldEveryPortOfTheirRangesOnce) {
  const OwnerFunction owner(kFixedKey, 4);
  const std::vector<PortRange> ranges{{1024, 2000}, {1500, 3000}, {65535, 65535}, {0, 0}};
  const PortClasses classes(owner, ranges);
  std::multiset<unsigned> seen;
  for (unsigned number = 0; number < kRetaSize; ++number) {
    for (const Be16 port : classes.of(number)) seen.insert(port.to_host());
  }
  EXPECT_EQ(seen.size(), 3000u - 1024 + 1 + 2);
  for (unsigned port = 0; port <= 65535; ++port) {
    const bool wanted = port == 0 || (port >= 1024 && port <= 3000) || port == 65535;
    ASSERT_EQ(classes.contains(be16(port)), wanted) << port;
    ASSERT_EQ(seen.count(port), wanted ? 1u : 0u) << port;
  }
}

TEST(PortAllocator, TheReplyToEveryChosenPortComesBackToItsWorker) {
  for (const ToeplitzKey& key : keys()) {
    for (unsigned workers = 1; workers <= 16; ++workers) {
      const OwnerFunction owner(key, workers);
      const PortClasses classes(owner, std::span(&kAll, 1));
      for (unsigned self = 0; self < workers; ++self) {
        Shard shard(owner, self, 64);
        for (std::uint32_t i = 0; i < 40; ++i) {
          const std::uint32_t remote = 0x08080000 + i * 977;
          const auto port = shard.open(classes, remote, 53 + i,
                                       i % 3 == 0 ? std::optional(4000 + i) : std::nullopt);
          ASSERT_TRUE(port);
          ASSERT_TRUE(kAll.contains(static_cast<std::uint16_t>(*port)));
          FlowKey reply = Shard::reply_from(remote, 53 + i);
          reply.destination_port = be16(*port);
          ASSERT_EQ(owner.owner(owner.hash(reply)).value, self)
              << workers << " workers, port " << *port;
        }
      }
    }
  }
}

/// Catalogue 22: every port once, exactly the rest refused, whatever the number of workers.
TEST(PortAllocator, HandsOutEveryPortTowardsARemoteExactlyOnce) {
  for (const unsigned workers : {1u, 4u}) {
    const OwnerFunction owner(symmetric_key(), workers);
    const PortClasses classes(owner, std::span(&kAll, 1));
    std::vector<int> used(65536);
    std::size_t handed_out = 0;
    for (unsigned self = 0; self < workers; ++self) {
      Shard shard(owner, self, 70'000);
      while (const auto port = shard.open(classes)) {
        ++used[*port];
        ++handed_out;
        ASSERT_EQ(used[*port], 1) << "port " << *port << " twice";
      }
      EXPECT_FALSE(shard.open(classes)) << "refused once, refused again";
      EXPECT_TRUE(shard.open(classes, 0x08080809)) << "another remote";
      EXPECT_TRUE(shard.open(classes, 0x08080808, 54)) << "another remote port";
    }
    EXPECT_EQ(handed_out, 64'512u) << workers << " workers";
    EXPECT_TRUE(std::all_of(used.begin(), used.begin() + 1024, [](int n) { return n == 0; }));
  }
}

/// Also where the ports are few and classes empty.
TEST(PortAllocator, HandsOutSmallRangesWhole) {
  for (const PortRange range : {PortRange{5000, 5000}, PortRange{5000, 5099}, PortRange{0, 0},
                                PortRange{65535, 65535}, PortRange{40'000, 40'700}}) {
    for (const unsigned workers : {1u, 3u, 8u}) {
      const OwnerFunction owner(symmetric_key(), workers);
      const PortClasses classes(owner, std::span(&range, 1));
      std::set<unsigned> used;
      for (unsigned self = 0; self < workers; ++self) {
        Shard shard(owner, self, 1000);
        while (const auto port = shard.open(classes)) {
          ASSERT_TRUE(range.contains(static_cast<std::uint16_t>(*port)));
          ASSERT_TRUE(used.insert(*port).second);
        }
      }
      EXPECT_EQ(used.size(), range.size()) << range.first << ", " << workers << " workers";
    }
  }
}

/// The flows of a burst draw their ports before the first of them has one.
TEST(PortAllocator, FlowsThatDrewTheSamePortGetDifferentOnes) {
  constexpr unsigned kPorts = 8;
  const OwnerFunction owner(symmetric_key(), 1);
  const PortRange range{2000, 2000 + kPorts - 1};
  const PortClasses classes(owner, {&range, 1});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Shard shard(owner, 0, 100, seed);
    std::vector<PortAllocator::Request> burst(kPorts + 1, {shard.reply_from(0x08080808, 53), {}});
    for (auto& request : burst) request.drawn = shard.ports.draw(request, classes);
    std::set<unsigned> ports;
    for (unsigned i = 0; i < kPorts; ++i) {
      const auto port = shard.open(burst[i], classes);
      ASSERT_TRUE(port) << "flow " << i;
      EXPECT_TRUE(ports.insert(*port).second) << *port << " twice";
    }
    EXPECT_FALSE(shard.open(burst[kPorts], classes));
  }
}

TEST(PortAllocator, AnEndedSessionsPortServesAgain) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortRange range{5000, 5000};
  const PortClasses classes(owner, std::span(&range, 1));
  Shard shard(owner, 0, 16);
  ASSERT_EQ(shard.open(classes), 5000u);
  ASSERT_FALSE(shard.open(classes));
  shard.table->erase(shard.last, shard.now);
  EXPECT_EQ(shard.open(classes), 5000u);
  shard.now = shard.now.plus(std::chrono::milliseconds(300'001));
  EXPECT_EQ(shard.open(classes), 5000u) << "an expired session holds no port";
}

/// Random opening and ending at full use: a port is refused only while every one is held.
TEST(PortAllocator, FindsTheLastFreePortWhicheverItIs) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 70'000);
  std::vector<SessionIndex> sessions;
  while (shard.open(classes)) sessions.push_back(shard.last);
  ASSERT_EQ(sessions.size(), 64'512u);
  test::Random random;
  for (int round = 0; round < 2000; ++round) {
    const unsigned ended = 1 + random.below(3);
    std::set<unsigned> freed;
    for (unsigned i = 0; i < ended; ++i) {
      const std::size_t which = random.below(static_cast<std::uint32_t>(sessions.size()));
      freed.insert(shard.table->at(sessions[which]).identity.snat_port.to_host());
      shard.table->erase(sessions[which], shard.now);
      sessions[which] = sessions.back();
      sessions.pop_back();
    }
    while (const auto port = shard.open(classes)) {
      ASSERT_EQ(freed.erase(*port), 1u) << "a port that was not free";
      sessions.push_back(shard.last);
    }
    ASSERT_TRUE(freed.empty()) << "refused although port " << *freed.begin() << " was free";
  }
  EXPECT_EQ(shard.table->check_invariants(), "");
}

/// Where more remotes are crowded than there are maps, each is as exact as if it were alone.
TEST(PortAllocator, IsExactForMoreRemotesThanItHasMaps) {
  const OwnerFunction owner(symmetric_key(), 2);
  const PortRange range{5000, 5099};
  const PortClasses classes(owner, std::span(&range, 1));
  Shard shard(owner, 1, 16'000);
  constexpr std::uint32_t kRemotes = 100;
  std::size_t first = 0;
  for (std::uint32_t remote = 0; remote < kRemotes; ++remote) {
    std::set<unsigned> used;
    while (const auto port = shard.open(classes, 0x08080000 + remote)) {
      ASSERT_TRUE(used.insert(*port).second);
    }
    if (remote == 0) first = used.size();
  }
  EXPECT_GT(shard.ports.crowded().given_way(), 0u);
  EXPECT_FALSE(shard.open(classes, 0x08080000)) << "its map is gone, and it is as full as before";
  EXPECT_GT(first, 30u);
}

/// That a remote is full is not found out anew for each flow, though its map has given way.
TEST(PortAllocator, RefusesWithFewLooksWhereMoreRemotesAreFullThanItHasMaps) {
  constexpr unsigned kPorts = 64;
  constexpr std::uint32_t kRemotes = 100;
  constexpr std::uint32_t kFirst = 0x08080000;
  const OwnerFunction owner(symmetric_key(), 1);
  const PortRange range{5000, 5000 + kPorts - 1};
  const PortClasses classes(owner, std::span(&range, 1));
  Shard shard(owner, 0, 16'000);
  for (std::uint32_t remote = kFirst; remote < kFirst + kRemotes; ++remote) {
    for (unsigned i = 0; i < kPorts; ++i) ASSERT_TRUE(shard.open(classes, remote));
    EXPECT_FALSE(shard.open(classes, remote));
  }
  ASSERT_GT(shard.ports.crowded().given_way(), 0u);
  shard.now = shard.now.plus(1s);
  const std::uint64_t before = shard.ports.lookups();
  constexpr unsigned kRounds = 10;
  for (unsigned round = 0; round < kRounds; ++round) {
    for (std::uint32_t remote = kFirst; remote < kFirst + kRemotes; ++remote) {
      EXPECT_FALSE(shard.open(classes, remote));
    }
    shard.now = shard.now.plus(5ms);
  }
  EXPECT_LT((shard.ports.lookups() - before) / (kRounds * kRemotes), kPorts);

  const SessionIndex ended{kPorts * 7};
  const SessionIdentity session = shard.table->at(ended).identity;
  shard.table->erase(ended, shard.now);
  EXPECT_EQ(shard.open(classes, session.remote.to_host()), session.snat_port.to_host())
      << "what has ended serves at once";

  shard.now = shard.now.plus(301s);
  EXPECT_TRUE(shard.open(classes, kFirst)) << "what is past its time serves";
}

TEST(PortAllocator, TakesFewLooksAtAnyFill) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 70'000);
  const auto looks_per_port = [&](std::uint32_t from, std::uint32_t to) {
    while (shard.flows < from) EXPECT_TRUE(shard.open(classes));
    const std::uint64_t before = shard.ports.lookups();
    while (shard.flows < to) EXPECT_TRUE(shard.open(classes));
    return static_cast<double>(shard.ports.lookups() - before) / (to - from);
  };
  EXPECT_LT(looks_per_port(6'000, 7'000), 1.5);
  // Each port is looked up once more when the map is learnt, wherever that happens.
  EXPECT_LT(looks_per_port(7'000, 64'000), 4.0);
  EXPECT_LT(looks_per_port(64'000, 64'512), 130.0);
}

TEST(PortAllocator, WhatIsPastItsTimeIsFoundBeforeAFlowIsRefused) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 70'000);
  while (shard.open(classes)) continue;
  shard.now = shard.now.plus(std::chrono::milliseconds(300'001));
  for (int i = 0; i < 64'512; ++i) ASSERT_TRUE(shard.open(classes)) << i;
  EXPECT_FALSE(shard.open(classes));
}

TEST(PortAllocator, KeepsThePreferredPortWhileItIsFree) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 64);
  EXPECT_EQ(shard.open(classes, 0x08080808, 53, 4000), 4000u);
  const auto second = shard.open(classes, 0x08080808, 53, 4000);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, 4000u) << "in use towards this remote";
  EXPECT_EQ(shard.open(classes, 0x08080809, 53, 4000), 4000u) << "free towards another";
}

TEST(PortAllocator, NeverPrefersAPortOutsideTheRange) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 64);
  for (const unsigned preferred : {0u, 22u, 1023u}) {
    const auto port = shard.open(classes, 0x08080808, 53, preferred);
    ASSERT_TRUE(port);
    EXPECT_GE(*port, 1024u);
  }
}

/// RFC 6056 3.1: an observer of some ports should not be able to tell the next.
TEST(PortAllocator, SpreadsItsPortsOverTheRange) {
  const OwnerFunction owner(symmetric_key(), 1);
  const PortClasses classes(owner, std::span(&kAll, 1));
  Shard shard(owner, 0, 5000);
  std::array<unsigned, 16> sixteenths{};
  unsigned previous = 0;
  unsigned neighbours = 0;
  for (int i = 0; i < 4800; ++i) {
    const unsigned port = shard.open(classes).value();
    ++sixteenths[(port - 1024) * 16 / 64'512];
    neighbours += port == previous + 1 ? 1 : 0;
    previous = port;
  }
  for (const unsigned count : sixteenths) {
    EXPECT_GT(count, 200u);  // 300 expected, 17 is one standard deviation
    EXPECT_LT(count, 400u);
  }
  EXPECT_LT(neighbours, 10u);
}

/// What somebody needs who finds the memory and has nothing else.
TEST(PortAllocator, TheTablesHeaderSaysWhereEverythingIsAndWhoseFlowsTheseAre) {
  constexpr std::uint32_t kCapacity = 1000;
  const OwnerFunction owner(kFixedKey, 3);
  const PortClasses classes(owner, {&kAll, 1});
  const auto untold = std::move(FlowTable::create({kCapacity, 99})).value();
  EXPECT_NE(untold->header().magic, TableHeader::kMagic) << "before it is known whose it is";

  Shard shard(owner, 2, kCapacity, 99);
  ASSERT_TRUE(shard.open(classes));
  const TableHeader& header = shard.table->header();
  EXPECT_EQ(header.magic, TableHeader::kMagic);
  EXPECT_EQ(header.version, TableHeader::kVersion);
  EXPECT_EQ(header.capacity, kCapacity);
  EXPECT_EQ(header.hash_seed, 99U);
  EXPECT_EQ(header.worker, WorkerId{2});
  EXPECT_EQ(header.workers, 3U);
  EXPECT_EQ(header.key, kFixedKey);
  const auto* records = reinterpret_cast<const Session*>(
      reinterpret_cast<const std::byte*>(&header) + header.records_at);
  EXPECT_EQ(&records[shard.last.value], &shard.table->at(shard.last));
  EXPECT_EQ(header.buckets_at + header.buckets * 64ULL, header.records_at);

  const FlowKey reply = shard.table->at(shard.last).identity.inbound_key();
  EXPECT_EQ(header.reta[owner.hash(reply) % kRetaSize], header.worker);
}

}  // namespace
}  // namespace sluice::nat
