// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/socket.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <unistd.h>

#include <iostream>
#include <thread>

#include "cli/commands.h"
#include "console/grammar.h"
#include "console/terminal.h"
#include "console/watch.h"

namespace sluice::cli {
namespace {

int status_of(const console::Answer& answer) {
  switch (answer.status) {
    case console::Answer::Status::kOk: return kDone;
    case console::Answer::Status::kFailed: return kFailed;
    case console::Answer::Status::kBadUsage: break;
  }
  return kBadUsage;
}

/// Asks one command; the exit status says whether it succeeded. Redrawn, the answer has the screen
/// to itself.
int ask_one(const Options& options, const std::string& line, bool redraws = false) {
  const auto answer = console::ask(options.socket, line);
  if (!answer) {
    fmt::print(stderr, "sluice: {}\n", answer.error());
    return kFailed;
  }
  const int status = status_of(answer.value());
  const std::string& text = answer.value().text;
  if (redraws && status == kDone) {
    fmt::print("{}{}", console::kRedraw, console::fitted(text, console::screen_size()));
  } else {
    fmt::print(status == kDone ? stdout : stderr, "{}", text);
  }
  return status;
}

/// Repeats a command until it fails or somebody ends us.
int watch(const Options& options, const console::Watch& watch) {
  const bool redraws = ::isatty(STDOUT_FILENO) != 0;
  while (true) {
    const int status = ask_one(options, watch.command, redraws);
    if (status != kDone) return status;
    if (std::fflush(stdout) != 0) return kFailed;
    std::this_thread::sleep_for(watch.every);
  }
}

/// Asks every line; the exit status is that of the first that failed.
int ask_lines(const Options& options) {
  int first_failure = kDone;
  for (std::string line; std::getline(std::cin, line) && line != "exit";) {
    const int status = ask_one(options, line);
    if (first_failure == kDone) first_failure = status;
    std::fflush(stdout);
  }
  return first_failure;
}

/// A terminal that asks the gateway by its socket.
int attach(const Options& options) {
  constexpr int kWaitMs = 100;
  console::Terminal terminal([&](std::string_view line) -> console::Reply {
    auto answer = console::ask(options.socket, std::string(line));
    if (!answer) return console::failed(answer.error() + "\n");
    return std::move(answer).value();
  });
  while (terminal.poll()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    ::poll(&input, 1, kWaitMs);
  }
  return kDone;
}

}  // namespace

int console(const Options& options) {
  if (options.words.empty()) {
    return ::isatty(STDIN_FILENO) != 0 ? attach(options) : ask_lines(options);
  }
  std::string line = fmt::format("{}", fmt::join(options.words, " "));
  if (line.find_first_of("\r\n") != std::string::npos) {
    fmt::print(stderr,
               "sluice: a command is one line: a newline is in it; several commands are read from "
               "standard input, a line each\n");
    return kBadUsage;
  }
  if (options.json) line = console::with_json(line);
  if (const auto repeated = console::read_watch(line)) {
    if (*repeated) return watch(options, repeated->value());
    fmt::print(stderr, "{}\n", repeated->error());
    return kBadUsage;
  }
  return ask_one(options, line);
}

}  // namespace sluice::cli
