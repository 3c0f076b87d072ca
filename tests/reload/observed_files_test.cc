// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/observed_files.h"

#include <gtest/gtest.h>

#include "config/config.h"
#include "reload/temporary_folder.h"

namespace sluice::reload {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLimit = 1000;

TEST(ObservedFiles, SeesAnotherText) {
  const TemporaryFolder folder;
  folder.write("a", "one");
  ObservedFiles files;
  EXPECT_EQ(files.read((folder / "a").string(), kLimit).value(), "one");
  EXPECT_FALSE(files.changed());
  folder.write("a", "one");  // written again
  EXPECT_FALSE(files.changed());
  folder.write("a", "two");
  EXPECT_TRUE(files.changed());
  folder.write("a", "one");
  EXPECT_FALSE(files.changed()) << "what counts is what it says";
}

TEST(ObservedFiles, SeesWhatAppearsAndWhatGoes) {
  const TemporaryFolder folder;
  ObservedFiles files;
  EXPECT_FALSE(files.read((folder / "a").string(), kLimit));
  EXPECT_FALSE(files.changed());
  folder.write("a", "");
  EXPECT_TRUE(files.changed());
  fs::remove(folder / "a");
  EXPECT_FALSE(files.changed());
}

TEST(ObservedFiles, SeesAnotherKindAndOtherNames) {
  const TemporaryFolder folder;
  folder.write("policies/a", "");
  ObservedFiles files;
  EXPECT_EQ(files.kind((folder / "policies").string()), config::Files::Kind::kFolder);
  EXPECT_EQ(files.list((folder / "policies").string()).value(), std::vector<std::string>{"a"});
  folder.write("policies/b", "");
  EXPECT_TRUE(files.changed());
  fs::remove(folder / "policies/b");
  EXPECT_FALSE(files.changed());
  fs::remove_all(folder / "policies");
  folder.write("policies", "");
  EXPECT_TRUE(files.changed());
}

TEST(ObservedFiles, SeesThroughLinks) {
  const TemporaryFolder folder;
  folder.write("one/f", "1");
  folder.write("two/f", "2");
  fs::create_directory_symlink("one", folder / "now");
  ObservedFiles files;
  EXPECT_EQ(files.read((folder / "now/f").string(), kLimit).value(), "1");
  fs::create_directory_symlink("two", folder / "new");
  fs::rename(folder / "new", folder / "now");
  EXPECT_TRUE(files.changed());
}

TEST(ObservedFiles, RemembersWhatABrokenConfigurationNamed) {
  const TemporaryFolder folder;
  folder.write("gw.yaml", "snat: {ip_masq_agent: {config: agent.yaml}}\nsurprise: 1\n");
  ObservedFiles files;
  const config::Loaded loaded = config::load((folder / "gw.yaml").string(), files);
  EXPECT_FALSE(loaded.config);
  EXPECT_EQ(files.paths(), (std::vector<std::string>{(folder / "agent.yaml").string(),
                                                     (folder / "gw.yaml").string()}));
  folder.write("agent.yaml", "nonMasqueradeCIDRs: []\n");
  EXPECT_TRUE(files.changed());
}

}  // namespace
}  // namespace sluice::reload
