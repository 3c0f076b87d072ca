// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Reads lines by the commands' syntax, and says what may stand at any point of a line. Knows the
/// declarations alone, no gateway: a console that is attached over the socket completes by it too.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "console/commands.h"
#include "core/result.h"

namespace sluice::console {

/// What a place of a command's syntax takes.
struct PlaceType {
  std::string_view name;  ///< as it stands in the syntax
  std::string_view help;
  bool rest = false;  ///< takes all that is left of the line
  bool (*accepts)(const std::string& word);
  std::vector<std::string> (*choices)() = nullptr;  ///< where there are few
};
[[nodiscard]] std::span<const PlaceType> place_types();
/// With its choices, unless they have a table of their own.
[[nodiscard]] std::string described(const PlaceType& place);

/// What a group in brackets that begins with a word is for.
struct OptionType {
  std::string_view commands;  ///< how the commands begin that it stands in; empty: any
  std::string_view group;     ///< as it stands between the brackets
  std::string_view help;
};
/// Of two for the same group, the first whose commands fit is meant.
[[nodiscard]] std::span<const OptionType> option_types();
/// Null: it is not declared.
[[nodiscard]] const OptionType* option_type(std::string_view syntax, std::string_view group);

/// Longer lines are refused unread.
inline constexpr std::size_t kLongestLine = 4096;

struct Typed {
  const Command* command = nullptr;
  Arguments arguments;
  bool rest = false;  ///< its last place took all that was left of the line
};
/// The command that a line is. The error says what is wrong with the command that is meant.
[[nodiscard]] Result<Typed> read_line(std::string_view line);

/// Whether a command of this syntax only shows something: such may be repeated.
[[nodiscard]] bool only_shows(std::string_view syntax);

/// What may follow these words: a word, or a place.
struct Candidate {
  std::string word;
  std::string help;
  bool place = false;
};
[[nodiscard]] std::vector<Candidate> candidates(std::span<const std::string> words);

/// The same line, asking for JSON: behind the first word, as a place at the end may take the rest.
[[nodiscard]] std::string with_json(std::string line);

[[nodiscard]] std::vector<std::string> split_words(std::string_view line);

}  // namespace sluice::console
