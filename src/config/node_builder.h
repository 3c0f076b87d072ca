// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Puts the events of a YAML or JSON parser together into a tree of bounded depth and size.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "config/node.h"

namespace sluice::config {

class NodeBuilder {
 public:
  /// Thrown through the parser to end it.
  struct Stop {
    SyntaxError error;
  };

  /// Throws when the tree grows past its bounds.
  void scalar_or_null(Node node) {
    count(node, 1);
    attach(std::move(node));
  }
  void begin(Node list_or_map) {
    count(list_or_map, 1);
    if (open_.size() == kMaxDepth) {
      throw Stop{{list_or_map.line, list_or_map.column, "lists and maps are nested too deep",
                  "up to " + std::to_string(kMaxDepth) + " levels"}};
    }
    open_.push_back({std::move(list_or_map), {}, false});
  }
  /// Names the value that comes next in the open map.
  void key(Member member) {
    open_.back().member = std::move(member);
    open_.back().has_key = true;
  }
  /// Closes the open list or map and gives a look at it where it now stands.
  const Node& end() {
    Node done = std::move(open_.back().node);
    open_.pop_back();
    return attach(std::move(done));
  }
  /// A copy of a tree (an alias): it counts as often as it is written.
  void copy(const Node& original, std::size_t nodes, std::size_t height, const Node& at) {
    count(at, nodes);
    if (open_.size() + height > kMaxDepth) {
      throw Stop{{at.line, at.column, "aliases are nested too deep",
                  "up to " + std::to_string(kMaxDepth) + " levels"}};
    }
    attach(Node{original});
  }

  /// Charges for nodes that are kept, whether in the tree or beside it.
  void count(const Node& at, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) {
      throw Stop{
          {at.line, at.column, "the text unfolds to too many values",
           "up to " + std::to_string(kMaxNodes) + ", anchors and aliases counted each time"}};
    }
  }

  /// Whether the next thing said belongs to a map as a key.
  [[nodiscard]] bool expects_key() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::kMap && !open_.back().has_key;
  }
  /// Whether the next thing said is an element of a list.
  [[nodiscard]] bool in_list() const {
    return !open_.empty() && open_.back().node.kind == Node::Kind::kList;
  }
  /// The key that waits for its value, or null.
  [[nodiscard]] const Member* pending_key() const {
    return !open_.empty() && open_.back().has_key ? &open_.back().member : nullptr;
  }
  [[nodiscard]] Node take_root() { return std::exchange(root_, Node{}); }

 private:
  struct Open {
    Node node;
    Member member;  ///< of a map: the key that waits for its value
    bool has_key;
  };

  const Node& attach(Node node) {
    if (open_.empty()) return root_ = std::move(node);
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      return parent.node.items.emplace_back(std::move(node));
    }
    parent.has_key = false;
    parent.member.value = std::move(node);
    return parent.node.members.emplace_back(std::move(parent.member)).value;
  }

  std::vector<Open> open_;
  Node root_;
  std::size_t nodes_ = 0;
};

}  // namespace sluice::config
