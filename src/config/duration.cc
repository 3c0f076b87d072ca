// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/duration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>

#include "config/problem.h"

namespace sluice::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes the digits at the front; nothing when there are none or they overflow.
std::optional<std::int64_t> take_number(std::string_view& rest) {
  std::int64_t number = 0;
  if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
  const auto [end, code] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (code != std::errc{}) return std::nullopt;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return number;
}

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::int64_t kSecond = 1'000'000'000;
/// Go's units; two letters before one, so that the first match is the longest.
constexpr std::array<Unit, 8> kGoUnits{{{"ns", 1},
                                        {"us", 1'000},
                                        {"\u00b5s", 1'000},
                                        {"\u03bcs", 1'000},
                                        {"ms", 1'000'000},
                                        {"s", kSecond},
                                        {"m", 60 * kSecond},
                                        {"h", 3600 * kSecond}}};

const Unit* take_go_unit(std::string_view& rest) {
  for (const Unit& unit : kGoUnits) {
    if (!rest.starts_with(unit.name)) continue;
    rest.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

/// ".5" at the front as a part of one; digits beyond the nanosecond count for nothing.
std::optional<double> take_fraction(std::string_view& rest) {
  double value = 0;
  double scale = 0.1;
  rest.remove_prefix(1);
  if (rest.empty() || !is_digit(rest.front())) return std::nullopt;
  for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1)) {
    value += scale * (rest.front() - '0');
    scale /= 10;
  }
  return value;
}

}  // namespace

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const Error not_one{fmt::format("\"{}\" is no duration", shown(text))};
  std::int64_t total = 0;
  std::int64_t last_unit = std::numeric_limits<std::int64_t>::max();
  for (std::string_view rest = text; !rest.empty() || text.empty();) {
    const auto number = take_number(rest);
    if (!number) return not_one;
    if (rest.empty()) return Error{fmt::format("\"{}\" has no unit", shown(text))};
    const char letter = rest.front();
    const std::int64_t unit = letter == 's' ? 1 : letter == 'm' ? 60 : letter == 'h' ? 3600 : 0;
    rest.remove_prefix(1);
    if (unit == 0 || unit >= last_unit) return not_one;  // "1m2h" is more likely a mistake
    last_unit = unit;
    total += std::min<std::int64_t>(*number, kLongestDuration.count() + 1) * unit;  // no overflow
  }
  if (total < 1) return Error{fmt::format("\"{}\" is no time at all", shown(text))};
  if (total > kLongestDuration.count()) {
    return Error{fmt::format("\"{}\" is longer than 168h", shown(text))};
  }
  return std::chrono::seconds{total};
}

Result<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
  const Error not_one{fmt::format("\"{}\" is no duration", shown(text))};
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds{0};  // the one number without a unit
  if (rest.empty()) return not_one;
  double total = 0;
  while (!rest.empty()) {
    const auto whole = take_number(rest);
    std::optional<double> fraction;
    if (rest.starts_with('.')) {
      // "1." and ".5" are both numbers to Go.
      if (whole && (rest.size() < 2 || !is_digit(rest[1]))) {
        rest.remove_prefix(1);
        fraction = 0;
      } else {
        fraction = take_fraction(rest);
      }
    }
    if (!whole && !fraction) return not_one;
    if (rest.empty()) return Error{fmt::format("\"{}\" has no unit", shown(text))};
    const Unit* unit = take_go_unit(rest);
    if (unit == nullptr) return not_one;
    total += (static_cast<double>(whole.value_or(0)) + fraction.value_or(0)) *
             static_cast<double>(unit->nanoseconds);
  }
  // Go counts nanoseconds in 63 bits.
  if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
    return Error{fmt::format("\"{}\" is longer than 292 years", shown(text))};
  }
  const auto nanoseconds = static_cast<std::int64_t>(total + 0.5);
  return std::chrono::nanoseconds{negative ? -nanoseconds : nanoseconds};
}

}  // namespace sluice::config
