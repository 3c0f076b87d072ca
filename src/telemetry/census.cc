// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/census.h"

#include <algorithm>

namespace sluice::telemetry {

bool Census::step(unsigned at_most) {
  for (unsigned i = 0; i < at_most; ++i) {
    if (worker_ >= gateway_.workers().size()) return false;
    const nat::FlowTable& table = gateway_.workers()[worker_]->table();
    if (record_ >= table.touched()) {
      record_ = 0;
      if (++worker_ == gateway_.workers().size()) finish();
      continue;
    }
    if (const auto session = table.read(nat::SessionIndex{record_++})) look_at(*session);
  }
  return true;
}

void Census::look_at(const nat::FlowTable::Snapshot& session) {
  const nat::SessionIdentity& id = session.identity;
  if (id.is_mapping()) {
    ++addresses_[Ipv4Addr{id.snat}].mappings;
    return;
  }
  if (!id.is_session()) return;
  ++sessions_;
  ++states_[id.state % nat::kSessionStates];
  if (pods_.size() < kPods || pods_.contains(Ipv4Addr{id.pod})) {
    PodUse& pod = pods_[Ipv4Addr{id.pod}];
    ++pod.sessions;
    pod.translated += id.translated() ? 1 : 0;
    pod.packets += session.packets;
    pod.bytes_out += session.bytes[0];
    pod.bytes_in += session.bytes[1];
  }
  if (!id.translated()) return;
  ++addresses_[Ipv4Addr{id.snat}].sessions;
  const Key key{std::uint64_t{id.snat.raw()} << 32 | id.remote.raw(),
                std::uint32_t{id.remote_port.raw()} << 8 | id.protocol};
  auto found = remotes_.find(key);
  if (found == remotes_.end()) {
    if (remotes_.size() >= kRemotes) {
      ++uncounted_;
      return;
    }
    const RemoteUse fresh{Ipv4Addr{id.snat}, Ipv4Addr{id.remote}, id.remote_port.to_host(),
                          id.protocol, 0};
    found = remotes_.emplace(key, fresh).first;
  }
  ++found->second.sessions;
}

void Census::finish() {
  for (const auto& [key, use] : remotes_) {
    RemoteUse& busiest = addresses_[use.address].busiest;
    if (use.sessions > busiest.sessions) busiest = use;
  }
}

std::vector<RemoteUse> Census::busiest(std::size_t at_most) const {
  std::vector<RemoteUse> all;
  all.reserve(remotes_.size());
  for (const auto& [key, use] : remotes_) all.push_back(use);
  const auto more = [](const RemoteUse& a, const RemoteUse& b) {
    if (a.sessions != b.sessions) return a.sessions > b.sessions;
    return std::tie(a.address, a.remote, a.remote_port, a.protocol) <
           std::tie(b.address, b.remote, b.remote_port, b.protocol);
  };
  const std::size_t count = std::min(at_most, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(), more);
  all.resize(count);
  return all;
}

}  // namespace sluice::telemetry
