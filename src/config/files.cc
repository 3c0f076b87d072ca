// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

std::string reason(int error) { return std::generic_category().message(error); }

std::string too_large(std::size_t limit) { return fmt::format("larger than {} bytes", limit); }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

class Disk : public Files {
 public:
  [[nodiscard]] Kind kind(const std::string& path) const override {
    std::error_code code;
    const fs::file_status status = fs::status(path, code);
    if (status.type() == fs::file_type::not_found) return Kind::kMissing;
    if (fs::is_regular_file(status)) return Kind::kFile;
    return fs::is_directory(status) ? Kind::kFolder : Kind::kOther;
  }

  [[nodiscard]] Result<std::string> read(const std::string& path,
                                         std::size_t limit) const override {
    // O_NONBLOCK: opening a pipe nobody writes to returns, and the check below refuses it.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file.number() < 0) return Error{"cannot be opened: " + reason(errno)};
    struct stat about {};
    if (::fstat(file.number(), &about) != 0) return Error{"cannot be read: " + reason(errno)};
    if (S_ISDIR(about.st_mode)) return Error{"a folder, not a file"};
    if (!S_ISREG(about.st_mode)) return Error{"no regular file"};
    if (about.st_size > 0 && static_cast<std::size_t>(about.st_size) > limit) {
      return Error{too_large(limit)};
    }
    std::string text;
    char buffer[65536];
    for (;;) {
      const ssize_t count = ::read(file.number(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Error{"cannot be read: " + reason(errno)};
      if (count == 0) return text;
      text.append(buffer, static_cast<std::size_t>(count));
      if (text.size() > limit) return Error{too_large(limit)};  // it may grow, or lie (/proc)
    }
  }

  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& folder) const override {
    std::vector<std::string> names;
    std::error_code code;
    for (fs::directory_iterator entry{folder, code}, end; !code && entry != end;
         entry.increment(code)) {
      names.push_back(entry->path().filename().string());
    }
    if (code) return Error{"cannot be listed: " + code.message()};
    std::sort(names.begin(), names.end());
    return names;
  }
};

}  // namespace

const Files& disk() {
  static const Disk instance;
  return instance;
}

Files::Kind MemoryFiles::kind(const std::string& path) const {
  if (files_.count(path) != 0) return Kind::kFile;
  const std::string folder = path.ends_with('/') ? path : path + "/";
  const auto inside = files_.lower_bound(folder);
  return inside != files_.end() && inside->first.starts_with(folder) ? Kind::kFolder
                                                                     : Kind::kMissing;
}

Result<std::string> MemoryFiles::read(const std::string& path, std::size_t limit) const {
  const auto file = files_.find(path);
  if (file == files_.end()) return Error{"cannot be opened: " + reason(ENOENT)};
  if (file->second.size() > limit) return Error{too_large(limit)};
  return file->second;
}

Result<std::vector<std::string>> MemoryFiles::list(const std::string& folder) const {
  const std::string prefix = folder.ends_with('/') ? folder : folder + "/";
  std::set<std::string> names;
  for (auto file = files_.lower_bound(prefix);
       file != files_.end() && file->first.starts_with(prefix); ++file) {
    names.insert(
        file->first.substr(prefix.size(), file->first.find('/', prefix.size()) - prefix.size()));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

}  // namespace sluice::config
