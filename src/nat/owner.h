// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Which worker owns a packet: a Toeplitz hash of its tuple, looked up in a 128-entry table (RETA).
/// The same function for every device, fixed before the first packet; a NIC that hashes with the
/// same key delivers there by itself, and software moves what arrives elsewhere.
///
/// Toeplitz is linear over XOR: hash(tuple with port p) = hash(tuple with port 0) ^ hash(p alone).
/// Port choice rests on that.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/ids.h"
#include "nat/flow_key.h"
#include "nat/port_layout.h"

namespace sluice::nat {

inline constexpr unsigned kRetaSize = kPortClasses;
using ToeplitzKey = std::array<std::uint8_t, 40>;

/// A 16-bit pattern repeated: both directions of a tuple hash alike, in software and in every NIC
/// whose key can be set. 0x6d5a is the pattern of S. Woo and K. Park, "Scalable TCP Session
/// Monitoring with Symmetric Receive-side Scaling".
[[nodiscard]] constexpr ToeplitzKey symmetric_key() noexcept {
  ToeplitzKey key{};
  for (unsigned i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
  return key;
}

class OwnerFunction {
 public:
  /// What each value of each input byte adds to the hash.
  using Tables = std::array<std::array<std::uint32_t, 256>, 12>;

  /// RETA entry i belongs to worker i mod workers, as every driver fills it by default.
  OwnerFunction(const ToeplitzKey& key, unsigned workers);

  [[nodiscard]] const ToeplitzKey& key() const noexcept { return key_; }
  [[nodiscard]] unsigned workers() const noexcept { return workers_; }

  /// The RSS hash of the tuple as it stands: source, destination, both ports.
  [[nodiscard]] std::uint32_t hash(const FlowKey& key) const noexcept {
    return word(key.source, 0) ^ word(key.destination, 4) ^ half(key.source_port, 8) ^
           half(key.destination_port, 10);
  }
  /// What a destination port adds to the hash of its tuple.
  [[nodiscard]] std::uint32_t hash_of_destination_port(Be16 port) const noexcept {
    return half(port, 10);
  }
  [[nodiscard]] WorkerId owner(std::uint32_t hash) const noexcept {
    return reta_[hash % kRetaSize];
  }
  [[nodiscard]] std::span<const WorkerId, kRetaSize> reta() const noexcept { return reta_; }
  /// All ports by what they add to the RETA's index.
  [[nodiscard]] const PortLayout& layout() const noexcept { return layout_; }

 private:
  [[nodiscard]] std::uint32_t half(Be16 value, unsigned at) const noexcept {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 2>>(value);
    return table_[at][bytes[0]] ^ table_[at + 1][bytes[1]];
  }
  [[nodiscard]] std::uint32_t word(Be32 value, unsigned at) const noexcept {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 4>>(value);
    return table_[at][bytes[0]] ^ table_[at + 1][bytes[1]] ^ table_[at + 2][bytes[2]] ^
           table_[at + 3][bytes[3]];
  }

  ToeplitzKey key_;
  unsigned workers_;
  std::array<WorkerId, kRetaSize> reta_{};
  Tables table_;
  PortLayout layout_;
};

}  // namespace sluice::nat
