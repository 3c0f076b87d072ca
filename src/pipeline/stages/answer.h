// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/answer_budget.h"
#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Tells the sender why its packet was dropped, where the drop asks for it: an ICMP error that
/// quotes the packet as it came, or an RST. The answer is built in the dropped packet's buffer and
/// goes back to the neighbour it came from, from an address that device may emit; rate limited.
/// Reads: ENI map. Writes: the dropped frame.
class Answer {
 public:
  explicit Answer(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
  AnswerBudget budget_;
};

}  // namespace sluice::pipeline
