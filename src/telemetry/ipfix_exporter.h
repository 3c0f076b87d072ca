// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sends the session log to an IPFIX collector over UDP.
///
/// Owner: the session log's thread. UDP loses without a word: what is counted as lost here never
/// left this machine, and the messages' sequence numbers tell the collector of the rest.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "config/config.h"
#include "core/result.h"
#include "telemetry/ipfix_messages.h"

namespace sluice::telemetry {

class IpfixExporter {
 public:
  static Result<std::unique_ptr<IpfixExporter>> open(const config::IpfixConfig& config);
  ~IpfixExporter();
  IpfixExporter(const IpfixExporter&) = delete;
  IpfixExporter& operator=(const IpfixExporter&) = delete;

  /// `Record` is SessionRecord or ExhaustionRecord.
  template <typename Record>
  void add(const Record& record, UtcMs now) {
    messages_.add(record, now);
  }
  /// Sends what was added, and templates when they are due: at the start, and every so often.
  void flush(UtcMs now);
  void send_due_templates(UtcMs now);

  [[nodiscard]] std::uint64_t written() const { return written_; }  ///< records
  [[nodiscard]] std::uint64_t lost() const { return lost_; }
  /// As SessionJson::take_message.
  [[nodiscard]] std::optional<std::string> take_message();

 private:
  using Steady = std::chrono::steady_clock;
  IpfixExporter(const config::IpfixConfig& config, int descriptor);
  void send(std::span<const std::uint8_t> message, unsigned records);

  config::IpfixConfig config_;
  int descriptor_;
  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
  IpfixMessages messages_;
  Steady::time_point next_templates_;
  std::uint64_t written_ = 0, lost_ = 0;
  bool failed_ = false;
  std::optional<std::string> message_;
};

}  // namespace sluice::telemetry
