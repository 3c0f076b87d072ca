// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `trace` and `capture`.
#pragma once

#include "console/view.h"

namespace sluice::console {

[[nodiscard]] Reply trace_add(Session& session, const Arguments& arguments);
[[nodiscard]] Reply trace_clear(Session& session, const Arguments& arguments);
[[nodiscard]] Reply trace_stop(Session& session, const Arguments& arguments);
[[nodiscard]] Reply trace_show(Session& session, const Arguments& arguments);
[[nodiscard]] Reply capture_start(Session& session, const Arguments& arguments);
[[nodiscard]] Reply capture_show(Session& session, const Arguments& arguments);
[[nodiscard]] Reply capture_stop(Session& session, const Arguments& arguments);

}  // namespace sluice::console
