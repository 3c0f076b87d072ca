// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a worker last learnt from the neighbour table: first packets nearly all have the same few
/// next hops. A neighbour keeps its number, so nothing here ever becomes wrong; a neighbour that
/// has not answered has none yet, and is asked for again. Owner: one worker.
#pragma once

#include <array>
#include <cstdint>

#include "eni/neighbour_table.h"

namespace sluice::eni {

class AdjacencyCache {
 public:
  /// As NeighbourTable::find().
  [[nodiscard]] AdjacencyId find(const NeighbourTable& table,
                                 DeviceId device,
                                 Ipv4Addr next_hop) noexcept {
    Entry& entry = entries_[place_of(device, next_hop)];
    if (entry.address == next_hop && entry.device == device) return entry.id;
    const AdjacencyId id = table.find(device, next_hop);
    if (!table.is_glean(id)) entry = {next_hop, device, id};
    return id;
  }

 private:
  struct Entry {
    Ipv4Addr address;
    DeviceId device = kNoDevice;
    AdjacencyId id;
  };
  static constexpr unsigned kBits = 8;
  /// Every subnet's router has the same last byte: all bits have to count.
  [[nodiscard]] static std::uint32_t place_of(DeviceId device, Ipv4Addr next_hop) noexcept {
    return (next_hop.value() ^ device.value) * 0x9e3779b1U >> (32 - kBits);
  }
  std::array<Entry, 1U << kBits> entries_;
};

}  // namespace sluice::eni
