// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Commands that change something.
#pragma once

#include "console/commands.h"

namespace sluice::console {

[[nodiscard]] Reply clear_counters(Session& session, const Arguments& arguments);
[[nodiscard]] Reply drain(Session& session, const Arguments& arguments);
[[nodiscard]] Reply quit(Session& session, const Arguments& arguments);
[[nodiscard]] Reply reload(Session& session, const Arguments& arguments);
[[nodiscard]] Reply set_log_level(Session& session, const Arguments& arguments);
[[nodiscard]] Reply set_steering(Session& session, const Arguments& arguments);
[[nodiscard]] Reply set_timeout(Session& session, const Arguments& arguments);
[[nodiscard]] Reply start(Session& session, const Arguments& arguments);
[[nodiscard]] Reply stop(Session& session, const Arguments& arguments);

}  // namespace sluice::console
