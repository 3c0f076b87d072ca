// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "console/show.h"

namespace sluice::console {
namespace {

Answer help(Session&) {
  std::string text;
  for (const Command& command : commands()) {
    text += fmt::format("  {:<16} {}\n", command.words, command.help);
  }
  return {true, text};
}

Answer quit(Session& session) {
  session.quit = true;
  return {true, "stopping\n"};
}

constexpr std::array kCommands{
    Command{"help", "this list", help},
    Command{"show counters", "packets by fate, and the equation they obey",
            [](Session& session) { return Answer{true, show_counters(session.gateway)}; }},
    Command{"show drops", "dropped packets by reason, and what each reason means",
            [](Session& session) { return Answer{true, show_drops(session.gateway)}; }},
    Command{"show eni", "ENIs and pod ports: addresses, links, queues",
            [](Session& session) { return Answer{true, show_eni(session.gateway)}; }},
    Command{"show flows", "sessions: both tuples, state, age, counts",
            [](Session& session) { return Answer{true, show_flows(session.gateway)}; }},
    Command{"show neighbours", "next hops and whether they answer",
            [](Session& session) { return Answer{true, show_neighbours(session.gateway)}; }},
    Command{"show policy", "the compiled rules in order",
            [](Session& session) { return Answer{true, show_policy(session.gateway)}; }},
    Command{"quit", "stop the gateway", quit},
};

std::string squeeze(std::string_view line) {
  std::istringstream stream{std::string(line)};
  std::string squeezed;
  for (std::string word; stream >> word;) squeezed += (squeezed.empty() ? "" : " ") + word;
  return squeezed;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }

Answer run(std::string_view line, Session& session) {
  const std::string words = squeeze(line);
  if (words.empty()) return {};
  const auto command =
      std::find_if(kCommands.begin(), kCommands.end(),
                   [&](const Command& candidate) { return candidate.words == words; });
  if (command == kCommands.end()) {
    return {false, fmt::format("no such command: {}; help lists what there is\n", words)};
  }
  return command->run(session);
}

}  // namespace sluice::console
