// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Brings a changed configuration into force while the gateway runs: on a signal, on the console's
/// word, and when a file it was read from changes.
///
///     SIGHUP ───────────────┐
///     console: reload ──────┼─▶ read everything ─▶ compile ─▶ Gateway::reload ─▶ log what differs
///     inotify, then quiet ──┤         │ any problem: log it, once, and keep what runs
///     resyncInterval ───────┘
///
/// All or nothing: between reading and Gateway::reload nothing of the running gateway is touched.
/// Open flows keep their verdict (they never ask the policy again); new ones meet the new policy
/// with the worker's next burst.
///
/// inotify says when to look; whether there is anything new is decided by what the files say
/// (ObservedFiles), also on file systems that send no events: those are asked every resyncInterval
/// of the agent's file, or every minute.
///
/// Owner: the main thread, which for a policy of ten thousand rules is busy for half a second.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gateway.h"
#include "reload/file_watch.h"
#include "reload/observed_files.h"
#include "telemetry/session_log.h"

namespace sluice::reload {

/// Where the configuration comes from, and what the command line says over it.
struct Origin {
  std::string path;
  std::optional<unsigned> workers;

  [[nodiscard]] config::Loaded load(const config::Files& files) const;
};

class Reloader {
 public:
  /// `seen` is what was looked at when the running configuration was read: files that changed since
  /// then, while devices came up, are noticed.
  Reloader(gateway::Gateway& gateway,
           telemetry::SessionLog& sessions,
           Origin origin,
           ObservedFiles seen);

  /// The main thread's turn: looks for changes, and says what became of open flows.
  void turn();

  /// What a reload came to, as it was logged.
  struct Outcome {
    bool ok = false;
    std::vector<std::string> lines;
  };
  Outcome reload(std::string_view cause);

  [[nodiscard]] const Origin& origin() const { return origin_; }

 private:
  void watch();
  void check();
  void tell_of_sessions();
  [[nodiscard]] Outcome refused(std::vector<std::string> problems, std::string why, bool again);
  [[nodiscard]] std::chrono::milliseconds interval() const;

  gateway::Gateway& gateway_;
  telemetry::SessionLog& sessions_;
  Origin origin_;
  ObservedFiles seen_;  ///< at the last attempt, whether it succeeded or not
  FileWatch files_;
  bool watching_ = true;
  bool last_failed_ = false;
  std::vector<std::string> warnings_;  ///< of the configuration in force, as far as told
  FileWatch::Clock::time_point next_look_;
  gateway::Gateway::Revised told_;
};

}  // namespace sluice::reload
