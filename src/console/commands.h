// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The console's commands, declared once: words, help, and what they do. The interactive console,
/// the socket and the documentation all read this list.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/gateway.h"
#include "reload/reloader.h"

namespace sluice::console {

/// What a command can reach.
struct Session {
  gateway::Gateway& gateway;
  reload::Reloader& reloader;
  bool quit = false;  ///< set by quit: the gateway is to end
  bool busy = false;  ///< a command that takes many turns is under way; one at a time
};

struct Answer {
  bool ok = true;
  std::string text;  ///< ends with a line feed
};

/// A command that takes longer than the main thread may be kept: it goes on by a step a turn.
class Task {
 public:
  virtual ~Task() = default;
  /// The answer once there is one; until then it wants another step.
  [[nodiscard]] virtual std::optional<Answer> step() = 0;
};

/// What running a command gives: its answer, or what will.
using Reply = std::variant<Answer, std::unique_ptr<Task>>;

struct Command {
  std::string_view words;     ///< "show eni"
  std::string_view argument;  ///< what follows the words, for help: "FILE"; empty: nothing may
  std::string_view help;
  Reply (*run)(Session&, const std::string& argument);
};

[[nodiscard]] std::span<const Command> commands();

/// Runs one line as typed; blanks around words do not matter. Unknown commands answer with what
/// there is.
[[nodiscard]] Reply run(std::string_view line, Session& session);

}  // namespace sluice::console
