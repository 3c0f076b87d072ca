// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A NIC's receive-side scaling in software, with what NICs do differently: by DPDK's own Toeplitz
/// function, and none of the gateway's code.
#pragma once

#include <rte_thash.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "support/packet_builder.h"

namespace sluice::test {

struct SoftRss {
  alignas(std::uint32_t) std::array<std::uint8_t, 40> key{};  // rte_softrss reads words
  std::vector<unsigned> table;                                ///< queue by hash modulo its size
  std::uint32_t initial = 0;                                  ///< what every hash begins with
  bool sorts = false;           ///< the lower address and the lower port first, as older ENAs do
  bool low_half_twice = false;  ///< reports the low 16 bits in both halves, as older ENAs do
  bool reports = true;          ///< whether frames carry their hash

  /// A table as drivers fill it.
  SoftRss(const std::array<std::uint8_t, 40>& with, unsigned queues, unsigned entries = 128)
      : key(with), table(entries) {
    for (unsigned i = 0; i < entries; ++i) table[i] = i % queues;
  }

  struct Placed {
    unsigned queue = 0;
    bool hashed = false;
    std::uint32_t hash = 0;
  };
  /// Whole IPv4 TCP and UDP packets are hashed, all else comes by queue 0: ENA's ways.
  [[nodiscard]] Placed place(const Bytes& frame) const {
    const bool ports = frame.size() >= 38 && frame[12] == 0x08 && frame[13] == 0 &&
                       frame[14] == 0x45 && (frame[20] & 0x3f) == 0 && frame[21] == 0 &&
                       (frame[23] == 6 || frame[23] == 17);
    if (!ports) return {};
    const auto word = [&](std::size_t at) {
      return std::uint32_t{frame[at]} << 24 | std::uint32_t{frame[at + 1]} << 16 |
             std::uint32_t{frame[at + 2]} << 8 | frame[at + 3];
    };
    std::uint32_t words[] = {word(26), word(30), word(34)};
    if (sorts) {
      if (words[0] > words[1]) std::swap(words[0], words[1]);
      if (words[2] >> 16 > (words[2] & 0xffff)) words[2] = words[2] << 16 | words[2] >> 16;
    }
    std::uint32_t hash = rte_softrss(words, 3, key.data()) ^ initial;
    if (low_half_twice) hash = (hash & 0xffff) | hash << 16;
    return {table[hash % table.size()], reports, hash};
  }
};

}  // namespace sluice::test
