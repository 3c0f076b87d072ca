// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <chrono>
#include <string_view>

#include "core/result.h"

namespace sluice::config {

/// Longest duration of sluice.yaml: times are kept in 32 bits of milliseconds, which wrap after 49
/// days; a week leaves room for every comparison.
inline constexpr std::chrono::seconds kLongestDuration = std::chrono::hours{7 * 24};

/// A duration of sluice.yaml: whole numbers with a unit, "300s", "5m", "2h4m"; at least a second.
[[nodiscard]] Result<std::chrono::seconds> parse_duration(std::string_view text);

/// A duration as Go's time.ParseDuration reads it: "1h2m3s", "1.5s", "300ms", "-1m", "0".
[[nodiscard]] Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

}  // namespace sluice::config
