// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstddef>
#include <string>

namespace sluice::bench {

/// Memory for DPDK's own tables in pages as large as the flow table's: without hugepages EAL would
/// give them pages of 4 KiB, and the comparison would be one of TLBs.
class Heap {
 public:
  explicit Heap(std::size_t bytes);
  ~Heap();
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  /// What rte_*_create() takes as a socket.
  [[nodiscard]] int socket() const { return socket_; }
  [[nodiscard]] std::size_t bytes_used() const;

 private:
  std::string name_;
  void* mapping_;
  std::size_t mapped_bytes_;
  void* memory_;
  std::size_t bytes_;
  int socket_;
};

}  // namespace sluice::bench
