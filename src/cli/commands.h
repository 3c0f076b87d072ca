// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The program's commands. Each returns the exit status.
#pragma once

#include "cli/options.h"

namespace sluice::cli {

int run(const Options& options);
int check(const Options& options);
int console(const Options& options);
int version();

}  // namespace sluice::cli
