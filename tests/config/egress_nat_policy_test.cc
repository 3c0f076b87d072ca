// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/egress_nat_policy.h"

#include <gtest/gtest.h>

#include "config_testing.h"

namespace sluice::config {
namespace {

std::string policy(const std::string& name, const std::string& destinations) {
  return "apiVersion: networking.gke.io/v1\nkind: EgressNATPolicy\nmetadata:\n  name: " + name +
         "\nspec:\n  action: NoSNAT\n  destinations: " + destinations + "\n";
}

Loaded load_policies(const std::string& list, std::map<std::string, std::string> files) {
  return load_with(
      kBase + "snat: {gke: {cluster: autopilot, egress_nat_policies: [" + list + "]}}\n",
      std::move(files));
}

/// "name: cidr cidr" of each, in their order.
std::vector<std::string> summary(const Loaded& loaded) {
  EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
  std::vector<std::string> result;
  if (!loaded.config) return result;
  for (const EgressNatPolicy& each : loaded.config->snat.gke->policies) {
    std::string text = each.name + ":";
    for (const auto& destination : each.destinations) text += " " + destination.value.to_string();
    result.push_back(text);
  }
  return result;
}

using Summary = std::vector<std::string>;

TEST(EgressPolicy, AFolderIsReadByNameWithoutItsFolders) {
  const Loaded loaded = load_policies(
      "policies/",
      {{"conf/policies/b.yml", policy("second", "[{cidr: 9.0.0.0/8}]")},
       {"conf/policies/a.yaml", policy("first", "\n    - cidr: 8.0.0.0/8\n    - cidr: 7.0.0.0/8")},
       {"conf/policies/c.json",
        R"({"apiVersion": "networking.gke.io/v1", "kind": "EgressNATPolicy",
           "metadata": {"name": "third", "labels": {"a": "b"}},
           "spec": {"action": "NoSNAT", "destinations": []}, "status": {}})"},
       {"conf/policies/notes.txt", "not: [a policy"},
       {"conf/policies/deeper/d.yaml", "not: [a policy"}});
  EXPECT_EQ(summary(loaded),
            (Summary{"first: 8.0.0.0/8 7.0.0.0/8", "second: 9.0.0.0/8", "third:"}));
  EXPECT_EQ(loaded.config->named_files,
            (std::vector<std::string>{std::string{kFile}, "conf/policies/", "conf/policies/a.yaml",
                                      "conf/policies/b.yml", "conf/policies/c.json"}));
}

TEST(EgressPolicy, OneFileMayHoldMany) {
  const std::string list =
      "kind: List\napiVersion: v1\nitems:\n"
      "- {apiVersion: networking.gke.io/v1, kind: EgressNATPolicy, metadata: {name: c}, "
      "spec: {action: NoSNAT, destinations: [{cidr: 7.0.0.0/8}]}}\n";
  const Loaded loaded = load_policies(
      "all.yaml",
      {{"conf/all.yaml", "---\n" + policy("a", "[]") + "---\n---\n" +
                             policy("b", "[{cidr: 9.0.0.0/8}]") + "---\n" + list + "---\n"}});
  EXPECT_EQ(summary(loaded), (Summary{"a:", "b: 9.0.0.0/8", "c: 7.0.0.0/8"}));
  EXPECT_TRUE(loaded.problems.empty()) << all_of(loaded.problems);
}

TEST(EgressPolicy, AnEmptyFolderIsFineAMissingOneIsNot) {
  EXPECT_EQ(summary(load_policies("empty", {{"conf/empty/README", ""}})), Summary{});
  expect_problem(load_policies("nowhere", {}),
                 {"snat.gke.egress_nat_policies[0]", "conf/nowhere", 10});
  expect_problem(load_policies("p/nowhere.yaml", {{"conf/p/a.yaml", ""}}),
                 {"snat.gke.egress_nat_policies[0]", "nowhere.yaml", 10});
}

TEST(EgressPolicy, OtherKindsArePassedOver) {
  const Loaded loaded =
      load_policies("a.yaml", {{"conf/a.yaml", "kind: ConfigMap\ndata: {a: b}\n"}});
  EXPECT_EQ(summary(loaded), Summary{});
  expect_problem(loaded, {"", "ConfigMap", 1, "conf/a.yaml", Severity::kWarning});
}

TEST(EgressPolicy, TwoOfOneNameAreAWarning) {
  const Loaded loaded =
      load_policies("a.yaml", {{"conf/a.yaml", policy("x", "[]") + "---\n" + policy("x", "[]")}});
  EXPECT_EQ(summary(loaded).size(), 2U);
  expect_problem(loaded, {"", "second policy", 9, "conf/a.yaml", Severity::kWarning});
}

struct BadPolicy {
  std::string text;
  Expected expected;
};

TEST(EgressPolicy, NamesWhatIsWrong) {
  const std::string head = "apiVersion: networking.gke.io/v1\nkind: EgressNATPolicy\n";
  const std::string named = head + "metadata: {name: x}\n";
  const BadPolicy cases[] = {
      {policy("x", "[{cidr: 172.30.0.1/16}]"), {"spec.destinations[0].cidr", "172.30.0.0/16", 7}},
      {policy("x", "[{cidr: 172.30.0.0}]"), {"spec.destinations[0].cidr", "172.30.0.0", 7}},
      {policy("x", "[{}]"), {"spec.destinations[0].cidr", "missing", 7}},
      {policy("x", "[{cird: 9.0.0.0/8, cidr: 9.0.0.0/8}]"),
       {"spec.destinations[0].cird", "cidr", 7}},
      {policy("x", "[9.0.0.0/8]"), {"spec.destinations[0]", "a map", 7}},
      {policy("x", "9.0.0.0/8"), {"spec.destinations", "a list", 7}},
      {policy("", "[]"), {"metadata.name", "missing"}},
      {named + "spec: {action: PredictableSNAT, destinations: []}\n", {"spec.action", "NoSNAT", 4}},
      {named + "spec: {destinations: []}\n", {"spec.action", "NoSNAT", 4}},
      {named + "spec: {action: NoSNAT, podSelector: {}}\n", {"spec.podSelector", "", 4}},
      {named, {"spec", "missing"}},
      {head + "spec: {action: NoSNAT}\n", {"metadata", "missing"}},
      {"kind: EgressNATPolicy\nmetadata: {name: x}\nspec: {action: NoSNAT}\n",
       {"apiVersion", "networking.gke.io/v1"}},
      {"apiVersion: networking.gke.io/v2\nkind: EgressNATPolicy\nmetadata: {name: x}\n"
       "spec: {action: NoSNAT}\n",
       {"apiVersion", "networking.gke.io/v1", 1}},
      {"a: b\n", {"kind", "EgressNATPolicy", 1}},
      {"- a\n", {"", "a map", 1}},
      {"kind: [\n", {"", "YAML"}},
      {"{\"kind\": }", {"", "JSON", 1}},
      {policy("x", "[]") + "---\nkind: [\n", {"", "YAML"}},
  };
  for (auto [text, expected] : cases) {
    const Loaded loaded = load_policies("a.yaml", {{"conf/a.yaml", text}});
    EXPECT_FALSE(loaded.config) << text;
    expected.file = "conf/a.yaml";
    expect_problem(loaded, expected);
    EXPECT_EQ(count_errors(loaded), 1U) << text << all_of(loaded.problems);
  }
}

TEST(EgressPolicy, StandardClustersHaveNone) {
  const Loaded loaded = load_with(kBase + "snat: {gke: {egress_nat_policies: [a.yaml]}}\n",
                                  {{"conf/a.yaml", policy("x", "[]")}});
  EXPECT_TRUE(loaded.config);
  expect_problem(loaded, {"snat.gke.egress_nat_policies", "no effect", 10, std::string{kFile},
                          Severity::kWarning});
}

}  // namespace
}  // namespace sluice::config
