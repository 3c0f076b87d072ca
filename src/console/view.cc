// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <vector>

namespace sluice::console {
namespace {

/// A key of the configuration stands as it is written there.
bool is_config_key(std::string_view key) {
  const std::size_t dot = key.find('.');
  return dot != std::string_view::npos && dot + 1 < key.size() &&
         std::isalpha(static_cast<unsigned char>(key[dot + 1])) != 0;
}

std::string heading(std::string key) {
  if (!is_config_key(key)) std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

std::string cell(const View& value) {
  if (value.is_null()) return "-";
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  if (value.is_string()) return escaped(value.get<std::string>(), "");
  if (!value.is_array()) return value.dump();
  std::string words;
  for (const View& item : value) words += (words.empty() ? "" : " ") + cell(item);
  return words.empty() ? "-" : words;
}

bool is_table(const View& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const View& row) { return row.is_object(); });
}

std::string line_of(const std::vector<std::string>& cells,
                    const std::vector<std::size_t>& widths,
                    const std::vector<bool>& numeric) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += "  ";
    line += numeric[i] ? fmt::format("{:>{}}", cells[i], widths[i])
                       : fmt::format("{:<{}}", cells[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string table(const View& rows) {
  std::vector<std::string> headings;
  std::vector<bool> numeric;
  for (const auto& [key, value] : rows.front().items()) {
    headings.push_back(heading(key));
    numeric.push_back(value.is_number());
  }
  std::vector<std::size_t> widths;
  for (const std::string& text : headings) widths.push_back(text.size());
  std::vector<std::vector<std::string>> lines;
  for (const View& row : rows) {
    auto& cells = lines.emplace_back();
    for (const auto& [key, value] : row.items()) {
      cells.push_back(cell(value));
      const std::size_t column = cells.size() - 1;
      widths[column] = std::max(widths[column], cells.back().size());
    }
  }
  std::string text = line_of(headings, widths, numeric);
  for (const auto& cells : lines) text += line_of(cells, widths, numeric);
  return text;
}

std::string member(const std::string& key, const View& value) {
  if (is_table(value)) return table(value);
  if (value.is_array() && value.empty()) return fmt::format("no {}\n", heading(key));
  if (!value.is_object()) return fmt::format("{}: {}\n", heading(key), cell(value));
  std::string text = heading(key) + ":\n";
  for (const auto& [inner, of] : value.items()) text += "  " + member(inner, of);
  return text;
}

}  // namespace

std::string escaped(std::string_view text, std::string_view kept) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = byte < 0x20 || byte == 0x7f;
    if (control && kept.find(c) == std::string_view::npos) {
      result += fmt::format("\\x{:02x}", byte);
    } else {
      result += c;
    }
  }
  return result;
}

std::string to_text(const View& view) {
  std::string text;
  bool after_table = false;
  for (const auto& [key, value] : view.items()) {
    if (!text.empty() && (after_table || is_table(value))) text += "\n";
    text += member(key, value);
    after_table = is_table(value);
  }
  return text;
}

std::string to_json(const View& view) {
  return view.dump(-1, ' ', false, View::error_handler_t::replace) + "\n";
}

}  // namespace sluice::console
