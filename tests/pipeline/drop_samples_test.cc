// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/drop_samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::eth;

Packet dropped(std::array<std::uint8_t, 200>& frame, std::uint16_t source_port) {
  frame.fill(static_cast<std::uint8_t>(source_port));
  Packet packet;
  packet.frame = frame.data();
  packet.contiguous = packet.length = std::uint32_t{200};
  packet.in = DeviceId{1};
  packet.key.protocol = net::kUdp;
  packet.key.source_port = Be16::from_host(source_port);
  return packet;
}

TEST(DropSamples, KeepsTheLastOfEachReasonWithTheirFirstBytes) {
  const auto samples = std::make_unique<DropSamples>();
  std::array<std::uint8_t, 200> frame;
  for (std::uint16_t i = 1; i <= 6; ++i) {
    samples->note(DropReason::kNoOwner, dropped(frame, i), Instant{i});
  }
  auto kept = samples->read(DropReason::kNoOwner);
  ASSERT_EQ(kept.size(), DropSamples::kKept);
  std::sort(kept.begin(), kept.end(),
            [](const auto& a, const auto& b) { return a.time.ms < b.time.ms; });
  EXPECT_EQ(kept.front().time.ms, 3U);
  EXPECT_EQ(kept.back().key.source_port.to_host(), 6);
  EXPECT_EQ(kept.back().length, 200U);
  EXPECT_EQ(kept.back().captured, DropSample::kBytes);
  EXPECT_EQ(kept.back().bytes.back(), 6);
  EXPECT_TRUE(samples->read(DropReason::kTooBig).empty());
}

/// A burst of drops has one time; the numbers tell which of them was the last.
TEST(DropSamples, KeepsTheLastOfABurstInTheirOrder) {
  const auto samples = std::make_unique<DropSamples>();
  std::array<std::uint8_t, 200> frame;
  for (std::uint16_t i = 1; i <= kBurstSize; ++i) {
    const auto reason = i % 2 == 0 ? DropReason::kNoOwner : DropReason::kTooBig;
    samples->note(reason, dropped(frame, i), Instant{7});
  }
  for (const auto reason : {DropReason::kNoOwner, DropReason::kTooBig}) {
    auto kept = samples->read(reason);
    ASSERT_EQ(kept.size(), DropSamples::kKept);
    for (const DropSample& sample : kept) {
      EXPECT_EQ(sample.number, sample.key.source_port.to_host());
      EXPECT_GT(sample.number, kBurstSize - 2 * DropSamples::kKept);
    }
  }
}

TEST(DropSamples, CopiesNoMoreThanAFewOfAFlood) {
  const auto samples = std::make_unique<DropSamples>();
  std::array<std::uint8_t, 200> frame;
  for (std::uint16_t i = 1; i <= 1000; ++i) {
    samples->note(DropReason::kNoOwner, dropped(frame, i), Instant{7});
  }
  for (const DropSample& sample : samples->read(DropReason::kNoOwner)) {
    EXPECT_LE(sample.key.source_port.to_host(), DropSamples::kCopied);
  }
}

TEST(DropSamples, OfAnAnsweredPacketItsOwnHeaderIsKept) {
  const auto samples = std::make_unique<DropSamples>();
  test::Harness harness(test::node_yaml());
  harness.context().samples = samples.get();
  const auto packet = eth().ipv4("10.10.10.21", "8.8.8.8").ttl(1).udp(4000, 53).payload("q");
  const test::Outcome out = harness.send("pod-a", packet);
  ASSERT_EQ(out.fate, Fate::kDropAnswered) << out;
  const auto kept = samples->read(DropReason::kTtlExpired);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept.front().length, packet.bytes().size());
  EXPECT_EQ(kept.front().key.source_port.to_host(), 4000);
  // The pod's packet, not the gateway's answer: from the pod, by UDP.
  const auto& ip = net::header_at<net::Ipv4Header>(kept.front().bytes.data() + 14);
  EXPECT_EQ(Ipv4Addr{ip.source}.to_string(), "10.10.10.21");
  EXPECT_EQ(ip.protocol, net::kUdp);
}

TEST(DropSamples, SayWhetherTheBytesAreThoseThatCameIn) {
  const auto samples = std::make_unique<DropSamples>();
  std::array<std::uint8_t, 200> frame;
  const auto form = [&](DropReason reason) { return samples->read(reason).front().form; };
  Packet packet = dropped(frame, 1);
  packet.drop(DropReason::kNoOwner);
  samples->note(DropReason::kNoOwner, packet, Instant{1});
  EXPECT_EQ(form(DropReason::kNoOwner), FrameForm::kAsItCameIn);
  packet.fate = Fate::kAwaitNeighbour;
  samples->note(DropReason::kNeighbourUnresolved, packet, Instant{1});
  EXPECT_EQ(form(DropReason::kNeighbourUnresolved), FrameForm::kAsItWasToLeave);
  samples->note(DropReason::kTransmitFull, frame, 200, FrameForm::kAsItWasToLeave, Instant{1});
  EXPECT_EQ(form(DropReason::kTransmitFull), FrameForm::kAsItWasToLeave);
}

TEST(DropSamples, AReaderNeverSeesHalfOfAnother) {
  const auto samples = std::make_unique<DropSamples>();
  std::jthread writer([&](const std::stop_token& stop) {
    std::array<std::uint8_t, 200> frame;
    for (std::uint32_t i = 1; !stop.stop_requested(); ++i) {
      samples->note(DropReason::kNoOwner, dropped(frame, static_cast<std::uint16_t>(i % 256)),
                    Instant{i});
    }
  });
  for (int i = 0; i < 2000; ++i) {
    for (const DropSample& sample : samples->read(DropReason::kNoOwner)) {
      const auto port = static_cast<std::uint8_t>(sample.key.source_port.to_host());
      EXPECT_TRUE(std::all_of(sample.bytes.begin(), sample.bytes.end(),
                              [&](std::uint8_t byte) { return byte == port; }));
      EXPECT_EQ(sample.time.ms % 256, port);
    }
  }
}

}  // namespace
}  // namespace sluice::pipeline
