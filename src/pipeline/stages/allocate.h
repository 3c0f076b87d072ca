// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Opens a session for the first packet of a flow: SNAT address, external port, record. A translated
/// flow that finds no room is refused with its reason; a preserved one goes on without a record.
class Allocate {
 public:
  explicit Allocate(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  void allocate(Packet& packet, Instant now) noexcept;
  void open_preserved(Packet& packet, Instant now) noexcept;
  void open_translated(Packet& packet, Instant now) noexcept;

  Context& context_;
};

}  // namespace sluice::pipeline
