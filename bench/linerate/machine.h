// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sluice::bench {

/// What a figure depends on beside the program: CPU, TSC, kernel, DPDK, compiler, hugepages, burst,
/// rings. Needs EAL.
[[nodiscard]] nlohmann::ordered_json describe_machine();

/// EAL's arguments for so much memory: in hugepages where enough are free, as sluice takes it by
/// itself, else in ordinary pages.
[[nodiscard]] std::vector<std::string> memory_arguments(unsigned mib);

}  // namespace sluice::bench
