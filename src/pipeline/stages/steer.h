// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Sends a packet to the worker that owns its flow, unless it is this one.
///
/// The owner of a packet to a SNAT address is that of its tuple as it stands; of any other, that of
/// the tuple with the pod as source (between two pods the lower address first). So both directions
/// of a flow have one owner. Where mappings are endpoint-independent, the external port alone
/// decides inbound, and the pod's side alone outbound. Reads: the tuple. With one worker there is
/// nothing to do.
///
/// A packet from a queue that is trusted (nic_queue.h) is left unsteered: Lookup looks for its
/// session here, and only if there is none asks for its owner.
class Steer {
 public:
  explicit Steer(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
};

/// The owner of a packet with this tuple; an ICMP error's is that of the packet it answers.
[[nodiscard]] WorkerId owner_of(const nat::FlowKey& tuple, const Context& context) noexcept;

/// Asks for a packet's owner; false: another worker, for which the packet is now.
bool steer(Packet& packet, Context& context) noexcept;

/// The same for one that a NIC hashed, with a look at whether the NIC was right.
bool steer_what_nic_brought(Packet& packet, Context& context) noexcept;

}  // namespace sluice::pipeline
