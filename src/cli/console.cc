// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/socket.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <iostream>

#include "cli/commands.h"

namespace sluice::cli {
namespace {

/// Asks one command; the exit status says whether it succeeded.
int ask_one(const Options& options, const std::string& line) {
  const auto answer = console::ask(options.socket, line);
  if (!answer) {
    fmt::print(stderr, "sluice: {}\n", answer.error());
    return kFailed;
  }
  fmt::print(answer.value().ok ? stdout : stderr, "{}", answer.value().text);
  return answer.value().ok ? kDone : kFailed;
}

}  // namespace

int console(const Options& options) {
  if (!options.words.empty()) return ask_one(options, fmt::format("{}", fmt::join(options.words, " ")));
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  int status = kDone;
  std::string line;
  while (true) {
    if (terminal) fmt::print("sluice> ");
    std::fflush(stdout);
    if (!std::getline(std::cin, line) || line == "exit") return status;
    status = ask_one(options, line);
  }
}

}  // namespace sluice::cli
