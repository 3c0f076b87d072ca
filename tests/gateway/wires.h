// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A running gateway, a worker on its own lcore, with rings in the place of wires. What is waited
/// for is waited for by its sign, never by a guess of how long it takes.
#pragma once

#include <gtest/gtest.h>
#include <rte_bus_vdev.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/files.h"
#include "gateway/eal.h"
#include "gateway/frame_tag.h"
#include "gateway/gateway.h"
#include "support/packet_builder.h"

namespace sluice::gateway {

using pipeline::DropReason;
using test::Bytes;
using test::eth;
using namespace std::chrono_literals;

inline constexpr net::MacAddress kOwnMac{};  // what net_ring gives its devices
inline constexpr net::MacAddress kRouterMac{2, 0, 0, 0, 0, 1};
inline constexpr net::MacAddress kPodMac{2, 0, 0, 0, 0, 2};

inline void start_environment() {
  static const bool started = [] {
    EalRequest request;
    request.workers = 1;
    request.extra = {"--no-huge", "--no-shconf", "--no-telemetry", "-m",
                     "384",       "--lcores",    "0@0,1@0",        "--log-level=lib.eal:error"};
    const auto result = start_eal(request);
    if (const auto* error = std::get_if<EalError>(&result)) {
      ADD_FAILURE() << error->message;
      std::exit(EXIT_FAILURE);
    }
    return true;
  }();
  (void)started;
}

inline config::Config load(const std::string& yaml) {
  auto loaded = config::load_text(yaml, "test.yaml", config::MemoryFiles{{}});
  for (const auto& problem : loaded.problems) {
    if (problem.severity == config::Severity::kError) ADD_FAILURE() << to_text(problem);
  }
  return std::move(*loaded.config);
}

inline std::string yaml(const std::string& rules = "", const std::string& devices = "") {
  return R"(
gateway: {workers: 1}
pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_ring_wire0, primary: true, address: 10.10.10.20/24,
     secondary: [10.10.10.21]}
)" + devices +
         R"(
pod_ports: [{name: pod0, device: net_ring_wire1, pods: [10.10.10.21]}]
snat: {ports: 40000-40000, rules: [)" +
         (rules.empty() ? "{except: [10.10.0.0/16], action: snat}" : rules) + R"(]}
flows: {capacity: 1024}
)";
}

/// A device that is two rings: what is put into `in`, the gateway receives.
class Wire {
 public:
  explicit Wire(const std::string& name, unsigned room = 1024)
      : in_(make("in_" + name, 8192)), out_(make("out_" + name, room)) {
    EXPECT_GE(rte_eth_from_rings(name.c_str(), &in_, 1, &out_, 1, 0), 0);
  }
  /// The gateway has given the device back before.
  ~Wire() {
    drain(in_);
    drain(out_);
  }

  void put(rte_mempool* pool, const Bytes& frame) { put_spread(pool, frame, {frame.size()}); }
  /// The frame in a chain of buffers of these many bytes each; the last size serves for all others.
  void put_spread(rte_mempool* pool, const Bytes& frame, const std::vector<std::size_t>& sizes) {
    rte_mbuf* chain = nullptr;
    auto from = frame.begin();
    for (std::size_t i = 0; from != frame.end(); ++i) {
      const std::size_t rest = static_cast<std::size_t>(frame.end() - from);
      const std::size_t size = std::min(sizes[std::min(i, sizes.size() - 1)], rest);
      rte_mbuf* buffer = rte_pktmbuf_alloc(pool);
      ASSERT_NE(buffer, nullptr);
      char* data = rte_pktmbuf_append(buffer, static_cast<std::uint16_t>(size));
      ASSERT_NE(data, nullptr);
      std::copy_n(from, size, reinterpret_cast<std::uint8_t*>(data));
      from += static_cast<std::ptrdiff_t>(size);
      if (chain == nullptr) {
        chain = buffer;
      } else {
        ASSERT_EQ(rte_pktmbuf_chain(chain, buffer), 0);
      }
    }
    ASSERT_EQ(rte_ring_enqueue(in_, chain), 0);
    ++put_;
  }
  std::optional<Bytes> take() {
    void* object = nullptr;
    if (rte_ring_dequeue(out_, &object) != 0) return std::nullopt;
    auto* buffer = static_cast<rte_mbuf*>(object);
    Bytes frame;
    for (const rte_mbuf* part = buffer; part != nullptr; part = part->next) {
      const auto* data = rte_pktmbuf_mtod(part, const std::uint8_t*);
      frame.insert(frame.end(), data, data + part->data_len);
    }
    EXPECT_EQ(frame.size(), buffer->pkt_len);
    rte_pktmbuf_free(buffer);
    ++taken_;
    return frame;
  }
  [[nodiscard]] std::uint64_t put() const { return put_; }
  [[nodiscard]] std::uint64_t left_by_gateway() const { return taken_ + rte_ring_count(out_); }

 private:
  static rte_ring* make(const std::string& name, unsigned room) {
    rte_ring* ring = rte_ring_create(name.c_str(), room, 0, 0);
    EXPECT_NE(ring, nullptr);
    return ring;
  }
  static void drain(rte_ring* ring) {
    void* object = nullptr;
    while (rte_ring_dequeue(ring, &object) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(object));
    rte_ring_free(ring);
  }

  rte_ring* in_;
  rte_ring* out_;
  std::uint64_t put_ = 0;
  std::uint64_t taken_ = 0;
};

class GatewayTest : public testing::Test {
 protected:
  GatewayTest() {
    start_environment();
    pool_ = rte_pktmbuf_pool_create("test_frames", 16'383, 0, kTagRoom, 2048 + 128, 0);
    EXPECT_NE(pool_, nullptr);
  }
  ~GatewayTest() override {
    gateway_.reset();
    wires_.clear();
    // Every buffer has come home: nothing on the way leaks any.
    EXPECT_EQ(rte_mempool_avail_count(pool_), 16'383u);
    rte_mempool_free(pool_);
  }

  void plug(unsigned room = 1024) {
    for (const char* name : {"wire0", "wire1"})
      wires_.push_back(std::make_unique<Wire>(name, room));
  }
  void start(const std::string& text = yaml()) {
    auto started = Gateway::start(load(text));
    ASSERT_TRUE(started.ok()) << started.error();
    gateway_ = std::move(started).value();
  }
  Wire& eni() { return *wires_[0]; }
  Wire& pod() { return *wires_[1]; }

  /// Takes the main thread's turns until the sign is seen.
  [[nodiscard]] bool until(const std::function<bool()>& sign) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!sign()) {
      gateway_->turn();
      if (std::chrono::steady_clock::now() > deadline) return false;
    }
    return true;
  }
  /// The next frame on a wire that is IPv4.
  std::optional<Bytes> next_ip(Wire& wire) {
    std::optional<Bytes> found;
    static_cast<void>(until([&] {
      auto frame = wire.take();
      if (frame && frame->at(12) == 0x08 && frame->at(13) == 0x00) found = std::move(frame);
      return found.has_value();
    }));
    return found;
  }
  void answer_arp(Wire& wire,
                  const net::MacAddress& mac,
                  const std::string& who,
                  const std::string& asker) {
    wire.put(pool_, test::arp({net::kArpReply, mac, who, kOwnMac, asker}, kOwnMac));
  }
  /// Router and pod make themselves known.
  void introduce() {
    answer_arp(eni(), kRouterMac, "10.10.10.1", "10.10.10.20");
    answer_arp(pod(), kPodMac, "10.10.10.21", "169.254.1.1");
    ASSERT_TRUE(until([&] {
      const auto neighbours = gateway_->resolver().neighbours();
      return std::count_if(neighbours.begin(), neighbours.end(), [](const auto& each) {
               return each.state == eni::Resolver::State::kReachable;
             }) == 2;
    }));
  }
  [[nodiscard]] std::uint64_t ends() const {
    const auto totals = gateway_->totals();
    return totals.sent + totals.consumed + totals.merged + totals.all_dropped() +
           gateway_->waiting();
  }
  /// All that was put on the wires has come to an end somewhere, nothing moves any more.
  [[nodiscard]] bool rest() {
    return until([&] {
      const auto totals = gateway_->totals();
      return totals.received == eni().put() + pod().put() &&
             totals.received + totals.originated + totals.split == ends() &&
             gateway_->waiting() == gateway_->resolver().waiting();
    });
  }
  void expect_equation() {
    const auto totals = gateway_->totals();
    EXPECT_EQ(totals.received, eni().put() + pod().put());
    EXPECT_EQ(totals.sent, eni().left_by_gateway() + pod().left_by_gateway());
    EXPECT_EQ(totals.received + totals.originated + totals.split, ends());
  }
  [[nodiscard]] std::uint64_t dropped(DropReason reason) const {
    return gateway_->totals().dropped[static_cast<std::size_t>(reason)];
  }

  rte_mempool* pool_ = nullptr;
  std::vector<std::unique_ptr<Wire>> wires_;
  std::unique_ptr<Gateway> gateway_;
};

inline test::PacketBuilder query() {
  return eth().to_mac(kOwnMac).from_mac(kPodMac).ipv4("10.10.10.21", "198.51.100.7").udp(4000, 53);
}
inline test::PacketBuilder answer() {
  return eth()
      .to_mac(kOwnMac)
      .from_mac(kRouterMac)
      .ipv4("198.51.100.7", "10.10.10.20")
      .udp(53, 40'000);
}

}  // namespace sluice::gateway
