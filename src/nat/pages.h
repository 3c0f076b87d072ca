// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Memory for a large table: in huge pages where there are some, for the sake of the TLB.
#pragma once

#include <cstddef>

namespace sluice::nat {

struct Pages {
  void* memory;  ///< zeroed; null: there is none
  std::size_t bytes;
  const char* kind;  ///< "hugetlb", "transparent huge" or "plain"
};

/// Huge pages if there are some, and rounding up to them stays within `most` bytes.
[[nodiscard]] Pages map_pages(std::size_t wanted, std::size_t most);
/// Takes the memory now, which the kernel otherwise gives page by page, at the cost of whoever
/// touches one first. Unless memory is short.
void populate(const Pages& pages);
void unmap_pages(void* memory, std::size_t bytes) noexcept;

}  // namespace sluice::nat
