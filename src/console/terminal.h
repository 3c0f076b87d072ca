// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A console on standard input: DPDK's command line with history, completion (Tab) and help (?), by
/// the declared commands' syntax. The same in the gateway's process and in one that asks it by its
/// socket. One a process.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "console/commands.h"

namespace sluice::console {

class Terminal {
 public:
  /// Runs a line that was typed.
  using Run = std::function<Reply(std::string_view line)>;
  /// `stays`: what `exit` and Ctrl-D are answered with; empty: they end the console.
  explicit Terminal(Run run, std::string stays = {});
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Takes what was typed, without waiting. False once the console has ended, by `exit` or Ctrl-D
  /// or because its terminal is gone.
  bool poll();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::console
