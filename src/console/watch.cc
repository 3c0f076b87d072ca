// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/watch.h"

#include <algorithm>

#include "console/grammar.h"

namespace sluice::console {

std::optional<Watch> read_watch(std::string_view line) {
  const auto typed = read_line(line);
  if (!typed) return std::nullopt;
  if (typed.value().command->syntax == "top") return Watch{"show rates", std::chrono::seconds(1)};
  if (!typed.value().command->syntax.starts_with("watch ")) return std::nullopt;
  Watch watch;
  watch.command = typed.value().arguments.text("command");
  if (read_line(watch.command).ok()) return watch;
  const std::size_t last = watch.command.find_last_of(" \t");
  if (last == std::string::npos) return watch;
  const std::string seconds = watch.command.substr(last + 1);
  constexpr std::size_t kDigits = 5;
  const bool number = seconds.size() <= kDigits &&
                      std::all_of(seconds.begin(), seconds.end(),
                                  [](char c) { return c >= '0' && c <= '9'; });
  if (!number) return watch;
  watch.every = std::chrono::seconds(std::max(std::stoi(seconds), 1));
  watch.command.resize(watch.command.find_last_not_of(" \t", last) + 1);
  return watch;
}

}  // namespace sluice::console
