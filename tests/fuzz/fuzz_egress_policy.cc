// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any text as a file of EgressNATPolicy manifests.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/egress_nat_policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  Problems problems;
  const auto policies = parse_egress_nat_policies({reinterpret_cast<const char*>(data), size},
                                                  Source{"policy.yaml", problems});
  if (!has_errors(problems)) {
    for (const EgressNatPolicy& policy : policies) {
      if (policy.name.empty()) std::abort();
    }
  }
  if (to_json(problems).empty()) std::abort();
  return 0;
}
