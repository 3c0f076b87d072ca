// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The interactive console: DPDK's command line on standard input, with completion, history and
/// help (?), over the command list.
#pragma once

#include <memory>

#include "console/commands.h"

namespace sluice::console {

class Terminal {
 public:
  explicit Terminal(Session& session);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Takes what was typed, without waiting. False once input has ended.
  bool poll();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::console
