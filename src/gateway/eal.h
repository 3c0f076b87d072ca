// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// DPDK's environment: composed for what the configuration needs, started once a process.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "config/config.h"
#include "core/result.h"

namespace sluice::gateway {

struct EalRequest {
  unsigned workers = 1;
  std::vector<std::string> devices;  ///< as configured
  std::size_t memory_bytes = 0;      ///< for buffers and tables in DPDK's memory
  std::vector<std::string> extra;    ///< the user's arguments after "--"
};

/// What was chosen, for the log.
struct EalChoice {
  std::string memory;  ///< "hugepages", "ordinary pages (no hugepages are free)", …
  std::string cores;
  bool own_files = false;  ///< the run-time folder is this process's alone
};

/// Composes arguments and initialises EAL. Cores and memory are chosen here unless `extra` says
/// otherwise. An error with `usage` set is the user's (exit status 2).
struct EalError {
  std::string message;
  bool usage = false;
};
[[nodiscard]] std::variant<EalChoice, EalError> start_eal(const EalRequest& request);

/// A minimal environment for work without devices (explain, replay, tests): one core, ordinary
/// pages, no driver folders. No privileges needed.
[[nodiscard]] Status start_bare_eal(std::size_t memory_mib);

/// The worker lcores EAL started, in order.
[[nodiscard]] std::vector<unsigned> worker_lcores();

}  // namespace sluice::gateway
