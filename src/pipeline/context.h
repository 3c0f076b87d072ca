// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>
#include <span>

#include "core/ids.h"
#include "eni/adjacency_cache.h"
#include "eni/neighbour_table.h"
#include "nat/flow_table.h"
#include "nat/late_syns.h"
#include "nat/notice.h"
#include "nat/owner.h"
#include "nat/port_allocator.h"
#include "net/headers.h"
#include "pipeline/counters.h"
#include "pipeline/drop_samples.h"
#include "pipeline/nic_queue.h"
#include "pipeline/reassembly.h"
#include "pipeline/snapshot.h"

namespace sluice::pipeline {

/// What a device is to the path: its own MAC address and how much IP fits into a frame.
struct Link {
  net::MacAddress mac{};
  std::uint16_t mtu = 1500;
};

/// What the stages of one worker work with. Everything but `snapshot` stays for its life.
struct Context {
  WorkerId self;
  const nat::OwnerFunction& owner;
  std::span<const Link> links;  ///< by DeviceId
  const eni::NeighbourTable& neighbours;
  nat::FlowTable& table;
  nat::PortAllocator& ports;
  Counters& counters;
  Reassembly& fragments;
  nat::Outbox& outbox;
  const Snapshot* snapshot = nullptr;  ///< set before each burst
  DropSamples* samples = nullptr;      ///< of packets whose buffer an answer takes; may be none
  nat::LateSyns late_syns{};
  eni::AdjacencyCache adjacencies{};
  std::span<NicQueue> nic_queues{};  ///< by DeviceId; none where there are no devices

  [[nodiscard]] const eni::EniMap& enis() const noexcept { return snapshot->enis; }
  /// Whether a pod holds as many sessions here as this worker's share of `flows.per_pod` allows.
  /// The shares add up to the limit; where one is used up another worker's serves (elsewhere.h).
  [[nodiscard]] bool at_pod_limit(Be32 pod) const noexcept {
    const std::uint32_t limit = snapshot->config.flows.per_pod;
    if (limit == 0) return false;
    const unsigned workers = owner.workers();
    const std::uint32_t share = limit / workers + (self.value < limit % workers ? 1 : 0);
    return table.sessions_of(pod) >= share;
  }
  [[nodiscard]] const Link& link(DeviceId device) const noexcept { return links[device.value]; }
};

}  // namespace sluice::pipeline
