// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Tells the log about flows that were refused for want of room, once a second and a reason: how many,
/// and whose the last one was. Owner: the main thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"
#include "gateway/gateway.h"

namespace sluice::telemetry {

class Refusals {
 public:
  /// The lines that are due; none within a second of the last ones.
  [[nodiscard]] std::vector<std::string> due(const gateway::Gateway& gateway, Instant now);

 private:
  Instant next_{};
  std::array<std::uint64_t, pipeline::kDropReasons> told_{};
};

}  // namespace sluice::telemetry
