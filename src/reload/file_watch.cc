// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/file_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>

namespace sluice::reload {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kLinks = 40;  // as many as the kernel follows
constexpr std::uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;

std::deque<std::string> names_of(const fs::path& path) {
  std::deque<std::string> names;
  for (const fs::path& name : path.relative_path()) {
    if (!name.empty() && name != ".") names.push_back(name.string());
  }
  return names;
}

}  // namespace

FileWatch::~FileWatch() { close(); }

void FileWatch::close() {
  if (inotify_ >= 0) ::close(inotify_);
  inotify_ = -1;
  watched_.clear();
}

void FileWatch::walk(const std::string& path, Folders& folders) {
  std::error_code code;
  fs::path folder = "/";  // always resolved: no link, no ".."
  std::deque<std::string> names = names_of(fs::absolute(path, code));
  unsigned links = 0;
  while (!names.empty()) {
    const std::string name = names.front();
    names.pop_front();
    if (name == "..") {
      folder = folder.parent_path();
      continue;
    }
    folders[folder.string()].names.insert(name);
    const fs::path here = folder / name;
    const fs::file_status status = fs::symlink_status(here, code);
    if (fs::is_symlink(status)) {
      const fs::path target = fs::read_symlink(here, code);
      if (code || ++links > kLinks) return;
      if (target.is_absolute()) folder = "/";
      const std::deque<std::string> onward = names_of(target);
      names.insert(names.begin(), onward.begin(), onward.end());
    } else if (fs::is_directory(status)) {
      folder = here;
      if (names.empty()) folders[folder.string()].all = true;
    } else {
      return;  // a file, or nothing yet
    }
  }
}

Status FileWatch::watch(std::span<const std::string> paths) {
  close();
  const auto failed = [this](const char* call) {
    const int error = errno;
    close();
    return Error{fmt::format("{}: {}; see fs.inotify.max_user_instances and max_user_watches", call,
                             std::strerror(error))};
  };
  inotify_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (inotify_ < 0) return failed("inotify_init1");
  Folders folders;
  for (const std::string& path : paths) walk(path, folders);
  for (auto& [path, folder] : folders) {
    const int number = ::inotify_add_watch(inotify_, path.c_str(), kEvents);
    if (number >= 0) {
      Folder& known = watched_[number];  // one folder may be met by two paths (bind mounts)
      known.names.merge(folder.names);
      known.all = known.all || folder.all;
    } else if (errno == ENOSPC || errno == ENOMEM) {
      return failed("inotify_add_watch");
    }  // else it is gone or closed to us: the folder above tells when that changes
  }
  return success();
}

/// True if one of what came concerns a wanted name.
bool FileWatch::read_events() {
  constexpr int kReads = 16;  // a folder full of noise waits for the next turn
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool wanted = false;
  for (int i = 0; i < kReads && inotify_ >= 0; ++i) {
    const ssize_t count = ::read(inotify_, buffer.data(), buffer.size());
    if (count <= 0) break;
    for (std::size_t offset = 0; offset < static_cast<std::size_t>(count);) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + offset);
      offset += sizeof *event + event->len;
      const auto folder = watched_.find(event->wd);
      // Without a name it is the folder itself that went away, or events were lost.
      wanted = wanted || event->len == 0 || folder == watched_.end() || folder->second.all ||
               folder->second.names.count(event->name) != 0;
    }
  }
  return wanted;
}

void FileWatch::touch(Clock::time_point now) {
  if (!pending_) first_ = now;
  pending_ = true;
  last_ = now;
}

bool FileWatch::poll(Clock::time_point now) {
  if (read_events()) touch(now);
  const bool due = pending_ && (now - last_ >= kQuiet || now - first_ >= kAtMost);
  if (due) pending_ = false;
  return due;
}

}  // namespace sluice::reload
