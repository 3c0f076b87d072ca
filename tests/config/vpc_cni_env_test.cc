// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/vpc_cni_env.h"

#include <gtest/gtest.h>

#include "config_testing.h"

namespace sluice::config {
namespace {

const std::string kEnv = "snat.vpc_cni.env.";

Loaded load_env(const std::string& variables, const std::string& more = "") {
  return load_with(kBase + "snat: {vpc_cni: {" + more + "env: {" + variables + "}}}\n");
}

VpcCniConfig env(const std::string& variables) {
  const Loaded loaded = load_env(variables);
  EXPECT_TRUE(loaded.config) << variables << all_of(loaded.problems);
  return loaded.config ? *loaded.config->snat.vpc_cni : VpcCniConfig{};
}

std::string list(const MarkedPrefixes& prefixes) {
  std::string text;
  for (const auto& prefix : prefixes) text += prefix.value.to_string() + " ";
  return text;
}

TEST(VpcCniEnv, BooleansAreGos) {
  for (const char* text : {"\"true\"", "true", "TRUE", "True", "t", "T", "1", "\"1\""}) {
    EXPECT_TRUE(env(std::string{"AWS_VPC_K8S_CNI_EXTERNALSNAT: "} + text).external_snat.value)
        << text;
  }
  for (const char* text :
       {"\"false\"", "false", "F", "0", "\"\"", "yes", "on", "tRUE", "~", "10"}) {
    EXPECT_FALSE(env(std::string{"AWS_VPC_K8S_CNI_EXTERNALSNAT: "} + text).external_snat.value)
        << text;
  }
  expect_problem(load_env("AWS_VPC_K8S_CNI_EXTERNALSNAT: yes"),
                 {kEnv + "AWS_VPC_K8S_CNI_EXTERNALSNAT", "\"yes\"", 10, std::string{kFile},
                  Severity::kWarning});
}

TEST(VpcCniEnv, ListsAreReadAsTheDaemonReadsThem) {
  const auto excluded = [](const std::string& text) {
    return list(env("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: \"" + text + "\"").exclude_snat_cidrs);
  };
  EXPECT_EQ(excluded(""), "");
  EXPECT_EQ(excluded("  "), "");
  EXPECT_EQ(excluded("10.12.0.0/16,10.13.0.0/16"), "10.12.0.0/16 10.13.0.0/16 ");
  EXPECT_EQ(excluded(" 10.12.3.4/16 , 0.0.0.0/0"), "10.12.0.0/16 0.0.0.0/0 ");
  EXPECT_EQ(excluded("10.12.0.0,2000::1/128,abcd,,10.13.0.0/16"), "10.13.0.0/16 ");
  EXPECT_EQ(list(env("AWS_EXTERNAL_SERVICE_CIDRS: 203.0.113.7/32").external_service_cidrs),
            "203.0.113.7/32 ");
  for (const char* skipped : {"\"10.12.0.0\"", "\"2000::1/128\"", "\"abcd\"", "\"\" is skipped"}) {
    expect_problem(
        load_env("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: \"10.12.0.0,2000::1/128,abcd,,9.0.0.0/8\""),
        {kEnv + "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", skipped, 10, std::string{kFile},
         Severity::kWarning});
  }
}

TEST(VpcCniEnv, OnlyWrittenRandomizationCounts) {
  const auto selection = [](const std::string& text) {
    return env("AWS_VPC_K8S_CNI_RANDOMIZESNAT: " + text).port_selection;
  };
  EXPECT_EQ(env("").port_selection, std::nullopt);
  EXPECT_EQ(selection("\"\""), std::nullopt);
  EXPECT_EQ(selection("none"), PortSelection::kPreserve);
  EXPECT_EQ(selection("prng"), PortSelection::kRandom);
  EXPECT_EQ(selection("hashrandom"), PortSelection::kRandom);
  EXPECT_EQ(selection("NONE"), PortSelection::kRandom);
}

TEST(VpcCniEnv, UnknownNamesAreErrorsThatNameTheNearest) {
  const std::pair<const char*, const char*> cases[] = {
      {"AWS_VPC_K8S_CNI_EXTERNAL_SNAT", "AWS_VPC_K8S_CNI_EXTERNALSNAT"},
      {"aws_vpc_k8s_cni_externalsnat", "AWS_VPC_K8S_CNI_EXTERNALSNAT"},
      {"AWS_VPC_K8S_CNI_EXCLUDED_SNAT_CIDRS", "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"},
      {"AWS_VPC_CNI_EXCLUDE_SNAT_CIDRS", "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS"},
      {"RANDOMIZESNAT", "AWS_VPC_K8S_CNI_RANDOMIZESNAT"},
      {"ENABLE_IPV6", "ENABLE_IPv6"},
      {"WARM_IP_TARGETS", "WARM_IP_TARGET"}};
  for (const auto& [name, meant] : cases) {
    const Loaded loaded = load_env(std::string{name} + ": \"x\"");
    EXPECT_FALSE(loaded.config);
    expect_problem(loaded, {kEnv + name, meant, 10});
  }
}

TEST(VpcCniEnv, WhatHasNoEffectIsNoted) {
  const auto noted = [](const std::string& name, const std::string& loaded_env) {
    const Loaded loaded = load_env(loaded_env);
    EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
    expect_problem(loaded, {kEnv + name, "no effect", 10, std::string{kFile}, Severity::kWarning});
  };
  noted("AWS_VPC_K8S_CNI_CONNMARK", "AWS_VPC_K8S_CNI_CONNMARK: 0x80");
  noted("ENABLE_PREFIX_DELEGATION", "ENABLE_PREFIX_DELEGATION: true");
  noted("WARM_ENI_TARGET", "WARM_ENI_TARGET: 1");
  noted("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS",
        "AWS_VPC_K8S_CNI_EXTERNALSNAT: 1, AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: 9.0.0.0/8");
}

TEST(VpcCniEnv, DoesNothingOnWindows) {
  const Loaded loaded = load_env(
      "AWS_VPC_K8S_CNI_EXTERNALSNAT: true, AWS_VPC_K8S_CNI_RANDOMIZESNAT: none, "
      "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: 9.0.0.0/8",
      "platform: windows, ");
  ASSERT_TRUE(loaded.config) << all_of(loaded.problems);
  const VpcCniConfig& windows = *loaded.config->snat.vpc_cni;
  EXPECT_FALSE(windows.external_snat.value);
  EXPECT_EQ(windows.port_selection, std::nullopt);
  EXPECT_TRUE(windows.exclude_snat_cidrs.empty());
  expect_problem(loaded, {kEnv + "AWS_VPC_K8S_CNI_EXTERNALSNAT", "windows", 10, std::string{kFile},
                          Severity::kWarning});
}

TEST(VpcCniEnv, ValuesAreScalars) {
  expect_problem(load_env("AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: [10.0.0.0/8]"),
                 {kEnv + "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS", "a list", 10});
}

}  // namespace
}  // namespace sluice::config
