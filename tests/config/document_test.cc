// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <gtest/gtest.h>

#include <string>

#include "config/node.h"
#include "config/reader.h"

namespace sluice::config {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i) result += text;
  return result;
}

/// The document, or the error as "LINE:COLUMN text".
std::string outcome(const Parsed& parsed) {
  if (!parsed.error) return "fine";
  return std::to_string(parsed.error->line) + ":" + std::to_string(parsed.error->column) + " " +
         parsed.error->problem;
}

TEST(Yaml, KeepsThePlacesOfKeysAndValues) {
  const Parsed parsed = parse_yaml("a:\n  - b: c\n    d: [e, \"f\"]\n", 1);
  ASSERT_EQ(outcome(parsed), "fine");
  const Node& root = parsed.documents.front();
  const Node& map = root.members[0].value.items[0];
  EXPECT_EQ(root.members[0].line, 1);
  EXPECT_EQ(map.members[1].key, "d");
  EXPECT_EQ(map.members[1].line, 3);
  EXPECT_EQ(map.members[1].column, 5);
  const Node& f = map.members[1].value.items[1];
  EXPECT_EQ(f.text, "f");
  EXPECT_TRUE(f.quoted);
  EXPECT_EQ(f.column, 12);
  EXPECT_EQ(&locate(root, "a[0].d[1]"), &f);
  EXPECT_EQ(&locate(root, "a[0].nothing[1]"), &map);
  EXPECT_EQ(&locate(root, "a[7]"), &root.members[0].value);
}

TEST(Yaml, AnEmptyTextIsOneDocumentOfNothing) {
  for (const char* text : {"", "# only a comment\n", "---\n", "\n\n"}) {
    const Parsed parsed = parse_yaml(text, 2);
    ASSERT_EQ(outcome(parsed), "fine") << text;
    ASSERT_EQ(parsed.documents.size(), 1U) << text;
    EXPECT_EQ(parsed.documents[0].kind, Node::Kind::kNull);
  }
}

TEST(Yaml, NullsStandWhereTheirKeyStands) {
  const Parsed parsed = parse_yaml("a:\n\n\nb: ~\n", 1);
  ASSERT_EQ(outcome(parsed), "fine");
  EXPECT_EQ(parsed.documents[0].members[0].value.kind, Node::Kind::kNull);
  EXPECT_EQ(parsed.documents[0].members[0].value.line, 1);
  EXPECT_EQ(parsed.documents[0].members[1].value.kind, Node::Kind::kNull);
}

TEST(Yaml, NullsOfAListStandAtTheirDash) {
  const Parsed parsed =
      parse_yaml("a:\n  - b\n  -   # nothing - here\n\n# or here\nc: [~, , d]\n", 1);
  ASSERT_EQ(outcome(parsed), "fine");
  const Node& empty = locate(parsed.documents[0], "a[1]");
  EXPECT_EQ(empty.kind, Node::Kind::kNull);
  EXPECT_EQ(empty.line, 3);
  EXPECT_EQ(empty.column, 3);
  EXPECT_EQ(locate(parsed.documents[0], "c[0]").line, 6);
  EXPECT_EQ(locate(parsed.documents[0], "c[1]").line, 6);
}

TEST(Yaml, AliasesAreCopies) {
  const Parsed parsed = parse_yaml("a: &x [1, {b: 2}]\nc: *x\nd: &y e\nf: *y\n", 1);
  ASSERT_EQ(outcome(parsed), "fine");
  const Node& root = parsed.documents[0];
  EXPECT_EQ(locate(root, "c[1].b").text, "2");
  EXPECT_EQ(locate(root, "f").text, "e");
}

TEST(Yaml, SaysWhereItIsBroken) {
  const std::pair<const char*, const char*> cases[] = {
      {"*\n", "1:"},          {"a: [1, 2\nb: c\n", "2:"}, {"a: \"b\n", "3:1"},
      {"a: 'b\n", "3:1"},     {"a:\n\t- b\n", "2:"},      {"a: b\nc: d: e\n", "2:"},
      {"a: b\n- c\n", "2:"},  {"a: b\nc\nd: e\n", "3:"},  {"a: b\nc\n", "2:1"},
      {"? [a]\n: b\n", "1:"}, {"a: *nobody\n", "1:"},     {"a: &x [*x]\n", "1:8"},
      {"a: @b\n", "1:4"},
  };
  for (const auto& [text, where] : cases) {
    EXPECT_EQ(outcome(parse_yaml(text, 2)).rfind(where, 0), 0U)
        << text << outcome(parse_yaml(text, 2));
  }
}

TEST(Yaml, NestingIsBounded) {
  const std::size_t kMany = 100'000;
  for (const std::string& text :
       {repeat("[", kMany), repeat("- ", kMany), repeat("{a: ", kMany), repeat("? ", kMany),
        repeat("[\n", kMany), repeat("[a: ", kMany)}) {
    const Parsed parsed = parse_yaml(text, 1);
    ASSERT_TRUE(parsed.error) << text.substr(0, 10);
  }
  EXPECT_EQ(outcome(parse_yaml(repeat("[", 64) + repeat("]", 64), 1)), "fine");
  EXPECT_NE(outcome(parse_yaml(repeat("[", 65) + repeat("]", 65), 1)), "fine");
}

TEST(Yaml, NestingByAliasesIsBounded) {
  std::string text = "a0: &a0 " + repeat("[", 60) + repeat("]", 60) + "\n";
  for (int i = 1; i < 100; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            "]\n";
  }
  EXPECT_NE(outcome(parse_yaml(text, 1)).find("aliases are nested too deep"), std::string::npos);
}

TEST(Yaml, AliasesCannotMultiplyWithoutBounds) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) text += ", " + before;
    text += "]\n";
  }
  EXPECT_NE(outcome(parse_yaml(text, 1)).find("too many values"), std::string::npos);
}

TEST(Yaml, AnchorsInsideAnchorsCannotMultiplyEither) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "&a" + std::to_string(i) + " [";
  text += repeat("x,", 100'000) + repeat("]", 60);
  EXPECT_NE(outcome(parse_yaml(text, 1)).find("too many values"), std::string::npos);
}

TEST(Characters, AreUtf8WithoutControls) {
  EXPECT_FALSE(check_characters("a: \u00e4\u20ac\U0001f600\t# x\r\n"));
  const std::pair<std::string_view, int> cases[] = {
      {"a\n\x04 b", 2}, {"\x1b[0m", 1},         {"a\x80", 1},        {"\xc0\xaf", 1},
      {"\xe2\x82", 1},  {"\xed\xa0\x80", 1},    {"\xf5\x80\x80", 1}, {"\n\n\xff", 3},
      {"\x7f", 1},      {"\xf4\x90\x80\x80", 1}};
  for (const auto& [text, line] : cases) {
    const auto error = check_characters(text);
    ASSERT_TRUE(error) << text;
    EXPECT_EQ(error->line, line);
  }
  EXPECT_TRUE(check_characters(std::string_view{"a\0b", 3}));
}

TEST(Json, FillsTheSameTreeWithPlaces) {
  const Parsed parsed = parse_json("{\n  \"a\": [\"x\", 12, true],\n  \"b\": {\"c\": null}\n}\n");
  ASSERT_EQ(outcome(parsed), "fine");
  const Node& root = parsed.documents[0];
  EXPECT_EQ(root.line, 1);
  EXPECT_EQ(root.members[0].line, 2);
  EXPECT_EQ(root.members[0].column, 3);
  const Node& list = root.members[0].value;
  EXPECT_EQ(list.column, 8);
  EXPECT_EQ(list.items[0].column, 9);
  EXPECT_TRUE(list.items[0].quoted);
  EXPECT_EQ(list.items[1].text, "12");
  EXPECT_EQ(list.items[1].column, 14);
  EXPECT_EQ(list.items[2].text, "true");
  EXPECT_EQ(list.items[2].column, 18);
  EXPECT_FALSE(list.items[2].quoted);
  EXPECT_EQ(locate(root, "b.c").kind, Node::Kind::kNull);
  EXPECT_EQ(root.members[1].line, 3);
}

TEST(Json, SaysWhereItIsBroken) {
  const std::pair<const char*, const char*> cases[] = {
      {"{*", "1:2"},           {"{\"a\": [1,]}", "1:10"}, {"{} x", "1:4"},        {"{\"a\"", "1:"},
      {"{\n  'a': 1}", "2:3"}, {"{\"a\": 01}", "1:"},     {"{\"a\": nul}", "1:"}, {"", "1:1"}};
  for (const auto& [text, where] : cases) {
    EXPECT_EQ(outcome(parse_json(text)).rfind(where, 0), 0U) << text << outcome(parse_json(text));
  }
}

TEST(Json, NestingIsBounded) {
  EXPECT_NE(outcome(parse_json(repeat("[", 1'000'000))).find("nested too deep"), std::string::npos);
}

TEST(Nearest, IsTheWordThatWasMeant) {
  const std::vector<std::string> words{"pods", "pod_ports", "vpc", "enis", "secondary", "prefixes"};
  EXPECT_EQ(nearest("pod", words), "pods");
  EXPECT_EQ(nearest("podports", words), "pod_ports");
  EXPECT_EQ(nearest("Enis", words), "enis");
  EXPECT_EQ(nearest("secondry", words), "secondary");
  EXPECT_EQ(nearest("sceondary", words), "secondary");
  EXPECT_EQ(nearest("prefix", words), "prefixes");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace sluice::config
