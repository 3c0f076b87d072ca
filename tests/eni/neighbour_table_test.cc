// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/neighbour_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/config_parts.h"
#include "support/eal.h"

namespace sluice::eni {
namespace {

using test::address;

constexpr net::MacAddress kMac{2, 1, 2, 3, 4, 5};
constexpr net::MacAddress kOther{2, 9, 9, 9, 9, 9};

class NeighbourTableTest : public testing::Test {
 protected:
  static std::unique_ptr<NeighbourTable> make(unsigned devices, unsigned capacity) {
    test::start_eal();
    return std::move(NeighbourTable::create(devices, capacity)).value();
  }
  std::unique_ptr<NeighbourTable> table_ = make(3, 100);
};

TEST_F(NeighbourTableTest, WhoNeverAnsweredIsOnlyGleaned) {
  for (std::uint8_t device = 0; device < 3; ++device) {
    const AdjacencyId id = table_->find(DeviceId{device}, address("10.0.0.1"));
    EXPECT_EQ(id, table_->glean(DeviceId{device}));
    EXPECT_TRUE(table_->is_glean(id));
    EXPECT_EQ(table_->device(id), DeviceId{device});
    EXPECT_FALSE(table_->mac(id));
  }
  EXPECT_FALSE(table_->is_glean(nat::kNoAdjacency));
  EXPECT_EQ(table_->device(nat::kNoAdjacency), kNoDevice);
  EXPECT_FALSE(table_->mac(nat::kNoAdjacency));
}

TEST_F(NeighbourTableTest, ANumberStaysWithItsNeighbour) {
  ASSERT_TRUE(table_->set(DeviceId{1}, address("10.0.0.1"), kMac));
  const AdjacencyId id = table_->find(DeviceId{1}, address("10.0.0.1"));
  EXPECT_FALSE(table_->is_glean(id));
  EXPECT_EQ(table_->device(id), DeviceId{1});
  EXPECT_EQ(table_->mac(id), kMac);
  ASSERT_TRUE(table_->set(DeviceId{1}, address("10.0.0.1"), kOther));
  EXPECT_EQ(table_->find(DeviceId{1}, address("10.0.0.1")), id);
  EXPECT_EQ(table_->mac(id), kOther);
  table_->clear(DeviceId{1}, address("10.0.0.1"));
  EXPECT_EQ(table_->find(DeviceId{1}, address("10.0.0.1")), id);
  EXPECT_FALSE(table_->mac(id));
  ASSERT_TRUE(table_->set(DeviceId{1}, address("10.0.0.1"), kMac));
  EXPECT_EQ(table_->mac(id), kMac);
}

TEST_F(NeighbourTableTest, DevicesAndFamiliesAreApart) {
  ASSERT_TRUE(table_->set(DeviceId{0}, address("10.0.0.1"), kMac));
  ASSERT_TRUE(table_->set(DeviceId{2}, address("10.0.0.1"), kOther));
  ASSERT_TRUE(table_->set(DeviceId{0}, address("a00:1::"), kOther));  // the same leading bytes
  EXPECT_EQ(table_->mac(table_->find(DeviceId{0}, address("10.0.0.1"))), kMac);
  EXPECT_EQ(table_->mac(table_->find(DeviceId{2}, address("10.0.0.1"))), kOther);
  EXPECT_EQ(table_->mac(table_->find(DeviceId{0}, address("a00:1::"))), kOther);
  EXPECT_TRUE(table_->is_glean(table_->find(DeviceId{1}, address("10.0.0.1"))));
}

TEST_F(NeighbourTableTest, ClearingAStrangerChangesNothing) {
  table_->clear(DeviceId{0}, address("10.0.0.9"));
  EXPECT_TRUE(table_->is_glean(table_->find(DeviceId{0}, address("10.0.0.9"))));
}

TEST_F(NeighbourTableTest, AFullTableRefusesStrangersAndKeepsItsOwn) {
  std::uint32_t taken = 0;
  while (taken < 1000 && table_->set(DeviceId{0}, Ipv4Addr{0x0a000000 + taken}, kMac)) ++taken;
  EXPECT_GE(taken, 100u);
  EXPECT_LT(taken, 1000u);
  EXPECT_FALSE(table_->set(DeviceId{0}, address("10.9.9.9"), kMac));
  EXPECT_TRUE(table_->set(DeviceId{0}, Ipv4Addr{0x0a000000}, kOther));
  for (std::uint32_t i = 1; i < taken; ++i) {
    EXPECT_EQ(table_->mac(table_->find(DeviceId{0}, Ipv4Addr{0x0a000000 + i})), kMac);
  }
}

/// Workers look up while the main thread writes: they see no neighbour, or a whole one.
TEST_F(NeighbourTableTest, ReadersSeeWholeNeighbours) {
  const auto table = make(1, 2000);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> looked{0};
  std::atomic<std::uint64_t> wrong{0};
  const auto mac_of = [](std::uint32_t number) {
    const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(number >> shift); };
    return net::MacAddress{2, byte(0), byte(8), byte(0), byte(8), 7};
  };
  std::thread reader([&] {
    for (std::uint32_t i = 0; !stop.load(std::memory_order_relaxed); i = (i + 1) % 2000) {
      const AdjacencyId id = table->find(DeviceId{0}, Ipv4Addr{0x0a000000 + i});
      const auto mac = table->mac(id);
      const bool right = table->device(id) == DeviceId{0} && (!mac || *mac == mac_of(i));
      if (!right) wrong.fetch_add(1);
      looked.fetch_add(1, std::memory_order_relaxed);
    }
  });
  for (int round = 0; round < 20 || looked.load() < 4000; ++round) {
    for (std::uint32_t i = 0; i < 2000; ++i) {
      ASSERT_TRUE(table->set(DeviceId{0}, Ipv4Addr{0x0a000000 + i}, mac_of(i)));
      if (i % 3 == 0) table->clear(DeviceId{0}, Ipv4Addr{0x0a000000 + i});
    }
  }
  stop = true;
  reader.join();
  EXPECT_EQ(wrong.load(), 0u);
}

}  // namespace
}  // namespace sluice::eni
