// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A table filled to its capacity through the path: every session is used in both directions, each
/// frame compared byte for byte with one that is made from scratch, and every session ends. How
/// many there are says SLUICE_SCALE_SESSIONS; 16 million take 1.6 GB.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/frame_pool.h"
#include "support/one_worker.h"
#include "support/path.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

using nat::Direction;
using pipeline::kBurstSize;
using Frame = std::array<std::uint8_t, kSmallestFrame>;

std::uint32_t sessions_wanted() {
  const char* text = std::getenv("SLUICE_SCALE_SESSIONS");
  return text == nullptr ? 200'000 : static_cast<std::uint32_t>(std::stoul(text));
}

class Scale : public testing::Test {
 protected:
  static constexpr std::uint8_t kTtlAfter = 63;

  /// Sends one packet each of `size` flows from `first` on, and looks at each that leaves.
  void send(std::uint32_t first, std::uint32_t size, Direction direction) {
    const bool out = direction == Direction::kOutbound;
    const DeviceId in = out ? kInner : kUplink;
    const auto frames = pool_.frames().first(size);
    for (std::uint32_t i = 0; i < size; ++i) {
      FramePool::write(*frames[i], OneWorker::macs_into(in),
                       out ? flow(first + i) : reply(first + i));
    }
    ASSERT_EQ(path_.run(frames, in, now_), size) << "flows from " << first;
    for (std::uint32_t i = 0; i < size; ++i) {
      const auto* bytes = rte_pktmbuf_mtod(frames[i], const std::uint8_t*);
      if (out) learn(first + i, bytes);
      const Frame wanted = expected(out ? outside(first + i) : inside(first + i), out);
      ASSERT_TRUE(std::equal(wanted.begin(), wanted.end(), bytes)) << "flow " << first + i;
    }
  }
  void send_all(Direction direction) {
    for (std::uint32_t first = 0; first < count_ && !HasFatalFailure(); first += kBurstSize) {
      send(first, std::min<std::uint32_t>(kBurstSize, count_ - first), direction);
    }
  }

  /// A flow's first packet shows its port; no later one may have another.
  void learn(std::uint32_t number, const std::uint8_t* frame) {
    const Be16 port = net::header_at<net::UdpHeader>(frame + kL4At).source_port;
    if (ports_[number] == Be16{}) ports_[number] = port;
    EXPECT_EQ(ports_[number].raw(), port.raw()) << "flow " << number;
    EXPECT_GE(port.to_host(), 1024);
  }

  [[nodiscard]] nat::FlowKey outside(std::uint32_t number) const {
    nat::FlowKey key = flow(number);
    key.source = OneWorker::snat_address().wire();
    key.source_port = ports_[number];
    return key;
  }
  [[nodiscard]] nat::FlowKey reply(std::uint32_t number) const {
    return outside(number).reversed();
  }
  [[nodiscard]] static nat::FlowKey inside(std::uint32_t number) { return flow(number).reversed(); }

  /// The frame as it has to leave, all checksums summed in full.
  [[nodiscard]] static Frame expected(const nat::FlowKey& key, bool out) {
    const Macs in = OneWorker::macs_into(out ? kUplink : kInner);
    Frame frame{};
    write_udp(frame, {in.from, in.to}, key);
    auto& ip = net::header_at<net::Ipv4Header>(frame.data() + kIpAt);
    ip.ttl = kTtlAfter;
    ip.checksum = {};
    ip.checksum = net::full_checksum({frame.data() + kIpAt, sizeof ip});
    return frame;
  }

  const std::uint32_t count_ = sessions_wanted();
  OneWorker worker_{{.capacity = count_}};
  NatPath<pipeline::EgressPipeline> path_{worker_.context()};
  FramePool pool_{kBurstSize};
  std::vector<Be16> ports_ = std::vector<Be16>(count_);
  Instant now_ = kNow;
};

TEST_F(Scale, EverySessionOfAFullTableWorksBothWaysAndEnds) {
  nat::FlowTable& table = worker_.table();
  const std::size_t mapped = table.bytes_mapped();
  EXPECT_LE(mapped, std::size_t{96} * count_ + 4096);
  send_all(Direction::kOutbound);  // opens them
  ASSERT_FALSE(HasFailure());
  EXPECT_EQ(table.size(), count_);
  EXPECT_EQ(table.check_invariants(), "");
  send_all(Direction::kInbound);
  send_all(Direction::kOutbound);
  ASSERT_FALSE(HasFailure());

  // One more is refused, by name, and nobody gives way to it.
  FramePool::write(*pool_.frames()[0], OneWorker::macs_into(kInner), flow(count_));
  EXPECT_EQ(path_.run(pool_.frames().first(1), kInner, now_), 0u);
  EXPECT_EQ(path_.burst()[0].reason, pipeline::DropReason::kFlowTableFull);
  EXPECT_EQ(table.size(), count_);

  now_ = now_.plus(std::chrono::seconds{301});  // UDP's idle time is 300 s
  for (std::uint32_t looked = 0; looked < 2 * count_ && table.size() != 0; looked += 4096) {
    table.sweep(now_, 4096);
  }
  EXPECT_EQ(table.size(), 0u);
  EXPECT_EQ(table.ended(), count_);
  EXPECT_EQ(table.check_invariants(), "");

  // Again, in the records of the first.
  std::fill(ports_.begin(), ports_.end(), Be16{});
  send_all(Direction::kOutbound);
  EXPECT_EQ(table.size(), count_);
  EXPECT_EQ(table.bytes_mapped(), mapped);
}

}  // namespace
}  // namespace sluice::bench
