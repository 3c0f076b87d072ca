// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/difference.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "config/files.h"

namespace sluice::reload {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// The base with its `snat` and `flows` replaced.
config::Config config_of(const std::string& snat, const std::string& rest = "") {
  const std::string text = R"(pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24, secondary: [10.10.10.21]}
)" + rest + "\nsnat: " + snat +
                           "\n";
  config::Loaded loaded = config::load_text(text, "gw.yaml", config::MemoryFiles{{}});
  if (!loaded.config) throw std::runtime_error(config::to_text(loaded.problems.front()));
  return std::move(*loaded.config);
}

auto compare(const std::string& before, const std::string& after) {
  return differences(config_of(before), config_of(after));
}

TEST(Difference, OfTheSameIsNothing) {
  EXPECT_THAT(compare("{vpc_cni: {}}", "{vpc_cni: {}}"), IsEmpty());
  EXPECT_THAT(compare("{vpc_cni: {}}", "\n\n\n  vpc_cni: {}"), IsEmpty())
      << "only moved in its file";
}

TEST(Difference, OneFileUnderTwoNamesIsNone) {
  const auto with_log = [](const std::string& path) {
    return config_of("{vpc_cni: {}}", "log: {sessions: {json: " + path + "}}");
  };
  const std::string folder = std::filesystem::current_path().string();
  EXPECT_THAT(differences(with_log(folder + "/sessions.json"), with_log("sessions.json")),
              IsEmpty());
  EXPECT_THAT(differences(with_log("/a/sessions.json"), with_log("/b/sessions.json")),
              ElementsAre("log.sessions.json: /b/sessions.json instead of /a/sessions.json"));
}

TEST(Difference, NamesEntriesThatComeAndGo) {
  const std::string one = "{rules: [{to: [192.0.2.0/24], action: drop}]}";
  const std::string two =
      "{rules: [{to: [198.51.100.0/24], action: preserve}, {to: [192.0.2.0/24], action: drop}]}";
  EXPECT_THAT(compare(one, two),
              ElementsAre(testing::AllOf(HasSubstr("policy: + "), HasSubstr("198.51.100.0/24"))));
  EXPECT_THAT(compare(two, one),
              ElementsAre(testing::AllOf(HasSubstr("policy: - "), HasSubstr("198.51.100.0/24"))));
}

TEST(Difference, SaysWhenOnlyTheOrderChanged) {
  EXPECT_THAT(compare("{rules: [{to: [192.0.2.0/24], action: drop}, "
                      "{to: [192.0.0.0/16], action: preserve}]}",
                      "{rules: [{to: [192.0.0.0/16], action: preserve}, "
                      "{to: [192.0.2.0/24], action: drop}]}"),
              ElementsAre(HasSubstr("another order")));
}

TEST(Difference, SaysWhatChangedUnderOneText) {
  const auto lines =
      compare("{source: [10.10.10.20], vpc_cni: {}}", "{source: [10.10.10.21], vpc_cni: {}}");
  EXPECT_THAT(lines, ElementsAre(HasSubstr("snat to 10.10.10.21 instead of snat to 10.10.10.20"),
                                 "snat.source: 10.10.10.21 instead of 10.10.10.20"));
}

TEST(Difference, NamesOtherKeys) {
  const auto before = config_of("{}", "flows: {capacity: 10, timeouts: {udp: 300s}}");
  auto after = config_of("{}", "flows: {capacity: 10, timeouts: {udp: 200s}}");
  after.enis.front().secondary.push_back(Ipv4Addr(10, 10, 10, 22));
  EXPECT_THAT(differences(before, after), ElementsAre("enis[eni0].secondary: +10.10.10.22",
                                                      "flows.timeouts.udp: 200s instead of 300s"));
}

TEST(Difference, IsBounded) {
  std::string rules;
  for (int i = 0; i < 200; ++i) {
    rules += "{to: [192.0.2." + std::to_string(i) + "/32], action: drop}, ";
  }
  const auto lines = compare("{}", "{rules: [" + rules + "]}");
  EXPECT_LT(lines.size(), 50U);
  EXPECT_EQ(lines.back(), "and 160 more differences");
  for (const std::string& line : lines) EXPECT_LT(line.size(), 500U);
}

}  // namespace
}  // namespace sluice::reload
