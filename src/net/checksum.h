// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Internet checksums. The data path never sums a payload: it changes checksums by the difference
/// that its rewriting made (RFC 1624), so a wrong checksum stays exactly as wrong as it came.
///
/// Sums are of 16-bit words as memory holds them; by RFC 1071 2.B byte order does not matter as
/// long as the result is stored the way the words were read.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/byte_order.h"

namespace sluice::net {

/// Folds a sum of 16-bit words into 16 bits, carries added back in. A number added to itself with
/// its halves exchanged has the sum of both in its upper half, the carry included.
[[nodiscard]] constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  const auto half = static_cast<std::uint32_t>((sum + std::rotl(sum, 32)) >> 32);
  return static_cast<std::uint16_t>((half + std::rotl(half, 16)) >> 16);
}

/// What a checksum has to change by when words change: RFC 1624's ~m + m', folded.
class FoldedDelta {
 public:
  constexpr FoldedDelta() noexcept = default;
  [[nodiscard]] static constexpr FoldedDelta from_raw(std::uint16_t raw) noexcept {
    FoldedDelta delta;
    delta.raw_ = raw;
    return delta;
  }
  [[nodiscard]] constexpr std::uint16_t raw() const noexcept { return raw_; }

  /// Of the opposite change: the complement.
  [[nodiscard]] constexpr FoldedDelta inverse() const noexcept {
    return from_raw(static_cast<std::uint16_t>(~raw_));
  }

  /// RFC 1624 (eqn. 3): HC' = ~(~HC + ~m + m').
  [[nodiscard]] constexpr Be16 apply(Be16 checksum) const noexcept {
    const std::uint32_t sum = static_cast<std::uint16_t>(~checksum.raw()) + std::uint32_t{raw_};
    return Be16::from_raw(static_cast<std::uint16_t>(~(sum + (sum >> 16))));
  }
  /// The same for UDP, where 0 says "none" and a computed 0 is sent as 0xffff (RFC 768).
  [[nodiscard]] constexpr Be16 apply_udp(Be16 checksum) const noexcept {
    if (checksum.raw() == 0) return checksum;
    const Be16 changed = apply(checksum);
    return changed.raw() == 0 ? Be16::from_raw(0xffff) : changed;
  }

 private:
  std::uint16_t raw_ = 0;
};

/// The same while words are still being added.
class ChecksumDelta {
 public:
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

  [[nodiscard]] constexpr FoldedDelta folded() const noexcept {
    return FoldedDelta::from_raw(fold(sum_));
  }
  [[nodiscard]] constexpr Be16 apply(Be16 checksum) const noexcept {
    return folded().apply(checksum);
  }
  [[nodiscard]] constexpr Be16 apply_udp(Be16 checksum) const noexcept {
    return folded().apply_udp(checksum);
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
