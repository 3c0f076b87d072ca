// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Whatever comes in ends somewhere with a name, and nothing leaves an ENI that may not emit it
/// (the harness looks at every frame).
#include <gtest/gtest.h>

#include <map>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;
using test::Random;

/// Counts ends, and refuses a packet that met every stage and still has none.
struct Ends {
  std::map<Fate, int> by_fate;
  std::map<DropReason, int> by_reason;

  void take(const Outcome& outcome) {
    ++by_fate[outcome.fate];
    if (outcome.fate == Fate::kDrop) ++by_reason[outcome.reason];
    ASSERT_NE(outcome.fate, Fate::kLive) << outcome;
  }
  [[nodiscard]] int sum() const {
    int sum = 0;
    for (const auto& [fate, count] : by_fate) sum += count;
    return sum;
  }
};

constexpr std::string_view kDevices[] = {"eni0", "eni1", "pod-a", "pod-b", "pod-c"};

/// Runs `total` frames of `make` through a node, in bursts of every size.
template <typename Make>
Ends run(Harness& harness, Random& random, int total, Make make) {
  Ends ends;
  for (int done = 0; done < total;) {
    std::vector<Harness::Frame> frames;
    const auto wanted = static_cast<int>(random.between(1, kBurstSize));
    for (int i = 0; i < std::min(wanted, total - done); ++i) {
      const auto device = harness.device(kDevices[random.below(std::size(kDevices))]);
      frames.push_back({device, make(device)});
    }
    const auto outcomes = harness.run(frames);
    EXPECT_EQ(outcomes.size(), frames.size());
    for (const Outcome& outcome : outcomes) ends.take(outcome);
    done += static_cast<int>(frames.size());
    if (testing::Test::HasFailure()) break;
  }
  return ends;
}

TEST(Conservation, OfRandomBytes) {
  Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml());
  const Ends ends = run(harness, random, 50'000, [&](DeviceId) {
    Bytes frame(random.below(120));
    for (auto& byte : frame) byte = random.byte();
    return frame;
  });
  EXPECT_EQ(ends.sum(), 50'000);
}

/// Random bytes behind a right Ethernet header and a right IPv4 header sum get further in.
TEST(Conservation, OfRandomBytesThatLookRight) {
  Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml());
  const Ends ends = run(harness, random, 50'000, [&](DeviceId device) {
    Bytes frame(34 + random.below(90));
    for (auto& byte : frame) byte = random.byte();
    const auto mac = test::device_mac(device.value);
    std::copy(mac.begin(), mac.end(), frame.begin());
    const bool v6 = random.below(4) == 0;
    frame[12] = v6 ? 0x86 : 0x08;
    frame[13] = v6 ? 0xdd : 0x00;
    frame[14] = v6              ? 0x60
                : random.coin() ? 0x45
                                : static_cast<std::uint8_t>(0x40 | random.below(16));
    if (!v6) {
      const std::size_t length = random.coin() ? frame.size() - 14 : random.below(140);
      frame[16] = 0;
      frame[17] = static_cast<std::uint8_t>(length);
      if (random.coin()) frame[20] = frame[21] = 0;
      constexpr std::uint8_t kProtocols[] = {1, 6, 17, 47, 132, 136};
      frame[23] = kProtocols[random.below(6)];
      const std::size_t header = std::max<std::size_t>((frame[14] & 0xfU) * 4, 20);
      if (14 + header <= frame.size()) {
        frame[24] = frame[25] = 0;
        const Bytes ip(frame.begin() + 14,
                       frame.begin() + 14 + static_cast<std::ptrdiff_t>(header));
        const unsigned sum = ~unsigned{test::plain_sum(ip)} & 0xffff;
        frame[24] = static_cast<std::uint8_t>(sum >> 8);
        frame[25] = static_cast<std::uint8_t>(sum);
      }
    }
    return frame;
  });
  EXPECT_EQ(ends.sum(), 50'000);
  EXPECT_GT(ends.by_reason.size(), 8u) << "the dice reach many places";
}

/// Well-formed packets between all kinds of addresses, on every device, in both topologies: right
/// checksums, one hop less, and only where the source may leave.
TEST(Conservation, OfWellFormedPacketsBetweenAnyone) {
  constexpr std::string_view kAddresses[] = {
      "10.10.10.20", "10.10.10.21", "10.10.10.22", "10.10.10.77", "10.10.10.255",    "10.10.20.20",
      "10.10.20.21", "10.10.20.33", "10.10.20.40", "10.10.30.5",  "192.168.1.1",     "198.51.100.7",
      "172.30.0.1",  "224.0.0.5",   "127.0.0.1",   "169.254.1.1", "255.255.255.255", "0.0.0.0",
  };
  Random random;
  SCOPED_TRACE(random.seed());
  Harness harness(node_yaml("flows: {capacity: 300, per_pod: 100}"));
  int emitted_by_enis = 0;
  for (int round = 0; round < 30'000; ++round) {
    const auto device = kDevices[random.below(std::size(kDevices))];
    const auto base = eth()
                          .ipv4(kAddresses[random.below(std::size(kAddresses))],
                                kAddresses[random.below(std::size(kAddresses))])
                          .ttl(random.below(10) == 0 ? random.below(3) : 64)
                          .payload(Bytes(random.below(30), 0x77))
                          .padding(random.coin() ? 0 : random.below(20));
    const unsigned from = 1000 + random.below(20);
    const unsigned to = 1000 + random.below(20);
    const unsigned kind = random.below(6);
    const auto quoted = eth()
                            .ipv4(kAddresses[random.below(std::size(kAddresses))],
                                  kAddresses[random.below(std::size(kAddresses))])
                            .udp(from, to)
                            .bytes();
    const PacketBuilder packet =
        kind == 0   ? base.udp(from, to)
        : kind == 1 ? base.tcp(from, to).flags(random.byte()).seq(random.word())
        : kind == 2 ? base.echo(from)
        : kind == 3 ? base.echo_reply(from)
        : kind == 4
            ? base.icmp(3, random.below(5), 0, 0).payload(Bytes(quoted.begin() + 14, quoted.end()))
            : base.protocol(47);
    const Outcome outcome = harness.send(device, packet);
    ASSERT_NE(outcome.fate, Fate::kLive);
    if (outcome.fate == Fate::kEmit || outcome.fate == Fate::kAwaitNeighbour) {
      ASSERT_EQ(test::wrong_checksums(outcome.frame), "") << outcome;
      emitted_by_enis += outcome.device.starts_with("eni") ? 1 : 0;
    }
    if (round % 500 == 0) {
      ASSERT_EQ(harness.table().check_invariants(), "");
      harness.advance(std::chrono::milliseconds(random.below(200'000)));
    }
    if (HasFailure()) FAIL() << "round " << round;
  }
  EXPECT_GT(emitted_by_enis, 300);
}

}  // namespace
}  // namespace sluice::pipeline
