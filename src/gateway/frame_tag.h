// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_mbuf.h>

#include "core/ids.h"
#include "core/ip.h"

namespace sluice::gateway {

/// What a frame on a ring between threads is for; lies in the private area of its buffer.
struct FrameTag {
  enum class What : std::uint8_t {
    kSteered,   ///< to the worker that owns it: take it through the path
    kTransmit,  ///< to a worker that can send on `out`: it is ready
    kControl,   ///< to the main thread: ARP, ND
    kAwait,     ///< to the main thread: ready but for the next hop's MAC
  };
  What what{};
  DeviceId in = kNoDevice;
  DeviceId out = kNoDevice;
  IpAddr next_hop;
  bool redirected = false;     ///< kSteered: see pipeline::Packet
  std::uint8_t hops = 0;       ///< kSteered
  std::uint32_t recorded = 0;  ///< kSteered: its number where a tap follows it (tap.h)
};

inline constexpr std::uint16_t kTagRoom = 64;
static_assert(sizeof(FrameTag) <= kTagRoom);

[[nodiscard]] inline FrameTag& tag(rte_mbuf* frame) noexcept {
  return *static_cast<FrameTag*>(rte_mbuf_to_priv(frame));
}

}  // namespace sluice::gateway
