// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/hash_index.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <bit>
#include <stdexcept>

namespace sluice::bench {
namespace {

constexpr std::uint32_t kKeyBytes = 13;

/// Keys fill at most nine tenths of it: a cuckoo table that is full refuses some.
constexpr std::uint32_t entries_for(std::uint32_t sessions) {
  return static_cast<std::uint32_t>(std::uint64_t{sessions} * 2 * 10 / 9) + 1024;
}

/// Buckets and the ring of free slots come in powers of two, keys in slots of 32 bytes.
constexpr std::size_t heap_for(std::uint32_t sessions) {
  const std::size_t entries = entries_for(sessions);
  return entries * 32 + std::bit_ceil(entries) * 16 + (std::size_t{32} << 20);
}

void* pack(nat::Found found) {
  const std::uint64_t direction = found.direction == nat::Direction::kInbound ? 1 : 0;
  return reinterpret_cast<void*>(std::uint64_t{found.session.value} << 1 | direction);
}
nat::Found unpack(void* data) {
  const auto value = reinterpret_cast<std::uint64_t>(data);
  return {{static_cast<std::uint32_t>(value >> 1)},
          (value & 1) != 0 ? nat::Direction::kInbound : nat::Direction::kOutbound};
}

}  // namespace

void HashIndex::Free::operator()(rte_hash* hash) const noexcept { rte_hash_free(hash); }

HashIndex::HashIndex(std::uint32_t sessions) : heap_(heap_for(sessions)) {
  const std::string name = fmt::format("bench-{}", static_cast<const void*>(this));
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = entries_for(sessions);
  parameters.key_len = kKeyBytes;
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = heap_.socket();
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  hash_.reset(rte_hash_create(&parameters));
  if (hash_ == nullptr) {
    throw std::runtime_error(fmt::format("rte_hash_create: {}", rte_strerror(rte_errno)));
  }
}

bool HashIndex::add(const nat::FlowKey& key, nat::Found found) noexcept {
  return rte_hash_add_key_data(hash_.get(), &key, pack(found)) == 0;
}

/// The slot is free at once: nobody reads beside these benchmarks.
void HashIndex::remove(const nat::FlowKey& key) noexcept {
  const int slot = rte_hash_del_key(hash_.get(), &key);
  if (slot >= 0) rte_hash_free_key_with_position(hash_.get(), slot);
}

void HashIndex::find(std::span<const nat::FlowKey> keys,
                     std::span<nat::Found> found) const noexcept {
  const void* pointers[kBulk];
  void* data[kBulk];
  for (std::size_t i = 0; i < keys.size(); ++i) pointers[i] = &keys[i];
  std::uint64_t hits = 0;
  rte_hash_lookup_bulk_data(hash_.get(), pointers, static_cast<std::uint32_t>(keys.size()), &hits,
                            data);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    found[i] = (hits >> i & 1) != 0 ? unpack(data[i]) : nat::Found{};
  }
}

nat::Found HashIndex::find(const nat::FlowKey& key) const noexcept {
  void* data = nullptr;
  return rte_hash_lookup_data(hash_.get(), &key, &data) >= 0 ? unpack(data) : nat::Found{};
}

}  // namespace sluice::bench
