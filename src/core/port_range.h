// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>

namespace sluice {

/// L4 ports from first to last, both included, as every configuration writes them ("1024-65535").
struct PortRange {
  std::uint16_t first = 1024;
  std::uint16_t last = 65535;

  [[nodiscard]] constexpr bool contains(std::uint16_t port) const noexcept {
    return first <= port && port <= last;
  }
  [[nodiscard]] constexpr std::uint32_t size() const noexcept {
    return std::uint32_t{last} - first + 1;
  }
  friend constexpr bool operator==(const PortRange&, const PortRange&) noexcept = default;
};

}  // namespace sluice
