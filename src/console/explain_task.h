// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `explain` on the console: what would become of a packet now, and what became of the last one
/// that was dropped.
#pragma once

#include "console/commands.h"

namespace sluice::console {

[[nodiscard]] Reply explain_flow(Session& session, const Arguments& arguments);
[[nodiscard]] Reply explain_last_drop(Session& session, const Arguments& arguments);

}  // namespace sluice::console
