// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The program's commands. Each returns the exit status.
#pragma once

#include <optional>

#include "cli/options.h"
#include "config/config.h"

namespace sluice::cli {

int run(const Options& options);
int check(const Options& options);
int console(const Options& options);
int explain(const Options& options);
int replay(const Options& options);
int discover(const Options& options);
int manual(const Options& options);
int version();

/// Prints every problem on standard error; the configuration, or nothing if it has errors.
[[nodiscard]] std::optional<config::Config> or_problems(config::Loaded loaded);
/// Reads a configuration and prints every problem on standard error; nothing if it has errors.
[[nodiscard]] std::optional<config::Config> load_config(const std::string& path);

}  // namespace sluice::cli
