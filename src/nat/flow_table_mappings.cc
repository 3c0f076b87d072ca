// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Endpoint-independent mappings, which are records of the flow table (session.h).
#include "nat/flow_table.h"

namespace sluice::nat {

SessionIndex FlowTable::mapping_by(const FlowKey& key) noexcept {
  const std::uint32_t* entry = entry_of(key, place_of(hash(key)));
  return entry == nullptr ? kNoSession : SessionIndex{*entry & kIndexMask};
}

SessionIndex FlowTable::find_mapping_of(Be32 pod, Be16 port, std::uint8_t protocol) noexcept {
  return mapping_by({pod, {}, port, {}, protocol, {}});
}

SessionIndex FlowTable::find_mapping_at(Be32 snat, Be16 port, std::uint8_t protocol) noexcept {
  return mapping_by({{}, snat, {}, port, protocol, {}});
}

bool FlowTable::hold_mapping(Be32 pod, Be16 port, std::uint8_t protocol) noexcept {
  const SessionIndex mapping = find_mapping_of(pod, port, protocol);
  if (mapping == kNoSession) return false;
  at(mapping).tcp_end[0].add(1);
  return true;
}

void FlowTable::let_go_of_mapping(Be32 pod,
                                  Be16 port,
                                  std::uint8_t protocol,
                                  Instant now) noexcept {
  const SessionIndex mapping = find_mapping_of(pod, port, protocol);
  auto& sessions = at(mapping).tcp_end[0];
  sessions.add(static_cast<std::uint32_t>(-1));
  if (sessions.get() == 0) erase(mapping, now);
}

}  // namespace sluice::nat
