// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "config/config.h"
#include "config_testing.h"

namespace sluice::config {
namespace {

namespace fs = std::filesystem;

class DiskTest : public ::testing::Test {
 protected:
  DiskTest() {
    std::string pattern = (fs::temp_directory_path() / "sluice-files-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~DiskTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text) const {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream{path} << text;
    return path.string();
  }

  fs::path folder_;
};

TEST_F(DiskTest, ReadsUpToTheLimit) {
  const std::string path = write("a", "12345");
  EXPECT_EQ(disk().read(path, 5).value(), "12345");
  EXPECT_FALSE(disk().read(path, 4));
  EXPECT_EQ(disk().kind(path), Files::Kind::kFile);
}

TEST_F(DiskTest, RefusesWhatIsNoFileWithoutWaitingForIt) {
  const std::string fifo = (folder_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_FALSE(disk().read(fifo, 100));
  EXPECT_FALSE(disk().read(folder_.string(), 100));
  EXPECT_FALSE(disk().read("/dev/zero", 100));
  EXPECT_FALSE(disk().read((folder_ / "nothing").string(), 100));
  EXPECT_EQ(disk().kind(fifo), Files::Kind::kOther);
  EXPECT_EQ(disk().kind(folder_.string()), Files::Kind::kFolder);
  EXPECT_EQ(disk().kind((folder_ / "nothing").string()), Files::Kind::kMissing);
}

TEST_F(DiskTest, ListsByName) {
  write("f/b.yaml", "");
  write("f/a.yaml", "");
  write("f/c/d.yaml", "");
  EXPECT_EQ(disk().list((folder_ / "f").string()).value(),
            (std::vector<std::string>{"a.yaml", "b.yaml", "c"}));
}

TEST_F(DiskTest, LoadReadsWhatTheConfigurationNames) {
  write("conf/agent.yaml", "nonMasqueradeCIDRs: [10.0.0.0/8]\n");
  const std::string path =
      write("sluice.yaml", kBase + "snat: {ip_masq_agent: {config: conf/agent.yaml}}\n");
  const Loaded loaded = load(path);
  ASSERT_TRUE(loaded.config) << all_of(loaded.problems);
  const IpMasqAgentConfig& agent = *loaded.config->snat.ip_masq_agent;
  EXPECT_EQ(agent.path, (folder_ / "conf/agent.yaml").string());
  EXPECT_TRUE(agent.file.present);
  EXPECT_EQ(agent.file.non_masquerade_cidrs->size(), 1U);
  EXPECT_EQ(loaded.config->named_files, (std::vector<std::string>{path, agent.path}));
}

TEST_F(DiskTest, LoadSaysWhenThereIsNothingToRead) {
  for (const std::string& path : {(folder_ / "nothing").string(), folder_.string(),
                                  std::string{"/dev/zero"}, std::string{}}) {
    const Loaded loaded = load(path);
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_EQ(loaded.problems[0].mark.file, path);
  }
}

TEST(MemoryFiles, AreAFileSystem) {
  const MemoryFiles files{{{"a/b.yaml", "x"}, {"a/c/d", "y"}}};
  EXPECT_EQ(files.kind("a"), Files::Kind::kFolder);
  EXPECT_EQ(files.kind("a/"), Files::Kind::kFolder);
  EXPECT_EQ(files.kind("a/b.yaml"), Files::Kind::kFile);
  EXPECT_EQ(files.kind("b"), Files::Kind::kMissing);
  EXPECT_EQ(files.list("a").value(), (std::vector<std::string>{"b.yaml", "c"}));
  EXPECT_EQ(files.read("a/c/d", 1).value(), "y");
  EXPECT_FALSE(files.read("a/c/d", 0));
}

}  // namespace
}  // namespace sluice::config
