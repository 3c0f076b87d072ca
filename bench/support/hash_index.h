// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The index that most gateways are built on, as a baseline: DPDK's rte_hash in its lock-free mode
/// (readers beside one writer, as the flow table has), 13-byte keys, two of them a session, the
/// data a session's number and direction.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "nat/flow_key.h"
#include "nat/session.h"
#include "support/heap.h"

struct rte_hash;

namespace sluice::bench {

class HashIndex {
 public:
  static constexpr unsigned kBulk = 32;

  explicit HashIndex(std::uint32_t sessions);

  /// False when rte_hash finds no room.
  [[nodiscard]] bool add(const nat::FlowKey& key, nat::Found found) noexcept;
  void remove(const nat::FlowKey& key) noexcept;
  /// Up to kBulk keys.
  void find(std::span<const nat::FlowKey> keys, std::span<nat::Found> found) const noexcept;
  [[nodiscard]] nat::Found find(const nat::FlowKey& key) const noexcept;
  [[nodiscard]] std::size_t bytes() const { return heap_.bytes_used(); }

 private:
  struct Free {
    void operator()(rte_hash* hash) const noexcept;
  };
  Heap heap_;
  std::unique_ptr<rte_hash, Free> hash_;
};

}  // namespace sluice::bench
