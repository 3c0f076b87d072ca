// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The path takes no memory: operator new is counted while 100,000 packets pass.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/harness.h"

namespace {

std::atomic<bool> counting{false};
std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1);
  void* memory =
      alignment <= alignof(std::max_align_t)
          ? std::malloc(size == 0 ? 1 : size)
          : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size, 1); }
void* operator new[](std::size_t size) { return allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::eth;
using test::Harness;

TEST(NoAllocation, IsCounted) {
  counting = true;
  delete new int{5};
  counting = false;
  EXPECT_GE(allocations.exchange(0), 1u);
}

/// New flows, known flows, replies, refusals, a table that fills up, sessions that expire.
TEST(NoAllocation, OnThePathOfHundredThousandPackets) {
  Harness harness(test::node_yaml("flows: {capacity: 20000, per_pod: 15000}"));
  struct Template {
    DeviceId in;
    Bytes bytes;
  };
  const auto make = [&](std::string_view device, const test::PacketBuilder& packet) {
    const DeviceId in = harness.device(device);
    return Template{in, packet.to_mac(test::device_mac(in.value)).bytes()};
  };
  const std::vector<Template> templates{
      make("pod-a", eth().ipv4("10.10.10.21", "198.51.100.7").udp(0, 53).no_checksum()),
      make("pod-b", eth().ipv4("10.10.20.21", "198.51.100.7").tcp(0, 443).flags(net::kSyn)),
      make("pod-c", eth().ipv4("10.10.20.33", "10.10.30.5").udp(0, 53).no_checksum()),
      make("eni1", eth().ipv4("172.30.0.1", "10.10.20.21").tcp(0, 80).flags(net::kSyn)),
      make("eni0", eth().ipv4("198.51.100.7", "10.10.10.20").udp(0, 5000).no_checksum()),
      make("eni0", eth().ipv4("172.30.0.1", "10.10.10.20").echo(7)),
      make("pod-a", eth().ipv6("2001:db8:a:1::21", "2001:db8:f::9").udp(1, 2)),
      make("pod-a", eth().ipv4("10.10.10.21", "224.0.0.1").udp(1, 2)),
  };
  std::vector<Bytes> frames(kBurstSize);
  for (auto& frame : frames) frame.reserve(128);
  Burst burst;
  std::uint64_t packets = 0;
  std::uint64_t emitted = 0;
  std::uint16_t port = 1;
  Instant now = harness.now();
  while (packets < 100'000) {
    burst.begin(now);
    for (unsigned i = 0; i < kBurstSize; ++i, ++packets) {
      const Template& from = templates[packets % templates.size()];
      frames[i].assign(from.bytes.begin(), from.bytes.end());
      if (packets % 3 != 0) ++port;  // every third repeats a flow
      frames[i][34] = static_cast<std::uint8_t>(port >> 8);
      frames[i][35] = static_cast<std::uint8_t>(port);
      Packet& packet = burst.add();
      packet.frame = frames[i].data();
      packet.contiguous = packet.length = static_cast<std::uint16_t>(frames[i].size());
      packet.in = from.in;
    }
    counting = true;
    harness.pipeline().process(burst);
    harness.table().sweep(now, 8);
    counting = false;
    for (const Packet& packet : burst) emitted += packet.fate == Fate::kEmit ? 1 : 0;
    now = now.plus(std::chrono::milliseconds(200));
  }
  EXPECT_EQ(allocations.exchange(0), 0u);
  EXPECT_GT(emitted, 20'000u);
}

}  // namespace
}  // namespace sluice::pipeline
