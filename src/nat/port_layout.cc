// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/port_layout.h"

namespace sluice::nat {

PortLayout::PortLayout(std::span<const std::uint8_t, 65536> class_of)
    : class_of_(class_of.begin(), class_of.end()), place_of_(65536), port_at_(65536) {
  for (const std::uint8_t number : class_of_) ++first_[number + 1U];
  for (unsigned number = 0; number < kPortClasses; ++number) first_[number + 1] += first_[number];
  auto next = first_;
  for (std::uint32_t port = 0; port < 65536; ++port) {
    const std::uint32_t place = next[class_of_[port]]++;
    place_of_[port] = static_cast<std::uint16_t>(place);
    port_at_[place] = static_cast<std::uint16_t>(port);
  }
}

}  // namespace sluice::nat
