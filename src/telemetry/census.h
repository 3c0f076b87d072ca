// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Who uses sessions and external ports: found by going over all flow tables, some records a turn,
/// as any reader may. Nothing is counted on the data path for it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "gateway/gateway.h"

namespace sluice::telemetry {

struct PodUse {
  std::uint64_t sessions = 0, translated = 0, packets = 0, bytes_out = 0, bytes_in = 0;
};

/// The sessions an egress address has towards one remote address and port: what its ports limit.
struct RemoteUse {
  Ipv4Addr address, remote;
  std::uint16_t remote_port = 0;
  std::uint8_t protocol = 0;
  std::uint64_t sessions = 0;
};

struct AddressUse {
  std::uint64_t sessions = 0;
  std::uint64_t mappings = 0;  ///< endpoint-independent ones
  RemoteUse busiest;           ///< the remote with the most of them
};

class Census {
 public:
  explicit Census(const gateway::Gateway& gateway) : gateway_(gateway) {}

  /// Looks at the next `at_most` records; false once all have been looked at.
  bool step(unsigned at_most);

  [[nodiscard]] const std::map<Ipv4Addr, PodUse>& pods() const { return pods_; }
  [[nodiscard]] const std::map<Ipv4Addr, AddressUse>& addresses() const { return addresses_; }
  [[nodiscard]] const std::array<std::uint64_t, nat::kSessionStates>& states() const {
    return states_;
  }
  [[nodiscard]] std::uint64_t sessions() const { return sessions_; }
  /// The busiest remotes of all addresses, most sessions first.
  [[nodiscard]] std::vector<RemoteUse> busiest(std::size_t at_most) const;
  /// Sessions towards remotes that were too many to be told apart.
  [[nodiscard]] std::uint64_t uncounted() const { return uncounted_; }

 private:
  static constexpr std::size_t kPods = 65'536;
  static constexpr std::size_t kRemotes = 262'144;
  struct Key {
    std::uint64_t addresses;
    std::uint32_t rest;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return (key.addresses ^ (std::uint64_t{key.rest} << 20)) * 0x9e3779b97f4a7c15ULL >> 7;
    }
  };

  void look_at(const nat::FlowTable::Snapshot& session);
  void finish();

  const gateway::Gateway& gateway_;
  std::size_t worker_ = 0;
  std::uint32_t record_ = 0;
  std::map<Ipv4Addr, PodUse> pods_;
  std::map<Ipv4Addr, AddressUse> addresses_;
  std::unordered_map<Key, RemoteUse, Hash> remotes_;
  std::array<std::uint64_t, nat::kSessionStates> states_{};
  std::uint64_t sessions_ = 0;
  std::uint64_t uncounted_ = 0;
};

}  // namespace sluice::telemetry
