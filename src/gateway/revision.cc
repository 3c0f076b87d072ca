// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/revision.h"

#include <algorithm>

namespace sluice::gateway {

using nat::Direction;

void Revision::step(const eni::EniMap& enis, Instant now, unsigned at_most) noexcept {
  for (unsigned i = 0; i < at_most && active(); ++i) {
    const nat::SessionIndex index{next_++};
    // What is past its time is the sweep's.
    if (!table_.expired(table_.at(index), now)) look_at(index, enis, now);
  }
}

void Revision::look_at(nat::SessionIndex index, const eni::EniMap& enis, Instant now) noexcept {
  nat::Session& session = table_.at(index);
  // The packet before this one, of the same burst, may have ended it.
  if (session.state() == nat::SessionState::kFree) return;
  const nat::SessionIdentity& id = session.identity;
  if (!id.is_session()) return;  // a mapping goes with its last session
  const Ipv4Addr pod{id.pod};
  const Ipv4Addr remote{id.remote};
  const Ipv4Addr snat{id.snat};
  const auto end = [&] {
    table_.erase(index, now);
    ended_.add(1);
  };
  // A translated flow's address has to be ours even where it only goes from pod to pod.
  if (id.translated() && enis.owner(snat, remote) == kNoDevice) return end();
  bool moved = false;
  for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) {
    const bool outbound = direction == Direction::kOutbound;
    const Ipv4Addr source = outbound ? snat : remote;
    const Ipv4Addr destination = outbound ? remote : pod;
    const DeviceId out = neighbours_.device(session.adjacency_id(direction));
    if (out == kNoDevice || enis.may_emit(out, source)) continue;
    const DeviceId other = enis.egress(source, destination);
    if (other == kNoDevice) return end();
    const auto adjacency = neighbours_.find(other, enis.next_hop(other, destination));
    session.adjacency[nat::Session::index(direction)].set(adjacency.value);
    moved = true;
  }
  if (moved) moved_.add(1);
}

bool Revision::may_leave(const pipeline::Packet& packet,
                         const eni::EniMap& enis,
                         Instant now) noexcept {
  // IPv6 has no sessions: it was decided by the map that is in force.
  if (packet.kind == pipeline::Kind::kIpv6 || packet.kind == pipeline::Kind::kArp) return true;
  if (enis.may_emit(packet.out, Ipv4Addr{packet.ipv4().source})) return true;
  if (packet.found) look_at(packet.found.session, enis, now);
  return false;
}

bool same_sources(const config::Config& a, const config::Config& b) {
  const auto same_enis = std::equal(a.enis.begin(), a.enis.end(), b.enis.begin(), b.enis.end(),
                                    [](const config::EniConfig& x, const config::EniConfig& y) {
                                      return x.address == y.address && x.address6 == y.address6 &&
                                             x.secondary == y.secondary &&
                                             x.prefixes == y.prefixes && x.forwards == y.forwards;
                                    });
  return same_enis &&
         std::equal(a.pod_ports.begin(), a.pod_ports.end(), b.pod_ports.begin(), b.pod_ports.end(),
                    [](const auto& x, const auto& y) { return x.pods == y.pods; });
}

}  // namespace sluice::gateway
