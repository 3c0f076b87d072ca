// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Walking a document tree key by key. Nothing stops at the first mistake: every read reports into
/// the Source and goes on, so that one run names all problems of a file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/node.h"
#include "config/problem.h"

namespace sluice::config {

/// One file being read, and the list its problems go to.
class Source {
 public:
  Source(std::string file, Problems& problems) : file_(std::move(file)), problems_(problems) {}

  void report(Severity severity,
              const Node& at,
              std::string key,
              std::string problem,
              std::string accepted) const {
    if (full(severity)) return;
    problems_.get().push_back({severity, mark(at.line, at.column), std::move(key),
                               std::move(problem), std::move(accepted)});
  }
  void report(const SyntaxError& error) const {
    problems_.get().push_back(
        {Severity::kError, mark(error.line, error.column), {}, error.problem, error.accepted});
  }
  /// Whether so much is wrong that more would help nobody and only take memory. Warnings leave room
  /// for errors, so that these are never all dropped.
  [[nodiscard]] bool full(Severity severity) const {
    const std::size_t most = severity == Severity::kWarning ? kMostWarnings : kMostProblems;
    return problems_.get().size() >= most;
  }
  [[nodiscard]] SourceMark mark(int line, int column) const { return {file_, line, column}; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] Problems& problems() const { return problems_; }

 private:
  static constexpr std::size_t kMostWarnings = 10'000;
  static constexpr std::size_t kMostProblems = 2 * kMostWarnings;
  std::string file_;
  std::reference_wrapper<Problems> problems_;
};

/// One value on the way: a node, the dotted key that leads to it, and where its problems go.
/// A view: the tree and the Source outlive it.
class Value {
 public:
  Value(const Source& source, const Node& node, std::string key)
      : source_(&source), node_(&node), key_(std::move(key)) {}

  [[nodiscard]] const Node& node() const { return *node_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] const Source& source() const { return *source_; }
  [[nodiscard]] SourceMark mark() const { return source_->mark(node_->line, node_->column); }

  void error(std::string problem, std::string accepted) const {
    source_->report(Severity::kError, *node_, key_, std::move(problem), std::move(accepted));
  }
  void warning(std::string problem, std::string accepted) const {
    source_->report(Severity::kWarning, *node_, key_, std::move(problem), std::move(accepted));
  }

  /// "KEY[position]", a list's element.
  [[nodiscard]] Value element(std::size_t position) const;
  /// The value under a name, "KEY.name"; at the top just "name".
  [[nodiscard]] Value member(std::string_view name, const Node& node) const;

  /// What a message calls this: its text, or "a list", "a map", "nothing".
  [[nodiscard]] std::string describe() const;

 private:
  const Source* source_;
  const Node* node_;
  std::string key_;
};

/// What becomes of a key written twice in one map.
enum class Duplicates { kRefuse, kLastCounts };
/// How keys are compared.
enum class KeyCase { kExact, kIgnored };

/// The keys of one map. Ask for each key there is, then call finish(): keys nobody asked for are
/// reported with the nearest one that somebody did.
class MapReader {
 public:
  explicit MapReader(Value map,
                     Duplicates duplicates = Duplicates::kRefuse,
                     KeyCase key_case = KeyCase::kExact);

  /// The value of a key; nothing when the key is absent or null.
  [[nodiscard]] std::optional<Value> find(std::string_view name);
  /// The same, but a null counts as written.
  [[nodiscard]] std::optional<Value> find_even_null(std::string_view name);

  /// Reads a key into `out` when it is there and `parse` (Value to optional) makes sense of it.
  /// Returns whether it was written.
  template <typename T, typename Parse>
  bool read(std::string_view name, T& out, Parse parse) {
    const std::optional<Value> value = find(name);
    if (!value) return false;
    if (auto parsed = parse(*value)) out = std::move(*parsed);
    return true;
  }

  /// The same, and an error when the key is missing.
  template <typename T, typename Parse>
  void require(std::string_view name, T& out, Parse parse, std::string_view accepted) {
    if (!read(name, out, parse)) missing(name, accepted);
  }
  void missing(std::string_view name, std::string_view accepted) const;

  /// Reports the keys nobody asked for.
  void finish(Severity severity = Severity::kError) const;

  [[nodiscard]] const Value& map() const { return map_; }

 private:
  [[nodiscard]] std::string folded(std::string_view name) const;

  Value map_;
  KeyCase key_case_;
  std::unordered_map<std::string, const Member*> members_;  ///< by folded name
  std::vector<std::string> asked_;
};

/// Reads a list with one reader for its elements. An element that makes no sense leaves a
/// default-constructed value in its place, so that positions keep counting right in later keys;
/// the error it reported keeps such a list from being used.
template <typename Parse>
auto read_list(const Value& value, Parse parse)
    -> std::vector<typename decltype(parse(value))::value_type> {
  using T = typename decltype(parse(value))::value_type;
  std::vector<T> list;
  if (value.node().kind != Node::Kind::kList) {
    value.error(value.describe() + " stands where a list belongs",
                "a list, such as [" + shown(value.node().text) + "]");
    return list;
  }
  list.reserve(value.node().items.size());
  for (std::size_t i = 0; i < value.node().items.size(); ++i) {
    auto parsed = parse(value.element(i));
    list.push_back(parsed ? std::move(*parsed) : T{});
  }
  return list;
}

/// The same as something MapReader::read takes.
template <typename Parse>
auto list_of(Parse parse) {
  return [parse](const Value& value) { return std::optional{read_list(value, parse)}; };
}

/// The place of a dotted key ("enis[1].address") in a document, or of the nearest thing above it
/// that was written.
[[nodiscard]] const Node& locate(const Node& root, std::string_view key);

/// The known word most like the given one; empty when none is known.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace sluice::config
