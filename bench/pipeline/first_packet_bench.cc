// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: with 10,000 rules the first packet of a flow costs at most 1.5 times what it costs with
/// 10, and later packets cost the same with both. The whole path is measured, frame in to frame
/// out, in bursts of 32; runs of both sizes take turns (--benchmark_enable_random_interleaving).
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "explain/frames.h"
#include "net/checksum.h"
#include "pipeline/pipeline.h"
#include "support/config_parts.h"
#include "support/eal.h"

namespace sluice::pipeline {
namespace {

constexpr std::uint32_t kSessions = 1U << 18;

/// One worker of a gateway with two ENIs and so many own rules, each for a /24 of its own.
class Worker {
 public:
  explicit Worker(std::uint32_t rules) : owner_(nat::symmetric_key(), 1) {
    config::Config config;
    config.pods.cidrs = test::marked({"10.0.0.0/8"});
    config.enis.push_back(test::eni("uplink", "192.168.1.10/24"));
    config.enis.back().primary = true;
    config.enis.push_back(test::eni("inner", "192.168.2.10/24"));
    config.enis.back().forwards = {test::prefix("0.0.0.0/0")};
    config.enis.back().routes = {{test::prefix("10.0.0.0/8"), test::address("192.168.2.1")}};
    config.snat.source = {config.enis.front().address.address.v4()};
    for (std::uint32_t i = 0; i < rules; ++i) {
      config::RuleConfig rule;
      rule.to = config::MarkedPrefixes{{IpPrefix{destination(i), 24}, {}}};
      rule.action = config::Action::kSnat;
      config.snat.rules.push_back(rule);
    }
    snapshot_ = Snapshot::build(std::move(config), owner_).value();
    neighbours_ = eni::NeighbourTable::create(2, 8).value();
    neighbours_->set(DeviceId{0}, Ipv4Addr{192, 168, 1, 1}, {2, 0, 0, 0, 0, 1});
    neighbours_->set(DeviceId{1}, Ipv4Addr{192, 168, 2, 1}, {2, 0, 0, 0, 0, 2});
    forget();
  }

  /// The destination network of a rule.
  static Ipv4Addr destination(std::uint32_t rule) { return Ipv4Addr{(100U << 24) + (rule << 8)}; }

  /// Starts over with an empty table, its memory touched beforehand.
  void forget() {
    table_ = nat::FlowTable::create({kSessions, 7}).value();
    table_->set_limits(snapshot_->limits);
    ports_ = std::make_unique<nat::PortAllocator>(owner_, WorkerId{0}, *table_, 7);
    context_ = std::make_unique<Context>(Context{WorkerId{0}, owner_, links_, *neighbours_, *table_,
                                                 *ports_, counters_, fragments_, outbox_,
                                                 snapshot_.get()});
    pipeline_ = std::make_unique<EgressPipeline>(*context_);
  }

  Burst& burst() { return burst_; }
  void process() { pipeline_->process(burst_); }
  [[nodiscard]] bool nearly_full() const { return table_->size() > kSessions * 3 / 4; }

 private:
  nat::OwnerFunction owner_;
  std::vector<Link> links_{{{2, 0, 0, 0, 1, 0}, 9001}, {{2, 0, 0, 0, 1, 1}, 9001}};
  std::unique_ptr<const Snapshot> snapshot_;
  std::unique_ptr<eni::NeighbourTable> neighbours_;
  std::unique_ptr<nat::FlowTable> table_;
  std::unique_ptr<nat::PortAllocator> ports_;
  Counters counters_;
  Reassembly fragments_{counters_, 7};
  nat::Outbox outbox_;
  std::unique_ptr<Context> context_;
  std::unique_ptr<EgressPipeline> pipeline_;
  Burst burst_;
};

/// Frames of a burst, filled afresh before each run: the path rewrites them.
class Frames {
 public:
  Frames() {
    explain::FrameSpec spec;
    spec.to = {2, 0, 0, 0, 1, 1};
    spec.source = Ipv4Addr{10, 0, 0, 1};
    spec.destination = Ipv4Addr{100, 0, 0, 1};
    spec.protocol = net::kUdp;
    frame_ = explain::make_frame(spec, 0);
  }

  /// Flows number `first` onwards; which rule a flow meets depends on its number alone.
  void fill(Burst& burst, std::uint32_t rules, std::uint64_t first) {
    burst.begin(Instant{1000});
    for (unsigned i = 0; i < kBurstSize; ++i) {
      std::copy(frame_.begin(), frame_.end(), bytes_[i].begin());
      Packet& packet = burst.add();
      packet.frame = bytes_[i].data();
      packet.contiguous = packet.length = static_cast<std::uint16_t>(frame_.size());
      packet.in = DeviceId{1};
      net::Ipv4Header& ip = packet.ipv4();
      const auto number = static_cast<std::uint32_t>(first + i);
      ip.source = Ipv4Addr{(10U << 24) + (number >> 14)}.wire();
      ip.destination =
          Ipv4Addr{Worker::destination(spread(number) % rules).value() + 1 + number % 250}.wire();
      auto& udp = net::header_at<net::UdpHeader>(packet.frame + 34);
      udp.source_port = Be16::from_host(static_cast<std::uint16_t>(1024 + number % 16384));
      udp.checksum = {};
      ip.checksum = {};
      ip.checksum = net::full_checksum({reinterpret_cast<const std::uint8_t*>(&ip), sizeof ip});
    }
  }

 private:
  /// Neighbouring flows meet rules far apart.
  static std::uint32_t spread(std::uint32_t number) { return number * 0x9e3779b1U >> 8; }

  explain::Frame frame_;
  std::array<std::array<std::uint8_t, 128>, kBurstSize> bytes_;
};

void report(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * kBurstSize);
}

void first_packet(benchmark::State& state) {
  test::start_eal();
  const auto rules = static_cast<std::uint32_t>(state.range(0));
  Worker worker(rules);
  Frames frames;
  std::uint64_t number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (worker.nearly_full()) {
      worker.forget();
      number = 0;
    }
    frames.fill(worker.burst(), rules, number);
    number += kBurstSize;
    state.ResumeTiming();
    worker.process();
    if (worker.burst()[0].fate != Fate::kEmit) return state.SkipWithError("a packet was lost");
  }
  report(state);
}

void later_packet(benchmark::State& state) {
  test::start_eal();
  const auto rules = static_cast<std::uint32_t>(state.range(0));
  Worker worker(rules);
  Frames frames;
  for (auto _ : state) {
    state.PauseTiming();
    frames.fill(worker.burst(), rules, 0);  // the same flows every time
    state.ResumeTiming();
    worker.process();
  }
  report(state);
}

BENCHMARK(first_packet)->Arg(10)->Arg(10'000);
BENCHMARK(later_packet)->Arg(10)->Arg(10'000);

}  // namespace
}  // namespace sluice::pipeline
