// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>

namespace sluice {

/// An unsigned integer as it lies on the wire, in network byte order. Equality is meaningful and
/// allowed; order and arithmetic are not, so a forgotten or doubled swap does not compile. Held as
/// bytes, so its alignment is 1 and headers made of it may lie anywhere in a frame.
template <typename Host>
class BigEndian {
 public:
  constexpr BigEndian() noexcept = default;

  [[nodiscard]] static constexpr BigEndian from_host(Host value) noexcept {
    return from_raw(swap(value));
  }
  /// Takes the bits as memory holds them: for checksum sums (RFC 1071 2.B: byte order independent)
  /// and hash inputs.
  [[nodiscard]] static constexpr BigEndian from_raw(Host raw) noexcept {
    return std::bit_cast<BigEndian>(raw);
  }
  [[nodiscard]] constexpr Host to_host() const noexcept { return swap(raw()); }
  [[nodiscard]] constexpr Host raw() const noexcept { return std::bit_cast<Host>(bytes_); }

  friend constexpr bool operator==(BigEndian a, BigEndian b) noexcept { return a.raw() == b.raw(); }

 private:
  static constexpr Host swap(Host value) noexcept {
    if constexpr (std::endian::native == std::endian::big || sizeof(Host) == 1) return value;
    if constexpr (sizeof(Host) == 2) return __builtin_bswap16(value);
    if constexpr (sizeof(Host) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(Host) == 8) return __builtin_bswap64(value);
  }

  std::array<std::uint8_t, sizeof(Host)> bytes_{};
};

using Be16 = BigEndian<std::uint16_t>;
using Be32 = BigEndian<std::uint32_t>;

static_assert(sizeof(Be16) == 2 && sizeof(Be32) == 4 && alignof(Be32) == 1);

}  // namespace sluice
