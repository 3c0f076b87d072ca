// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Frames in buffers as a mempool would hand them out: each an rte_mbuf with its data behind it, in
/// no order, and together larger than a level-2 cache. Nothing here is ever freed, so a path can be
/// run over them again and again.
#pragma once

#include <rte_mbuf.h>

#include <memory>
#include <span>
#include <vector>

#include "support/frame.h"

namespace sluice::bench {

class FramePool {
 public:
  explicit FramePool(unsigned frames);
  ~FramePool();
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  [[nodiscard]] std::span<rte_mbuf* const> frames() const { return order_; }

  /// Gives a buffer a frame of 64 bytes on the wire.
  static void write(rte_mbuf& buffer, const Macs& macs, const nat::FlowKey& key) noexcept;

 private:
  void* memory_;
  std::size_t bytes_;
  std::vector<rte_mbuf*> order_;
};

}  // namespace sluice::bench
