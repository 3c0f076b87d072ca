// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Claim: changing both checksums of a packet by the difference (RFC 1624) costs the same for every
/// length, and less than summing even the smallest packet.
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "support/frame.h"
#include "support/meter.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

constexpr unsigned kPackets = 256;
using Frame = std::array<std::uint8_t, 1514>;

struct Packets {
  explicit Packets(std::size_t length) : frames(kPackets) {
    for (std::uint32_t i = 0; i < kPackets; ++i) {
      write_udp(std::span{frames[i]}.first(length), {}, flow(i));
    }
  }
  std::vector<Frame> frames;
};

net::Ipv4Header& ip_of(Frame& frame) { return net::header_at<net::Ipv4Header>(&frame[kIpAt]); }
net::UdpHeader& udp_of(Frame& frame) { return net::header_at<net::UdpHeader>(&frame[kL4At]); }

template <typename Mend>
void run(benchmark::State& state, Mend mend) {
  const auto length = static_cast<std::size_t>(state.range(0));
  Packets packets(length);
  Meter meter(state);
  for (auto _ : state) {
    meter.time(kPackets, [&] {
      for (Frame& frame : packets.frames) mend(frame, length);
    });
  }
  benchmark::DoNotOptimize(packets.frames.data());
  meter.report();
}

void incremental(benchmark::State& state) {
  run(state, [](Frame& frame, std::size_t) {
    const auto delta = net::FoldedDelta::from_raw(0x1234);
    ip_of(frame).checksum = delta.apply(ip_of(frame).checksum);
    udp_of(frame).checksum = delta.apply_udp(udp_of(frame).checksum);
  });
}

void full(benchmark::State& state) {
  run(state, [](Frame& frame, std::size_t length) {
    net::Ipv4Header& ip = ip_of(frame);
    ip.checksum = {};
    ip.checksum = net::full_checksum({&frame[kIpAt], sizeof ip});
    net::UdpHeader& udp = udp_of(frame);
    udp.checksum = {};
    udp.checksum =
        net::full_checksum({&frame[kL4At], length - kL4At}, pseudo_header(ip, length - kL4At));
  });
}

BENCHMARK(incremental)->Name("checksum/incremental")->UseManualTime()->Arg(60)->Arg(1514);
BENCHMARK(full)->Name("checksum/full")->UseManualTime()->Arg(60)->Arg(1514);

}  // namespace
}  // namespace sluice::bench
