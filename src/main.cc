// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "cli/commands.h"

namespace {

int run_command(const sluice::cli::Options& options) {
  using namespace sluice::cli;
  if (options.command == "run") return run(options);
  if (options.command == "check") return check(options);
  if (options.command == "explain") return explain(options);
  if (options.command == "replay") return replay(options);
  if (options.command == "console") return console(options);
  if (options.command == "discover") return discover(options);
  if (options.command == "manual") return manual(options);
  return version();
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice::cli;
  try {
    const auto read = read_options(argc, argv);
    if (const int* status = std::get_if<int>(&read)) return *status;
    const Options& options = std::get<Options>(read);
    const int status = run_command(options);
    // What could not be written was not done.
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      fmt::print(stderr, "sluice: standard output: {}\n", std::strerror(errno));
      return status == kDone ? kFailed : status;
    }
    return status;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice: {}\n", error.what());
    return kFailed;
  }
}
