// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// YAML text to trees, on yaml-cpp's events rather than its own nodes: events carry the places of
/// keys, show keys given twice, and can be stopped before nesting or aliases grow out of bounds.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

#include "config/node.h"
#include "config/node_builder.h"

namespace sluice::config {
namespace {

std::size_t count_nodes(const Node& node) {
  std::size_t nodes = 1;
  for (const Node& item : node.items) nodes += count_nodes(item);
  for (const Member& member : node.members) nodes += count_nodes(member.value);
  return nodes;
}

std::size_t height_of(const Node& node) {
  if (node.kind != Node::Kind::kList && node.kind != Node::Kind::kMap) return 0;
  std::size_t below = 0;
  for (const Node& item : node.items) below = std::max(below, height_of(item));
  for (const Member& member : node.members) below = std::max(below, height_of(member.value));
  return below + 1;
}

/// The lines of a text, to look at what stands before a place.
class Lines {
 public:
  explicit Lines(std::string_view text) {
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      lines_.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  /// yaml-cpp reports a list's empty element where the next thing stands. Moves such a node back to
  /// the dash, comma or bracket it follows.
  void move_to_element(Node& node) const {
    // The line of the next thing has no comment before that; the end of the document is none of
    // the text's own lines.
    std::size_t line = std::min(static_cast<std::size_t>(node.line), lines_.size()) - 1;
    std::string_view before = lines_[line];
    if (line + 1 == static_cast<std::size_t>(node.line)) {
      before = before.substr(0, static_cast<std::size_t>(node.column) - 1);
    }
    for (;;) {
      const std::size_t last = before.find_last_not_of(" \t\r");
      if (last != std::string_view::npos) {
        if (std::string_view{"-,["}.find(before[last]) == std::string_view::npos) return;
        node.line = static_cast<int>(line) + 1;
        node.column = static_cast<int>(last) + 1;
        return;
      }
      if (line == 0) return;
      before = without_comment(lines_[--line]);
    }
  }

 private:
  static std::string_view without_comment(std::string_view line) {
    if (line.starts_with('#')) return {};
    return line.substr(0, std::min(line.find(" #"), line.find("\t#")));
  }

  std::vector<std::string_view> lines_;
};

class YamlEvents : public YAML::EventHandler {
 public:
  explicit YamlEvents(std::string_view text) : lines_(text) {}

  Node take_root() { return builder_.take_root(); }

  void OnDocumentStart(const YAML::Mark&) override { anchored_.clear(); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Node node = at(mark, Node::Kind::kNull);
    if (builder_.expects_key()) refuse_key(node);
    if (const Member* key = builder_.pending_key()) {
      // yaml-cpp reads a line without a colon as a key without a value, at the key's own place.
      if (key->line == node.line && key->column == node.column) {
        throw NodeBuilder::Stop{{key->line, key->column,
                                 "\"" + key->key + "\" stands where a key belongs, but has no ':'",
                                 "KEY: VALUE"}};
      }
      node.line = key->line;  // the mark is that of whatever comes next
      node.column = key->column;
    } else if (builder_.in_list()) {
      lines_.move_to_element(node);
    }
    builder_.scalar_or_null(node);
    remember(anchor, node);
  }

  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override {
    Node node = at(mark, Node::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    remember(anchor, node);
    if (builder_.expects_key()) {
      builder_.key({value, node.line, node.column, {}});
    } else {
      builder_.scalar_or_null(std::move(node));
    }
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(at(mark, Node::Kind::kList), anchor);
  }
  void OnMapStart(const YAML::Mark& mark,
                  const std::string&,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(at(mark, Node::Kind::kMap), anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const Node node = at(mark, Node::Kind::kNull);
    if (builder_.expects_key()) refuse_key(node);
    const auto original = anchored_.find(anchor);
    if (original == anchored_.end()) {  // still open: it would contain itself
      throw NodeBuilder::Stop{{node.line, node.column, "an alias stands inside what it names",
                               "an alias to something that ends before it"}};
    }
    const auto& [tree, nodes, height] = original->second;
    builder_.copy(tree, nodes, height, node);
  }

 private:
  struct Anchored {
    Node tree;
    std::size_t nodes;
    std::size_t height;
  };

  static Node at(const YAML::Mark& mark, Node::Kind kind) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  [[noreturn]] static void refuse_key(const Node& node) {
    throw NodeBuilder::Stop{{node.line, node.column, "a key must be a plain word", "KEY: VALUE"}};
  }
  void begin(Node node, YAML::anchor_t anchor) {
    if (builder_.expects_key()) refuse_key(node);
    builder_.begin(std::move(node));
    open_anchors_.push_back(anchor);
  }
  void end() {
    const Node& done = builder_.end();
    remember(open_anchors_.back(), done);
    open_anchors_.pop_back();
  }
  void remember(YAML::anchor_t anchor, const Node& node) {
    if (anchor == 0) return;
    const std::size_t nodes = count_nodes(node);
    builder_.count(node, nodes);  // before there is a copy: anchors inside anchors multiply
    anchored_[anchor] = {node, nodes, height_of(node)};
  }

  Lines lines_;
  NodeBuilder builder_;
  std::map<YAML::anchor_t, Anchored> anchored_;
  std::vector<YAML::anchor_t> open_anchors_;
};

/// Where more brackets are open than any document within kMaxDepth could have, or nothing. yaml-cpp
/// takes hundreds of bytes for each before it says anything. Brackets in strings and comments
/// count too, so the bound is generous.
std::optional<SyntaxError> check_brackets(std::string_view text) {
  constexpr int kMostOpen = 1000;
  int open = 0;
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c == '[' || c == '{') ++open;
    if ((c == ']' || c == '}') && open > 0) --open;
    if (open > kMostOpen) {
      return SyntaxError{line, 1, "lists and maps are nested too deep",
                         "up to " + std::to_string(kMaxDepth) + " levels"};
    }
  }
  return std::nullopt;
}

}  // namespace

Parsed parse_yaml(std::string_view text, std::size_t at_most) {
  Parsed parsed;
  parsed.error = check_brackets(text);
  if (parsed.error) return parsed;
  // The end of the document is said aloud: yaml-cpp takes the end of its input for the end of a
  // quoted string, but complains of a document that ends inside one.
  std::istringstream stream{std::string{text} + "\n...\n"};
  try {
    YAML::Parser parser{stream};
    YamlEvents events{text};
    while (parsed.documents.size() < at_most && parser.HandleNextDocument(events)) {
      parsed.documents.push_back(events.take_root());
    }
  } catch (const NodeBuilder::Stop& stop) {
    parsed.error = stop.error;
  } catch (const YAML::Exception& exception) {
    const bool known = !exception.mark.is_null();
    parsed.error =
        SyntaxError{known ? exception.mark.line + 1 : 0, known ? exception.mark.column + 1 : 0,
                    "no valid YAML: " + exception.msg, "YAML 1.2"};
  }
  if (parsed.documents.empty() && !parsed.error) parsed.documents.emplace_back();
  return parsed;
}

}  // namespace sluice::config
