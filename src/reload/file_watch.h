// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Tells when something happened to one of some files, by inotify.
///
/// Watched are folders, not files: a file that is replaced by rename, as editors do, is another
/// file, and one that is missing cannot be watched at all. A path is walked from the root; in each
/// folder on the way only the next name matters, and where that is a symbolic link the walk goes on
/// at its target. So a ConfigMap, in which kubelet replaces one link,
///
///     sluice.yaml -> ..data/sluice.yaml        ..data -> ..2026_07_29/
///
/// is seen through either link; and a folder that does not exist yet is seen when it is made.
///
/// What happened may be half of it (an editor removes, then writes), so poll() waits for quiet.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace sluice::reload {

/// Owner: the main thread; nothing here blocks.
class FileWatch {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kQuiet{200};
  static constexpr std::chrono::milliseconds kAtMost{2000};  ///< some files are never quiet

  FileWatch() = default;
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  /// Watches these files and folders from now on, and none besides; to be called again after each
  /// change, as links may lead elsewhere then. What poll() has not yet told stays to be told. On
  /// failure (the kernel allows no more watches) nothing is watched.
  Status watch(std::span<const std::string> paths);

  /// True once after something has happened, when it has been quiet since.
  [[nodiscard]] bool poll(Clock::time_point now);

  /// As if something had happened.
  void touch(Clock::time_point now);

 private:
  struct Folder {
    std::set<std::string> names;
    bool all = false;  ///< the folder itself is wanted: any name matters
  };
  using Folders = std::map<std::string, Folder>;
  static void walk(const std::string& path, Folders& folders);
  [[nodiscard]] bool read_events();
  void close();

  int inotify_ = -1;
  std::map<int, Folder> watched_;  ///< by watch descriptor
  bool pending_ = false;
  Clock::time_point first_;
  Clock::time_point last_;
};

}  // namespace sluice::reload
