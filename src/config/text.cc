// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include "config/node.h"

namespace sluice::config {
namespace {

/// The length of the UTF-8 sequence that begins here, or 0 (RFC 3629: no overlong forms, no
/// surrogates, nothing over U+10FFFF).
std::size_t utf8_length(std::string_view rest) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return follows(1) ? 2 : 0;
  if (lead < 0xf0) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  const bool out_of_range = (lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f);
  return lead <= 0xf4 && follows(1) && follows(2) && follows(3) && !out_of_range ? 4 : 0;
}

}  // namespace

std::optional<SyntaxError> check_characters(std::string_view text) {
  int line = 1;
  int column = 1;
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f) {
      return SyntaxError{line, column, fmt::format("the control character 0x{:02x}", byte),
                         "plain text"};
    }
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) {
      return SyntaxError{line, column, fmt::format("the byte 0x{:02x} is no UTF-8", byte),
                         "text in UTF-8"};
    }
    at += length;
    ++column;
    if (byte == '\n') {
      ++line;
      column = 1;
    }
  }
  return std::nullopt;
}

Parsed parse_yaml_or_json(std::string_view text, std::size_t at_most) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  return json ? parse_json(text) : parse_yaml(text, at_most);
}

}  // namespace sluice::config
