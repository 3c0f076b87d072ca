// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Chooses the external port of a new flow.
///
/// A port is free when the tuple (remote -> SNAT address and port) is held by no session: the same
/// port serves any number of remotes. Among those, only ports whose reply comes back to this
/// worker may be chosen; then no two workers can ever choose the same tuple, and no lock is needed.
///
/// With H the owner hash of the reply to port 0 and T(p) what port p adds, the reply is ours iff
/// RETA[(H ^ T(p)) mod 128] is this worker. So ports are kept by class T(p) mod 128: for every RETA
/// entry e of ours, all of class (H ^ e) mod 128 will do.
///
/// A few random ports of these are looked up first. Where all are taken the remote is crowded, and
/// from then on a map of its ports (crowded_remotes.h) says which are free, to the last one.
///
/// Owner: one worker. No memory is taken after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nat/crowded_remotes.h"
#include "nat/flow_table.h"
#include "nat/owner.h"
#include "nat/port_classes.h"
#include "nat/random.h"

namespace sluice::nat {

class PortAllocator {
 public:
  /// The table, which outlives the allocator, tells it from now on what opens and ends, and says in
  /// its header whose flows it holds.
  PortAllocator(const OwnerFunction& owner, WorkerId self, FlowTable& table, std::uint64_t seed);

  /// What is known of a choice beforehand, by draw().
  struct Drawn {
    std::uint32_t base;        ///< the owner hash of the reply to port 0
    std::optional<Be16> port;  ///< the first one to try
  };
  /// What a flow wants: the reply's key with destination_port left 0, and the port it would keep.
  struct Request {
    FlowKey reply;
    std::optional<Be16> preferred;  ///< port_selection: preserve
    bool reclaim = false;           ///< take the port that has rested longest if none is free
    std::optional<Drawn> drawn;
  };
  /// Draws the port that choose() is to try first, and fetches what it will look at then: done for
  /// all of a burst beforehand, the flows wait for memory together. Looks nothing up.
  [[nodiscard]] Drawn draw(const Request& request, const PortClasses& classes) noexcept;
  /// A free port of this worker, or nothing when the last one towards this remote is in use.
  [[nodiscard]] std::optional<Be16> choose(const Request& request,
                                           const PortClasses& classes,
                                           Instant now) noexcept;
  /// The same for an endpoint-independent mapping, from this worker's slice; the reply's remote is
  /// left 0.
  [[nodiscard]] std::optional<Be16> choose_for_mapping(const Request& request,
                                                       const PortClasses& classes,
                                                       Instant now) noexcept;

  /// The classes that are chosen from are others now (a reload).
  void note_other_classes() noexcept { crowded_.forget(); }

  /// How often the flow table was asked whether a port is free, in all.
  [[nodiscard]] std::uint64_t lookups() const noexcept { return lookups_; }
  [[nodiscard]] const CrowdedRemotes& crowded() const noexcept { return crowded_; }

 private:
  /// Ports to choose from: those allowed, of the class (base ^ e) mod 128 for each e in entries.
  struct Choice {
    FlowKey reply;
    const PortBits& allowed;
    std::uint32_t base;
    std::span<const std::uint8_t> entries;

    [[nodiscard]] unsigned class_at(std::size_t i) const noexcept {
      return (base ^ entries[i]) % kPortClasses;
    }
  };

  [[nodiscard]] bool is_free(const FlowKey& reply, Be16 port, Instant now) noexcept;
  [[nodiscard]] bool may_keep(const Request& request,
                              const PortClasses& classes,
                              std::uint32_t base) const noexcept;
  [[nodiscard]] std::optional<Be16> draw_of(std::uint32_t base,
                                            const PortClasses& classes) noexcept;
  [[nodiscard]] std::optional<Be16> from_map(const Choice& choice, Instant now) noexcept;
  [[nodiscard]] std::optional<Be16> pick(PortMap& map, const Choice& choice, Instant now) noexcept;
  [[nodiscard]] std::optional<Be16> pick_of_class(const PortMap& map,
                                                  const Choice& choice,
                                                  unsigned number) noexcept;
  void learn(PortMap& map, const Choice& choice, unsigned number, Instant now) noexcept;
  void check(PortMap& map, const Choice& choice, Instant now) noexcept;
  [[nodiscard]] std::optional<Be16> reclaim(const Choice& choice, Instant now) noexcept;
  [[nodiscard]] SessionIndex rested_longest(const PortMap& map,
                                            const Choice& choice,
                                            Instant now) noexcept;
  template <typename Visit>
  void visit_holders(
      const PortMap& map, const Choice& choice, unsigned number, Instant now, Visit visit) noexcept;

  const OwnerFunction& owner_;
  FlowTable& table_;
  WorkerId self_;
  std::vector<std::uint8_t> entries_;  ///< RETA entries of this worker
  Random random_;
  CrowdedRemotes crowded_;
  std::uint64_t lookups_ = 0;
};

}  // namespace sluice::nat
