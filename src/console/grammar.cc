// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/grammar.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "config/problem.h"

namespace sluice::console {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kJson = "--json";

const PlaceType* place_named(std::string_view name) {
  const auto places = place_types();
  const auto found = std::find_if(places.begin(), places.end(),
                                  [&](const PlaceType& type) { return type.name == name; });
  return found == places.end() ? nullptr : &*found;
}

/// One word of a syntax: fixed, or a place.
struct Element {
  std::string text;
  const PlaceType* place = nullptr;

  [[nodiscard]] bool accepts(const std::string& word) const {
    return place == nullptr ? word == text : place->accepts(word);
  }
};

using Group = std::vector<Element>;

std::string text_of(const Group& group) {
  std::string text;
  for (const Element& element : group) text += (text.empty() ? "" : " ") + element.text;
  return text;
}

/// A syntax taken apart: what must stand, in order, and the groups that may follow.
struct Syntax {
  const Command* command = nullptr;
  Group required;
  std::vector<Group> optional;
};

Syntax take_apart(const Command& command) {
  Syntax syntax{&command, {}, {}};
  bool in_group = false;
  for (std::string word : split_words(command.syntax)) {
    if (word.front() == '[') {
      in_group = true;
      syntax.optional.emplace_back();
      word.erase(0, 1);
    }
    const bool last_of_group = word.back() == ']';
    if (last_of_group) word.pop_back();
    Group& group = in_group ? syntax.optional.back() : syntax.required;
    group.push_back({word, place_named(word)});
    if (last_of_group) in_group = false;
  }
  return syntax;
}

const std::vector<Syntax>& syntaxes() {
  static const std::vector<Syntax> all = [] {
    std::vector<Syntax> made;
    for (const Command& command : commands()) made.push_back(take_apart(command));
    return made;
  }();
  return all;
}

/// A line on its way through one command's syntax.
class Walk {
 public:
  explicit Walk(const Syntax& syntax) : syntax_(syntax), used_(syntax.optional.size(), false) {}

  /// Takes one word; false if it cannot stand here.
  bool take(const std::string& word) {
    if (word == kJson && taken_ > 0) {
      arguments_.json = true;
      return true;
    }
    const Element* element = element_for(word);
    if (element == nullptr) return false;
    ++taken_;
    if (element->place == nullptr) {
      fixed_ += group_ == nullptr ? 1 : 0;
      if (group_ != nullptr && group_->size() == 1) arguments_.set(element->text, "yes");
      return true;
    }
    arguments_.set(name_of(*element), word);
    return true;
  }

  /// Whether the next word begins a place that takes all that is left.
  [[nodiscard]] bool at_rest() const {
    const auto next = expected();
    return next.size() == 1 && next.front()->place != nullptr && next.front()->place->rest;
  }

  /// What may stand next.
  [[nodiscard]] std::vector<const Element*> expected() const {
    if (position_ < syntax_.required.size()) return {&syntax_.required[position_]};
    if (group_ != nullptr && in_group_ < group_->size()) return {&(*group_)[in_group_]};
    std::vector<const Element*> all;
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (!used_[i]) all.push_back(&syntax_.optional[i].front());
    }
    return all;
  }

  /// Of a word that may stand next.
  [[nodiscard]] std::string_view help_of(const Element& word) const {
    for (const Group& group : syntax_.optional) {
      if (&group.front() != &word) continue;
      const OptionType* option = option_type(syntax_.command->syntax, text_of(group));
      if (option != nullptr) return option->help;
    }
    return syntax_.command->help;
  }

  /// Whether --json may stand here and means something.
  [[nodiscard]] bool takes_json() const {
    const std::string_view text = syntax_.command->syntax;
    const bool shows = text.starts_with("show ") || text.starts_with("explain ") ||
                       text == "trace show" || text == "capture show" || text == "capture stop";
    return shows && may_end() && !arguments_.json && !at_rest();
  }

  [[nodiscard]] bool may_end() const {
    return position_ == syntax_.required.size() &&
           (group_ == nullptr || in_group_ == group_->size());
  }
  [[nodiscard]] std::size_t fixed() const { return fixed_; }
  [[nodiscard]] Arguments& arguments() { return arguments_; }

 private:
  const Element* element_for(const std::string& word) {
    if (position_ < syntax_.required.size()) {
      const Element& element = syntax_.required[position_];
      if (!element.accepts(word)) return nullptr;
      ++position_;
      return &element;
    }
    if (group_ != nullptr && in_group_ < group_->size()) {
      const Element& element = (*group_)[in_group_];
      return element.accepts(word) ? (++in_group_, &element) : nullptr;
    }
    for (std::size_t i = 0; i < used_.size(); ++i) {
      if (used_[i] || !syntax_.optional[i].front().accepts(word)) continue;
      used_[i] = true;
      group_ = &syntax_.optional[i];
      in_group_ = 1;
      return &group_->front();
    }
    return nullptr;
  }

  [[nodiscard]] std::string name_of(const Element& element) const {
    if (group_ != nullptr && group_->size() > 1) return group_->front().text;
    std::string name = element.text;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return name;
  }

  const Syntax& syntax_;
  std::vector<bool> used_;
  Arguments arguments_;
  std::size_t position_ = 0;
  const Group* group_ = nullptr;
  std::size_t in_group_ = 0;
  std::size_t fixed_ = 0;
  std::size_t taken_ = 0;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Takes one word off the front of a line; empty at its end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string described(const Element& element) {
  if (element.place == nullptr) return element.text;
  return fmt::format("{} ({})", element.text, described(*element.place));
}

/// How far a line gets in one command's syntax.
struct Attempt {
  const Command* command = nullptr;
  std::size_t fixed = 0;  ///< words that no other command has taken
  bool complete = false;
  std::string wrong;                  ///< the word that does not fit; empty: one is missing
  std::vector<std::string> expected;  ///< instead of it
  Arguments arguments;
  bool rest = false;  ///< the last place took all that was left
};

/// The part of a line that takes all that is left: `--json` may be its last word.
std::string_view take_rest(std::string_view& line, bool& json) {
  std::string_view rest = trimmed(std::exchange(line, {}));
  const std::size_t last = rest.find_last_of(kBlanks);
  if (last != std::string_view::npos && rest.substr(last + 1) == kJson) {
    json = true;
    rest = trimmed(rest.substr(0, last));
  }
  return rest;
}

Attempt attempt(const Syntax& syntax, std::string_view line) {
  Walk walk(syntax);
  Attempt result;
  result.command = syntax.command;
  while (true) {
    const bool rest = walk.at_rest() && !trimmed(line).starts_with(kJson);
    result.rest = result.rest || (rest && !trimmed(line).empty());
    const std::string word{rest ? take_rest(line, walk.arguments().json) : take_word(line)};
    if (word.empty()) break;
    if (walk.take(word)) continue;
    result.wrong = word;
    break;
  }
  result.fixed = walk.fixed();
  result.complete = result.wrong.empty() && walk.may_end();
  for (const Element* element : walk.expected()) result.expected.push_back(described(*element));
  result.arguments = std::move(walk.arguments());
  return result;
}

/// What is wrong with a line by the commands that it gets furthest in, all of them.
std::string problem_of(const std::vector<Attempt>& nearest) {
  std::vector<std::string> expected;
  for (const Attempt& tried : nearest) {
    for (const std::string& text : tried.expected) {
      if (std::find(expected.begin(), expected.end(), text) == expected.end())
        expected.push_back(text);
    }
  }
  const std::string& wrong = nearest.front().wrong;
  std::string text = wrong.empty() ? "" : fmt::format("'{}': ", config::shown(wrong));
  text += expected.empty() ? "nothing may follow here"
                           : fmt::format("expected {}", fmt::join(expected, ", "));
  if (nearest.size() == 1)
    return fmt::format("{}; usage: {}", text, nearest.front().command->syntax);
  text += "; usage is one of";
  for (const Attempt& tried : nearest) text += fmt::format("\n  {}", tried.command->syntax);
  return text;
}

}  // namespace

std::string with_json(std::string line) {
  const std::size_t end = line.find_first_of(kBlanks);
  return line.insert(end == std::string::npos ? line.size() : end, " --json");
}

std::vector<std::string> split_words(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const std::string_view word = take_word(line);
    if (word.empty()) return words;
    words.emplace_back(word);
  }
}

namespace {

constexpr const char* kSeveral = "several commands; ? behind it names them";

}  // namespace

Result<Typed> read_line(std::string_view line) {
  if (line.size() > kLongestLine) {
    return Error{fmt::format("the line is longer than {} characters", kLongestLine)};
  }
  std::vector<Attempt> nearest;
  std::size_t furthest = 1;
  for (const Syntax& syntax : syntaxes()) {
    Attempt tried = attempt(syntax, line);
    if (tried.fixed < furthest) continue;
    if (tried.fixed > furthest) nearest.clear();
    furthest = tried.fixed;
    nearest.push_back(std::move(tried));
  }
  if (nearest.empty()) {
    return Error{
        fmt::format("no such command: {}; help lists what there is", config::shown(trimmed(line)))};
  }
  const auto whole = std::find_if(nearest.begin(), nearest.end(),
                                  [](const Attempt& tried) { return tried.complete; });
  if (whole == nearest.end()) return Error{problem_of(nearest)};
  return Typed{whole->command, std::move(whole->arguments), whole->rest};
}

namespace {

/// What may follow these words by the commands of which `may_be` is true.
template <typename MayBe>
std::vector<Candidate> candidates_of(std::span<const std::string> words, MayBe&& may_be) {
  std::vector<Candidate> all;
  const auto add = [&](Candidate candidate) {
    const auto known = std::find_if(all.begin(), all.end(), [&](const Candidate& other) {
      return other.word == candidate.word;
    });
    if (known == all.end()) return all.push_back(std::move(candidate));
    // Several commands begin like this; the help of one would not be that of the others.
    if (!known->place && known->help != candidate.help) known->help = kSeveral;
  };
  for (const Syntax& syntax : syntaxes()) {
    if (!may_be(syntax.command->syntax)) continue;
    Walk walk(syntax);
    const bool fits = std::all_of(words.begin(), words.end(), [&](const std::string& word) {
      return !walk.at_rest() && walk.take(word);
    });
    if (!fits) continue;
    if (walk.takes_json()) add({std::string(kJson), "one JSON object on one line", false});
    for (const Element* element : walk.expected()) {
      if (element->place == nullptr) {
        add({element->text, std::string(walk.help_of(*element)), false});
      } else if (element->place->choices != nullptr) {
        for (std::string& choice : element->place->choices()) {
          add({std::move(choice), std::string(element->place->help), false});
        }
      } else {
        add({element->text, std::string(element->place->help), true});
      }
    }
  }
  return all;
}

/// What may follow `watch` and these words: as without it, and the seconds where it may end.
std::vector<Candidate> watchable(std::span<const std::string> words) {
  std::vector<Candidate> all = candidates_of(words, only_shows);
  const auto typed = read_line(fmt::format("{}", fmt::join(words, " ")));
  if (typed && only_shows(typed.value().command->syntax)) {
    all.push_back({"SECONDS", "how often: a number of seconds", true});
  }
  return all;
}

}  // namespace

bool only_shows(std::string_view syntax) {
  constexpr std::array<std::string_view, 6> kBegin{"show ",        "explain ", "trace show",
                                                   "capture show", "check ",   "help"};
  return std::any_of(kBegin.begin(), kBegin.end(),
                     [&](std::string_view begin) { return syntax.starts_with(begin); });
}

std::vector<Candidate> candidates(std::span<const std::string> words) {
  if (!words.empty() && words.front() == "watch") return watchable(words.subspan(1));
  return candidates_of(words, [](std::string_view) { return true; });
}

}  // namespace sluice::console
