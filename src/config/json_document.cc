// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// JSON text to the same trees as YAML, on the events of nlohmann-json. Its events carry no places,
/// so a counting iterator tells how far the lexer has read when each one comes.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "config/node.h"
#include "config/node_builder.h"

namespace sluice::config {
namespace {

/// A place in a text.
struct Position {
  int line = 1;
  int column = 1;

  void pass(char c) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {  // UTF-8 followers have no column
      ++column;
    }
  }
};

/// Walks a text and remembers, outside itself, where the last token began: the lexer copies its
/// iterators freely.
struct Progress {
  Position next;
  Position token;  ///< of the latest character that can begin a value or key
  bool in_string = false;
  bool escaped = false;
  bool in_word = false;

  void pass(char c) {
    const Position here = next;
    next.pass(c);
    if (in_string) {
      if (!escaped && c == '"') in_string = false;
      escaped = !escaped && c == '\\';
      return;
    }
    const bool word =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '+' || c == '.';
    if (c == '"' || c == '{' || c == '[' || (word && !in_word)) token = here;
    in_word = word;
    in_string = c == '"';
  }
};

class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* at, Progress& progress) : at_(at), progress_(&progress) {}
  reference operator*() const { return *at_; }
  TrackedIterator& operator++() {
    progress_->pass(*at_++);
    return *this;
  }
  TrackedIterator operator++(int) {
    const TrackedIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const TrackedIterator& a, const TrackedIterator& b) {
    return a.at_ == b.at_;
  }
  friend bool operator!=(const TrackedIterator& a, const TrackedIterator& b) { return !(a == b); }

 private:
  const char* at_;
  Progress* progress_;
};

class JsonEvents {
 public:
  using json = nlohmann::json;
  explicit JsonEvents(const Progress& progress) : progress_(progress) {}

  bool null() { return scalar("", false, Node::Kind::kNull); }
  bool boolean(bool value) { return scalar(value ? "true" : "false", false); }
  bool number_integer(json::number_integer_t value) { return scalar(std::to_string(value), false); }
  bool number_unsigned(json::number_unsigned_t value) {
    return scalar(std::to_string(value), false);
  }
  bool number_float(json::number_float_t, const std::string& text) { return scalar(text, false); }
  bool string(const std::string& value) { return scalar(value, true); }
  bool binary(const json::binary_t&) { return false; }
  bool start_object(std::size_t) { return begin(Node::Kind::kMap); }
  bool start_array(std::size_t) { return begin(Node::Kind::kList); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(const std::string& name) {
    builder_.key({name, progress_.token.line, progress_.token.column, {}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& exception) {
    // The library's text begins with its own name and place: ours is told from the tree's.
    std::string text = exception.what();
    if (const auto begin = text.find(": "); begin != std::string::npos) text.erase(0, begin + 2);
    error = SyntaxError{progress_.next.line, std::max(1, progress_.next.column - 1),
                        "no valid JSON: " + text, "JSON (RFC 8259)"};
    return false;
  }

  Node take_root() { return builder_.take_root(); }
  std::optional<SyntaxError> error;

 private:
  Node at_token(Node::Kind kind) const {
    Node node;
    node.kind = kind;
    node.line = progress_.token.line;
    node.column = progress_.token.column;
    return node;
  }
  bool scalar(std::string text, bool quoted, Node::Kind kind = Node::Kind::kScalar) {
    Node node = at_token(kind);
    node.text = std::move(text);
    node.quoted = quoted;
    builder_.scalar_or_null(std::move(node));
    return true;
  }
  bool begin(Node::Kind kind) {
    builder_.begin(at_token(kind));
    return true;
  }
  bool end() {
    builder_.end();
    return true;
  }

  const Progress& progress_;
  NodeBuilder builder_;
};

}  // namespace

Parsed parse_json(std::string_view text) {
  Progress progress;
  JsonEvents events{progress};
  Parsed parsed;
  try {
    const TrackedIterator begin{text.data(), progress};
    const TrackedIterator end{text.data() + text.size(), progress};
    if (nlohmann::json::sax_parse(begin, end, &events)) {
      parsed.documents.push_back(events.take_root());
    } else {
      parsed.error = events.error;
    }
  } catch (const NodeBuilder::Stop& stop) {
    parsed.error = stop.error;
  }
  return parsed;
}

}  // namespace sluice::config
