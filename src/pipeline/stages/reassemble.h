// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Holds IPv4 fragments until their datagram is whole; from there on it is a packet like any other,
/// which leaves in the pieces it came in. All fragments of a datagram meet at one worker, which the
/// datagram then leaves for its flow's. Reads: headers. Writes: Packet, the context's Reassembly.
class Reassemble {
 public:
  explicit Reassemble(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  [[nodiscard]] WorkerId meeting_place(const Packet& packet) const noexcept;

  Context& context_;
};

}  // namespace sluice::pipeline
