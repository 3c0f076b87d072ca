// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `watch COMMAND [SECONDS]` and `top`: commands that a terminal repeats.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace sluice::console {

struct Watch {
  std::string command;
  std::chrono::seconds every{2};
};
/// Nothing: the line is another command, or none. The last number is the seconds unless the command
/// itself ends in it. Refused is what is no command, and what does more than show something.
[[nodiscard]] std::optional<Result<Watch>> read_watch(std::string_view line);

/// What clears a terminal's screen and begins at its top.
inline constexpr std::string_view kRedraw = "\x1b[H\x1b[2J";

/// Rows and columns of a terminal; 0: not known.
struct ScreenSize {
  unsigned rows = 0, columns = 0;
};
/// That of the terminal on standard output, now.
[[nodiscard]] ScreenSize screen_size() noexcept;
/// As much of an answer's beginning as a screen shows without scrolling, and how many lines it does
/// not show.
[[nodiscard]] std::string fitted(std::string_view text, ScreenSize screen);

}  // namespace sluice::console
