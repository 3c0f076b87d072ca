// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any frames, in any order and at any time, through the whole path; what left may come back turned
/// around and changed. The input is a list of steps: an operation, a length, so many bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/files.h"
#include "explain/simulator.h"
#include "net/checksum.h"
#include "net/partial_checksum.h"
#include "support/eal.h"

namespace {

using namespace sluice;
using Bytes = std::vector<std::uint8_t>;

constexpr std::string_view kConfig = R"(
pods: {cidrs: [10.10.0.0/16, 100.64.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24,
     secondary: [10.10.10.21, 10.10.10.22], address6: 2001:db8::20/64}
  - {name: eni1, device: net_null1, mtu: 600, address: 10.10.20.20/24, prefixes: [10.10.20.32/28],
     forwards: [0.0.0.0/0, "::/0"], routes: [{to: 100.64.0.0/16, via: 10.10.20.1}]}
pod_ports:
  - {name: pod0, device: net_null2, pods: [10.10.10.21, "2001:db8::21"]}
  - {name: pod1, device: net_null3, pods: [10.10.20.33]}
snat:
  ports: 1024-1151
  rules:
    - {to: [198.51.100.0/24], action: drop}
    - {to: [203.0.113.0/24], action: snat, source: [10.10.20.40], mapping: endpoint_independent}
  vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: "192.168.0.0/16"}}
flows: {capacity: 64, per_pod: 48}
)";
constexpr std::uint8_t kDevices = 4;

explain::Simulator& simulator() {
  static const auto instance = [] {
    test::start_eal();
    config::Loaded loaded = config::load_text(kConfig, "fuzz.yaml", config::MemoryFiles{{}});
    for (const auto& problem : loaded.problems) {
      std::fprintf(stderr, "%s\n", config::to_text(problem).c_str());
    }
    if (!loaded.config) std::abort();
    auto made = explain::Simulator::create(std::move(*loaded.config));
    if (!made) std::abort();
    return std::move(made).value();
  }();
  return *instance;
}

/// What a step does to its bytes before they are a frame.
enum Operation : std::uint8_t {
  kDevice = 0x03,
  kAddressed = 0x04,  ///< the gateway's MAC address, and IPv4
  kSummed = 0x08,     ///< right lengths and a right header checksum
  kTurned = 0x10,     ///< the last packet that left, turned around; the bytes are XORed over it
  kLater = 0x20,      ///< the first byte is seconds that pass before
  kFromAPod = 0x40,   ///< pod0's address to one outside
};

Bytes last_left;

void turn_around(Bytes& frame) {
  if (frame.size() < 42) return;
  std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
  std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
  if (frame[23] == net::kIcmp) {
    frame[34] = frame[34] == net::kIcmpEchoRequest ? net::kIcmpEchoReply : net::kIcmpEchoRequest;
  } else {
    std::swap_ranges(frame.begin() + 34, frame.begin() + 36, frame.begin() + 36);
  }
}

void make_sums_right(Bytes& frame) {
  if (frame.size() < 34) return;
  auto& ip = net::header_at<net::Ipv4Header>(frame.data() + 14);
  if (ip.version() != 4 || ip.header_length() < 20) ip.version_and_length = 0x45;
  ip.total_length = Be16::from_host(static_cast<std::uint16_t>(frame.size() - 14));
  const std::size_t header = std::min<std::size_t>(ip.header_length(), frame.size() - 14);
  ip.checksum = {};
  ip.checksum = net::full_checksum({frame.data() + 14, header});
}

Bytes make_frame(std::uint8_t operation, std::span<const std::uint8_t> data) {
  Bytes frame(data.begin(), data.end());
  if ((operation & kTurned) != 0 && !last_left.empty()) {
    frame = last_left;
    turn_around(frame);
    for (std::size_t i = 0; i < std::min(frame.size(), data.size()); ++i) frame[i] ^= data[i];
  }
  if ((operation & kAddressed) != 0 && frame.size() >= 14) {
    const auto& mac = simulator().mac(DeviceId{static_cast<std::uint8_t>(operation & kDevice)});
    std::copy(mac.begin(), mac.end(), frame.begin());
    frame[12] = 0x08;
    frame[13] = 0x00;
  }
  if ((operation & kFromAPod) != 0 && frame.size() >= 34) {
    constexpr std::uint8_t kEnds[] = {10, 10, 10, 21, 203, 0, 114, 7};
    std::copy(std::begin(kEnds), std::end(kEnds), frame.begin() + 26);
    frame[32] = static_cast<std::uint8_t>(113 + (frame[32] & 1));
  }
  if ((operation & kSummed) != 0) make_sums_right(frame);
  return frame;
}

void check(const pipeline::Packet& packet) {
  using pipeline::Fate;
  if (packet.fate == Fate::kLive || packet.fate == Fate::kToWorker) std::abort();
  const bool leaves = packet.fate == Fate::kEmit || packet.fate == Fate::kAwaitNeighbour ||
                      packet.fate == Fate::kDropAnswered;
  if (!leaves) return;
  const bool v4 = packet.ethernet().type.to_host() == net::kEtherTypeIpv4;
  if (v4 && !simulator().enis().may_emit(packet.out, Ipv4Addr{packet.ipv4().source})) std::abort();
  if (v4 &&
      net::fold(net::sum_words({packet.frame + 14, packet.ipv4().header_length()})) != 0xffff) {
    std::abort();
  }
  last_left.assign(packet.frame, packet.frame + std::min(packet.length, packet.contiguous));
  if (!packet.cut || packet.fate == Fate::kDropAnswered) return;
  pipeline::Pieces pieces(packet, simulator().mtu(packet.out));
  std::size_t payload = 0;
  while (const std::uint16_t size = pieces.size()) {
    const auto piece =
        std::make_unique<std::uint8_t[]>(size);  // as long as that: asan sees the end
    pieces.write(piece.get());
    const auto& ip = net::header_at<net::Ipv4Header>(piece.get() + 14);
    if (size > simulator().mtu(packet.out) + 14 || ip.total_length.to_host() + 14 != size)
      std::abort();
    if (net::fold(net::sum_words({piece.get() + 14, ip.header_length()})) != 0xffff) std::abort();
    payload += size - 14U - ip.header_length();
  }
  if (payload != packet.l4_length) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  simulator().forward(std::chrono::hours(24 * 8));
  if (simulator().table().size() != 0) std::abort();
  last_left.clear();
  std::span<const std::uint8_t> input{data, size};
  while (input.size() >= 3) {
    const std::uint8_t operation = input[0];
    const std::size_t wanted = input[1] + std::size_t{input[2]} * 256;
    input = input.subspan(3);
    const auto bytes = input.first(std::min(wanted, input.size()));
    input = input.subspan(bytes.size());
    if ((operation & kLater) != 0 && !bytes.empty()) {
      simulator().forward(std::chrono::seconds(bytes[0]));
    }
    const Bytes frame = make_frame(operation, bytes);
    // Exactly as long as it is, so that a step over its end is seen.
    constexpr std::size_t kHeadroom = explain::Simulator::kHeadroom;
    const auto buffer = std::make_unique<std::uint8_t[]>(kHeadroom + frame.size());
    std::copy(frame.begin(), frame.end(), buffer.get() + kHeadroom);
    const std::span<std::uint8_t> taken{buffer.get() + kHeadroom, frame.size()};
    net::complete_partial_checksum(taken);
    const DeviceId device{static_cast<std::uint8_t>((operation & kDevice) % kDevices)};
    check(simulator().process(device, taken, static_cast<std::uint32_t>(frame.size())));
  }
  if (!simulator().table().check_invariants().empty()) std::abort();
  return 0;
}
