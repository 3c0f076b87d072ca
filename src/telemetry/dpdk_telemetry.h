// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `/sluice/...` on DPDK's own telemetry socket, for dpdk-telemetry.py. Asked by DPDK's thread;
/// reads what a scrape of the metrics reads.
#pragma once

#include "telemetry/telemetry.h"

namespace sluice::telemetry {

/// Registers the commands; they answer from `telemetry` while this lives. One at a time.
class DpdkTelemetry {
 public:
  explicit DpdkTelemetry(const Telemetry& telemetry);
  ~DpdkTelemetry();
  DpdkTelemetry(const DpdkTelemetry&) = delete;
  DpdkTelemetry& operator=(const DpdkTelemetry&) = delete;
};

}  // namespace sluice::telemetry
