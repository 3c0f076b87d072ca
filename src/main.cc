// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "cli/commands.h"

int main(int argc, char** argv) {
  using namespace sluice::cli;
  try {
    const auto read = read_options(argc, argv);
    if (const int* status = std::get_if<int>(&read)) return *status;
    const Options& options = std::get<Options>(read);
    if (options.command == "run") return run(options);
    if (options.command == "check") return check(options);
    if (options.command == "explain") return explain(options);
    if (options.command == "replay") return replay(options);
    if (options.command == "console") return console(options);
    return version();
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice: {}\n", error.what());
    return kFailed;
  }
}
