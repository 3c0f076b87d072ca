// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/heap.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <memory>
#include <new>
#include <stdexcept>

#include "nat/pages.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kPage = std::size_t{2} << 20;

void check(int code, const char* what) {
  if (code == 0) return;
  throw std::runtime_error(fmt::format("{}: {}", what, rte_strerror(rte_errno)));
}

}  // namespace

Heap::Heap(std::size_t bytes)
    : name_(fmt::format("bench-{}", static_cast<const void*>(this))),
      bytes_((bytes + kPage - 1) / kPage * kPage) {
  const nat::Pages pages = nat::map_pages(bytes_ + kPage, bytes_ + 2 * kPage);
  if (pages.memory == nullptr) throw std::bad_alloc{};
  mapping_ = memory_ = pages.memory;
  mapped_bytes_ = pages.bytes;
  std::size_t room = pages.bytes;
  std::align(kPage, bytes_, memory_, room);
  check(rte_malloc_heap_create(name_.c_str()), "rte_malloc_heap_create");
  check(rte_malloc_heap_memory_add(name_.c_str(), memory_, bytes_, nullptr,
                                   static_cast<unsigned>(bytes_ / kPage), kPage),
        "rte_malloc_heap_memory_add");
  socket_ = rte_malloc_heap_get_socket(name_.c_str());
}

Heap::~Heap() {
  rte_malloc_heap_memory_remove(name_.c_str(), memory_, bytes_);
  rte_malloc_heap_destroy(name_.c_str());
  nat::unmap_pages(mapping_, mapped_bytes_);
}

std::size_t Heap::bytes_used() const {
  rte_malloc_socket_stats stats{};
  rte_malloc_get_socket_stats(socket_, &stats);
  return stats.heap_allocsz_bytes;
}

}  // namespace sluice::bench
