// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The traffic that all measurements share: UDP flows by number, 63 from each inside host (the
/// shape VPP's CSIT uses), towards random remotes and ports (RFC 4814 4.4).
#pragma once

#include <array>
#include <cstdint>

#include "nat/flow_key.h"
#include "net/headers.h"

namespace sluice::bench {

inline constexpr std::uint32_t kPortsPerHost = 63;
/// Hosts times 63; each fits a table of the next power of two.
inline constexpr std::array<std::uint32_t, 3> kSessionCounts{64'512, 1'032'192, 16'515'072};

/// The same flow for the same number, always; no two numbers share a flow.
[[nodiscard]] constexpr nat::FlowKey flow(std::uint32_t number,
                                          std::uint8_t protocol = net::kUdp) noexcept {
  constexpr std::uint32_t kFirstHost = (10U << 24) + 256;
  constexpr std::uint32_t kFirstRemote = 20U << 24;
  const std::uint32_t host = number / kPortsPerHost;
  // Ports of a host lie apart, and below 65,536: 1024 + 62 * 1021.
  const auto port = static_cast<std::uint16_t>(1024 + number % kPortsPerHost * 1021);
  std::uint64_t dice = (number + 1ULL) * 0x9e3779b97f4a7c15ULL;
  dice = (dice ^ dice >> 31) * 0xd6e8feb86659fd93ULL;
  const auto remote = static_cast<std::uint32_t>(dice >> 48);
  const auto remote_port = static_cast<std::uint16_t>(1024 + (dice >> 16 & 0xffffffff) % 64512);
  return {Be32::from_host(kFirstHost + host),
          Be32::from_host(kFirstRemote + remote),
          Be16::from_host(port),
          Be16::from_host(remote_port),
          protocol,
          {}};
}

/// Numbers without an order that a prefetcher could guess.
class Dice {
 public:
  explicit constexpr Dice(std::uint64_t seed = 1) noexcept : state_(seed * 2 + 1) {}
  [[nodiscard]] constexpr std::uint32_t below(std::uint32_t end) noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>((state_ >> 32) * end >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::bench
