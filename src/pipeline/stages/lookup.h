// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <span>

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Finds the sessions of a burst and admits their packets: from the device they may come from.
/// A packet without a session stays live for Classify.
class Lookup {
 public:
  explicit Lookup(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
  // Of the burst under way; here so that they need not be cleared for each.
  std::array<Packet*, kBurstSize> wanting_{};
  std::array<nat::FlowKey, kBurstSize> keys_;
  std::array<nat::Found, kBurstSize> found_;
};

/// Takes `packet` as one of the session `packet.found`: verdict, adjacency, or a drop.
void admit(Packet& packet, Context& context) noexcept;
/// The same for those of `packets` that have found a session; the others stay live for Classify.
/// All of the burst that have found one are among them.
void admit(std::span<Packet* const> packets, Burst& burst, Context& context) noexcept;

/// Gives `packet` the way out that its session remembers for its direction, or drops it.
void take_route(Packet& packet, Context& context) noexcept;

}  // namespace sluice::pipeline
