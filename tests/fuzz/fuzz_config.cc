// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any text as sluice.yaml; the files it may name are small and of memory.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.h"
#include "config/files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  static const MemoryFiles files{{{"agent.yaml", "nonMasqueradeCIDRs: [10.0.0.0/8]\n"},
                                  {"policies/a.yaml",
                                   "apiVersion: networking.gke.io/v1\nkind: EgressNATPolicy\n"
                                   "metadata: {name: a}\nspec: {action: NoSNAT}\n"}}};
  const Loaded loaded =
      load_text({reinterpret_cast<const char*>(data), size}, "sluice.yaml", files);
  // Either a configuration or an error, and both forms of every problem can be written.
  if (loaded.config.has_value() == has_errors(loaded.problems)) std::abort();
  if (to_json(loaded.problems).empty()) std::abort();
  for (const Problem& problem : loaded.problems) {
    if (to_text(problem).find('\n') != std::string::npos) std::abort();
  }
  return 0;
}
