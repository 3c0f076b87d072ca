// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// How a flow table's memory begins: what whoever finds that memory has to know to read it, and to
/// tell whether it may be believed. Offsets only. A gateway takes new memory at each start; this is
/// for a later one that takes over what an earlier one left (ARCHITECTURE.md).
#pragma once

#include <array>
#include <cstdint>

#include "core/ids.h"
#include "nat/owner.h"

namespace sluice::nat {

struct alignas(64) TableHeader {
  static constexpr std::uint64_t kMagic = 0x656c626174756c73;  ///< "slutable", as memory holds it
  /// Of everything in the mapping: this, Bucket, Session, SessionState. Another layout, another
  /// number.
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t magic = 0;  ///< written last, once the rest holds; until then nothing does
  std::uint32_t version = kVersion;
  std::uint32_t bytes = sizeof(TableHeader);
  std::uint32_t capacity = 0;  ///< records
  std::uint32_t buckets = 0;
  std::uint64_t buckets_at = 0, records_at = 0;  ///< offsets from here
  std::uint64_t hash_seed = 0;                   ///< of KeyHash
  // Whose flows these are: what the owner function says of their replies.
  WorkerId worker{};
  std::uint8_t workers = 0;  ///< 0: nobody's yet
  ToeplitzKey key{};
  std::array<WorkerId, kRetaSize> reta{};
};
static_assert(sizeof(TableHeader) == 256);

}  // namespace sluice::nat
