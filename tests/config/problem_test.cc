// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/problem.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::config {
namespace {

TEST(Problem, IsOneLineOfText) {
  const Problem problem{Severity::kError, {"a.yaml", 3, 7}, "enis[0].name", "bad\nname", "a word"};
  EXPECT_EQ(to_text(problem), "a.yaml:3:7: enis[0].name: bad\\x0aname; a word");
}

TEST(Problem, SaysWhenItIsAWarning) {
  const Problem problem{Severity::kWarning, {"a.yaml", 3, 7}, "vpc", "odd", ""};
  EXPECT_EQ(to_text(problem), "a.yaml:3:7: warning: vpc: odd");
}

TEST(Problem, OnlyErrorsCountAsErrors) {
  const Problems warnings{{Severity::kWarning, {}, "", "", ""}};
  const Problems both{{Severity::kWarning, {}, "", "", ""}, {Severity::kError, {}, "", "", ""}};
  EXPECT_FALSE(has_errors(warnings));
  EXPECT_TRUE(has_errors(both));
}

TEST(ProblemJson, HasTheShapeOfTheContract) {
  const Problems problems{{Severity::kError, {"a.yaml", 3, 7}, "k", "p", "a"}};
  const auto array = nlohmann::json::parse(to_json(problems));
  ASSERT_EQ(array.size(), 1U);
  EXPECT_EQ(array[0], (nlohmann::json{{"severity", "error"},
                                      {"file", "a.yaml"},
                                      {"line", 3},
                                      {"column", 7},
                                      {"key", "k"},
                                      {"problem", "p"},
                                      {"accepted", "a"}}));
  EXPECT_EQ(nlohmann::json::parse(to_json({})), nlohmann::json::array());
}

TEST(ProblemJson, SurvivesAnyByte) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  const Problems problems{{Severity::kWarning, {bytes, 1, 1}, bytes, bytes, bytes}};
  const std::string text = to_json(problems);
  const auto array = nlohmann::json::parse(text);
  EXPECT_EQ(array[0]["key"].get<std::string>().substr(0, 128), bytes.substr(0, 128));
}

TEST(Shown, EscapesAndShortens) {
  EXPECT_EQ(shown("a\x1b[31m\n\t\x7f"), "a\\x1b[31m\\n\\t\\x7f");
  EXPECT_EQ(shown(std::string(1000, 'x')), std::string(120, 'x') + "...");
  EXPECT_EQ(shown(std::string(119, 'x') + "\u00e4" + "y"), std::string(119, 'x') + "...");
}

}  // namespace
}  // namespace sluice::config
