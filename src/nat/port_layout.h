// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// All 65,536 ports in an order that keeps together those of one class: a bitmap over it has a
/// class's ports in consecutive words, one cache line where the key gives every class 512 ports.
///
/// The class of port p is T(p) mod 128, where T(p) is what a destination port adds to the owner
/// hash (owner.h). T is linear, so the sizes of classes are 0 or one power of two of 512 or more.
///
/// Immutable after construction, shared by all threads.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/byte_order.h"

namespace sluice::nat {

inline constexpr unsigned kPortClasses = 128;

class PortLayout {
 public:
  /// `class_of`: by port number in host order.
  explicit PortLayout(std::span<const std::uint8_t, 65536> class_of);

  [[nodiscard]] unsigned class_of(Be16 port) const noexcept { return class_of_[port.to_host()]; }
  /// Where a port's bit lies.
  [[nodiscard]] std::uint32_t place_of(Be16 port) const noexcept {
    return place_of_[port.to_host()];
  }
  [[nodiscard]] Be16 port_at(std::uint32_t place) const noexcept {
    return Be16::from_host(port_at_[place]);
  }
  /// The places of a class: [first, end).
  [[nodiscard]] std::uint32_t first(unsigned number) const noexcept { return first_[number]; }
  [[nodiscard]] std::uint32_t end(unsigned number) const noexcept { return first_[number + 1]; }

 private:
  std::vector<std::uint8_t> class_of_;
  std::vector<std::uint16_t> place_of_;
  std::vector<std::uint16_t> port_at_;
  std::array<std::uint32_t, kPortClasses + 1> first_{};
};

/// A set of ports, by their places.
class PortBits {
 public:
  static constexpr unsigned kWords = 65536 / 64;

  void set(std::uint32_t place) noexcept { words_[place / 64] |= bit(place); }
  void clear(std::uint32_t place) noexcept { words_[place / 64] &= ~bit(place); }
  [[nodiscard]] bool has(std::uint32_t place) const noexcept {
    return (words_[place / 64] & bit(place)) != 0;
  }
  [[nodiscard]] std::uint64_t word(unsigned i) const noexcept { return words_[i]; }
  /// [first, end) in words of 64.
  void clear_words(unsigned first, unsigned end) noexcept {
    for (unsigned i = first; i < end; ++i) words_[i] = 0;
  }

 private:
  static constexpr std::uint64_t bit(std::uint32_t place) noexcept {
    return std::uint64_t{1} << (place % 64);
  }
  std::array<std::uint64_t, kWords> words_{};
};

}  // namespace sluice::nat
