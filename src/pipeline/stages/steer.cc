// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/steer.h"

namespace sluice::pipeline {

WorkerId owner_of(const nat::FlowKey& tuple, const Context& context) noexcept {
  const Ipv4Addr source{tuple.source};
  const Ipv4Addr destination{tuple.destination};
  const eni::EniMap& enis = context.enis();
  const eni::AddressFacts& to = enis.about(destination);
  nat::FlowKey key = tuple;
  const Snapshot& snapshot = *context.snapshot;
  if (to.snat) {
    if (snapshot.is_independent(destination)) {
      return snapshot.ports_for(key.protocol).owner_of(key.destination_port);
    }
  } else {
    const bool from_pod = enis.about(source).of_a_pod();
    const bool reverse = from_pod == to.of_a_pod() ? destination < source : to.of_a_pod();
    if (reverse) key = key.reversed();
    // All flows of one mapping have to meet: the remote is left out.
    if (!snapshot.independent.empty()) key.destination = {}, key.destination_port = {};
  }
  return context.owner.owner(context.owner.hash(key));
}

bool steer(Packet& packet, Context& context) noexcept {
  packet.unsteered = false;
  packet.owner = owner_of(packet.key, context);
  if (packet.owner == context.self) return true;
  packet.fate = Fate::kToWorker;
  return false;
}

bool steer_what_nic_brought(Packet& packet, Context& context) noexcept {
  context.nic_queues[packet.in.value].check({packet.key, packet.nic_hash}, context.self,
                                            context.owner);
  return steer(packet, context);
}

namespace {

/// What NICs hash by addresses and ports; behind options some do not look for ports.
bool is_hashable(const Packet& packet) noexcept {
  constexpr unsigned kWithoutOptions = sizeof(net::EthernetHeader) + sizeof(net::Ipv4Header);
  return packet.kind == Kind::kFlow && packet.fragmentation == nullptr &&
         packet.l4_offset == kWithoutOptions &&
         (packet.key.protocol == net::kTcp || packet.key.protocol == net::kUdp);
}

}  // namespace

void Steer::process(Burst& burst) noexcept {
  if (context_.owner.workers() == 1) return;
  for (Packet& packet : burst) {
    const bool has_owner = packet.kind == Kind::kFlow || packet.kind == Kind::kIcmpError;
    if (!packet.live() || !has_owner || packet.steered) continue;
    if (context_.nic_queues.empty() || !is_hashable(packet)) {
      steer(packet, context_);
      continue;
    }
    NicQueue& queue = context_.nic_queues[packet.in.value];
    if (!packet.hashed) {
      queue.note_unhashed();
      steer(packet, context_);
    } else if (queue.trusted()) {
      packet.unsteered = true;
    } else {
      steer_what_nic_brought(packet, context_);
    }
  }
}

}  // namespace sluice::pipeline
