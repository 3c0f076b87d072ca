// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `check [--json] FILE`: what that configuration would change for the flows in the table.
#pragma once

#include "console/commands.h"

namespace sluice::console {

[[nodiscard]] Reply start_check(Session& session, const Arguments& arguments);

}  // namespace sluice::console
