// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <cstdio>

#include "cli/commands.h"
#include "config/config.h"

namespace sluice::cli {

std::optional<config::Config> load_config(const std::string& path) {
  config::Loaded loaded = config::load(path);
  for (const auto& problem : loaded.problems) {
    fmt::print(stderr, "{}\n", config::to_text(problem));
  }
  if (config::has_errors(loaded.problems)) return std::nullopt;
  return std::move(loaded.config);
}

int check(const Options& options) {
  const config::Loaded loaded = config::load(options.config);
  const bool bad = config::has_errors(loaded.problems) || !loaded.config;
  if (options.json) {
    fmt::print("{}\n", config::to_json(loaded.problems));
  } else {
    for (const auto& problem : loaded.problems) {
      fmt::print(stderr, "{}\n", config::to_text(problem));
    }
    if (!bad) fmt::print("{}: ok\n", options.config);
  }
  return bad ? kBadUsage : kDone;
}

}  // namespace sluice::cli
