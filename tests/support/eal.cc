// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/eal.h"

#include <rte_eal.h>
#include <rte_errno.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace sluice::test {

void start_eal() {
  static const bool started = [] {
    // The EAL may write to its arguments.
    static char arguments[][20] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
                                   "-m",   "128",       "--lcores", "0@0"};
    std::array<char*, std::size(arguments)> argv{};
    for (std::size_t i = 0; i < argv.size(); ++i) argv[i] = arguments[i];
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) >= 0) return true;
    std::fprintf(stderr, "the EAL does not start: %s\n", rte_strerror(rte_errno));
    std::exit(EXIT_FAILURE);
  }();
  (void)started;
}

}  // namespace sluice::test
