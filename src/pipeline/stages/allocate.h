// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <optional>

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Opens a session for the first packet of a flow: SNAT address, external port, record. A
/// translated flow that finds no room is refused with its reason; a preserved one goes on without a
/// record.
class Allocate {
 public:
  explicit Allocate(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  using Drawn = nat::PortAllocator::Drawn;
  /// Where a translated flow shows itself outside, and to whom.
  struct External {
    Ipv4Addr address;
    Be16 port;
    DeviceId device;
    const eni::Place* remote;
  };

  void draw_ports(Burst& burst) noexcept;
  void report_refused(Burst& burst) noexcept;
  void allocate(Packet& packet, std::optional<Drawn> drawn, Instant now) noexcept;
  [[nodiscard]] bool may_open(Packet& packet) noexcept;
  struct PortWish {
    bool independent;            ///< of the remote
    bool reclaim;                ///< of a session that has ended, if need be
    std::optional<Drawn> drawn;  ///< towards the first address
  };
  [[nodiscard]] bool is_held(nat::FlowKey reply, Be16 port, Instant now) noexcept;
  [[nodiscard]] std::optional<Be16> choose_port(const Packet& packet,
                                                Ipv4Addr address,
                                                const PortWish& wish,
                                                Instant now) noexcept;
  void add_session(Packet& packet,
                   const External& external,
                   std::uint8_t flags,
                   Instant now) noexcept;
  [[nodiscard]] bool add_mapping(Packet& packet, const External& external, Instant now) noexcept;
  void open_preserved(Packet& packet, Instant now) noexcept;
  void open_translated(Packet& packet, std::optional<Drawn> drawn, Instant now) noexcept;
  [[nodiscard]] bool may_leave(Packet& packet, DeviceId out) noexcept;
  void open_on_own_mapping(Packet& packet,
                           const nat::SessionIdentity& mapping,
                           Instant now) noexcept;
  [[nodiscard]] std::optional<External> find_external(Packet& packet,
                                                      const policy::SourcePool& pool,
                                                      std::size_t first,
                                                      PortWish wish,
                                                      Instant now) noexcept;
  /// Passes a first packet to the worker that is to hold its session.
  void pass_or_refuse(Packet& packet, WorkerId holder, Instant now) noexcept;

  Context& context_;
  std::array<std::optional<Drawn>, kBurstSize> drawn_;  ///< by the packet's place
};

/// Opens a session on the endpoint-independent mapping that a packet's destination names, for a
/// remote that the pod has not written to. The packet's tuple is as the remote sent it.
void open_on_mapping(Packet& packet, Context& context, Instant now) noexcept;

}  // namespace sluice::pipeline
