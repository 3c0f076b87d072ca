// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Flows that were refused for want of room, once a second and a reason: how many, and whose the
/// last one was. Owner: the main thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "gateway/gateway.h"

namespace sluice::telemetry {

struct Refusal {
  pipeline::DropReason reason{};
  std::uint64_t count = 0;
  nat::FlowKey last{};  ///< as the pod sent it
};
/// As the log tells it.
[[nodiscard]] std::string to_text(const Refusal& refusal);

class Refusals {
 public:
  /// What is due to be told; nothing within a second of the last time.
  [[nodiscard]] std::vector<Refusal> due(const gateway::Gateway& gateway, Instant now);

 private:
  Instant next_{};
  std::array<std::uint64_t, pipeline::kDropReasons> told_{};
};

}  // namespace sluice::telemetry
