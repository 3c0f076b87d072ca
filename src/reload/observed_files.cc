// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/observed_files.h"

#include <algorithm>
#include <functional>

namespace sluice::reload {
namespace {

std::size_t hash_of(const Result<std::string>& text) {
  // An error is an answer like any other: unreadable, then readable, is a change.
  return std::hash<std::string>{}(text ? "t" + text.value() : "e" + text.error());
}

std::size_t hash_of(const Result<std::vector<std::string>>& names) {
  if (!names) return std::hash<std::string>{}("e" + names.error());
  std::string all = "t";
  for (const std::string& name : names.value()) (all += name) += '\0';  // no name holds one
  return std::hash<std::string>{}(all);
}

}  // namespace

ObservedFiles::Kind ObservedFiles::kind(const std::string& path) const {
  const Kind kind = config::disk().kind(path);
  seen_[path].kind = kind;
  return kind;
}

Result<std::string> ObservedFiles::read(const std::string& path, std::size_t limit) const {
  auto text = config::disk().read(path, limit);
  Sight& sight = seen_[path];
  sight.limit = limit;
  sight.text = hash_of(text);
  return text;
}

Result<std::vector<std::string>> ObservedFiles::list(const std::string& folder) const {
  auto names = config::disk().list(folder);
  seen_[folder].names = hash_of(names);
  return names;
}

bool ObservedFiles::changed() const {
  const config::Files& disk = config::disk();
  return std::any_of(seen_.begin(), seen_.end(), [&](const auto& entry) {
    const auto& [path, sight] = entry;
    return (sight.kind && *sight.kind != disk.kind(path)) ||
           (sight.text && *sight.text != hash_of(disk.read(path, sight.limit))) ||
           (sight.names && *sight.names != hash_of(disk.list(path)));
  });
}

std::vector<std::string> ObservedFiles::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, sight] : seen_) paths.push_back(path);
  return paths;
}

}  // namespace sluice::reload
