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

void Steer::process(Burst& burst) noexcept {
  if (context_.owner.workers() == 1) return;
  for (Packet& packet : burst) {
    const bool has_owner = packet.kind == Kind::kFlow || packet.kind == Kind::kIcmpError;
    if (!packet.live() || !has_owner || packet.steered) continue;
    packet.owner = owner_of(packet.key, context_);
    if (packet.owner != context_.self) packet.fate = Fate::kToWorker;
  }
}

}  // namespace sluice::pipeline
