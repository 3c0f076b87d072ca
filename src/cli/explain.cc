// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <rte_eal.h>

#include <iostream>

#include "cli/commands.h"
#include "explain/explainer.h"
#include "gateway/eal.h"

namespace sluice::cli {
namespace {

constexpr std::size_t kEalMib = 128;

class LineAnswerer {
 public:
  LineAnswerer(explain::Simulator& simulator, bool json) : explainer_(simulator), json_(json) {}

  void take(std::string_view line) {
    const auto verdict = explainer_.answer(line);
    if (!verdict) return;
    if (!verdict->error.empty()) status_ = kBadUsage;
    fmt::print("{}\n", json_ ? explain::to_json(*verdict) : explain::to_text(*verdict));
    // Whoever types the lines by program waits for each answer.
    std::fflush(stdout);
  }
  [[nodiscard]] int status() const { return status_; }

 private:
  explain::Explainer explainer_;
  bool json_;
  int status_ = kDone;
};

}  // namespace

int explain(const Options& options) {
  auto config = load_config(options.config);
  if (!config) return kBadUsage;
  if (const Status started = gateway::start_bare_eal(kEalMib); !started) {
    fmt::print(stderr, "sluice: {}\n", started.error());
    return kFailed;
  }
  auto simulator = explain::Simulator::create(std::move(*config));
  if (!simulator) {
    fmt::print(stderr, "sluice: {}\n", simulator.error());
    return kFailed;
  }
  LineAnswerer answerer(*simulator.value(), options.json);
  for (const std::string& line : options.words) answerer.take(line);
  if (options.words.empty()) {
    for (std::string line; std::getline(std::cin, line);) answerer.take(line);
  }
  return answerer.status();
}

}  // namespace sluice::cli
