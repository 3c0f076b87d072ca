// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/emit.h"

namespace sluice::pipeline {

void Emit::process(Burst& burst) noexcept {
  for (Packet& packet : burst) {
    if (!packet.live()) continue;
    const auto mac = context_.neighbours.mac(packet.adjacency);
    net::EthernetHeader& ethernet = packet.ethernet();
    ethernet.source = context_.link(packet.out).mac;
    if (!mac) [[unlikely]] {
      packet.next_hop = context_.enis().next_hop(packet.out, packet.destination());
      packet.fate = Fate::kAwaitNeighbour;
      continue;
    }
    ethernet.destination = *mac;
    packet.fate = Fate::kEmit;
  }
}

}  // namespace sluice::pipeline
