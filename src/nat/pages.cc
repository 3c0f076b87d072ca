// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/pages.h"

#include <sys/mman.h>

#include <fstream>
#include <string>
#include <string_view>

namespace sluice::nat {
namespace {

constexpr std::size_t kHugePage = 2U << 20;

constexpr std::size_t round_up(std::size_t value, std::size_t step) {
  return (value + step - 1) / step * step;
}

/// Bytes that could be had without taking them from anybody (proc(5)); 0: not known.
std::size_t available_memory() {
  std::ifstream info("/proc/meminfo");
  std::string name;
  std::size_t kilobytes = 0;
  for (std::string rest; info >> name >> kilobytes; std::getline(info, rest)) {
    if (name == "MemAvailable:") return kilobytes << 10;
  }
  return 0;
}

}  // namespace

Pages map_pages(std::size_t wanted, std::size_t most) {
  constexpr int kProtection = PROT_READ | PROT_WRITE;
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  const std::size_t huge = round_up(wanted, kHugePage);
  if (wanted >= kHugePage && huge <= most) {
    void* memory = ::mmap(nullptr, huge, kProtection, kFlags | MAP_HUGETLB, -1, 0);
    if (memory != MAP_FAILED) return {memory, huge, "hugetlb"};
  }
  const std::size_t plain = round_up(wanted, 4096);
  void* memory = ::mmap(nullptr, plain, kProtection, kFlags | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return {nullptr, 0, ""};
  const bool transparent = wanted >= kHugePage && ::madvise(memory, plain, MADV_HUGEPAGE) == 0;
  return {memory, plain, transparent ? "transparent huge" : "plain"};
}

void populate(const Pages& pages) {
  // Where there is not as much again the kernel might end some process for it; huge pages of its
  // own pool are set aside already.
  const bool set_aside = std::string_view(pages.kind) == "hugetlb";
  if (!set_aside && pages.bytes > available_memory() / 2) return;
  static_cast<void>(::madvise(pages.memory, pages.bytes, MADV_POPULATE_WRITE));
}

void unmap_pages(void* memory, std::size_t bytes) noexcept { ::munmap(memory, bytes); }

}  // namespace sluice::nat
