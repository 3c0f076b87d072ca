// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Writes the Ethernet header. A packet whose next hop has not answered yet waits with the main
/// thread.
class Emit {
 public:
  explicit Emit(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
};

}  // namespace sluice::pipeline
