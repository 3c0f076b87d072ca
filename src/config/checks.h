// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the sections of a configuration say of each other.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/reader.h"

namespace sluice::config {

/// A configuration as read, with the document it was read from to find the places of its keys.
/// Lists of the configuration keep the positions of the document (read_list), so keys can be
/// composed from either; what could not be read is default-constructed and skipped by the checks.
class Draft {
 public:
  Draft(const Config& read, const Source& source, const Node& root)
      : config(read), source_(source), root_(root) {}

  void error(const std::string& key, std::string problem, std::string accepted) const {
    at(key).error(std::move(problem), std::move(accepted));
  }
  void warning(const std::string& key, std::string problem, std::string accepted) const {
    at(key).warning(std::move(problem), std::move(accepted));
  }
  /// For what another file says.
  void warning(const SourceMark& mark,
               const std::string& key,
               std::string problem,
               std::string accepted) const {
    if (source_.full(Severity::kWarning)) return;
    source_.problems().push_back(
        {Severity::kWarning, mark, key, std::move(problem), std::move(accepted)});
  }
  /// Whether the document itself says this, rather than a default.
  [[nodiscard]] bool is_written(std::string_view section, std::string_view name) const {
    const Node& map = locate(root_, section);
    const Node& value = locate(map, name);
    return &map != &root_ && &value != &map && value.kind != Node::Kind::kNull;
  }
  /// Whether a section is there but is no list, which its reader has reported.
  [[nodiscard]] bool is_misread_list(std::string_view section) const {
    const Node& value = locate(root_, section);
    return &value != &root_ && value.kind != Node::Kind::kList && value.kind != Node::Kind::kNull;
  }

  const Config& config;

 private:
  [[nodiscard]] Value at(const std::string& key) const {
    return {source_, locate(root_, key), key};
  }

  const Source& source_;
  const Node& root_;
};

/// ENIs and pod ports: names, devices, whose address is whose, the instance's limits.
void check_devices(const Draft& draft);

/// Addresses translated to, their owners and mappings; sizes that must fit each other.
void check_snat(const Draft& draft);

/// What works but is likely not meant. Only for configurations without errors.
void warn_of_routes(const Draft& draft);
void warn_of_policy(const Draft& draft);

}  // namespace sluice::config
