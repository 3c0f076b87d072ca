// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The gateway's own messages, one a line, on standard error: as text, or as one JSON object a
/// line. Threads other than the main one do not log.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace sluice::telemetry {

class Log {
 public:
  void configure(config::LogLevel level, config::LogFormat format) noexcept {
    level_ = level;
    format_ = format;
  }

  [[nodiscard]] config::LogLevel level() const noexcept { return level_; }
  void set_level(config::LogLevel level) noexcept { level_ = level; }

  /// The last lines written, the oldest first.
  struct Line {
    std::string time;
    config::LogLevel level{};
    std::string message;
  };
  [[nodiscard]] const std::deque<Line>& recent() const noexcept { return recent_; }

  template <typename... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) {
    write(config::LogLevel::kError, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(config::LogLevel::kWarning, fmt::format(text, std::forward<Args>(args)...));
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) {
    write(config::LogLevel::kInfo, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  void write(config::LogLevel level, std::string_view message);

  static constexpr std::size_t kKept = 200;

  std::deque<Line> recent_;
  config::LogLevel level_ = config::LogLevel::kInfo;
  config::LogFormat format_ = config::LogFormat::kText;
};

/// The level's name in the configuration.
[[nodiscard]] std::string_view word(config::LogLevel level);

/// The process's log.
Log& log();

}  // namespace sluice::telemetry
