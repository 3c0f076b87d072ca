// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The command line: which command, and its options. Every option may also come from the
/// environment as SLUICE_NAME; the command line wins.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace sluice::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;    ///< it could not be done
inline constexpr int kBadUsage = 2;  ///< bad usage or bad configuration

struct Options {
  std::string command;
  std::string config;
  bool json = false;
  bool console = false;
  bool against_running = false;  ///< check: compare with the running gateway
  std::optional<unsigned> workers;
  std::string socket = "/run/sluice/console.sock";
  bool socket_given = false;
  std::vector<std::string> in;                  ///< replay: DEVICE=FILE
  std::string out_dir;                          ///< replay
  std::string imds = "http://169.254.169.254";  ///< discover: where instance metadata is
  std::vector<std::string> words;               ///< flows of explain, command of console
  std::vector<std::string> eal;                 ///< what stands after "--"
};

/// The commands with what they do, in man(7).
[[nodiscard]] std::string usage_section();

/// The options, or the exit status after help or a mistake was printed.
[[nodiscard]] std::variant<Options, int> read_options(int argc, char** argv);

}  // namespace sluice::cli
