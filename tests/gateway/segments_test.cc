// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Frames that a driver spread over several buffers (catalogue 29), through a running gateway.
#include "gateway/wires.h"

namespace sluice::gateway {
namespace {

constexpr std::uint16_t kRoom = 256;  // of a buffer: a frame that fits is laid together
constexpr std::uint16_t kSmallBuffers = 2047;

class SegmentsTest : public GatewayTest {
 protected:
  SegmentsTest() {
    small_ = rte_pktmbuf_pool_create("test_segments", kSmallBuffers, 0, kTagRoom,
                                     RTE_PKTMBUF_HEADROOM + kRoom, 0);
    EXPECT_NE(small_, nullptr);
    plug();
    start();
  }
  ~SegmentsTest() override {
    gateway_.reset();
    wires_.clear();
    EXPECT_EQ(rte_mempool_avail_count(small_), unsigned{kSmallBuffers});
    rte_mempool_free(small_);
  }

  /// There and back, each way spread like this, each time as if it had come in one piece.
  void expect_translated(const test::PacketBuilder& there,
                         const test::PacketBuilder& back,
                         const std::vector<std::size_t>& sizes) {
    pod().put_spread(small_, there.bytes(), sizes);
    const auto out = next_ip(eni());
    ASSERT_TRUE(out);
    const auto wanted = there.source("10.10.10.20").source_port(40'000).ttl(63).padding(0);
    EXPECT_TRUE(test::same_bytes(wanted.from_mac(kOwnMac).to_mac(kRouterMac).bytes(), *out));
    eni().put_spread(small_, back.bytes(), sizes);
    const auto in = next_ip(pod());
    ASSERT_TRUE(in);
    const auto wanted_back =
        back.destination("10.10.10.21").destination_port(4000).ttl(63).padding(0);
    EXPECT_TRUE(test::same_bytes(wanted_back.from_mac(kOwnMac).to_mac(kPodMac).bytes(), *in));
  }

  rte_mempool* small_ = nullptr;
};

Bytes payload(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return bytes;
}

TEST_F(SegmentsTest, HeadersSpreadOverBuffersAreTranslated) {
  introduce();
  const std::vector<std::size_t> kSizes[] = {{1}, {14, 20, 8}, {33, 2, 100}, {41, 1}, {13, 250}};
  for (const auto& sizes : kSizes) {
    expect_translated(query().payload(payload(101)), answer().payload(payload(150)), sizes);
    expect_translated(query().padding(18), answer().padding(18), sizes);
  }
  EXPECT_TRUE(rest());
  gateway_->stop();
  expect_equation();
}

/// Its headers lie in the first buffer, as drivers fill them; the rest stays where it is.
TEST_F(SegmentsTest, WhatDoesNotFitOneBufferIsTranslatedAsItLies) {
  introduce();
  const std::vector<std::size_t> kSizes[] = {{kRoom}, {54, kRoom}, {63, 1, kRoom}};
  for (const auto& sizes : kSizes) {
    expect_translated(query().payload(payload(1400)), answer().payload(payload(1399)), sizes);
    // Padding that begins before the last buffer does.
    expect_translated(query().payload(payload(1236)).padding(4),
                      answer().payload(payload(1230)).padding(300), sizes);
    expect_translated(query().tcp(4000, 443).flags(net::kSyn).payload(payload(999)),
                      answer().tcp(443, 40'000).flags(net::kSyn).ack(2000).payload(payload(500)),
                      sizes);
  }
  EXPECT_TRUE(rest());
  gateway_->stop();
  expect_equation();
}

TEST_F(SegmentsTest, ThosePacketsWaitForTheirNextHop) {
  pod().put_spread(small_, query().payload(payload(1400)).bytes(), {kRoom});
  ASSERT_TRUE(until([&] { return gateway_->resolver().waiting() == 1; }));
  answer_arp(eni(), kRouterMac, "10.10.10.1", "10.10.10.20");
  const auto out = next_ip(eni());
  ASSERT_TRUE(out);
  const auto wanted =
      query().payload(payload(1400)).source("10.10.10.20").source_port(40'000).ttl(63);
  EXPECT_TRUE(test::same_bytes(wanted.from_mac(kOwnMac).to_mac(kRouterMac).bytes(), *out));
  EXPECT_TRUE(rest());
  expect_equation();
}

TEST_F(SegmentsTest, TheirSendersAreAnswered) {
  introduce();
  const auto ping = answer().echo(7).payload(payload(1400));
  eni().put_spread(small_, ping.bytes(), {kRoom});
  const auto pong = next_ip(eni());
  ASSERT_TRUE(pong);
  const auto wanted = ping.echo_reply(7).source("10.10.10.20").destination("198.51.100.7").ttl(64);
  EXPECT_TRUE(test::same_bytes(wanted.from_mac(kOwnMac).to_mac(kRouterMac).bytes(), *pong));

  const auto expired = query().payload(payload(1400)).ttl(1);
  const auto too_big = query().payload(payload(1600)).df();
  for (const auto& [sent, type] : {std::pair{expired, 11}, std::pair{too_big, 3}}) {
    const Bytes frame = sent.bytes();
    pod().put_spread(small_, frame, {kRoom});
    const auto error = next_ip(pod());
    ASSERT_TRUE(error);
    EXPECT_EQ(test::wrong_checksums(*error), "");
    EXPECT_EQ(test::destination_of(*error), "10.10.10.21");
    EXPECT_EQ(error->at(34), type);
    // It quotes what lies in the first buffer.
    constexpr std::size_t kQuoteAt = 42;
    EXPECT_TRUE(test::same_bytes({frame.begin() + 14, frame.begin() + kRoom},
                                 {error->begin() + kQuoteAt, error->end()}));
  }
  EXPECT_TRUE(rest());
  expect_equation();
}

/// What would have to be read across buffers, and cannot be laid together, has a name.
TEST_F(SegmentsTest, WhatCannotBeReadIsDroppedByName) {
  introduce();
  const auto large = query().payload(payload(1400));
  pod().put_spread(small_, large.bytes(), {30, kRoom});
  ASSERT_TRUE(until([&] { return dropped(DropReason::kMalformedIpv4) == 1; }));
  pod().put_spread(small_, large.bytes(), {38, kRoom});
  ASSERT_TRUE(until([&] { return dropped(DropReason::kMalformedUdp) == 1; }));
  pod().put_spread(small_, large.fragment(0, true).bytes(), {kRoom});
  ASSERT_TRUE(until([&] { return dropped(DropReason::kBadFragment) == 1; }));
  pod().put_spread(small_, query().payload(payload(1600)).bytes(), {kRoom});
  ASSERT_TRUE(until([&] { return dropped(DropReason::kTooBig) == 1; }));
  EXPECT_TRUE(rest());
  expect_equation();
}

}  // namespace
}  // namespace sluice::gateway
