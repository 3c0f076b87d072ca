// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "gateway/frame_tag.h"
#include "nat/flow_key.h"

namespace sluice::gateway {

/// The flow of a frame that waits for its next hop (FrameTag::What::kAwait), as the packet came in:
/// the frame itself is translated by then. Lies behind its tag. No protocol: not known.
[[nodiscard]] inline nat::FlowKey& awaited_flow(rte_mbuf* frame) noexcept {
  static_assert(sizeof(FrameTag) + sizeof(nat::FlowKey) <= kTagRoom);
  static_assert(sizeof(FrameTag) % alignof(nat::FlowKey) == 0);
  return *reinterpret_cast<nat::FlowKey*>(&tag(frame) + 1);
}

}  // namespace sluice::gateway
