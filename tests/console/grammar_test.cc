// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/grammar.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "console/manual.h"
#include "console/view.h"
#include "console/watch.h"

namespace sluice::console {
namespace {

Typed typed(const std::string& line) {
  auto read = read_line(line);
  EXPECT_TRUE(read.ok()) << line << ": " << (read.ok() ? "" : read.error());
  return read.ok() ? std::move(read).value() : Typed{};
}

std::string problem(const std::string& line) {
  const auto read = read_line(line);
  EXPECT_FALSE(read.ok()) << line;
  return read.ok() ? "" : read.error();
}

std::set<std::string> after(const std::string& line) {
  std::set<std::string> words;
  for (const Candidate& candidate : candidates(split_words(line))) words.insert(candidate.word);
  return words;
}

TEST(Grammar, EveryExampleIsItsOwnCommand) {
  for (const Command& command : commands()) {
    const auto read = read_line(command.example);
    ASSERT_TRUE(read.ok()) << command.example << ": " << read.error();
    EXPECT_EQ(read.value().command->syntax, command.syntax);
  }
}

TEST(Grammar, GroupsStandInAnyOrderAndOnce) {
  const Typed one = typed("  show   flows limit 5 pod 10.0.0.1\ttop ");
  EXPECT_EQ(one.arguments.number("limit", 0), 5U);
  EXPECT_EQ(one.arguments.address("pod")->to_string(), "10.0.0.1");
  EXPECT_TRUE(one.arguments.has("top"));
  EXPECT_FALSE(one.arguments.has("remote"));
  EXPECT_NE(problem("show flows top top").find("'top': expected"), std::string::npos);
}

TEST(Grammar, JsonStandsAnywhereBehindTheFirstWord) {
  for (const char* line : {"show --json eni", "show eni --json", "check --json a b.yaml"}) {
    EXPECT_TRUE(typed(line).arguments.json) << line;
  }
  EXPECT_EQ(typed("check --json a b.yaml").arguments.text("file"), "a b.yaml");
  EXPECT_FALSE(read_line("--json show eni").ok());
  const Typed last = typed("explain tcp 10.0.0.1:1 > 10.0.0.2:2 --json");
  EXPECT_TRUE(last.arguments.json);
  EXPECT_EQ(last.arguments.text("flow"), "tcp 10.0.0.1:1 > 10.0.0.2:2");
}

TEST(Grammar, APlaceAtTheEndTakesAllThatIsLeft) {
  EXPECT_EQ(typed("check  /a folder/b.yaml ").arguments.text("file"), "/a folder/b.yaml");
  EXPECT_EQ(typed("explain tcp 10.0.0.1:1 > 10.0.0.2:2 in eni0").arguments.text("flow"),
            "tcp 10.0.0.1:1 > 10.0.0.2:2 in eni0");
  EXPECT_EQ(typed("explain last drop").command->syntax, "explain last drop [REASON]");
  EXPECT_EQ(typed("explain last drop no_owner").arguments.text("reason"), "no_owner");
}

TEST(Grammar, SaysWhatWouldDo) {
  EXPECT_EQ(problem("nonsense"), "no such command: nonsense; help lists what there is");
  EXPECT_NE(problem("drain 10.0.0.300").find("expected ADDRESS (an IPv4 or IPv6 address)"),
            std::string::npos);
  EXPECT_NE(problem("help me").find("nothing may follow"), std::string::npos);
  EXPECT_NE(problem("set timeout udp").find("expected DURATION"), std::string::npos);
  EXPECT_NE(problem("set timeout udp 0s").find("expected DURATION"), std::string::npos);
  EXPECT_NE(problem(std::string(kLongestLine + 1, 'x')).find("longer"), std::string::npos);
}

TEST(Grammar, NamesEveryCommandThatCouldBeMeant) {
  EXPECT_EQ(problem("capture"),
            "expected start, show, stop; usage is one of\n"
            "  capture start PATH [address ADDRESS] [protocol PROTOCOL] [count N]\n"
            "  capture show\n"
            "  capture stop");
  EXPECT_NE(problem("set loud").find("'loud': expected log, steering, timeout; usage is one of"),
            std::string::npos);
  for (const Command& command : commands()) {
    if (!command.syntax.starts_with("show ")) continue;
    EXPECT_NE(problem("show nothing").find("\n  " + std::string(command.syntax)), std::string::npos)
        << command.syntax;
  }
}

TEST(Grammar, WhatIsTypedReachesNoTerminalAsItIs) {
  EXPECT_EQ(problem("\x1b[2J\x07"), "no such command: \\x1b[2J\\x07; help lists what there is");
  EXPECT_NE(problem("drain \x1b]0;x").find("'\\x1b]0;x': expected ADDRESS"), std::string::npos);
}

TEST(Grammar, TakesProtocolsByNameAndByNumber) {
  for (const char* word : {"tcp", "gre", "esp", "47", "0", "255"}) {
    EXPECT_TRUE(read_line(std::string("show flows protocol ") + word).ok()) << word;
  }
  for (const char* word : {"256", "-1", "tcp4", "4x", "TCP"}) {
    EXPECT_NE(problem(std::string("show flows protocol ") + word).find("expected PROTOCOL"),
              std::string::npos);
  }
  EXPECT_TRUE(after("show flows protocol").contains("gre"));
}

TEST(Grammar, CompletesWordsChoicesAndPlaces) {
  EXPECT_TRUE(after("").contains("show"));
  EXPECT_TRUE(after("show").contains("flows"));
  EXPECT_EQ(after("set log level"), (std::set<std::string>{"debug", "error", "info", "warning"}));
  EXPECT_EQ(after("drain"), std::set<std::string>{"ADDRESS"});
  EXPECT_FALSE(after("show flows top").contains("top"));
  EXPECT_TRUE(after("show flows top").contains("pod"));
  EXPECT_TRUE(after("explain last drop").contains("no_owner"));
  EXPECT_TRUE(after("nonsense").empty());
}

TEST(Grammar, ErrorsAndTheManualListTheValues) {
  EXPECT_NE(problem("show flows state open").find("a session's state: syn-sent, syn-both"),
            std::string::npos);
  EXPECT_NE(problem("set log level foo").find("error, warning, info, debug"), std::string::npos);
  EXPECT_NE(problem("set timeout foo 5m").find("tcp_established, tcp_transitory"),
            std::string::npos);
  EXPECT_NE(problem("set steering x").find("auto, software"), std::string::npos);
  EXPECT_NE(manual_markdown().find("packets to their workers: auto, software |"),
            std::string::npos);
}

TEST(Grammar, AWordThatSeveralCommandsBeginWithHasTheHelpOfNone) {
  std::size_t several = 0;
  for (const Candidate& candidate : candidates({})) {
    const auto own = [&](const Command& command) {
      return split_words(command.syntax).front() == candidate.word;
    };
    const auto all = commands();
    const auto count = std::count_if(all.begin(), all.end(), own);
    const auto first = std::find_if(all.begin(), all.end(), own);
    ASSERT_NE(first, all.end());
    EXPECT_EQ(candidate.help == first->help, count == 1) << candidate.word;
    several += count > 1 ? 1 : 0;
  }
  EXPECT_GT(several, 4U);
}

TEST(Grammar, CompletesJsonAndWithinWatch) {
  EXPECT_TRUE(after("show rates").contains("--json"));
  EXPECT_FALSE(after("show rates --json").contains("--json"));
  EXPECT_FALSE(after("drain 10.0.0.1").contains("--json"));
  EXPECT_TRUE(after("watch show").contains("rates"));
  EXPECT_TRUE(after("watch show rates").contains("SECONDS"));
  EXPECT_FALSE(after("watch show").contains("SECONDS"));
  EXPECT_EQ(after("watch"),
            (std::set<std::string>{"show", "explain", "trace", "capture", "check", "help"}));
  EXPECT_EQ(after("watch trace"), std::set<std::string>{"show"});
  EXPECT_TRUE(after("watch set log level").empty());
}

TEST(Grammar, NoSyntaxHasAPlaceThatIsUnknown) {
  for (const Command& command : commands()) {
    for (std::string word : split_words(command.syntax)) {
      std::erase_if(word, [](char c) { return c == '[' || c == ']'; });
      if (std::isupper(static_cast<unsigned char>(word.front())) == 0) continue;
      const auto places = place_types();
      EXPECT_TRUE(std::any_of(places.begin(), places.end(), [&](const PlaceType& place) {
        return place.name == word;
      })) << word;
    }
  }
}

std::string help_after(const std::string& line, const std::string& word) {
  for (const Candidate& candidate : candidates(split_words(line))) {
    if (candidate.word == word) return candidate.help;
  }
  return "";
}

TEST(Grammar, EveryGroupHasAHelpOfItsOwn) {
  for (const Command& command : commands()) {
    const std::string_view syntax = command.syntax;
    for (std::size_t at = 0; (at = syntax.find('[', at)) != std::string_view::npos; ++at) {
      const std::string_view group = syntax.substr(at + 1, syntax.find(']', at) - at - 1);
      if (std::isupper(static_cast<unsigned char>(group.front())) != 0) continue;
      const OptionType* option = option_type(syntax, group);
      ASSERT_NE(option, nullptr) << syntax << ": " << group;
      EXPECT_NE(option->help, command.help);
    }
  }
  std::set<std::string> said;
  for (const Candidate& candidate : candidates(split_words("show flows"))) {
    EXPECT_TRUE(said.insert(candidate.help).second) << candidate.word << ": " << candidate.help;
  }
  EXPECT_EQ(said.size(), 11U) << "ten groups and --json";
  EXPECT_EQ(help_after("show flows top", "pod"), "of this pod");
  EXPECT_EQ(help_after("watch show flows", "remote"), "with this address at the other end");
  EXPECT_NE(help_after("show flows", "address"), help_after("trace add 5", "address"));
  EXPECT_NE(help_after("show flows", "count"), help_after("capture start x", "count"));
  EXPECT_EQ(help_after("show", "flows").substr(0, 8), "sessions") << "the command's own";
}

TEST(Grammar, TheManualSaysWhatGroupsAreForAndWhere) {
  for (const OptionType& option : option_types()) {
    EXPECT_EQ(manual_markdown().find(fmt::format("| `{}` |  |", option.group)), std::string::npos)
        << option.group << " of " << option.commands << " stands in no command";
  }
  EXPECT_NE(manual_markdown().find(
                "| `page N` | `show flows` | the Nth page of as many rows as limit says |"),
            std::string::npos);
}

TEST(Watch, ShowsTheBeginningOfAnAnswerThatIsLongerThanTheScreen) {
  const std::string text = "one\ntwo\nthree\nfour\n";
  EXPECT_EQ(fitted(text, {5, 80}), text) << "and the cursor's row";
  EXPECT_EQ(fitted(text, {4, 80}), "one\ntwo\n... 2 more lines\n");
  EXPECT_EQ(fitted(text, {}), text) << "of a size that is not known";
  EXPECT_EQ(fitted("", {3, 80}), "");
}

TEST(Watch, CountsTheRowsThatLongLinesTake) {
  const std::string text = "0123456789\n012345678\n\u00b5\u00b5\u00b5\u00b5\u00b5\nlast\n";
  EXPECT_EQ(fitted(text, {5, 10}), text);
  EXPECT_EQ(fitted(text, {6, 5}), "0123456789\n012345678\n... 2 more lines\n");
  EXPECT_EQ(fitted(text, {7, 5}), text);
  EXPECT_EQ(fitted("one\n0123456789\n", {3, 5}), "one\n... 1 more line\n");
}

TEST(Watching, TheLastNumberIsTheSecondsUnlessItIsTheCommands) {
  const auto watched = [](const char* line) { return read_watch(line)->value(); };
  EXPECT_EQ(watched("watch show drops").every.count(), 2);
  EXPECT_EQ(watched("watch show drops 5").every.count(), 5);
  EXPECT_EQ(watched("watch show drops 5").command, "show drops");
  EXPECT_EQ(watched("watch show flows limit 7").command, "show flows limit 7");
  EXPECT_EQ(watched("watch show flows limit 7 1").command, "show flows limit 7");
  EXPECT_EQ(watched("top").command, "show rates");
  EXPECT_FALSE(read_watch("show drops"));
  EXPECT_FALSE(read_watch("nonsense"));
}

TEST(Watching, TheSecondsFollowAPlaceThatTakesTheRest) {
  const auto watched = [](const char* line) { return read_watch(line)->value(); };
  const Watch flow = watched("watch explain tcp 10.0.0.1:1 > 8.8.8.8:53 in eni0 3");
  EXPECT_EQ(flow.command, "explain tcp 10.0.0.1:1 > 8.8.8.8:53 in eni0");
  EXPECT_EQ(flow.every.count(), 3);
  EXPECT_EQ(watched("watch show flow udp 10.0.0.1:1 > 8.8.8.8:53 1").every.count(), 1);
  EXPECT_EQ(watched("watch check a folder/b.yaml 1").command, "check a folder/b.yaml");
  EXPECT_EQ(watched("watch check 1").command, "check 1") << "no file would be left";
  EXPECT_EQ(watched("watch show rates 100000").every.count(), 100'000);
}

TEST(Watching, JsonMayStandBehindTheSeconds) {
  const auto json = [](const char* line) {
    const auto watch = read_watch(line)->value();
    EXPECT_EQ(watch.every.count(), 1) << line;
    return read_line(watch.command).value().arguments.json;
  };
  EXPECT_TRUE(json("watch show rates 1 --json"));
  EXPECT_TRUE(json("watch show rates --json 1"));
  EXPECT_TRUE(json("watch --json explain tcp 10.0.0.1:1 > 8.8.8.8:53 1"));
  EXPECT_FALSE(json("watch show rates 1"));
}

TEST(Watching, OnlyWhatShowsSomethingIsRepeated) {
  for (const char* line :
       {"watch quit", "watch watch show drops", "watch top", "watch exit", "watch reload",
        "watch drain 10.0.0.1", "watch clear flows all 5", "watch trace stop"}) {
    const auto watch = read_watch(line);
    ASSERT_TRUE(watch && !*watch) << line;
    EXPECT_NE(watch->error().find("watch takes commands that only show something"),
              std::string::npos)
        << line;
  }
  EXPECT_NE(read_watch("watch nonsense")->error().find("no such command: nonsense"),
            std::string::npos);
  EXPECT_TRUE(read_watch("watch explain last drop")->ok());
  EXPECT_TRUE(read_watch("watch capture show 1 --json")->ok());
}

TEST(Views, ScalarsBecomeLinesAndRowsATable) {
  const View view{{"some_name", "x"},
                  {"rows", {{{"a", "long one"}, {"count", 5}}, {{"a", "b"}, {"count", 1234}}}},
                  {"none", View::array()},
                  {"flag", true}};
  EXPECT_EQ(
      to_text(view),
      "some name: x\n\na         count\nlong one      5\nb          1234\n\nno none\nflag: yes\n");
  EXPECT_EQ(to_json(view),
            R"({"some_name":"x","rows":[{"a":"long one","count":5},{"a":"b","count":1234}],)"
            R"("none":[],"flag":true})"
            "\n");
}

TEST(Views, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(to_text({{"path", "a\x1b[2Jb"}}), "path: a\\x1b[2Jb\n");
}

TEST(Manual, EscapesForMan) {
  EXPECT_EQ(roff(".a-b\\c"), "\\&.a\\-b\\\\c");
  EXPECT_NE(manual_markdown().find("    sluice> show drops"), std::string::npos);
}

}  // namespace
}  // namespace sluice::console
