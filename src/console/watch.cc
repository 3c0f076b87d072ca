// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/watch.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "config/problem.h"
#include "console/grammar.h"

namespace sluice::console {
namespace {

/// Takes the seconds off the end of a command that does not end in them itself; 0: there are none.
/// A place that takes all that is left would take them, too: there the last number is the seconds
/// wherever a command is left without it.
std::chrono::seconds take_seconds(std::string& command) {
  const auto whole = read_line(command);
  if (whole && !whole.value().rest) return {};
  const std::size_t last = command.find_last_of(" \t");
  if (last == std::string::npos) return {};
  const std::string seconds = command.substr(last + 1);
  constexpr std::size_t kDigits = 9;
  const bool number =
      seconds.size() <= kDigits &&
      std::all_of(seconds.begin(), seconds.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number) return {};
  std::string without = command.substr(0, command.find_last_not_of(" \t", last) + 1);
  if (whole && !read_line(without)) return {};
  command = std::move(without);
  return std::chrono::seconds(std::max(std::stoi(seconds), 1));
}

/// The rows that a line takes; what continues a character of UTF-8 takes no place.
std::size_t rows_of(std::string_view line, unsigned columns) {
  const auto characters = static_cast<std::size_t>(std::count_if(
      line.begin(), line.end(), [](char c) { return (static_cast<unsigned>(c) & 0xc0U) != 0x80; }));
  return characters == 0 || columns == 0 ? 1 : (characters + columns - 1) / columns;
}

}  // namespace

ScreenSize screen_size() noexcept {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_row, size.ws_col};
}

std::string fitted(std::string_view text, ScreenSize screen) {
  constexpr std::size_t kOwnRows = 2;  // what is left out, and where the cursor comes to stand
  const auto lines_left = [](std::string_view rest) {
    const auto ends = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), '\n'));
    return ends + (rest.empty() || rest.back() == '\n' ? 0 : 1);
  };
  std::size_t rows = 0, shown = 0;  // `shown`: bytes that fit with both of our own rows
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    rows += rows_of(text.substr(at, end - at - (text[end - 1] == '\n' ? 1 : 0)), screen.columns);
    at = end;
    if (rows + kOwnRows <= screen.rows) shown = end;
  }
  if (screen.rows == 0 || rows < screen.rows) return std::string(text);
  const std::size_t left = lines_left(text.substr(shown));
  return fmt::format("{}... {} more {}\n", text.substr(0, shown), left,
                     left == 1 ? "line" : "lines");
}

std::optional<Result<Watch>> read_watch(std::string_view line) {
  const auto typed = read_line(line);
  if (!typed) return std::nullopt;
  if (typed.value().command->syntax == "top") return Watch{"show rates", std::chrono::seconds(1)};
  if (!typed.value().command->syntax.starts_with("watch ")) return std::nullopt;
  Watch watch{.command = typed.value().arguments.text("command")};
  if (const auto seconds = take_seconds(watch.command); seconds.count() != 0) watch.every = seconds;
  if (typed.value().arguments.json) watch.command = with_json(watch.command);
  const auto watched = read_line(watch.command);
  if (!watched) return Error{watched.error()};
  if (!only_shows(watched.value().command->syntax)) {
    return Error{
        fmt::format("{} is not repeated: watch takes commands that only show something, such as "
                    "show, explain, trace show",
                    config::shown(watch.command))};
  }
  return watch;
}

}  // namespace sluice::console
