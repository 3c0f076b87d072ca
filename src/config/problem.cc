// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

namespace sluice::config {

bool has_errors(std::span<const Problem> problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& p) { return p.severity == Severity::kError; });
}

void sort_by_place(Problems& problems) {
  const auto place = [](const Problem& p) {
    return std::tie(p.mark.file, p.mark.line, p.mark.column);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const Problem& a, const Problem& b) { return place(a) < place(b); });
}

std::string shown(std::string_view text) {
  // Long enough for every value that means anything; a hostile one must not fill the terminal.
  constexpr std::size_t kLongest = 120;
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == '\n') {
      result += "\\n";
    } else if (byte == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  if (text.size() > kLongest) {
    // Do not leave half a character behind.
    while (!result.empty() && (static_cast<unsigned char>(result.back()) & 0xc0) == 0x80) {
      result.pop_back();
    }
    if (!result.empty() && static_cast<unsigned char>(result.back()) >= 0xc0) result.pop_back();
    result += "...";
  }
  return result;
}

std::string to_text(const Problem& problem) {
  const SourceMark& mark = problem.mark;
  std::string line = fmt::format("{}:{}:{}: ", mark.file, mark.line, mark.column);
  if (problem.severity == Severity::kWarning) line += "warning: ";
  if (!problem.key.empty()) line += problem.key + ": ";
  line += problem.problem;
  if (!problem.accepted.empty()) line += "; " + problem.accepted;
  // One problem is one line, whatever the names of files and keys hold.
  std::string result;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return result;
}

std::string to_json(std::span<const Problem> problems) {
  using json = nlohmann::ordered_json;
  json array = json::array();
  for (const Problem& problem : problems) {
    array.push_back({{"severity", problem.severity == Severity::kError ? "error" : "warning"},
                     {"file", problem.mark.file},
                     {"line", problem.mark.line},
                     {"column", problem.mark.column},
                     {"key", problem.key},
                     {"problem", problem.problem},
                     {"accepted", problem.accepted}});
  }
  // Bytes that are no UTF-8 (file names may hold any) become U+FFFD instead of an exception.
  return array.dump(2, ' ', false, json::error_handler_t::replace);
}

}  // namespace sluice::config
