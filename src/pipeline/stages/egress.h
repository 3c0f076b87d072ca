// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Settles which neighbour on which device takes the packet. Sessions remember it; packets without
/// one are routed here.
class Egress {
 public:
  explicit Egress(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
};

}  // namespace sluice::pipeline
