// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Who answers at the next hop: adjacencies, written by the main thread, read by the workers.
///
/// An adjacency is a device and a MAC address on it, named by a 16-bit number that a session can
/// keep. A neighbour gets its number once it has answered and keeps it while the gateway runs, so
/// a number never comes to mean another neighbour; what changes is the MAC, one atomic word. The
/// first numbers are the "glean" adjacencies, one a device: they name the device, not yet a
/// neighbour, and whoever meets one looks the next hop up by address.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/ids.h"
#include "core/ip.h"
#include "core/result.h"
#include "nat/session.h"
#include "net/headers.h"

struct rte_hash;

namespace sluice::eni {

using nat::AdjacencyId;

class NeighbourTable {
 public:
  /// Room for `capacity` neighbours, at most 60,000. Needs EAL (rte_hash).
  static Result<std::unique_ptr<NeighbourTable>> create(unsigned devices, unsigned capacity);
  ~NeighbourTable();
  NeighbourTable(const NeighbourTable&) = delete;
  NeighbourTable& operator=(const NeighbourTable&) = delete;

  // --- any thread, wait-free ------------------------------------------------------------------
  [[nodiscard]] AdjacencyId glean(DeviceId device) const noexcept {
    return {static_cast<std::uint16_t>(device.value + 1)};
  }
  [[nodiscard]] bool is_glean(AdjacencyId id) const noexcept {
    return id != nat::kNoAdjacency && id.value <= devices_;
  }
  [[nodiscard]] DeviceId device(AdjacencyId id) const noexcept { return devices_of_[id.value]; }
  /// The neighbour's MAC in the low 48 bits, as memory holds it; 0 while it does not answer (always
  /// for a glean adjacency).
  [[nodiscard]] std::uint64_t mac_word(AdjacencyId id) const noexcept {
    return macs_[id.value].load(std::memory_order_relaxed);
  }
  /// The same as an address.
  [[nodiscard]] std::optional<net::MacAddress> mac(AdjacencyId id) const noexcept;
  /// The neighbour with this address if it ever answered, else the device's glean adjacency.
  [[nodiscard]] AdjacencyId find(DeviceId device, const IpAddr& address) const noexcept;

  // --- main thread ----------------------------------------------------------------------------
  /// Sets or changes a neighbour's MAC. False when the table is full.
  bool set(DeviceId device, const IpAddr& address, const net::MacAddress& mac);
  /// The neighbour no longer answers; its number stays.
  void clear(DeviceId device, const IpAddr& address);

 private:
  NeighbourTable(unsigned devices, unsigned capacity, rte_hash* index);

  unsigned devices_;
  rte_hash* index_;
  std::vector<std::atomic<std::uint64_t>> macs_;  ///< by id: 48 bits of MAC, bit 48 set if valid
  std::vector<DeviceId> devices_of_;              ///< by id; written before the id is published
  std::uint32_t next_id_;
};

}  // namespace sluice::eni
