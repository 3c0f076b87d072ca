// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <nlohmann/json.hpp>

namespace sluice::bench {

/// What a figure depends on beside the program: CPU, TSC, kernel, DPDK, compiler, hugepages, burst,
/// rings. Needs EAL.
[[nodiscard]] nlohmann::ordered_json describe_machine();

}  // namespace sluice::bench
