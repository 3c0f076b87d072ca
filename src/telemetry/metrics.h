// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What Prometheus is told. Workers' counters are read as any thread may read them, all else comes
/// from the main thread's last look (Status); nothing here asks a device, walks a table or makes
/// anybody wait. No label takes a value per flow; pods and remotes are the busiest few.
#pragma once

#include <prometheus/metric_family.h>

#include <vector>

#include "telemetry/telemetry.h"

namespace sluice::telemetry {

/// Any thread.
[[nodiscard]] std::vector<prometheus::MetricFamily> collect(const Telemetry& telemetry);

}  // namespace sluice::telemetry
