// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/stages/reassemble.h"

namespace sluice::pipeline {

WorkerId Reassemble::meeting_place(const Packet& packet) const noexcept {
  const net::Ipv4Header& ip = packet.ipv4();
  return context_.owner.owner(
      context_.owner.hash({ip.source, ip.destination, ip.id, {}, ip.protocol, {}}));
}

void Reassemble::process(Burst& burst) noexcept {
  context_.fragments.release(burst.now());
  for (Packet& packet : burst) {
    if (!packet.live() || packet.kind != Kind::kFragment) [[likely]]
      continue;
    const WorkerId meeting = meeting_place(packet);
    if (packet.redirected) {
      context_.fragments.take(packet, burst.now());
    } else if (meeting == context_.self) {
      context_.fragments.take(packet, burst.now());
      packet.steered = false;  // of the datagram it is not known yet
    } else if (packet.steered) {
      // A datagram of ours, whole at its first meeting.
      context_.fragments.take(packet, burst.now());
    } else {
      packet.owner = meeting;
      packet.fate = Fate::kToWorker;
    }
  }
}

}  // namespace sluice::pipeline
