// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_prefetch.h>

#include <cstdint>
#include <vector>

#include "nat/flow_key.h"
#include "support/shape.h"

namespace sluice::bench {

/// What became of each flow's source on the way through the device under test: learned from the
/// packets that came out, so it needs no knowledge of the device.
class LearnedTable {
 public:
  LearnedTable(std::uint32_t sessions, std::uint8_t protocol)
      : protocol_(protocol), external_(sessions) {}

  [[nodiscard]] std::uint32_t sessions() const {
    return static_cast<std::uint32_t>(external_.size());
  }
  [[nodiscard]] std::uint8_t protocol() const { return protocol_; }
  [[nodiscard]] std::uint32_t known() const { return known_; }
  [[nodiscard]] bool knows(std::uint32_t session) const {
    return external_[session].address != Be32{};
  }

  /// False when it contradicts what was learned before.
  bool learn(std::uint32_t session, Be32 address, Be16 port) {
    External& external = external_[session];
    if (!knows(session)) {
      external = {address, port};
      ++known_;
      return true;
    }
    return external.address == address && external.port == port;
  }

  [[nodiscard]] nat::FlowKey outbound(std::uint32_t session) const {
    return flow(session, protocol_);
  }
  /// The flow as a remote sees it.
  [[nodiscard]] nat::FlowKey translated(std::uint32_t session) const {
    nat::FlowKey key = outbound(session);
    key.source = external_[session].address;
    key.source_port = external_[session].port;
    return key;
  }
  [[nodiscard]] nat::FlowKey inbound(std::uint32_t session) const {
    return translated(session).reversed();
  }
  void prefetch(std::uint32_t session) const { rte_prefetch0(&external_[session]); }

 private:
  struct External {
    Be32 address;
    Be16 port;
  };
  std::uint8_t protocol_;
  std::vector<External> external_;
  std::uint32_t known_ = 0;
};

}  // namespace sluice::bench
