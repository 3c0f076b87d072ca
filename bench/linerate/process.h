// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/result.h"

namespace sluice::bench {

/// A program that runs beside the tester; ends with it.
class Process {
 public:
  struct Options {
    std::vector<std::string> command;
    std::string output;  ///< file for what it prints
  };
  static Result<std::unique_ptr<Process>> start(const Options& options);
  /// SIGINT, and SIGKILL if that does not help within ten seconds.
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool runs();
  /// "status 1", "signal 9 (Killed)"; of one that does not run.
  [[nodiscard]] std::string how_it_ended() const;
  /// Writes a line to its standard input.
  void say(const std::string& line) const;
  /// All it has printed so far.
  [[nodiscard]] std::string output() const;
  /// Waits until it has printed this text `times` times.
  [[nodiscard]] bool wait_for(const std::string& text,
                              unsigned times,
                              std::chrono::milliseconds patience);
  /// Waits until what it has printed ends with this text: a prompt.
  [[nodiscard]] bool wait_for_end(const std::string& text, std::chrono::milliseconds patience);

 private:
  template <typename Condition>
  [[nodiscard]] bool wait_until(Condition condition, std::chrono::milliseconds patience);

  Process(pid_t pid, int input, std::string output)
      : pid_(pid), input_(input), output_(std::move(output)) {}

  pid_t pid_;
  int input_;
  std::string output_;
  bool ended_ = false;
  int status_ = 0;  ///< of waitpid, once it has ended
};

/// Runs a command to its end and returns what it printed; an error when it fails.
[[nodiscard]] Result<std::string> run_command(const std::string& command);

}  // namespace sluice::bench
