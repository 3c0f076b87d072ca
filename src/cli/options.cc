// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <iostream>
#include <sstream>

namespace sluice::cli {
namespace {

namespace po = boost::program_options;

struct CommandInfo {
  const char* name;
  const char* arguments;
  const char* does;
};

constexpr CommandInfo kCommands[] = {
    {"run", "--config FILE [--workers N] [--console] [-- EAL-ARGS...]",
     "runs the gateway until SIGINT or SIGTERM"},
    {"check", "--config FILE [--json] [--against-running [--socket PATH]]",
     "validates a configuration and all it names; says what it would change for open flows"},
    {"explain", "--config FILE [--json] [FLOW...]",
     "says what the gateway would do with each flow, one a line on standard input"},
    {"replay", "--config FILE --in DEVICE=FILE... --out-dir DIR [--json]",
     "sends captures through the gateway's pipeline"},
    {"console", "[--socket PATH] [COMMAND...]", "asks a running gateway"},
    {"discover", "[--imds URL]", "prints the enis: and vpc: sections of this EC2 instance"},
    {"manual", "console|sluice.1|sluice.yaml.5 [REFERENCE]", "prints a page of the manual"},
    {"version", "", "version, DPDK version, drivers"},
};

void print_usage(std::ostream& out) {
  out << "usage: sluice COMMAND [OPTIONS]\n\n";
  for (const CommandInfo& command : kCommands) {
    out << fmt::format("  sluice {} {}\n      {}\n", command.name, command.arguments, command.does);
  }
}

int mistake(const std::string& what) {
  std::cerr << "sluice: " << what << "\n\n";
  print_usage(std::cerr);
  return kBadUsage;
}

po::options_description describe(Options& options) {
  po::options_description all("options");
  auto add = all.add_options();
  add("help,h", "this text");
  add("config", po::value(&options.config), "configuration file");
  add("json", po::bool_switch(&options.json), "print JSON");
  add("console", po::bool_switch(&options.console), "interactive console on this terminal");
  add("against-running", po::bool_switch(&options.against_running),
      "check: what the file would change for the flows of the running gateway");
  add("workers", po::value<unsigned>(), "poll-mode workers, instead of gateway.workers");
  add("socket", po::value(&options.socket), "console socket of the running gateway");
  add("in", po::value(&options.in)->composing(), "replay: a capture for a device, DEVICE=FILE");
  add("out-dir", po::value(&options.out_dir), "replay: where DEVICE.pcap of every device goes");
  add("imds", po::value(&options.imds), "discover: where instance metadata is");
  return all;
}

/// SLUICE_CONFIG is --config; names that are no option are somebody else's.
std::string option_of(const po::options_description& known, const std::string& variable) {
  constexpr std::string_view kPrefix = "SLUICE_";
  if (!variable.starts_with(kPrefix)) return "";
  std::string name = variable.substr(kPrefix.size());
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) {
    return letter == '_' ? '-' : static_cast<char>(std::tolower(letter));
  });
  return known.find_nothrow(name, false) != nullptr ? name : "";
}

}  // namespace

std::string usage_section() {
  std::string text;
  for (const CommandInfo& command : kCommands) {
    text += fmt::format(".TP\n.B {} {}\n{}.\n", command.name, command.arguments, command.does);
  }
  Options ignored;
  std::ostringstream options;
  options << describe(ignored);
  return text + ".SH OPTIONS\nEach may also come from the environment, as SLUICE_NAME.\n.nf\n" +
         options.str() + ".fi\n";
}

std::variant<Options, int> read_options(int argc, char** argv) {
  Options options;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes != arguments.end()) {
    options.eal.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  if (arguments.empty()) return mistake("no command");
  options.command = arguments.front();
  arguments.erase(arguments.begin());
  if (options.command == "--help" || options.command == "-h" || options.command == "help") {
    print_usage(std::cout);
    return kDone;
  }
  if (options.command == "--version") options.command = "version";
  const bool known_command =
      std::any_of(std::begin(kCommands), std::end(kCommands),
                  [&](const CommandInfo& command) { return options.command == command.name; });
  if (!known_command) return mistake("no such command: " + options.command);

  po::options_description known = describe(options);
  // Only what stands without an option's name goes there.
  known.add_options()("word", po::value(&options.words), "words of the command");
  po::variables_map values;
  try {
    po::positional_options_description words;
    words.add("word", -1);
    po::store(
        po::command_line_parser(arguments)
            .options(known)
            .positional(words)
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        values);
    po::store(po::parse_environment(
                  known, [&](const std::string& name) { return option_of(known, name); }),
              values);
    po::notify(values);
  } catch (const po::error& error) {
    return mistake(error.what());
  }
  if (values.count("help") != 0) {
    print_usage(std::cout);
    return kDone;
  }
  options.socket_given = values.count("socket") != 0;
  if (values.count("workers") != 0) options.workers = values["workers"].as<unsigned>();
  constexpr std::array kWithoutConfig{"console", "discover", "manual", "version"};
  const bool wants_config = std::find(kWithoutConfig.begin(), kWithoutConfig.end(),
                                      options.command) == kWithoutConfig.end();
  if (wants_config && options.config.empty()) return mistake(options.command + " needs --config");
  if (options.against_running && options.command != "check") {
    return mistake("--against-running belongs to check");
  }
  if (options.command == "replay" && (options.in.empty() || options.out_dir.empty())) {
    return mistake("replay needs --in DEVICE=FILE and --out-dir DIR");
  }
  if (!options.words.empty() && options.command != "console" && options.command != "explain" &&
      options.command != "manual") {
    return mistake(
        fmt::format("{} takes no argument '{}'", options.command, options.words.front()));
  }
  if (!options.eal.empty() && options.command != "run") {
    return mistake("only run passes arguments on to EAL");
  }
  return options;
}

}  // namespace sluice::cli
