// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/egress.h"

namespace sluice::pipeline {
namespace {

/// Looks the next hop up by address: for packets without a session, and for sessions whose
/// neighbour had not answered when they opened.
void resolve(Packet& packet, Context& context) noexcept {
  if (packet.adjacency != nat::kNoAdjacency) {
    packet.next_hop = context.enis().next_hop(packet.out, packet.destination());
  }
  packet.adjacency = context.neighbours.find(packet.out, packet.next_hop);
  if (packet.found && !context.neighbours.is_glean(packet.adjacency)) {
    context.table.at(packet.found.session)
        .adjacency[nat::Session::index(packet.found.direction)]
        .set(packet.adjacency.value);
  }
}

}  // namespace

void Egress::process(Burst& burst) noexcept {
  for (Packet& packet : burst) {
    if (!packet.live()) continue;
    const bool settled =
        packet.adjacency != nat::kNoAdjacency && !context_.neighbours.is_glean(packet.adjacency);
    if (!settled) resolve(packet, context_);
  }
}

}  // namespace sluice::pipeline
