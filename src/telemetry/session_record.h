// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the session log says: plain values, for whatever form it is written in.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ip.h"
#include "nat/session_events.h"
#include "telemetry/refusals.h"

namespace sluice::telemetry {

/// Milliseconds since 1970 (UTC).
struct UtcMs {
  std::uint64_t value = 0;
};

/// A session was opened or has ended.
struct SessionRecord {
  UtcMs time;
  nat::SessionEvent event;
};

/// Flows were refused for want of room, within about a second before `time`.
struct ExhaustionRecord {
  UtcMs time;
  Refusal refusal;
  std::vector<Ipv4Addr> addresses;  ///< of ports_exhausted: those without a free port
  std::uint32_t limit = 0;          ///< of flow_table_full and pod_limit: what is configured
};

}  // namespace sluice::telemetry
