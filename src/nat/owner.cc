// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/owner.h"

namespace sluice::nat {
namespace {

/// The 32 key bits that input bit `bit` (0 is the first byte's highest) adds to the hash.
std::uint32_t key_window(const ToeplitzKey& key, unsigned bit) {
  std::uint64_t window = 0;
  for (unsigned i = 0; i < 5; ++i) window = window << 8 | key[bit / 8 + i];
  return static_cast<std::uint32_t>(window >> (8 - bit % 8));
}

}  // namespace

OwnerFunction::OwnerFunction(const ToeplitzKey& key, unsigned workers) noexcept
    : workers_(workers) {
  for (unsigned i = 0; i < kRetaSize; ++i) {
    reta_[i] = WorkerId{static_cast<std::uint8_t>(i % workers)};
  }
  for (unsigned byte = 0; byte < table_.size(); ++byte) {
    for (unsigned value = 0; value < 256; ++value) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        if ((value & (0x80U >> bit)) != 0) table_[byte][value] ^= key_window(key, byte * 8 + bit);
      }
    }
  }
}

}  // namespace sluice::nat
