// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "console/grammar.h"
#include "pipeline/drop_reason.h"

namespace sluice::console {
namespace {

constexpr std::string_view kHead = R"(# The console

<!-- Written by `sluice manual console` from the declared commands; do not edit. -->

`sluice console` attaches a terminal to a running gateway; `sluice run --console` puts the same console
on the gateway's own. Tab completes, `?` says what may follow, the arrow keys bring back earlier lines,
Ctrl-U erases the line.
`exit` and Ctrl-D leave an attached console and nothing else; `quit` alone stops the gateway. Where the
gateway's own terminal goes away, the gateway goes on.

`sluice console COMMAND` runs one command for a script. Exit status: 0 done, 1 refused or not possible,
2 no such command; of several lines on standard input, the first that was not 0. Every `show` and `explain` also answers as one JSON object on one line: `--json`.
What goes over
the socket is one line a connection; the answer begins with `ok`, `error` or `usage` on a line of its own.

The socket (`console.socket`) is its owner's alone, or with `console.group` also that of the group's
members. Who may ask may do what the gateway may: stop it, have it read and write files. Up to 256
clients are served at once, each for 10
seconds without a word; none can make the gateway wait. What a command changes with `set`, `drain` holds
until the next reload, `stop` until `start`, `set steering` until it is set again. No command takes a
lock or makes a worker wait: tables are read record by record, and what only a worker may do (`clear
flows`, `explain`) it does between two bursts.

## Commands

Words are typed as they stand, CAPITALS are filled in, groups in brackets may be left out and stand in
any order. Relative paths mean the gateway's working folder, not the client's.
)";

/// The commands that a group with this meaning stands in, up to their own groups and places.
std::string commands_of(const OptionType& option) {
  std::string all;
  for (const Command& command : commands()) {
    if (option_type(command.syntax, option.group) != &option) continue;
    if (command.syntax.find(fmt::format("[{}]", option.group)) == std::string_view::npos) continue;
    const auto ends = std::find_if(command.syntax.begin(), command.syntax.end(), [](char c) {
      return c == '[' || std::isupper(static_cast<unsigned char>(c)) != 0;
    });
    std::string_view words = command.syntax.substr(0, ends - command.syntax.begin());
    while (words.ends_with(' ')) words.remove_suffix(1);
    all += fmt::format("{}`{}`", all.empty() ? "" : ", ", words);
  }
  return all;
}

}  // namespace

std::string manual_markdown() {
  std::string text(kHead);
  for (const Command& command : commands()) {
    text += fmt::format("\n### `{}`\n{}.\n\n    sluice> {}\n", command.syntax, command.help,
                        command.example);
  }
  text += "\n## Places\n\n| place | what it takes |\n|---|---|\n";
  for (const PlaceType& place : place_types()) {
    text += fmt::format("| `{}` | {} |\n", place.name, described(place));
  }
  text += "\n## Groups in brackets\n\n| group | of | what it is for |\n|---|---|---|\n";
  for (const OptionType& option : option_types()) {
    text += fmt::format("| `{}` | {} | {} |\n", option.group, commands_of(option), option.help);
  }
  text += "\n## Drop reasons\n\n| reason | what happened; what to look at |\n|---|---|\n";
  for (const pipeline::DropInfo& reason : pipeline::kDropInfo) {
    text += fmt::format("| `{}` | {} |\n", reason.metric, reason.text);
  }
  return text;
}

std::string roff(std::string text) {
  for (std::size_t at = 0; (at = text.find('\\', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  if (text.starts_with('.') || text.starts_with('\'')) text.insert(0, "\\&");
  return text;
}

std::string manual_section() {
  std::string text;
  for (const Command& command : commands()) {
    text += fmt::format(".TP\n.B {}\n{}.\n", roff(std::string(command.syntax)),
                        roff(std::string(command.help)));
  }
  return text;
}

}  // namespace sluice::console
