// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// inotify's events are there when the call that caused them returns; quiet is a time these tests
/// make up. So nothing here waits.
#include "reload/file_watch.h"

#include <gtest/gtest.h>

#include "reload/temporary_folder.h"

namespace sluice::reload {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class FileWatchTest : public ::testing::Test {
 protected:
  void watch(std::initializer_list<std::string_view> names) {
    paths_.clear();
    for (const std::string_view name : names) paths_.push_back((folder_ / name).string());
    ASSERT_TRUE(watch_.watch(paths_));
  }

  /// Whether anything has happened since it was asked last.
  bool noticed() {
    now_ += 1s;
    const bool at_once = watch_.poll(now_);
    now_ += FileWatch::kQuiet;
    const bool noticed = watch_.poll(now_);
    EXPECT_FALSE(at_once) << "it has not been quiet yet";
    return noticed;
  }

  TemporaryFolder folder_;
  FileWatch watch_;
  FileWatch::Clock::time_point now_{};
  std::vector<std::string> paths_;
};

TEST_F(FileWatchTest, NoticesAFileWrittenInPlaceReplacedAndRemoved) {
  folder_.write("a", "1");
  watch({"a"});
  EXPECT_FALSE(noticed());
  folder_.write("a", "2");
  EXPECT_TRUE(noticed());
  EXPECT_FALSE(noticed()) << "told once";
  folder_.write("a.new", "3");
  EXPECT_FALSE(noticed()) << "that is not the file";
  fs::rename(folder_ / "a.new", folder_ / "a");
  EXPECT_TRUE(noticed());
  fs::remove(folder_ / "a");
  EXPECT_TRUE(noticed());
}

TEST_F(FileWatchTest, NoticesAFileThatAppearsInAFolderThatAppears) {
  watch({"x/y/agent.yaml"});
  folder_.write("other", "");
  EXPECT_FALSE(noticed());
  fs::create_directory(folder_ / "x");
  EXPECT_TRUE(noticed());
  watch({"x/y/agent.yaml"});
  folder_.write("x/y/agent.yaml", "");
  EXPECT_TRUE(noticed());
}

TEST_F(FileWatchTest, NoticesAConfigMapsSwap) {
  folder_.write("..1/f", "1");
  fs::create_directory_symlink("..1", folder_ / "..data");
  fs::create_symlink("..data/f", folder_ / "f");
  watch({"f"});
  folder_.write("..2/f", "2");
  fs::create_directory_symlink("..2", folder_ / "..data_tmp");
  EXPECT_FALSE(noticed()) << "prepared only";
  fs::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_TRUE(noticed());
  watch({"f"});
  fs::remove_all(folder_ / "..1");
  EXPECT_FALSE(noticed()) << "nobody looks there any more";
  folder_.write("..2/f", "3");
  EXPECT_TRUE(noticed());
}

TEST_F(FileWatchTest, NoticesAnyNameInAFolderThatIsWanted) {
  folder_.write("policies/a", "");
  watch({"policies"});
  folder_.write("policies/b", "");
  EXPECT_TRUE(noticed());
}

TEST_F(FileWatchTest, WaitsForQuietButNotForEver) {
  folder_.write("a", "1");
  watch({"a"});
  folder_.write("a", "2");
  EXPECT_FALSE(watch_.poll(now_));
  const auto begun = now_;
  bool told = false;
  while (!told && now_ - begun < 10s) {
    now_ += FileWatch::kQuiet / 2;
    folder_.write("a", "3");
    told = watch_.poll(now_);
  }
  EXPECT_GE(now_ - begun, FileWatch::kAtMost);
  EXPECT_LT(now_ - begun, FileWatch::kAtMost + FileWatch::kQuiet);
}

TEST_F(FileWatchTest, SurvivesLinksThatLeadNowhereOrInCircles) {
  fs::create_symlink("nowhere", folder_ / "a");
  fs::create_symlink("c", folder_ / "b");
  fs::create_symlink("b", folder_ / "c");
  watch({"a", "b", "c", "a/../b"});
  folder_.write("nowhere", "");
  EXPECT_TRUE(noticed());
}

TEST_F(FileWatchTest, WhatIsStillToBeToldSurvivesAnotherWatch) {
  folder_.write("a", "1");
  watch({"a"});
  folder_.write("a", "2");
  EXPECT_FALSE(watch_.poll(now_));
  watch({"a"});
  now_ += FileWatch::kQuiet;
  EXPECT_TRUE(watch_.poll(now_));
}

}  // namespace
}  // namespace sluice::reload
