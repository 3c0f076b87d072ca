// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/neighbour_table.h"

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_lcore.h>

#include <atomic>
#include <cstring>

namespace sluice::eni {
namespace {

constexpr std::uint64_t kValid = 1ULL << 48;

struct Key {
  std::uint8_t device;
  std::uint8_t family;
  std::array<std::uint8_t, 16> address;
};
static_assert(sizeof(Key) == 18);

Key key_of(DeviceId device, const IpAddr& address) {
  Key key{device.value, static_cast<std::uint8_t>(address.is_v4() ? 4 : 6), {}};
  if (address.is_v4()) {
    const Be32 wire = address.v4().wire();
    std::memcpy(key.address.data(), &wire, sizeof wire);
  } else {
    key.address = address.v6().bytes();
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<NeighbourTable>> NeighbourTable::create(unsigned devices,
                                                               unsigned capacity) {
  static std::atomic<unsigned> number{0};  // rte_hash wants names that are unique in the process
  const std::string name = "neighbours" + std::to_string(number.fetch_add(1));
  rte_hash_parameters parameters{};
  parameters.name = name.c_str();
  parameters.entries = capacity;
  parameters.key_len = sizeof(Key);
  parameters.hash_func = rte_hash_crc;
  parameters.socket_id = static_cast<int>(rte_socket_id());
  parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
  rte_hash* index = rte_hash_create(&parameters);
  if (index == nullptr) {
    return Error{"cannot make room for " + std::to_string(capacity) +
                 " neighbours: " + rte_strerror(rte_errno) + "; give the gateway more memory"};
  }
  return std::unique_ptr<NeighbourTable>(new NeighbourTable(devices, capacity, index));
}

NeighbourTable::NeighbourTable(unsigned devices, unsigned capacity, rte_hash* index)
    : devices_(devices),
      index_(index),
      macs_(1 + devices + capacity),
      devices_of_(1 + devices + capacity, kNoDevice),
      next_id_(1 + devices) {
  for (unsigned i = 0; i < devices; ++i) devices_of_[i + 1] = {static_cast<std::uint8_t>(i)};
}

NeighbourTable::~NeighbourTable() { rte_hash_free(index_); }

std::optional<net::MacAddress> NeighbourTable::mac(AdjacencyId id) const noexcept {
  const std::uint64_t word = macs_[id.value].load(std::memory_order_relaxed);
  if ((word & kValid) == 0) return std::nullopt;
  net::MacAddress mac;
  std::memcpy(mac.data(), &word, mac.size());
  return mac;
}

AdjacencyId NeighbourTable::find(DeviceId device, const IpAddr& address) const noexcept {
  const Key key = key_of(device, address);
  void* data = nullptr;
  if (rte_hash_lookup_data(index_, &key, &data) < 0) return glean(device);
  return {static_cast<std::uint16_t>(reinterpret_cast<std::uintptr_t>(data))};
}

bool NeighbourTable::set(DeviceId device, const IpAddr& address, const net::MacAddress& mac) {
  std::uint64_t word = 0;
  std::memcpy(&word, mac.data(), mac.size());
  word |= kValid;
  const AdjacencyId known = find(device, address);
  if (!is_glean(known)) {
    macs_[known.value].store(word, std::memory_order_relaxed);
    return true;
  }
  if (next_id_ >= macs_.size()) return false;
  const std::uint32_t id = next_id_;
  devices_of_[id] = device;
  macs_[id].store(word, std::memory_order_relaxed);
  const Key key = key_of(device, address);
  // rte_hash publishes with release order, so a worker that finds the number sees what is above.
  if (rte_hash_add_key_data(index_, &key, reinterpret_cast<void*>(std::uintptr_t{id})) < 0) {
    return false;
  }
  ++next_id_;
  return true;
}

void NeighbourTable::clear(DeviceId device, const IpAddr& address) {
  const AdjacencyId id = find(device, address);
  if (!is_glean(id)) macs_[id.value].store(0, std::memory_order_relaxed);
}

}  // namespace sluice::eni
