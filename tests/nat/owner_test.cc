// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/owner.h"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <cstring>

#include "core/ip.h"
#include "net/headers.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

using test::Random;

FlowKey key_of(const char* source, unsigned source_port, const char* destination, unsigned port) {
  return {Ipv4Addr::parse(source)->wire(),
          Ipv4Addr::parse(destination)->wire(),
          Be16::from_host(static_cast<std::uint16_t>(source_port)),
          Be16::from_host(static_cast<std::uint16_t>(port)),
          net::kTcp,
          {}};
}

FlowKey random_key(Random& random) {
  return {Be32::from_raw(random.word()),
          Be32::from_raw(random.word()),
          Be16::from_host(static_cast<std::uint16_t>(random.word())),
          Be16::from_host(static_cast<std::uint16_t>(random.word())),
          net::kUdp,
          {}};
}

/// The key of Microsoft's "Verifying the RSS Hash Calculation", which most NICs start with.
constexpr ToeplitzKey kMicrosoftKey{0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
                                    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
                                    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
                                    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

TEST(OwnerFunction, GivesTheHashesOfTheRssSpecification) {
  struct Vector {
    const char* destination;
    unsigned destination_port;
    const char* source;
    unsigned source_port;
    std::uint32_t hash;
  };
  const OwnerFunction owner(kMicrosoftKey, 1);
  for (const Vector& v : {Vector{"161.142.100.80", 1766, "66.9.149.187", 2794, 0x51ccc178},
                          Vector{"65.69.140.83", 4739, "199.92.111.2", 14230, 0xc626b0ea},
                          Vector{"12.22.207.184", 38024, "24.19.198.95", 12898, 0x5c2b394a},
                          Vector{"209.142.163.6", 2217, "38.27.205.30", 48228, 0xafc7327f},
                          Vector{"202.188.127.2", 1303, "153.39.163.191", 44251, 0x10e828a2}}) {
    EXPECT_EQ(owner.hash(key_of(v.source, v.source_port, v.destination, v.destination_port)),
              v.hash)
        << v.source;
  }
}

TEST(OwnerFunction, IsWhatDpdkComputes) {
  Random random;
  SCOPED_TRACE(random.seed());
  for (int k = 0; k < 20; ++k) {
    alignas(std::uint32_t) ToeplitzKey toeplitz = symmetric_key();
    if (k == 1) toeplitz = kMicrosoftKey;
    if (k > 1) {
      for (auto& byte : toeplitz) byte = random.byte();
    }
    const OwnerFunction owner(toeplitz, 4);
    for (int i = 0; i < 2000; ++i) {
      const FlowKey key = random_key(random);
      // rte_softrss wants host order words; ports are one word, the source's first.
      std::uint32_t tuple[3] = {
          key.source.to_host(), key.destination.to_host(),
          std::uint32_t{key.source_port.to_host()} << 16 | key.destination_port.to_host()};
      ASSERT_EQ(owner.hash(key), rte_softrss(tuple, 3, toeplitz.data()));
    }
  }
}

TEST(OwnerFunction, TheSymmetricKeyGivesBothDirectionsOneOwner) {
  Random random;
  SCOPED_TRACE(random.seed());
  const OwnerFunction symmetric(symmetric_key(), 5);
  const OwnerFunction other(kMicrosoftKey, 5);
  int differ = 0;
  for (int i = 0; i < 10'000; ++i) {
    const FlowKey key = random_key(random);
    ASSERT_EQ(symmetric.hash(key), symmetric.hash(key.reversed()));
    differ += other.hash(key) != other.hash(key.reversed()) ? 1 : 0;
  }
  EXPECT_GT(differ, 9000) << "the comparison can fail";
}

TEST(OwnerFunction, APortAddsItsOwnHash) {
  Random random;
  SCOPED_TRACE(random.seed());
  for (const auto& toeplitz : {symmetric_key(), kMicrosoftKey}) {
    const OwnerFunction owner(toeplitz, 1);
    for (int i = 0; i < 10'000; ++i) {
      FlowKey key = random_key(random);
      const std::uint32_t whole = owner.hash(key);
      const Be16 port = std::exchange(key.destination_port, Be16{});
      ASSERT_EQ(owner.hash(key) ^ owner.hash_of_destination_port(port), whole);
    }
  }
}

TEST(OwnerFunction, GivesEveryWorkerItsShareOfTheTable) {
  for (unsigned workers = 1; workers <= 128; ++workers) {
    const OwnerFunction owner(symmetric_key(), workers);
    std::vector<unsigned> entries(workers);
    for (std::uint32_t hash = 0; hash < kRetaSize; ++hash) {
      const unsigned worker = owner.owner(hash).value;
      ASSERT_LT(worker, workers);
      ASSERT_EQ(owner.owner(hash + kRetaSize * 12'345), owner.owner(hash)) << "modulo the table";
      ++entries[worker];
    }
    for (const unsigned count : entries) {
      EXPECT_GE(count, kRetaSize / workers);
      EXPECT_LE(count, kRetaSize / workers + 1);
    }
  }
}

}  // namespace
}  // namespace sluice::nat
