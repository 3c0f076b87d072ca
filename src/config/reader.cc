// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::config {
namespace {

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

/// Optimal string alignment: insertions, deletions, replacements and swapped neighbours. Letter
/// case and the choice of separator count less than a letter: what people mistype is rather those.
unsigned distance(std::string_view a, std::string_view b) {
  constexpr unsigned kLetter = 4;
  const auto alike = [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y)) ||
           ((x == '-' || x == '_') && (y == '-' || y == '_'));
  };
  const auto cost = [&](char x, char y) { return x == y ? 0U : alike(x, y) ? 1U : kLetter; };
  std::vector<unsigned> before(b.size() + 1);
  std::vector<unsigned> above(b.size() + 1);
  std::vector<unsigned> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = static_cast<unsigned>(j) * kLetter;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = static_cast<unsigned>(i) * kLetter;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min(
          {above[j] + kLetter, row[j - 1] + kLetter, above[j - 1] + cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && alike(a[i - 1], b[j - 2]) && alike(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + kLetter);
      }
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

/// The distance, but a word that is a part of the other misses only what stands around it, which
/// counts little: "RANDOMIZESNAT" is near "AWS_VPC_K8S_CNI_RANDOMIZESNAT".
unsigned unlikeness(std::string_view word, std::string_view candidate) {
  constexpr std::size_t kTelling = 4;  // letters that are more than a coincidence
  const bool part =
      word.size() >= kTelling && lower(candidate).find(lower(word)) != std::string::npos;
  if (part) return static_cast<unsigned>(candidate.size() - word.size());
  return distance(word, candidate);
}

std::string member_key(const std::string& map, std::string_view name) {
  return map.empty() ? std::string{name} : fmt::format("{}.{}", map, name);
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  // No known word is this long, and a hostile one must not cost its square.
  word = word.substr(0, 64);
  std::string best;
  unsigned best_distance = ~0U;
  for (const std::string& candidate : known) {
    const unsigned d = unlikeness(word, candidate);
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return best;
}

Value Value::element(std::size_t position) const {
  return {*source_, node_->items[position], fmt::format("{}[{}]", key_, position)};
}

Value Value::member(std::string_view name, const Node& node) const {
  return {*source_, node, member_key(key_, name)};
}

std::string Value::describe() const {
  switch (node_->kind) {
    case Node::Kind::kNull: return "nothing";
    case Node::Kind::kScalar: return "\"" + shown(node_->text) + "\"";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
  }
  return {};
}

MapReader::MapReader(Value map, Duplicates duplicates, KeyCase key_case)
    : map_(std::move(map)), key_case_(key_case) {
  const Node& node = map_.node();
  if (node.kind == Node::Kind::kNull) return;  // a section left empty says nothing
  if (node.kind != Node::Kind::kMap) {
    map_.error(map_.describe() + " stands where a map belongs", "a map of keys and values");
    return;
  }
  for (const Member& member : node.members) {
    const auto [slot, is_new] = members_.emplace(folded(member.key), &member);
    if (is_new) continue;
    const Member& first = *slot->second;
    const Node at{Node::Kind::kNull, false, member.line, member.column, {}, {}, {}};
    const std::string key = member_key(map_.key(), shown(member.key));
    if (duplicates == Duplicates::kRefuse) {
      map_.source().report(Severity::kError, at, key,
                           fmt::format("written a second time; first in line {}", first.line),
                           "each key once");
    } else {
      map_.source().report(
          Severity::kWarning, at, key,
          fmt::format("written a second time; what line {} says is ignored", first.line),
          "each key once");
      slot->second = &member;
    }
  }
}

std::string MapReader::folded(std::string_view name) const {
  return key_case_ == KeyCase::kIgnored ? lower(name) : std::string{name};
}

std::optional<Value> MapReader::find_even_null(std::string_view name) {
  if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) asked_.emplace_back(name);
  const auto member = members_.find(folded(name));
  if (member == members_.end()) return std::nullopt;
  return map_.member(name, member->second->value);
}

std::optional<Value> MapReader::find(std::string_view name) {
  std::optional<Value> value = find_even_null(name);
  if (value && value->node().kind == Node::Kind::kNull) return std::nullopt;
  return value;
}

void MapReader::missing(std::string_view name, std::string_view accepted) const {
  const Node::Kind kind = map_.node().kind;
  if (kind != Node::Kind::kMap && kind != Node::Kind::kNull) return;  // already said to be no map
  map_.source().report(Severity::kError, map_.node(), member_key(map_.key(), name), "missing",
                       std::string{accepted});
}

void MapReader::finish(Severity severity) const {
  constexpr std::size_t kListable = 12;  // more known keys than this are no help on one line
  for (const Member& member : map_.node().members) {
    const std::string name = folded(member.key);
    const bool known = std::any_of(asked_.begin(), asked_.end(),
                                   [&](const std::string& asked) { return folded(asked) == name; });
    if (known) continue;
    if (map_.source().full(severity)) return;
    const Node at{Node::Kind::kNull, false, member.line, member.column, {}, {}, {}};
    const std::string key = shown(member.key);
    std::string accepted = "did you mean \"" + nearest(member.key, asked_) + "\"?";
    if (asked_.size() <= kListable) {
      accepted += fmt::format(" The keys here are {}", fmt::join(asked_, ", "));
    }
    map_.source().report(
        severity, at, member_key(map_.key(), key),
        fmt::format("\"{}\" is no key{}{}", key, map_.key().empty() ? "" : " of ", map_.key()),
        std::move(accepted));
  }
}

const Node& locate(const Node& root, std::string_view key) {
  const Node* node = &root;
  while (!key.empty()) {
    if (key.front() == '[') {
      std::size_t position = 0;
      const auto [end, code] = std::from_chars(key.data() + 1, key.data() + key.size(), position);
      if (code != std::errc{} || position >= node->items.size()) break;
      node = &node->items[position];
      key.remove_prefix(std::min(key.size(), static_cast<std::size_t>(end - key.data()) + 1));
    } else {
      if (key.front() == '.') key.remove_prefix(1);
      const std::string_view name = key.substr(0, key.find_first_of(".["));
      const auto member = std::find_if(node->members.begin(), node->members.end(),
                                       [&](const Member& m) { return m.key == name; });
      if (member == node->members.end()) break;
      node = &member->value;
      key.remove_prefix(name.size());
    }
  }
  return *node;
}

}  // namespace sluice::config
