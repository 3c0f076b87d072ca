// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "core/result.h"

namespace sluice::config {

/// All that reading a configuration asks of a file system. Tests and fuzzers bring files of memory.
class Files {
 public:
  enum class Kind { kMissing, kFile, kFolder, kOther };
  virtual ~Files() = default;

  /// What stands at this path, symbolic links followed. kOther: neither file nor folder.
  [[nodiscard]] virtual Kind kind(const std::string& path) const = 0;
  /// The whole text of a regular file of at most `limit` bytes. Never waits for a pipe or device.
  [[nodiscard]] virtual Result<std::string> read(const std::string& path,
                                                 std::size_t limit) const = 0;
  /// The names in a folder, sorted.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& folder) const = 0;
};

/// The machine's own file system.
[[nodiscard]] const Files& disk();

/// Files of memory, path to text.
class MemoryFiles : public Files {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {}
  [[nodiscard]] Kind kind(const std::string& path) const override;
  [[nodiscard]] Result<std::string> read(const std::string& path, std::size_t limit) const override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) const override;

 private:
  std::map<std::string, std::string> files_;
};

}  // namespace sluice::config
