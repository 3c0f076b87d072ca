// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The session log as JSON, an object a line; docs/session-log.md says what the fields mean. The
/// file is appended to; it may be a FIFO that somebody reads.
///
/// Owner: the session log's thread.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"
#include "telemetry/session_record.h"

namespace sluice::telemetry {

class SessionJson {
 public:
  /// Opens the file, and makes it if need be. Never waits.
  static Result<std::unique_ptr<SessionJson>> open(const std::string& path);
  ~SessionJson();
  SessionJson(const SessionJson&) = delete;
  SessionJson& operator=(const SessionJson&) = delete;

  void add(const SessionRecord& record);
  void add(const ExhaustionRecord& record);
  void add_start(UtcMs time, std::string_view gateway);
  /// Events that were dropped before they got here.
  void add_lost(UtcMs time, std::uint64_t events);

  /// Writes what was added. A FIFO that is full is waited for, until `hurry` has been set for a
  /// second. What cannot be written is lost.
  void flush(const std::atomic<bool>& hurry);

  [[nodiscard]] std::uint64_t written() const { return written_; }  ///< lines
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  /// What the operator has to be told since the last call: that writing fails, or works again.
  [[nodiscard]] std::optional<std::string> take_message();

 private:
  SessionJson(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  [[nodiscard]] bool write_all(const std::atomic<bool>& hurry);
  [[nodiscard]] bool wait_for_room(const std::atomic<bool>& hurry);

  std::string path_;
  int descriptor_;
  std::string text_;         ///< added, not yet written
  std::uint64_t lines_ = 0;  ///< in it
  std::uint64_t written_ = 0, lost_ = 0;
  bool torn_ = false;  ///< the file ends within a line
  int error_ = 0;      ///< why the last write failed
  std::optional<std::string> message_;
};

}  // namespace sluice::telemetry
