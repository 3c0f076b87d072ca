// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/owner.h"

#include <vector>

namespace sluice::nat {
namespace {

/// The 32 key bits that input bit `bit` (0 is the first byte's highest) adds to the hash.
std::uint32_t key_window(const ToeplitzKey& key, unsigned bit) {
  std::uint64_t window = 0;
  for (unsigned i = 0; i < 5; ++i) window = window << 8 | key[bit / 8 + i];
  return static_cast<std::uint32_t>(window >> (8 - bit % 8));
}

OwnerFunction::Tables make_tables(const ToeplitzKey& key) {
  OwnerFunction::Tables tables{};
  for (unsigned byte = 0; byte < tables.size(); ++byte) {
    for (unsigned value = 0; value < 256; ++value) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((value & (0x80U >> bit)) != 0) tables[byte][value] ^= key_window(key, byte * 8 + bit);
      }
    }
  }
  return tables;
}

PortLayout make_layout(const OwnerFunction::Tables& tables) {
  std::vector<std::uint8_t> class_of(65536);
  for (unsigned port = 0; port < class_of.size(); ++port) {
    const std::uint32_t added = tables[10][port >> 8] ^ tables[11][port & 0xff];
    class_of[port] = static_cast<std::uint8_t>(added % kRetaSize);
  }
  return PortLayout(std::span<const std::uint8_t, 65536>(class_of));
}

}  // namespace

OwnerFunction::OwnerFunction(const ToeplitzKey& key, unsigned workers)
    : key_(key), workers_(workers), table_(make_tables(key)), layout_(make_layout(table_)) {
  for (unsigned i = 0; i < kRetaSize; ++i) {
    reta_[i] = WorkerId{static_cast<std::uint8_t>(i % workers)};
  }
}

}  // namespace sluice::nat
