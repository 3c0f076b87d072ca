// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A gateway of any number of workers between two NICs: ring devices behind a distributor that
/// hashes, chooses the queue and marks the frame as a NIC with RSS does. The workers take their
/// turns one after another in the test's own thread.
#pragma once

#include <gtest/gtest.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/files.h"
#include "gateway/eal.h"
#include "gateway/frame_tag.h"
#include "gateway/gateway.h"
#include "support/packet_builder.h"
#include "support/soft_rss.h"

namespace sluice::gateway {

/// Debian's net_ring has no more queues.
inline constexpr unsigned kMostQueues = 16;

class Nic {
 public:
  Nic(const std::string& name, const test::SoftRss& hashing, unsigned queues) : rss(hashing) {
    for (unsigned i = 0; i < queues; ++i) {
      in_.push_back(rte_ring_create((name + "_in" + std::to_string(i)).c_str(), 4096, 0, 0));
      out_.push_back(rte_ring_create((name + "_out" + std::to_string(i)).c_str(), 4096, 0, 0));
    }
    EXPECT_GE(rte_eth_from_rings(name.c_str(), in_.data(), queues, out_.data(), queues, 0), 0);
  }
  /// The gateway has given the device back before.
  ~Nic() {
    for (const auto* rings : {&in_, &out_}) {
      for (rte_ring* ring : *rings) {
        void* frame = nullptr;
        while (rte_ring_dequeue(ring, &frame) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
        rte_ring_free(ring);
      }
    }
  }
  Nic(const Nic&) = delete;
  Nic& operator=(const Nic&) = delete;

  void deliver(rte_mempool* pool, const test::Bytes& bytes) {
    const auto placed = rss.place(bytes);
    rte_mbuf* frame = rte_pktmbuf_alloc(pool);
    ASSERT_NE(frame, nullptr);
    char* room = rte_pktmbuf_append(frame, static_cast<std::uint16_t>(bytes.size()));
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(room));
    if (placed.hashed) {
      frame->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
      frame->hash.rss = placed.hash;
    }
    ASSERT_EQ(rte_ring_enqueue(in_[placed.queue % in_.size()], frame), 0);
  }
  /// All frames that the gateway sent since, ARP left out.
  std::vector<test::Bytes> sent() {
    std::vector<test::Bytes> frames;
    for (rte_ring* ring : out_) {
      void* object = nullptr;
      while (rte_ring_dequeue(ring, &object) == 0) {
        auto* frame = static_cast<rte_mbuf*>(object);
        const auto* data = rte_pktmbuf_mtod(frame, const std::uint8_t*);
        if (data[12] == 0x08 && data[13] == 0x00) frames.emplace_back(data, data + frame->data_len);
        rte_pktmbuf_free(frame);
      }
    }
    return frames;
  }

  test::SoftRss rss;

 private:
  std::vector<rte_ring*> in_, out_;
};

inline constexpr net::MacAddress kGatewayMac{};  // what net_ring gives its devices
inline constexpr net::MacAddress kFarMac{2, 0, 0, 0, 0, 1};

/// ENI and pod port, by the order of the configuration.
enum Side : std::size_t { kEni = 0, kPod = 1 };

class NicFabric : public testing::Test {
 protected:
  NicFabric() {
    start_environment();
    pool_ = rte_pktmbuf_pool_create("test_frames", 16'383, 0, kTagRoom, 2048 + 128, 0);
    EXPECT_NE(pool_, nullptr);
  }
  ~NicFabric() override {
    pull_down();
    EXPECT_EQ(rte_mempool_avail_count(pool_), 16'383u) << "a frame went astray";
    rte_mempool_free(pool_);
  }

  /// NICs with a queue a worker, or as many as given.
  void set_up(unsigned workers, const std::array<std::uint8_t, 40>& key, unsigned queues = 0) {
    workers_ = workers;
    queues = queues == 0 ? workers : queues;
    const test::SoftRss rss(key, queues);
    nics_.push_back(std::make_unique<Nic>("nic0", rss, queues));
    nics_.push_back(std::make_unique<Nic>("nic1", rss, queues));
    auto started = Gateway::start(configuration(), {.threads = false, .key = key});
    ASSERT_TRUE(started.ok()) << started.error();
    gateway_ = std::move(started).value();
    introduce("10.10.10.1", "10.10.10.20", kEni);
    introduce("10.10.10.21", "169.254.1.1", kPod);
    take_turns();
    static_cast<void>(nics_[kEni]->sent());
    static_cast<void>(nics_[kPod]->sent());
  }
  void pull_down() {
    gateway_.reset();
    nics_.clear();
  }
  /// Long enough for a packet to cross two rings and for what waits to be sent.
  void take_turns() {
    for (int round = 0; round < 4; ++round) {
      for (const auto& worker : gateway_->workers()) worker->step();
      gateway_->turn();
    }
  }
  void deliver(Side side, const test::PacketBuilder& packet) {
    nics_[side]->deliver(pool_, packet.to_mac(kGatewayMac).from_mac(kFarMac).bytes());
  }
  Nic& nic(Side side) { return *nics_[side]; }
  [[nodiscard]] std::string in_force(Side side) const {
    return gateway_->steering().states()[side].in_force;
  }
  [[nodiscard]] std::uint64_t moved(Side side) const {
    std::uint64_t sum = 0;
    for (const auto& worker : gateway_->workers()) sum += worker->nic_queues()[side].moved.get();
    return sum;
  }
  [[nodiscard]] std::uint32_t sessions() const {
    std::uint32_t sum = 0;
    for (const auto& worker : gateway_->workers()) sum += worker->table().size();
    return sum;
  }

  rte_mempool* pool_ = nullptr;
  std::vector<std::unique_ptr<Nic>> nics_;
  std::unique_ptr<Gateway> gateway_;
  unsigned workers_ = 0;
  std::string mapping_ = "endpoint_dependent";  ///< set before set_up()

 private:
  static void start_environment() {
    static const bool started = [] {
      EalRequest request;
      request.workers = 0;
      // Sixteen workers' buffers.
      request.extra = {"--no-huge", "--no-shconf", "--no-telemetry",           "-m", "1200",
                       "--lcores",  "0@0",         "--log-level=lib.eal:error"};
      const auto result = start_eal(request);
      if (const auto* error = std::get_if<EalError>(&result)) {
        ADD_FAILURE() << error->message;
        std::exit(EXIT_FAILURE);
      }
      return true;
    }();
    static_cast<void>(started);
  }
  [[nodiscard]] config::Config configuration() const {
    const std::string yaml = "gateway: {workers: " + std::to_string(workers_) + R"(}
pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_ring_nic0, primary: true, address: 10.10.10.20/24, secondary: [10.10.10.21]}
pod_ports: [{name: pod0, device: net_ring_nic1, pods: [10.10.10.21]}]
snat: {mapping: )" + mapping_ +
                             R"(, rules: [{except: [10.10.0.0/16], action: snat}]}
flows: {capacity: 65536}
)";
    auto loaded = config::load_text(yaml, "test.yaml", config::MemoryFiles{{}});
    for (const auto& problem : loaded.problems) {
      if (problem.severity == config::Severity::kError) ADD_FAILURE() << to_text(problem);
    }
    return std::move(*loaded.config);
  }
  void introduce(const std::string& who, const std::string& asker, Side side) {
    nics_[side]->deliver(
        pool_, test::arp({net::kArpReply, kFarMac, who, kGatewayMac, asker}, kGatewayMac));
  }
};

}  // namespace sluice::gateway
