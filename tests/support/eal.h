// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

namespace sluice::test {

/// Starts DPDK's EAL once for this process: no hugepages, no devices, 128 MB, one lcore, no files.
/// Call it from what needs it (a fixture's constructor); later calls do nothing. A failure ends
/// the process, as no test could say more.
void start_eal();

}  // namespace sluice::test
