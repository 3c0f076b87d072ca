// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <rte_eal.h>

#include <iostream>
#include <variant>

#include "cli/commands.h"
#include "explain/explainer.h"
#include "explain/replay.h"
#include "gateway/eal.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kEalMib = 128;

void print(const explain::Verdict& verdict, bool json) {
  fmt::print("{}\n", json ? explain::to_json(verdict) : explain::to_text(verdict));
}

class LineAnswerer {
 public:
  LineAnswerer(explain::Simulator& simulator, bool json) : explainer_(simulator), json_(json) {}

  void take(std::string_view line) {
    const auto verdict = explainer_.answer(line);
    if (!verdict) return;
    if (!verdict->error.empty()) status_ = kBadUsage;
    print(*verdict, json_);
    // Whoever types the lines by program waits for each answer.
    std::fflush(stdout);
  }
  [[nodiscard]] int status() const { return status_; }

 private:
  explain::Explainer explainer_;
  bool json_;
  int status_ = kDone;
};

int failed(const std::string& why) {
  fmt::print(stderr, "sluice: {}\n", why);
  return kFailed;
}

/// The simulated gateway, or the exit status.
std::variant<std::unique_ptr<explain::Simulator>, int> simulate(const Options& options) {
  auto config = load_config(options.config);
  if (!config) return kBadUsage;
  if (const Status started = gateway::start_bare_eal(kEalMib); !started) {
    return failed(started.error());
  }
  auto simulator = explain::Simulator::create(std::move(*config));
  if (!simulator) return failed(simulator.error());
  return std::move(simulator).value();
}

/// "eni0=outside.pcap" for a device that there is.
Result<explain::Replay::Input> read_input(const std::string& text,
                                          const explain::Simulator& simulator) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return Error{"--in " + text + ": DEVICE=FILE is wanted"};
  const DeviceId device = simulator.device_named(text.substr(0, equals));
  if (device == kNoDevice) {
    return Error{fmt::format("--in {}: there is no device '{}'; enis and pod_ports name them", text,
                             text.substr(0, equals))};
  }
  return explain::Replay::Input{device, text.substr(equals + 1)};
}

}  // namespace

int explain(const Options& options) {
  auto simulated = simulate(options);
  if (const int* status = std::get_if<int>(&simulated)) return *status;
  explain::Simulator& simulator = *std::get<0>(simulated);
  LineAnswerer answerer(simulator, options.json);
  for (const std::string& line : options.words) answerer.take(line);
  if (options.words.empty()) {
    for (std::string line; std::getline(std::cin, line);) answerer.take(line);
  }
  return answerer.status();
}

int replay(const Options& options) {
  auto simulated = simulate(options);
  if (const int* status = std::get_if<int>(&simulated)) return *status;
  explain::Simulator& simulator = *std::get<0>(simulated);
  std::vector<explain::Replay::Input> inputs;
  for (const std::string& text : options.in) {
    const auto input = read_input(text, simulator);
    if (!input) {
      fmt::print(stderr, "sluice: {}\n", input.error());
      return kBadUsage;
    }
    inputs.push_back(input.value());
  }
  auto replay = explain::Replay::open(simulator, inputs, options.out_dir);
  if (!replay) return failed(replay.error());
  const Status done =
      replay.value()->run([&](const explain::Verdict& verdict) { print(verdict, options.json); });
  // Each was told as held when it came; what became of it is known only now.
  if (const std::uint64_t lost = simulator.incomplete(); lost != 0) {
    fmt::print(stderr,
               "sluice: {} held fragments never became whole datagrams: "
               "fragment_incomplete, or what is told of a later one that spoiled its datagram\n",
               lost);
  }
  return done ? kDone : failed(done.error());
}

}  // namespace sluice::cli
