// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "config/config.h"
#include "console/socket.h"

namespace sluice::cli {

std::optional<config::Config> or_problems(config::Loaded loaded) {
  for (const auto& problem : loaded.problems) {
    fmt::print(stderr, "{}\n", config::to_text(problem));
  }
  if (config::has_errors(loaded.problems)) return std::nullopt;
  return std::move(loaded.config);
}

std::optional<config::Config> load_config(const std::string& path) {
  return or_problems(config::load(path));
}

namespace {

/// What the file would change for the flows of a running gateway, which reads it itself; so its
/// path is made absolute.
int check_against_running(const Options& options, const config::Loaded& loaded) {
  const std::string path = std::filesystem::absolute(options.config).string();
  const std::string& socket = options.socket_given ? options.socket : loaded.config->console_socket;
  const auto answer =
      console::ask(socket, fmt::format("check {}{}", options.json ? "--json " : "", path));
  if (!answer || answer.value().status != console::Answer::Status::kOk) {
    fmt::print(stderr, "sluice: {}", answer ? answer.value().text : answer.error() + "\n");
    return kFailed;
  }
  if (options.json) {
    auto object = nlohmann::ordered_json::parse(answer.value().text);
    object["problems"] = nlohmann::ordered_json::parse(config::to_json(loaded.problems));
    fmt::print("{}\n", object.dump());
  } else {
    fmt::print("{}", answer.value().text);
  }
  return kDone;
}

/// The word that all is well, and what the instance has room for.
void print_good(const std::string& path, const config::Config& config) {
  fmt::print("{}: ok\n", path);
  if (!config.gateway.instance) return;
  const config::InstanceLimits& limits = *config.gateway.instance;
  fmt::print(
      "gateway.instance: room for {} pods by secondary addresses, {} by delegated prefixes\n",
      limits.max_pods(), limits.max_pods_with_prefixes());
}

}  // namespace

int check(const Options& options) {
  const config::Loaded loaded = config::load(options.config);
  const bool bad = config::has_errors(loaded.problems) || !loaded.config;
  if (options.json && options.against_running && !bad) {
    return check_against_running(options, loaded);
  }
  if (options.json) {
    fmt::print("{}\n", config::to_json(loaded.problems));
  } else {
    for (const auto& problem : loaded.problems) {
      fmt::print(stderr, "{}\n", config::to_text(problem));
    }
    if (!bad) print_good(options.config, *loaded.config);
  }
  if (options.against_running && !bad) return check_against_running(options, loaded);
  return bad ? kBadUsage : kDone;
}

}  // namespace sluice::cli
