// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The console's commands, declared once: words, help, and what they do. The interactive console,
/// the socket and the documentation all read this list.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gateway/gateway.h"

namespace sluice::console {

/// What a command can reach.
struct Session {
  gateway::Gateway& gateway;
  bool quit = false;  ///< set by quit: the gateway is to end
};

struct Answer {
  bool ok = true;
  std::string text;  ///< ends with a line feed
};

struct Command {
  std::string_view words;  ///< "show eni"
  std::string_view help;
  Answer (*run)(Session&);
};

[[nodiscard]] std::span<const Command> commands();

/// Runs one line as typed; blanks around words do not matter. Unknown commands answer with what
/// there is.
[[nodiscard]] Answer run(std::string_view line, Session& session);

}  // namespace sluice::console
