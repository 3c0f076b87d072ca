// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <bit>
#include <cstdint>

#include "core/byte_order.h"

namespace sluice::nat {

/// The tuple of a packet as it stands on the wire. For ICMP queries the identifier takes the place
/// of the requester's port and the other port is 0 (RFC 5508 3.1), so a request and its reply are
/// each other's reverse, like any two directions of a flow.
struct FlowKey {
  Be32 source;
  Be32 destination;
  Be16 source_port;
  Be16 destination_port;
  std::uint8_t protocol = 0;
  std::uint8_t zero[3] = {};

  [[nodiscard]] constexpr FlowKey reversed() const noexcept {
    return {destination, source, destination_port, source_port, protocol, {}};
  }
  friend constexpr bool operator==(const FlowKey&, const FlowKey&) noexcept = default;
};
static_assert(sizeof(FlowKey) == 16);

/// Where a key lies in the table: its bucket and tag come from this. Seeded at start with random
/// bits, so that nobody outside can aim at one bucket. The 128-bit product of two keyed halves,
/// folded: every input bit reaches every output bit.
class KeyHash {
 public:
  explicit constexpr KeyHash(std::uint64_t seed) noexcept
      : seed_{seed, seed * 0x9e3779b97f4a7c15ULL + 0x2545f4914f6cdd1dULL} {}

  [[nodiscard]] std::uint64_t operator()(const FlowKey& key) const noexcept {
    struct Halves {
      std::uint64_t addresses;
      std::uint64_t rest;
    };
    const Halves halves = std::bit_cast<Halves>(key);
    return mix(mix(halves.addresses ^ seed_[0], halves.rest ^ seed_[1]) ^ seed_[0], kOdd);
  }

 private:
  static constexpr std::uint64_t kOdd = 0xd6e8feb86659fd93ULL;
  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t seed_[2];
};

}  // namespace sluice::nat
