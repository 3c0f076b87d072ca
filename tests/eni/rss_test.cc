// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// net_null keeps a key and a table of queues for whoever asks, and hashes nothing.
#include "eni/rss.h"

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "core/ip.h"
#include "eni/device.h"
#include "eni/rss_form.h"
#include "net/headers.h"
#include "support/eal.h"
#include "support/random.h"
#include "support/soft_rss.h"

namespace sluice::eni {
namespace {

class RssTest : public testing::Test {
 protected:
  RssTest() {
    test::start_eal();
    pool_ = rte_pktmbuf_pool_create("rss", 8191, 0, 64, 2176, 0);
  }
  ~RssTest() override {
    device_.reset();
    rte_mempool_free(pool_);
  }
  void open(const char* name, unsigned workers) {
    auto opened = Device::open({"enis[0].device", name, workers, std::nullopt, pool_});
    ASSERT_TRUE(opened.ok()) << opened.error();
    device_ = std::move(opened).value();
  }
  std::vector<unsigned> table() const {
    std::vector<rte_eth_rss_reta_entry64> groups(device_->rss().reta_size() / 64, {UINT64_MAX, {}});
    EXPECT_EQ(rte_eth_dev_rss_reta_query(device_->port(), groups.data(),
                                         static_cast<std::uint16_t>(device_->rss().reta_size())),
              0);
    std::vector<unsigned> queues;
    for (const auto& group : groups)
      queues.insert(queues.end(), std::begin(group.reta), std::end(group.reta));
    return queues;
  }
  nat::ToeplitzKey key() const {
    nat::ToeplitzKey key{};
    rte_eth_rss_conf conf{key.data(), 40, 0};
    EXPECT_EQ(rte_eth_dev_rss_hash_conf_get(device_->port(), &conf), 0);
    return key;
  }

  rte_mempool* pool_;
  std::unique_ptr<Device> device_;
};

TEST_F(RssTest, ADeviceGetsTheOwnerFunctionsKeyAndTable) {
  open("net_null_rss", 3);
  EXPECT_EQ(device_->rss().key_state(), Rss::Key::kTaken) << device_->rss().to_string();
  const nat::OwnerFunction owner(kMicrosoftKey, 3);
  const Status applied = device_->rss().apply(device_->port(), owner, {});
  ASSERT_TRUE(applied.ok()) << applied.error();
  EXPECT_EQ(key(), kMicrosoftKey);
  const auto queues = table();
  ASSERT_GE(queues.size(), 128U);
  for (unsigned i = 0; i < queues.size(); ++i) ASSERT_EQ(queues[i], i % 128 % 3) << i;
}

TEST_F(RssTest, WhatIsKnownOfTheHashGoesIntoKeyAndTable) {
  open("net_null_rss", 4);
  const nat::OwnerFunction owner(kMicrosoftKey, 4);
  ASSERT_TRUE(
      device_->rss().apply(device_->port(), owner, {.key_reversed = true, .initial = 0xffff}).ok());
  nat::ToeplitzKey reversed = kMicrosoftKey;
  std::reverse(reversed.begin(), reversed.end());
  EXPECT_EQ(key(), reversed);
  const auto queues = table();
  for (unsigned i = 0; i < 128; ++i) ASSERT_EQ(queues[i], (127 - i) % 4) << i;
}

TEST_F(RssTest, OneQueueNeedsNone) {
  open("net_null_rss", 1);
  EXPECT_EQ(device_->rss().key_state(), Rss::Key::kNone);
  EXPECT_TRUE(device_->rss().apply(device_->port(), nat::OwnerFunction(kMicrosoftKey, 1), {}).ok());
}

TEST(RssKey, IsToldByWholeKeysOnly) {
  std::vector<std::uint8_t> answer(kMicrosoftKey.begin(), kMicrosoftKey.end());
  EXPECT_EQ(key_told(answer), kMicrosoftKey);
  answer.resize(52, 1);
  EXPECT_EQ(key_told(answer), kMicrosoftKey) << "of a device with longer ones";
  answer.resize(39);
  EXPECT_FALSE(key_told(answer));
  EXPECT_FALSE(key_told({}));
  EXPECT_FALSE(key_told(std::vector<std::uint8_t>(40, 0)));
}

TEST(RssKey, IsThatOfADeviceThatHasItsOwnElseTheSymmetricOne) {
  Rss plain;
  EXPECT_EQ(choose_key({&plain}), nat::symmetric_key());
  EXPECT_EQ(choose_key({}), nat::symmetric_key());
}

std::vector<HashedPacket> packets(const test::SoftRss& nic) {
  test::Random random;
  std::vector<HashedPacket> made;
  for (std::size_t i = 0; i < kPacketsToExplain; ++i) {
    const Ipv4Addr source{random.word()};
    const Ipv4Addr destination{random.word()};
    const unsigned from = 1 + random.below(65'535);
    const unsigned to = 1 + random.below(65'535);
    const auto placed = nic.place(
        test::eth().ipv4(source.to_string(), destination.to_string()).udp(from, to).bytes());
    EXPECT_TRUE(placed.hashed);
    made.push_back({{source.wire(),
                     destination.wire(),
                     Be16::from_host(static_cast<std::uint16_t>(from)),
                     Be16::from_host(static_cast<std::uint16_t>(to)),
                     net::kUdp,
                     {}},
                    placed.hash});
  }
  return made;
}

TEST(RssForm, IsFoundFromFourPackets) {
  for (const auto& key : {kMicrosoftKey, kEnaKey}) {
    nat::ToeplitzKey reversed = key;
    std::reverse(reversed.begin(), reversed.end());
    test::SoftRss nic(key, 4);
    EXPECT_EQ(explain_hashes(packets(nic), key), RssForm{});
    nic.initial = 0xffffffff;
    EXPECT_EQ(explain_hashes(packets(nic), key), (RssForm{.initial = 0xffff}));
    EXPECT_EQ(explain_hashes(packets(nic), reversed),
              (RssForm{.key_reversed = true, .initial = 0xffff}));
    EXPECT_FALSE(explain_hashes(packets(nic), nat::symmetric_key()));
  }
}

/// Amazon's toeplitz_calc.py for instances whose key cannot be changed.
TEST(RssForm, KnowsTheOlderEna) {
  test::SoftRss nic(kEnaKey, 4);
  nic.initial = 0xffffffff;
  nic.sorts = nic.low_half_twice = true;
  EXPECT_EQ(nic.place(test::eth().ipv4("10.100.0.40", "10.100.0.36").udp(0, 0).bytes()).hash,
            0x0a7b0a7bU)
      << "amzn-drivers issue 256";
  EXPECT_EQ(explain_hashes(packets(nic), kEnaKey), (RssForm{.sorted = true, .initial = 0xffff}));
}

/// What Microsoft publishes, and what the first of its vectors gives by a NIC without faults.
TEST(SoftRss, HashesAsTheSpecificationSays) {
  const test::SoftRss nic(kMicrosoftKey, 4);
  EXPECT_EQ(
      nic.place(test::eth().ipv4("66.9.149.187", "161.142.100.80").tcp(2794, 1766).bytes()).hash,
      0x51ccc178U);
  EXPECT_FALSE(
      nic.place(test::eth().ipv4("66.9.149.187", "161.142.100.80").echo(7).bytes()).hashed);
}

}  // namespace
}  // namespace sluice::eni
