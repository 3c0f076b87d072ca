// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <atomic>

#include "nat/flow_table.h"

namespace sluice::gateway {

/// What the main thread asks of a worker's table: its owner sees to it between bursts, by a bounded
/// step a turn. A function pointer and plain data, so that the worker neither allocates nor calls
/// virtually; what an errand needs lies in the struct derived from it.
struct Errand {
  /// True once it is done.
  bool (*step)(Errand& self, nat::FlowTable& table, Instant now) noexcept = nullptr;
  std::atomic<bool> done{false};  ///< what the worker found may be read from here on
};

}  // namespace sluice::gateway
