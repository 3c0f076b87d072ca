// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a YAML or JSON text says, before anyone asks what it means: a tree with places.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

struct Member;

/// One value of a document and where it was written.
struct Node {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  bool quoted = false;          ///< a scalar that can only be a string, whatever it looks like
  int line = 0;                 ///< from 1
  int column = 0;               ///< from 1
  std::string text;             ///< of a scalar
  std::vector<Node> items;      ///< of a list
  std::vector<Member> members;  ///< of a map, in their order, keys given twice included
};

/// One key of a map, where it was written, and its value.
struct Member {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

/// Why a text cannot be read at all, and where.
struct SyntaxError {
  int line = 0;
  int column = 0;
  std::string problem;
  std::string accepted;
};

/// The documents up to the first mistake. An empty text is one document: null.
struct Parsed {
  std::vector<Node> documents;
  std::optional<SyntaxError> error;
};

/// Bounds on what a text may unfold to, so that a hostile one costs neither the stack nor the
/// memory. Far above what anybody writes: 2^20 values are a policy of 500,000 destinations.
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = std::size_t{1} << 20;

/// Whether the text is what both readers take: UTF-8 without control characters. (yaml-cpp takes
/// U+0004 for the end of its input and would silently drop what follows.)
[[nodiscard]] std::optional<SyntaxError> check_characters(std::string_view text);

/// Reads the first `at_most` YAML documents; what follows them is not looked at.
[[nodiscard]] Parsed parse_yaml(std::string_view text, std::size_t at_most);

/// Reads the one JSON document that the text must be (RFC 8259; nothing may follow it).
[[nodiscard]] Parsed parse_json(std::string_view text);

/// YAML, or JSON when the first character that is no space is a brace: the way the Kubernetes
/// tools choose.
[[nodiscard]] Parsed parse_yaml_or_json(std::string_view text, std::size_t at_most);

}  // namespace sluice::config
