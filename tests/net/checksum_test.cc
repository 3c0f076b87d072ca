// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "net/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/packet_builder.h"
#include "support/random.h"

namespace sluice::net {
namespace {

using test::Bytes;
using test::plain_sum;
using test::Random;

Be16 be16(unsigned value) { return Be16::from_host(static_cast<std::uint16_t>(value)); }

/// The checksum a sender computes: the complement of the sum, big-endian words.
unsigned full(const Bytes& bytes) { return ~unsigned{plain_sum(bytes)} & 0xffff; }

void put16(Bytes& bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

constexpr unsigned kEdges[] = {0x0000, 0x0001, 0x00ff, 0x0100, 0x7fff,
                               0x8000, 0xff00, 0xfffe, 0xffff};

TEST(FullChecksum, IsThatOfAPlainSum) {
  Random random;
  SCOPED_TRACE(random.seed());
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random.below(70));
    for (auto& byte : bytes) byte = random.coin() ? random.byte() : 0xff;
    ASSERT_EQ(full_checksum(bytes).to_host(), full(bytes)) << test::hex(bytes);
  }
}

TEST(FullChecksum, KnowsTheExampleOfRfc1071) {
  const Bytes bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(full_checksum(bytes).to_host(), 0x220d);  // ~0xddf2
}

TEST(Fold, KeepsTheSumModulo65535AndNeverMakesZeroOfSomething) {
  Random random;
  SCOPED_TRACE(random.seed());
  EXPECT_EQ(fold(0), 0);
  EXPECT_EQ(fold(0xffff), 0xffff);
  EXPECT_EQ(fold(0x1fffe), 0xffff);
  EXPECT_EQ(fold(~std::uint64_t{0}), 0xffff);
  for (int round = 0; round < 100'000; ++round) {
    const std::uint64_t sum =
        (std::uint64_t{random.word()} << 32 | random.word()) >> random.below(64);
    ASSERT_EQ(fold(sum) % 0xffff, sum % 0xffff) << sum;
    ASSERT_EQ(fold(sum) == 0, sum == 0) << sum;
  }
}

/// Changes words of a block that carries a right checksum; the delta must lead to the checksum a
/// sender would have computed, to the bit.
TEST(ChecksumDelta, LeadsToWhatFullRecomputationGives) {
  Random random;
  SCOPED_TRACE(random.seed());
  const auto word = [&]() -> unsigned {
    return random.coin() ? kEdges[random.below(std::size(kEdges))] : random.below(0x10000);
  };
  for (int round = 0; round < 200'000; ++round) {
    Bytes block(12);
    for (std::size_t at = 0; at < block.size(); at += 2) put16(block, at, word());
    if (std::all_of(block.begin(), block.end(), [](auto byte) { return byte == 0; })) continue;
    const unsigned before = full(block);

    Bytes changed = block;
    ChecksumDelta delta;
    const unsigned short_old = unsigned{block[0]} << 8 | block[1];
    const unsigned short_new = word();
    put16(changed, 0, short_new);
    delta.replace(be16(short_old), be16(short_new));
    const unsigned high = word();
    const unsigned low = word();
    const auto long_old = std::uint32_t{block[4]} << 24 | std::uint32_t{block[5]} << 16 |
                          std::uint32_t{block[6]} << 8 | block[7];
    put16(changed, 4, high);
    put16(changed, 6, low);
    delta.replace(Be32::from_host(long_old), Be32::from_host(high << 16 | low));
    if (std::all_of(changed.begin(), changed.end(), [](auto byte) { return byte == 0; })) continue;

    const FoldedDelta stored = delta.folded();  // as a session keeps it
    ASSERT_EQ(delta.apply(be16(before)).to_host(), full(changed)) << test::hex(block) << "\n"
                                                                  << test::hex(changed);
    ASSERT_EQ(stored.apply(be16(before)).to_host(), full(changed));
    ASSERT_EQ(stored.inverse().apply(be16(full(changed))).to_host(), before);
  }
}

TEST(ChecksumDelta, EveryEdgeAgainstEveryEdge) {
  for (const unsigned rest : kEdges) {
    for (const unsigned before : kEdges) {
      for (const unsigned after : kEdges) {
        Bytes block(4);
        put16(block, 0, before);
        put16(block, 2, rest);
        Bytes changed = block;
        put16(changed, 0, after);
        if (block == Bytes(4) || changed == Bytes(4)) continue;  // no packet sums to nothing
        const auto delta = ChecksumDelta{}.replace(be16(before), be16(after));
        EXPECT_EQ(delta.apply(be16(full(block))).to_host(), full(changed))
            << before << " to " << after << " beside " << rest;
      }
    }
  }
}

/// RFC 1624's own example: the older equation gave 0xffff here.
TEST(ChecksumDelta, KnowsTheExampleOfRfc1624) {
  const auto delta = ChecksumDelta{}.replace(be16(0x5555), be16(0x3285));
  EXPECT_EQ(delta.apply(be16(0xdd2f)).to_host(), 0x0000);
}

TEST(ChecksumDelta, OfTwoPartsIsTheirSum) {
  const auto addresses =
      ChecksumDelta{}.replace(Be32::from_host(0x0a000005), Be32::from_host(0xcb007105));
  const auto ports = ChecksumDelta{}.replace(be16(4000), be16(51324));
  auto both = ports;
  both.add(addresses);
  const auto at_once = ChecksumDelta{}
                           .replace(Be32::from_host(0x0a000005), Be32::from_host(0xcb007105))
                           .replace(be16(4000), be16(51324));
  EXPECT_EQ(both.folded().raw(), at_once.folded().raw());
}

/// What was wrong by some amount stays wrong by it, and what changed back is as it was.
TEST(ChecksumDelta, NeverMendsAWrongChecksum) {
  Random random;
  SCOPED_TRACE(random.seed());
  for (int round = 0; round < 100'000; ++round) {
    const unsigned right = 1 + random.below(0xfffe);
    const unsigned wrong = 1 + random.below(0xfffe);
    if (right == wrong) continue;
    const auto delta =
        ChecksumDelta{}.replace(be16(random.word() & 0xffff), be16(random.word() & 0xffff));
    const unsigned right_after = delta.apply(be16(right)).to_host();
    const unsigned wrong_after = delta.apply(be16(wrong)).to_host();
    const unsigned difference = (wrong + 0xffff - right) % 0xffff;
    ASSERT_EQ((wrong_after + 0xffff - right_after) % 0xffff, difference);
    ASSERT_NE(difference, 0u);
  }
}

TEST(ChecksumDelta, LeavesUdpsZeroAlone) {
  for (const unsigned before : kEdges) {
    for (const unsigned after : kEdges) {
      const auto delta = ChecksumDelta{}.replace(be16(before), be16(after));
      EXPECT_EQ(delta.apply_udp(be16(0)).to_host(), 0);
    }
  }
}

/// RFC 768: a checksum that computes to zero is sent as all ones.
TEST(ChecksumDelta, NeverMakesAUdpChecksumZero) {
  for (unsigned checksum = 1; checksum <= 0xffff; ++checksum) {
    // The change that takes this checksum to zero: the word grows by as much as it has to fall.
    const auto delta = ChecksumDelta{}.replace(be16(0), be16(checksum));
    const unsigned changed = delta.apply_udp(be16(checksum)).to_host();
    ASSERT_EQ(changed, 0xffffu) << checksum;
    const unsigned back = delta.folded().inverse().apply_udp(be16(changed)).to_host();
    ASSERT_EQ(back, checksum);
  }
}

}  // namespace
}  // namespace sluice::net
