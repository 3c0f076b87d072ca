// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The console's commands, declared once: syntax, help, example, and what they do. The interactive
/// console, the socket, completion, the help pages and the manual all read this list.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "console/arguments.h"
#include "gateway/gateway.h"
#include "reload/reloader.h"

namespace sluice::telemetry {
class Telemetry;
}

namespace sluice::console {

/// What a command can reach.
struct Session {
  gateway::Gateway& gateway;
  reload::Reloader& reloader;
  telemetry::Telemetry& telemetry;
  bool quit = false;           ///< set by quit: the gateway is to end
  bool busy = false;           ///< a check is under way; one at a time
  std::set<Ipv4Addr> drained;  ///< addresses that drain was asked for; a reload may have them back
};

struct Answer {
  enum class Status {
    kOk,
    kFailed,    ///< refused, or it could not be done
    kBadUsage,  ///< no such command, or not so
  };
  Status status = Status::kOk;
  std::string text;  ///< ends with a line feed
};
[[nodiscard]] inline Answer done(std::string text) {
  return {Answer::Status::kOk, std::move(text)};
}
[[nodiscard]] inline Answer failed(std::string text) {
  return {Answer::Status::kFailed, std::move(text)};
}

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
  /// Words are typed as they stand, PLACES are filled in (place_types() says with what), groups in
  /// brackets may be left out and stand in any order.
  std::string_view syntax;
  std::string_view help;
  std::string_view example;  ///< a whole line, for the manual; a test runs it
  /// Nothing: it repeats other commands on a terminal, and whoever owns the terminal runs it.
  Reply (*run)(Session&, const Arguments&);
};

[[nodiscard]] std::span<const Command> commands();

/// Runs one line as typed; blanks around words do not matter. A line that is no command answers
/// with what is wrong with it.
[[nodiscard]] Reply run(std::string_view line, Session& session);

}  // namespace sluice::console
