// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The machine's files, and a memory of what was seen of them: so that "has anything the
/// configuration depends on changed?" is asked of exactly what was read, missing files included.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/files.h"

namespace sluice::reload {

/// Forwards to config::disk(). Keeps hashes, never contents. Main thread.
class ObservedFiles : public config::Files {
 public:
  [[nodiscard]] Kind kind(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) const override;

  /// Whether asking all the same questions again gives another answer. Reads every file.
  [[nodiscard]] bool changed() const;
  /// Every path that was asked about.
  [[nodiscard]] std::vector<std::string> paths() const;

 private:
  /// What was asked about a path, and a hash of the answer.
  struct Sight {
    std::optional<Kind> kind;
    std::size_t limit = 0;
    std::optional<std::size_t> text;
    std::optional<std::size_t> names;
  };
  // Files is const to whoever reads a configuration; remembering is not what they see.
  mutable std::map<std::string, Sight> seen_;
};

}  // namespace sluice::reload
