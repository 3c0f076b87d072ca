// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// By which device, and to which neighbour, each direction of a new session leaves.
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// An address and what the map knows of it.
struct End {
  Ipv4Addr address;
  const eni::Place& place;
};
[[nodiscard]] inline End end_at(Be32 address, const Context& context) noexcept {
  return {Ipv4Addr{address}, context.enis().place(Ipv4Addr{address})};
}

[[nodiscard]] inline nat::AdjacencyId adjacency_to(Context& context,
                                                   DeviceId device,
                                                   const End& to) noexcept {
  if (device == kNoDevice) return nat::kNoAdjacency;
  const Ipv4Addr next_hop = context.enis().next_hop(device, to.address, to.place);
  return context.adjacencies.find(context.neighbours, device, next_hop);
}

/// The way back to a pod: its pod port, else the ENI its flow came in by, if that may emit what
/// the remote sends.
[[nodiscard]] inline nat::AdjacencyId way_back(Context& context,
                                               const Packet& packet,
                                               const End& pod,
                                               const End& remote) noexcept {
  const DeviceId pod_port = pod.place.facts.pod_port;
  const DeviceId device = pod_port != kNoDevice ? pod_port : packet.in;
  if (!context.enis().may_emit(device, remote.place)) return nat::kNoAdjacency;
  return adjacency_to(context, device, pod);
}

/// The way out for a pod's answers to a flow opened from outside: the device it came in by if that
/// may emit the pod's address, else one that may.
[[nodiscard]] inline nat::AdjacencyId way_of_answers(Context& context,
                                                     const Packet& packet,
                                                     const End& pod,
                                                     const End& remote) noexcept {
  const eni::EniMap& enis = context.enis();
  const bool may = enis.may_emit(packet.in, pod.place);
  const DeviceId device = may ? packet.in : enis.owner(pod.place, remote.place);
  return adjacency_to(context, device, remote);
}

}  // namespace sluice::pipeline
