// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The session log: who had which external address and port, and when. Workers put what opens and
/// ends on their rings (nat/session_events.h); one thread of this class takes it from there and
/// writes it, as JSON lines and as IPFIX. A disk or a FIFO that does not take it makes this thread
/// wait and nobody else: the rings fill, and workers count what they drop.
///
/// Owner: the main thread; written() and lost() may be called by any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gateway/gateway.h"
#include "telemetry/ipfix_exporter.h"
#include "telemetry/session_json.h"
#include "telemetry/utc_clock.h"

namespace sluice::telemetry {

/// Where sessions are written. Each may be none.
struct Outlets {
  std::unique_ptr<SessionJson> json;
  std::unique_ptr<IpfixExporter> ipfix;
};

class SessionLog {
 public:
  /// Opens whatever `config` names. Needs no gateway, so that a mistake shows before one starts.
  static Result<Outlets> open(const config::SessionLogConfig& config);

  SessionLog(gateway::Gateway& gateway, Outlets outlets);
  ~SessionLog();
  SessionLog(const SessionLog&) = delete;
  SessionLog& operator=(const SessionLog&) = delete;

  /// For a reload: opens what `next` wants otherwise than the configuration in force. use() puts it
  /// into force once `next` is; without that, nothing changes.
  struct Change {
    bool json = false, ipfix = false;  ///< which of the outlets are to be replaced
    Outlets outlets;
    std::vector<nat::SessionEvents*> sources;  ///< filled in by use()
  };
  [[nodiscard]] Result<Change> prepare(const config::SessionLogConfig& next) const;
  void use(Change change);
  /// Opens the JSON file anew, which may have been moved away.
  Status reopen();

  void note(const Refusal& refusal);
  /// What the gateway's own log has to be told since the last call.
  [[nodiscard]] std::vector<std::string> take_messages();

  /// Once the workers have stopped: writes what they left, and the end of every open session.
  void finish();

  [[nodiscard]] std::uint64_t written() const noexcept { return written_.load(); }
  /// Records that reached this log and could not be written or sent, in either form.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(); }

 private:
  struct Source {
    nat::SessionEvents* events;
    std::uint64_t dropped_told = 0;
  };
  void send(Change change);
  void stop_thread();
  void run();
  bool drain();
  template <typename Record>
  void write(const Record& record, UtcMs now);
  void tell_of_dropped(UtcMs now);
  void flush(UtcMs now);
  void take_over(Change change);

  gateway::Gateway& gateway_;

  // The thread's own, and the main thread's once it has ended.
  gateway::Clock clock_;
  UtcClock utc_;
  Outlets outlets_;
  std::vector<Source> sources_;
  std::uint64_t written_before_ = 0, lost_before_ = 0;  ///< by outlets that were replaced

  std::mutex mutex_;  ///< guards what follows, held for moves only
  std::condition_variable wake_;
  std::vector<Change> changes_;
  std::vector<ExhaustionRecord> exhaustions_;
  std::vector<std::string> messages_;
  bool stop_ = false;

  std::atomic<bool> hurry_{false};  ///< something waits for the thread: it waits for no FIFO
  std::atomic<std::uint64_t> written_{0}, lost_{0};
  std::thread thread_;
};

}  // namespace sluice::telemetry
