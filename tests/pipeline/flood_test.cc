// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Floods that fill the table: flows that are established go on as if nothing were, memory stays
/// what it was, and what is refused is counted by its reason.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::pipeline {
namespace {

using namespace std::chrono_literals;
using test::dedicated_yaml;
using test::eth;
using test::Harness;
using test::Outcome;
using test::PacketBuilder;

constexpr std::string_view kSnat = "10.20.0.20";
constexpr unsigned kCapacity = 2048;
constexpr unsigned kBursts = 400;

std::string address(std::string_view net, std::uint32_t rest) {
  return fmt::format("{}.{}.{}", net, rest >> 8 & 0xff, rest & 0xff);
}

/// A TCP connection that was opened before the flood, and goes on during it.
class Connection {
 public:
  Connection(Harness& harness, unsigned number)
      : harness_(harness), pod_(address("100.64", 1 + number)) {
    const Outcome syn = harness_.send("inner", out().flags(net::kSyn).seq(1000));
    external_ = test::source_port_of(syn.frame);
    EXPECT_TRUE(
        harness_.send("uplink", back().flags(net::kSyn | net::kAck).seq(5000).ack(1001)).emitted());
    EXPECT_TRUE(harness_.send("inner", out().flags(net::kAck).seq(1001).ack(5001)).emitted());
  }
  /// A segment each way.
  void expect_it_goes_on() {
    const Outcome sent =
        harness_.send("inner", out().flags(net::kAck).seq(1001).ack(5001).payload("q"));
    EXPECT_TRUE(sent.emitted()) << pod_ << ": " << sent;
    EXPECT_EQ(test::source_port_of(sent.frame), external_);
    const Outcome answer =
        harness_.send("uplink", back().flags(net::kAck).seq(5001).ack(1001).payload("a"));
    EXPECT_TRUE(answer.emitted()) << pod_ << ": " << answer;
  }

 private:
  [[nodiscard]] PacketBuilder out() const { return eth().ipv4(pod_, kServer).tcp(40'000, 443); }
  [[nodiscard]] PacketBuilder back() const {
    return eth().ipv4(kServer, kSnat).tcp(443, external_);
  }

  static constexpr std::string_view kServer = "198.51.100.7";
  Harness& harness_;
  std::string pod_;
  unsigned external_ = 0;
};

class Flood : public testing::Test {
 protected:
  void start(std::string_view more = "") {
    harness_.emplace(dedicated_yaml(fmt::format("flows: {{capacity: {}{}}}", kCapacity, more)));
    for (unsigned i = 0; i < 16; ++i) connections_.emplace_back(*harness_, i);
    mapped_ = mapped();
  }

  /// Bursts of SYNs, each made by `next`; between them the connections go on. Every one is either
  /// emitted or dropped for the one reason.
  template <typename Next>
  void flood(DropReason reason, Next next) {
    for (unsigned burst = 0; burst < kBursts; ++burst) {
      std::vector<Harness::In> frames;
      for (unsigned i = 0; i < kBurstSize; ++i) frames.emplace_back("inner", next());
      for (const Outcome& outcome : harness_->send_burst(frames)) {
        if (outcome.emitted()) {
          ++opened_;
        } else {
          ASSERT_TRUE(test::dropped(outcome, reason));
          ++refused_;
        }
      }
      if (burst % 16 == 0) expect_connections_go_on();
    }
    expect_connections_go_on();
    EXPECT_EQ(opened_ + refused_, std::uint64_t{kBursts} * kBurstSize);
    EXPECT_EQ(mapped(), mapped_);
  }
  void expect_connections_go_on() {
    for (Connection& connection : connections_) connection.expect_it_goes_on();
  }
  [[nodiscard]] std::size_t mapped() { return harness_->table().bytes_mapped(); }

  std::optional<Harness> harness_;
  std::vector<Connection> connections_;
  test::Random random_;
  std::uint64_t opened_ = 0, refused_ = 0;
  std::size_t mapped_ = 0;
};

TEST_F(Flood, SynsOfRandomSourcesFillTheTableAndDisturbNobody) {
  SCOPED_TRACE(random_.seed());
  start();
  flood(DropReason::kFlowTableFull, [&] {
    const auto pod = address("100.64", 256 + random_.below(0xfe00));
    return eth().ipv4(pod, "203.0.113.1").tcp(1 + random_.below(65'535), 80).flags(net::kSyn);
  });
  EXPECT_EQ(harness_->sessions(), kCapacity);
  EXPECT_EQ(opened_, kCapacity - connections_.size());

  // Never answered, they go after the transitory time; then there is room for others.
  harness_->advance(241s);
  expect_connections_go_on();
  const auto syn = eth().ipv4("100.64.0.200", "203.0.113.2").tcp(1000, 80).flags(net::kSyn);
  EXPECT_TRUE(harness_->send("inner", syn).emitted());
}

TEST_F(Flood, OnePodsScanOfRandomDestinationsEndsAtItsLimit) {
  SCOPED_TRACE(random_.seed());
  start(", per_pod: 100");
  flood(DropReason::kPodLimit, [&] {
    return eth()
        .ipv4("100.64.9.9", address("203.0", random_.below(0x10000)))
        .tcp(1 + random_.below(65'535), 1 + random_.below(65'535))
        .flags(net::kSyn);
  });
  EXPECT_EQ(opened_, 100u);
  const auto other = eth().ipv4("100.64.9.10", "203.0.113.2").tcp(1000, 80).flags(net::kSyn);
  EXPECT_TRUE(harness_->send("inner", other).emitted()) << "another pod pays for it";
}

}  // namespace
}  // namespace sluice::pipeline
