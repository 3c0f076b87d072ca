// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Internet checksums. The data path never sums a payload: it changes checksums by the difference
/// that its rewriting made (RFC 1624), so a wrong checksum stays exactly as wrong as it came.
///
/// Sums are of 16-bit words as memory holds them; by RFC 1071 2.B byte order does not matter as
/// long as the result is stored the way the words were read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/byte_order.h"

namespace sluice::net {

/// Folds a sum of 16-bit words into 16 bits, carries added back in.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffffU) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// What a checksum has to change by when words change: RFC 1624's ~m + m', accumulated. The
/// opposite change is the complement.
class ChecksumDelta {
 public:
  constexpr ChecksumDelta() noexcept = default;
  [[nodiscard]] static constexpr ChecksumDelta from_raw(std::uint16_t folded) noexcept {
    ChecksumDelta delta;
    delta.sum_ = folded;
    return delta;
  }

  constexpr ChecksumDelta& replace(Be16 old_word, Be16 new_word) noexcept {
    sum_ += static_cast<std::uint16_t>(~old_word.raw());
    sum_ += new_word.raw();
    return *this;
  }
  constexpr ChecksumDelta& replace(Be32 old_words, Be32 new_words) noexcept {
    sum_ += static_cast<std::uint32_t>(~old_words.raw());
    sum_ += new_words.raw();
    return *this;
  }
  constexpr ChecksumDelta& add(ChecksumDelta other) noexcept {
    sum_ += other.sum_;
    return *this;
  }

  [[nodiscard]] constexpr std::uint16_t folded() const noexcept { return fold(sum_); }
  [[nodiscard]] constexpr ChecksumDelta inverse() const noexcept {
    return from_raw(static_cast<std::uint16_t>(~folded()));
  }

  /// RFC 1624 (eqn. 3): HC' = ~(~HC + ~m + m').
  [[nodiscard]] constexpr Be16 apply(Be16 checksum) const noexcept {
    const std::uint64_t sum = std::uint64_t{static_cast<std::uint16_t>(~checksum.raw())} + folded();
    return Be16::from_raw(static_cast<std::uint16_t>(~fold(sum)));
  }
  /// The same for UDP, where 0 says "none" and a computed 0 is sent as 0xffff (RFC 768).
  [[nodiscard]] constexpr Be16 apply_udp(Be16 checksum) const noexcept {
    if (checksum.raw() == 0) return checksum;
    const Be16 changed = apply(checksum);
    return changed.raw() == 0 ? Be16::from_raw(0xffff) : changed;
  }

 private:
  std::uint64_t sum_ = 0;
};

/// The sum of the words of `bytes`, an odd last byte padded with zero (RFC 1071). Unfolded.
[[nodiscard]] inline std::uint64_t sum_words(std::span<const std::uint8_t> bytes) noexcept {
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t words = 0;
    std::memcpy(&words, bytes.data() + at, 4);
    sum += words;
  }
  std::uint32_t rest = 0;
  if (at != bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
  return sum + rest;
}

/// The checksum over `bytes` and an already summed pseudo header, as it is stored.
[[nodiscard]] inline Be16 full_checksum(std::span<const std::uint8_t> bytes,
                                        std::uint64_t pseudo_header_sum = 0) noexcept {
  return Be16::from_raw(static_cast<std::uint16_t>(~fold(sum_words(bytes) + pseudo_header_sum)));
}

}  // namespace sluice::net
