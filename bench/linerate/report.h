// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A trial's outcome and a run's phases as JSON; a run as lines for people.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "linerate/device_under_test.h"
#include "linerate/search.h"
#include "linerate/tester.h"

namespace sluice::bench {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const Outcome& outcome);
[[nodiscard]] Json to_json(const SearchResult& result);
/// Percentiles in nanoseconds, and every bucket.
[[nodiscard]] Json latency_json(const Histogram& latency);
/// Cycles a packet of the device's worker between two moments; null where it cannot tell.
[[nodiscard]] Json busy_json(const std::optional<Busy>& before, const std::optional<Busy>& after);

/// The whole report, as a table.
[[nodiscard]] std::string to_text(const Json& report);

}  // namespace sluice::bench
