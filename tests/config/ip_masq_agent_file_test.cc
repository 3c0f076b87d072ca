// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/ip_masq_agent_file.h"

#include <gtest/gtest.h>

#include "config_testing.h"

namespace sluice::config {
namespace {

const std::string kAgent = "conf/agent.yaml";

Loaded load_agent(const std::string& text, const std::string& options = "") {
  return load_with(kBase + "snat: {ip_masq_agent: {config: agent.yaml" + options + "}}\n",
                   {{kAgent, text}});
}

IpMasqAgentFile accepted(const std::string& text, const std::string& options = "") {
  const Loaded loaded = load_agent(text, options);
  EXPECT_TRUE(loaded.config) << text << all_of(loaded.problems);
  return loaded.config ? loaded.config->snat.ip_masq_agent->file : IpMasqAgentFile{};
}

std::string entries(const std::string& text, const std::string& options = "") {
  const auto list = accepted(text, options).non_masquerade_cidrs;
  if (!list) return "default";
  std::string result;
  for (const auto& entry : *list) result += entry.value.to_string() + " ";
  return result;
}

std::string many(int count) {
  std::string text = "nonMasqueradeCIDRs:\n";
  for (int i = 0; i < count; ++i) text += "- 172.20." + std::to_string(i) + ".0/24\n";
  return text;
}

TEST(AgentFile, MissingAndEmptyMeanDefaults) {
  const Loaded missing = load_with(kBase + "snat: {ip_masq_agent: {config: nowhere.yaml}}\n");
  ASSERT_TRUE(missing.config);
  EXPECT_FALSE(missing.config->snat.ip_masq_agent->file.present);
  EXPECT_EQ(missing.config->snat.ip_masq_agent->path, "conf/nowhere.yaml");
  for (const char* text : {"", "# nothing\n", "{}", "---\n", "resyncInterval: 5s\n", "null"}) {
    EXPECT_EQ(entries(text), "default") << text;
    EXPECT_TRUE(accepted(text).present);
  }
}

TEST(AgentFile, ReadsWhatTheAgentReads) {
  EXPECT_EQ(entries("nonMasqueradeCIDRs:\n"), "");
  EXPECT_EQ(entries("nonMasqueradeCIDRs: []\n"), "");
  EXPECT_EQ(entries("{\"nonMasqueradeCIDRs\": null}"), "");
  EXPECT_EQ(entries("nonmasqueradecidrs: [172.20.0.0/16]\n"), "172.20.0.0/16 ");
  EXPECT_EQ(entries("NONMASQUERADECIDRS: [172.20.0.0/16]\n"), "172.20.0.0/16 ");
  EXPECT_EQ(entries("nonMasqueradeCIDRs: [x]\nnonMasqueradeCIDRs: [9.0.0.0/8]\n"), "9.0.0.0/8 ");
  EXPECT_EQ(entries("nonMasqueradeCIDRs: [9.0.0.0/8]\n---\nnonMasqueradeCIDRs: x\n"), "9.0.0.0/8 ");
  EXPECT_EQ(entries(" \n {\n\"nonMasqueradeCIDRs\": [\"9.0.0.0/8\"], \"resyncInterval\": \"5s\"}"),
            "9.0.0.0/8 ");
  EXPECT_EQ(entries("nonMasqueradeCIDRs: [0.0.0.0/0, 9.0.0.0/8, 9.0.0.0/8]\n"),
            "0.0.0.0/0 9.0.0.0/8 9.0.0.0/8 ");
  EXPECT_EQ(entries("nonMasqueradeCIDRs: [9.0.0.0/8, \"fc00::/7\"]\n", ", enable_ipv6: true"),
            "9.0.0.0/8 fc00::/7 ");
  EXPECT_EQ(entries("nonMasqueradeCIDRs:\n- &a 9.0.0.0/8\n- *a\n"), "9.0.0.0/8 9.0.0.0/8 ");
  EXPECT_EQ(accepted(many(64)).non_masquerade_cidrs->size(), 64U);
  EXPECT_EQ(accepted("cidrLimit: 200\n" + many(65)).non_masquerade_cidrs->size(), 65U);
  EXPECT_EQ(accepted("cidrLimit: ~\n" + many(64)).non_masquerade_cidrs->size(), 64U);
  for (const char* word : {"true", "True", "yes", "YES", "on", "y"}) {
    EXPECT_TRUE(accepted(std::string{"masqLinkLocal: "} + word).masq_link_local) << word;
    EXPECT_TRUE(accepted(std::string{"masqLinkLocalIPv6: "} + word).masq_link_local_ipv6) << word;
  }
  for (const char* word : {"false", "no", "Off", "~"}) {
    EXPECT_FALSE(accepted(std::string{"masqLinkLocal: "} + word).masq_link_local) << word;
  }
  using std::chrono::milliseconds;
  EXPECT_EQ(accepted("resyncInterval: 1m30s").resync_interval, milliseconds{90'000});
  EXPECT_EQ(accepted("resyncInterval: \"300ms\"").resync_interval, milliseconds{300});
  EXPECT_EQ(accepted("resyncInterval: 1ns").resync_interval, milliseconds{1});
  EXPECT_EQ(accepted("cidrLimit: 3").resync_interval, milliseconds{60'000});
}

struct BadFile {
  std::string text;
  Expected expected;
};

TEST(AgentFile, NamesWhatTheAgentRefuses) {
  const BadFile cases[] = {
      {"nonMasqueradeCIDRs:\n  - 10.0.0.0/8\n  - abcdefg\n",
       {"nonMasqueradeCIDRs[1]", "abcdefg", 3}},
      {"nonMasqueradeCIDRs: [10.256.0.0/16]", {"nonMasqueradeCIDRs[0]", "10.256.0.0/16", 1}},
      {"nonMasqueradeCIDRs: [0.0.0.0]", {"nonMasqueradeCIDRs[0]", "0.0.0.0", 1}},
      {"nonMasqueradeCIDRs: [10.010.0.0/16]", {"nonMasqueradeCIDRs[0]", "10.010.0.0/16", 1}},
      {"nonMasqueradeCIDRs: [10.0.0.0/33]", {"nonMasqueradeCIDRs[0]", "10.0.0.0/33", 1}},
      {"nonMasqueradeCIDRs: [10.0.0.0/08]", {"nonMasqueradeCIDRs[0]", "10.0.0.0/08", 1}},
      {"nonMasqueradeCIDRs: [\"10.0.0.0 /8\"]", {"nonMasqueradeCIDRs[0]", "10.0.0.0 /8", 1}},
      {"nonMasqueradeCIDRs: [\" 10.0.0.0/8\"]", {"nonMasqueradeCIDRs[0]", " 10.0.0.0/8", 1}},
      {"nonMasqueradeCIDRs:\n- 10.0.0.1/8", {"nonMasqueradeCIDRs[0]", "10.0.0.0/8", 2}},
      {"nonMasqueradeCIDRs: [\"fc00::/7\"]", {"nonMasqueradeCIDRs[0]", "ipv6", 1}},
      {"nonMasqueradeCIDRs: [\"::ffff:10.0.0.0/104\"]",
       {"nonMasqueradeCIDRs[0]", "::ffff:10.0.0.0/104", 1}},
      {"nonMasqueradeCIDRs: [10.0.0.0/8, ~]", {"nonMasqueradeCIDRs[1]", "empty", 1}},
      {"nonMasqueradeCIDRs:\n- 10.0.0.0/8\n-\n", {"nonMasqueradeCIDRs[1]", "empty", 3}},
      {"nonMasqueradeCIDRs: [[10.0.0.0/8]]", {"nonMasqueradeCIDRs[0]", "a list", 1}},
      {"nonMasqueradeCIDRs: 10.0.0.0/8", {"nonMasqueradeCIDRs", "a list", 1}},
      {"nonMasqueradeCIDRs: {a: b}", {"nonMasqueradeCIDRs", "a map", 1}},
      {many(65), {"nonMasqueradeCIDRs", "64"}},
      {"cidrLimit: 2\n" + many(3), {"nonMasqueradeCIDRs", "3 entries"}},
      {"cidrLimit: -1\n" + many(1), {"nonMasqueradeCIDRs", "1 entries"}},
      {"cidrLimit: \"64\"", {"cidrLimit", "\"64\"", 1}},
      {"cidrLimit: 64.5", {"cidrLimit", "64.5", 1}},
      {"cidrLimit: many", {"cidrLimit", "many", 1}},
      {"masqLinkLocal: \"true\"", {"masqLinkLocal", "quoted", 1}},
      {"masqLinkLocal: 1", {"masqLinkLocal", "\"1\"", 1}},
      {"{\"masqLinkLocal\": \"true\"}", {"masqLinkLocal", "quoted", 1}},
      {"masqLinkLocalIPv6: []", {"masqLinkLocalIPv6", "a list", 1}},
      {"resyncInterval: \"60\"", {"resyncInterval", "60", 1}},
      {"resyncInterval: 60", {"resyncInterval", "60", 1}},
      {"resyncInterval: 0", {"resyncInterval", "0", 1}},
      {"resyncInterval: \"0\"", {"resyncInterval", "zero", 1}},
      {"resyncInterval: 0s", {"resyncInterval", "zero", 1}},
      {"resyncInterval: -5s", {"resyncInterval", "-5s", 1}},
      {"resyncInterval: 5x", {"resyncInterval", "5x", 1}},
      {"resyncInterval:", {"resyncInterval", "nothing", 1}},
      {"- 10.0.0.0/8", {"", "a map", 1}},
      {"10.0.0.0/8", {"", "a map", 1}},
      {"*", {"", "YAML", 1}},
      {"a: b\n\tc: d\n", {"", "YAML", 2}},
      {"nonMasqueradeCIDRs\n", {"", "map", 1}},
      {"resyncInterval: 5s\nnonMasqueradeCIDRs\n", {"", "':'", 2}},
      {"{*", {"", "JSON", 1}},
      {"{\n\"nonMasqueradeCIDRs\": [\"10.0.0.0/8\",]}", {"", "JSON", 2}},
      {"{} {}", {"", "JSON", 1}},
      {"{nonMasqueradeCIDRs: []}", {"", "JSON", 1}},
      {std::string{"a: \0", 4}, {"", "control character", 1}},
  };
  for (auto [text, expected] : cases) {
    const Loaded loaded = load_agent(text);
    EXPECT_FALSE(loaded.config) << text;
    expected.file = kAgent;
    expect_problem(loaded, expected);
    EXPECT_EQ(count_errors(loaded), 1U) << text << all_of(loaded.problems);
  }
}

TEST(AgentFile, NamesEveryProblem) {
  const Loaded loaded = load_agent(
      "cidrLimit: 1\nnonMasqueradeCIDRs: [x, 10.0.0.1/8]\nmasqLinkLocal: maybe\n"
      "resyncInterval: 5\n");
  EXPECT_EQ(count_errors(loaded), 5U) << all_of(loaded.problems);
}

TEST(AgentFile, UnknownAndRepeatedKeysAreWarnings) {
  const Loaded loaded = load_agent("nonMasqeradeCIDRs: [9.0.0.0/8]\ncidrLimit: 9\ncidrLimit: 8\n");
  EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
  expect_problem(loaded,
                 {"nonMasqeradeCIDRs", "nonMasqueradeCIDRs", 1, kAgent, Severity::kWarning});
  expect_problem(loaded, {"cidrLimit", "second time", 3, kAgent, Severity::kWarning});
}

TEST(AgentFile, SuperfluousEntriesAreWarnings) {
  const Loaded loaded = load_agent("nonMasqueradeCIDRs:\n- 10.1.0.0/16\n- 10.0.0.0/8\n");
  EXPECT_TRUE(loaded.config);
  expect_problem(loaded, {"nonMasqueradeCIDRs", "10.1.0.0/16", 2, kAgent, Severity::kWarning});
}

TEST(AgentFile, AFolderIsNone) {
  const Loaded loaded =
      load_with(kBase + "snat: {ip_masq_agent: {config: there}}\n", {{"conf/there/file", ""}});
  expect_problem(loaded, {"snat.ip_masq_agent.config", "conf/there", 10});
}

TEST(AgentFile, Ipv6IsPromisedOnlyWhereEverythingIsListed) {
  const Loaded loaded = load_agent("nonMasqueradeCIDRs: [\"::/0\"]\n", ", enable_ipv6: true");
  EXPECT_TRUE(loaded.problems.empty()) << all_of(loaded.problems);
}

}  // namespace
}  // namespace sluice::config
