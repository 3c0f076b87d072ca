// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Commands that go over all sessions, some a turn of the main thread.
#pragma once

#include <functional>

#include "console/view.h"
#include "gateway/gateway.h"
#include "telemetry/census.h"

namespace sluice::console {

/// About a millisecond: ARP and neighbour discovery wait no longer than that for their turn.
inline constexpr unsigned kRecordsAStep = 4096;

/// Counts who uses what, then says so.
class CensusTask : public Task {
 public:
  using Say = std::function<View(const telemetry::Census&)>;
  CensusTask(Session& session, const Arguments& arguments, Say say)
      : census_(session.gateway), arguments_(arguments), say_(std::move(say)) {}

  std::optional<Answer> step() override {
    if (census_.step(kRecordsAStep)) return std::nullopt;
    return shown(say_(census_), arguments_);
  }

 private:
  telemetry::Census census_;
  Arguments arguments_;
  Say say_;
};

[[nodiscard]] Reply clear_flows(Session& session, const Arguments& arguments);

}  // namespace sluice::console
