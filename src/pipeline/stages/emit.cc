// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/emit.h"

namespace sluice::pipeline {

void Emit::process(Burst& burst) noexcept {
  unsigned emitted = 0;
  for (Packet& packet : burst) {
    if (!packet.live()) continue;
    const std::uint64_t mac = context_.neighbours.mac_word(packet.adjacency);
    const net::MacAddress& own = context_.link(packet.out).mac;
    if (mac == 0) [[unlikely]] {
      packet.ethernet().source = own;
      packet.next_hop = context_.enis().next_hop(packet.out, packet.destination());
      packet.fate = Fate::kAwaitNeighbour;
      continue;
    }
    net::set_macs(packet.ethernet(), mac, own);
    packet.fate = Fate::kEmit;
    ++emitted;
  }
  burst.note_emitted(emitted);
}

}  // namespace sluice::pipeline
