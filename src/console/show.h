// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the show commands print. Each reads the gateway and changes nothing.
#pragma once

#include <string>

#include "gateway/gateway.h"

namespace sluice::console {

[[nodiscard]] std::string show_counters(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_drops(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_eni(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_flows(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_memory(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_neighbours(const gateway::Gateway& gateway);
[[nodiscard]] std::string show_policy(const gateway::Gateway& gateway);

/// Counts and drops as lines of "NAME VALUE", for the report at exit and for scripts.
[[nodiscard]] std::string counter_lines(const gateway::Gateway& gateway);

}  // namespace sluice::console
