// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `sluice check` without the rest of sluice, for the vectors: no EAL, starts in milliseconds.
#include <fmt/format.h>

#include <string_view>

#include "config/config.h"

int main(int argc, char** argv) {
  std::string path;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") json = true;
    if (argument == "--config" && i + 1 < argc) path = argv[++i];
  }
  const sluice::config::Loaded loaded = sluice::config::load(path);
  if (json) fmt::print("{}\n", sluice::config::to_json(loaded.problems));
  if (!json) {
    for (const auto& problem : loaded.problems) {
      fmt::print(stderr, "{}\n", sluice::config::to_text(problem));
    }
  }
  return sluice::config::has_errors(loaded.problems) ? 2 : 0;
}
