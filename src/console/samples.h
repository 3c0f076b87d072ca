// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The packets that threads kept as samples of what they dropped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"

namespace sluice::console {

struct DroppedPacket {
  pipeline::DropReason reason{};
  pipeline::DropSample sample;
  double seconds_ago = 0;
  std::string device;    ///< by which it came in; empty: not known
  std::string packet;    ///< as it came in where that is known, else what its bytes say
  bool is_flow = false;  ///< `packet` is as `explain` takes it
};

[[nodiscard]] std::optional<pipeline::DropReason> reason_named(std::string_view metric);

/// The samples of one reason, or of all, the last first.
[[nodiscard]] std::vector<DroppedPacket> last_dropped(const gateway::Gateway& gateway,
                                                      std::optional<pipeline::DropReason> reason);

/// Absent: never.
[[nodiscard]] std::optional<double> seconds_since_last(const gateway::Gateway& gateway,
                                                       pipeline::DropReason reason);

}  // namespace sluice::console
