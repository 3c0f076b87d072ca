// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/log.h"

#include <fmt/chrono.h>

#include <chrono>
#include <cstdio>
#include <ctime>

#include <nlohmann/json.hpp>

namespace sluice::telemetry {

std::string_view word(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kError: return "error";
    case config::LogLevel::kWarning: return "warning";
    case config::LogLevel::kInfo: return "info";
    case config::LogLevel::kDebug: return "debug";
  }
  return "";
}

void Log::write(config::LogLevel level, std::string_view message) {
  if (level > level_) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const std::string time = fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", now);
  const std::string line =
      format_ == config::LogFormat::kJson
          ? fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}}}\n", time, word(level),
                        nlohmann::json(message).dump(-1, ' ', false,
                                                     nlohmann::json::error_handler_t::replace))
          : fmt::format("{} {}: {}\n", time, word(level), message);
  recent_.push_back({time, level, std::string(message)});
  if (recent_.size() > kKept) recent_.pop_front();
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Log& log() {
  static Log instance;
  return instance;
}

}  // namespace sluice::telemetry
