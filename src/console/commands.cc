// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "console/check_task.h"
#include "console/show.h"

namespace sluice::console {
namespace {

Reply help(Session&, const std::string&) {
  std::string text;
  for (const Command& command : commands()) {
    const std::string words =
        fmt::format("{}{}{}", command.words, command.argument.empty() ? "" : " ", command.argument);
    text += fmt::format("  {:<22} {}\n", words, command.help);
  }
  return Answer{true, text};
}

Reply quit(Session& session, const std::string&) {
  session.quit = true;
  return Answer{true, "stopping\n"};
}

Reply reload(Session& session, const std::string&) {
  const auto outcome = session.reloader.reload("console");
  return Answer{outcome.ok, fmt::format("{}\n", fmt::join(outcome.lines, "\n"))};
}

template <std::string (*kShow)(const gateway::Gateway&)>
Reply show(Session& session, const std::string&) {
  return Answer{true, kShow(session.gateway)};
}

constexpr std::array kCommands{
    Command{"help", "", "this list", help},
    Command{"check", "[--json] FILE", "what FILE would change for the flows there are now",
            start_check},
    Command{"reload", "", "read the configuration again and put it into force", reload},
    Command{"show counters", "", "packets by fate, and the equation they obey",
            show<show_counters>},
    Command{"show drops", "", "dropped packets by reason, and what each reason means",
            show<show_drops>},
    Command{"show eni", "", "ENIs and pod ports: addresses, links, queues", show<show_eni>},
    Command{"show flows", "", "sessions: both tuples, state, age, counts", show<show_flows>},
    Command{"show memory", "", "what DPDK's heap and the flow tables hold", show<show_memory>},
    Command{"show neighbours", "", "next hops and whether they answer", show<show_neighbours>},
    Command{"show policy", "", "the compiled rules in order", show<show_policy>},
    Command{"quit", "", "stop the gateway", quit},
};

/// The command whose words begin the line, and what stands behind them as it was typed: the name
/// of a file may hold blanks.
struct Typed {
  const Command* command = nullptr;
  std::string argument;
};

/// Takes one word off the front of a line; empty at its end.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// What is left of the line behind these words, if it begins with them.
std::optional<std::string_view> behind(std::string_view words, std::string_view line) {
  while (true) {
    const std::string_view word = take_word(words);
    if (word.empty()) return trimmed(line);
    if (take_word(line) != word) return std::nullopt;
  }
}

Typed read_line(std::string_view line) {
  for (const Command& command : kCommands) {
    const auto rest = behind(command.words, line);
    if (!rest || rest->empty() != command.argument.empty()) continue;
    return {&command, std::string(*rest)};
  }
  return {};
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

Reply run(std::string_view line, Session& session) {
  if (trimmed(line).empty()) return Answer{};
  const Typed typed = read_line(line);
  if (typed.command == nullptr) {
    return Answer{false, fmt::format("no such command: {}; help lists what there is\n",
                                     trimmed(line))};
  }
  return typed.command->run(session, typed.argument);
}

}  // namespace sluice::console
