// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// Where in which file something was written; lines and columns count from 1, 0 when unknown.
struct SourceMark {
  std::string file;
  int line = 0;
  int column = 0;
};

enum class Severity { kError, kWarning };

/// One thing that is wrong with a configuration, and what would do instead.
struct Problem {
  Severity severity = Severity::kError;
  SourceMark mark;
  std::string key;       ///< dotted path with list positions: "enis[1].address"
  std::string problem;   ///< what is wrong, naming the value
  std::string accepted;  ///< what would be accepted
};

using Problems = std::vector<Problem>;

[[nodiscard]] bool has_errors(std::span<const Problem> problems);

/// In the order a reader meets them: by file, line and column.
void sort_by_place(Problems& problems);

/// A value as a message shows it: control characters escaped, shortened when very long.
[[nodiscard]] std::string shown(std::string_view text);

/// "FILE:LINE:COLUMN: KEY: what is wrong; what would be accepted", warnings marked as such.
[[nodiscard]] std::string to_text(const Problem& problem);

/// All of them as one JSON array, the shape the contract fixes.
[[nodiscard]] std::string to_json(std::span<const Problem> problems);

}  // namespace sluice::config
