// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// After a reload took addresses away from ENIs: a worker goes over its sessions, some a turn, and
/// looks whether each may still leave as it does.
///
/// An open flow keeps its verdict over a reload, but no verdict lets a frame leave an ENI that may
/// not emit its source. Where another ENI may emit it, the session leaves there from now on; where
/// none may, it ends. Until the worker is through, it asks may_leave() of every frame it sends.
#pragma once

#include "eni/eni_map.h"
#include "eni/neighbour_table.h"
#include "nat/flow_table.h"
#include "pipeline/burst.h"

namespace sluice::gateway {

/// Owner: one worker. No allocation, no lock; the counts may be read by any thread.
class Revision {
 public:
  Revision(nat::FlowTable& table, const eni::NeighbourTable& neighbours)
      : table_(table), neighbours_(neighbours) {}

  /// Begins anew; sessions that open from here on know the new addresses.
  void begin() noexcept {
    next_ = 0;
    end_ = table_.touched();
  }
  [[nodiscard]] bool active() const noexcept { return next_ != end_; }

  /// Looks at the next `at_most` records.
  void step(const eni::EniMap& enis, Instant now, unsigned at_most) noexcept;

  /// Whether a packet that was decided by its session may leave. If not, its session is looked at
  /// at once, so that the next packet finds it put right or gone.
  [[nodiscard]] bool may_leave(const pipeline::Packet& packet,
                               const eni::EniMap& enis,
                               Instant now) noexcept;

  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_.get(); }
  [[nodiscard]] std::uint64_t moved() const noexcept { return moved_.get(); }

 private:
  void look_at(nat::SessionIndex index, const eni::EniMap& enis, Instant now) noexcept;

  nat::FlowTable& table_;
  const eni::NeighbourTable& neighbours_;
  std::uint32_t next_ = 0;
  std::uint32_t end_ = 0;
  nat::Relaxed<std::uint64_t> ended_;
  nat::Relaxed<std::uint64_t> moved_;
};

/// Whether the two let ENIs and pod ports emit the same sources.
[[nodiscard]] bool same_sources(const config::Config& a, const config::Config& b);

}  // namespace sluice::gateway
