// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/ip.h"

namespace sluice::console {

/// What was typed for a command's places: by the word before it in a bracketed group ("pod" of
/// [pod ADDRESS]), else by the place itself ("file" of FILE). Every value has been found to be what
/// its place asks for.
class Arguments {
 public:
  bool json = false;

  void set(std::string name, std::string value) { values_[std::move(name)] = std::move(value); }
  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }
  /// Empty if it was left out.
  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::string() : found->second;
  }
  [[nodiscard]] std::uint64_t number(const std::string& name, std::uint64_t otherwise) const {
    return has(name) ? std::stoull(text(name)) : otherwise;
  }
  [[nodiscard]] std::optional<IpAddr> address(const std::string& name) const {
    return has(name) ? IpAddr::parse(text(name)) : std::nullopt;
  }

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace sluice::console
