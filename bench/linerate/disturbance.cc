// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/disturbance.h"

#include <fmt/format.h>

#include "core/ip.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

/// A shell's loop that ends at SIGINT, when the command under way has ended.
std::string again_and_again(const std::string& command, const char* pause) {
  return fmt::format("trap exit INT; while {} || exit; do {}; done", command, pause);
}

std::string capture(const std::string& console,
                    const std::string& file,
                    const std::string& filter) {
  constexpr unsigned kMost = 10'000'000;  // packets that a capture may be asked for
  return fmt::format(
      "trap '{0}capture stop >/dev/null; rm -f {1}; exit' INT; "
      "{0}capture start {1} {2} count {3} >/dev/null || exit; while :; do sleep 0.1; done",
      console, file, filter, kMost);
}

std::vector<std::string> loops(Disturbance kind, const Entrances& to, const std::string& folder) {
  const std::string console = fmt::format("{} console --socket {} ", to.sluice, to.socket);
  const std::string file = folder + "/captured.pcapng";
  if (kind == Disturbance::kCaptured) return {capture(console, file, "")};
  if (kind == Disturbance::kFiltered) {
    return {capture(console, file, "address " + Ipv4Addr{flow(0).source}.to_string())};
  }
  const std::string scrape = again_and_again(
      fmt::format("curl --silent --show-error --fail --output /dev/null http://{}/metrics",
                  to.metrics),
      "sleep 1");
  if (kind == Disturbance::kWatched) {
    const std::string dump =
        again_and_again(console + "show flows limit 10000 --json >/dev/null", ":");
    return {dump, dump, dump, scrape};
  }
  return {again_and_again(console + "reload >/dev/null", "sleep 1"), scrape};
}

}  // namespace

const char* name_of(Disturbance kind) {
  switch (kind) {
    case Disturbance::kWatched: return "watched";
    case Disturbance::kOperated: return "operated";
    case Disturbance::kCaptured: return "captured";
    case Disturbance::kFiltered: return "filtered";
  }
  return "";
}

Result<std::unique_ptr<Disturbers>> Disturbers::start(Disturbance kind,
                                                      const Entrances& entrances,
                                                      unsigned core,
                                                      const std::string& folder) {
  auto disturbers = std::make_unique<Disturbers>();
  for (const std::string& loop : loops(kind, entrances, folder)) {
    const std::string log =
        fmt::format("{}/disturber{}.log", folder, disturbers->processes_.size());
    auto started =
        Process::start({{"taskset", "--cpu-list", std::to_string(core), "sh", "-c", loop}, log});
    if (!started) return Error{started.error()};
    disturbers->processes_.push_back(std::move(started).value());
  }
  return disturbers;
}

Status Disturbers::all_go_on() const {
  for (const auto& process : processes_) {
    if (!process->runs()) return Error{"what was to disturb has ended: " + process->output()};
  }
  return success();
}

}  // namespace sluice::bench
