// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What one worker's table has left for a flow that is to be opened, so that `explain` may say
/// which address and port would serve, or why none does. The worker looks between two bursts, and
/// changes nothing.
#pragma once

#include <bitset>
#include <optional>
#include <span>
#include <vector>

#include "core/ip.h"
#include "gateway/errand.h"
#include "nat/owner.h"
#include "nat/port_classes.h"
#include "pipeline/drop_reason.h"

namespace sluice::explain {

/// What the flow asks for. Copies: a reload may replace the snapshot meanwhile.
struct RoomRequest {
  nat::FlowKey reply;               ///< without its destination
  std::vector<Ipv4Addr> addresses;  ///< in the order in which they are tried; may be none
  std::bitset<65'536> ports;        ///< that may be chosen from
  Be16 wanted;                      ///< the port that is tried first
  bool independent = false;         ///< one port towards all remotes
  std::uint32_t records = 1;        ///< that it takes
  Be32 pod;
  std::uint32_t pod_limit = UINT32_MAX;  ///< this worker's share
};

class Room : public gateway::Errand {
 public:
  /// An address with a port.
  struct External {
    Ipv4Addr address;
    Be16 port;
  };
  /// What the first packet meets at this worker.
  struct Finding {
    std::optional<pipeline::DropReason> refused;
    std::optional<External> external;  ///< absent as well where none is to be chosen
  };

  Room(const nat::OwnerFunction& owner, WorkerId worker, RoomRequest request);

  // Once it is done.
  /// `reclaim`: a port that rests will do.
  [[nodiscard]] Finding finding(bool reclaim) const;
  [[nodiscard]] bool has_record() const noexcept { return records_free_ >= request_.records; }
  /// Of the address that serves, else of the first.
  [[nodiscard]] std::uint32_t ports(bool reclaim) const;
  [[nodiscard]] std::uint32_t ports_free(bool reclaim) const;
  [[nodiscard]] bool chooses() const noexcept { return !candidates_.empty(); }
  [[nodiscard]] WorkerId worker() const noexcept { return worker_; }
  [[nodiscard]] std::uint64_t sessions() const noexcept { return sessions_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }

 private:
  struct Candidate {
    nat::FlowKey reply;  ///< to this address, any port
    std::uint32_t ports = 0, free = 0;
    std::optional<Be16> next_free;  ///< from the wanted one on
    std::optional<Be16> resting;    ///< the longest
    std::int32_t rested_ms = -1;
  };

  [[nodiscard]] bool look(const nat::FlowTable& table, Instant now) noexcept;
  void count(const nat::FlowTable& table) noexcept;
  [[nodiscard]] bool look_at_ports(const nat::FlowTable& table, Instant now) noexcept;
  void look_at_port(Candidate& candidate,
                    Be16 port,
                    const nat::FlowTable& table,
                    Instant now) noexcept;
  [[nodiscard]] bool look_for_expired(const nat::FlowTable& table, Instant now) noexcept;
  [[nodiscard]] const Candidate* serving(bool reclaim) const noexcept;

  const nat::OwnerFunction& owner_;
  WorkerId worker_;
  RoomRequest request_;
  std::vector<Candidate> candidates_;
  std::size_t candidate_ = 0;  ///< looked at next
  std::uint32_t offset_ = 0;   ///< from the wanted port
  std::uint32_t record_ = 0;
  bool counted_ = false;
  std::uint32_t sessions_of_pod_ = 0;
  std::uint64_t sessions_ = 0, capacity_ = 0, records_free_ = 0;
};

}  // namespace sluice::explain
