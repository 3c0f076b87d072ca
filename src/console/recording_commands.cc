// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/recording_commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "console/show.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

using telemetry::Recording;

constexpr std::uint64_t kMostTraced = 200;
constexpr std::uint64_t kMostCaptured = 10'000'000;
constexpr std::uint64_t kCapturedByDefault = 1000;

Recording::Wish wish_of(const Arguments& arguments) {
  Recording::Wish wish;
  const gateway::SessionFilter filter = filter_of(arguments);
  wish.filter = {filter.snat, filter.protocol};
  return wish;
}

/// Begins a recording unless another is under way.
std::optional<Answer> refused(Session& session, const Recording::Wish& wish) {
  const auto& current = session.telemetry.recording();
  if (current && current->running()) {
    return failed(current->is_capture() ? "a capture is under way: capture stop ends it\n"
                                        : "a trace is under way: trace show ends it\n");
  }
  auto started = Recording::start(session.gateway, wish);
  if (!started) return failed(started.error() + "\n");
  session.telemetry.record(std::move(started).value());
  return std::nullopt;
}

}  // namespace

Reply trace_add(Session& session, const Arguments& arguments) {
  Recording::Wish wish = wish_of(arguments);
  wish.packets =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(arguments.number("n", 1), 1, kMostTraced));
  if (auto no = refused(session, wish)) return *no;
  return done(fmt::format("the next {} packets are traced; trace show prints them\n", wish.packets));
}

Reply trace_show(Session& session, const Arguments& arguments) {
  const auto& trace = session.telemetry.recording();
  if (!trace || trace->is_capture()) return failed("nothing is traced; trace add N begins\n");
  View view;
  view["under_way"] = trace->running();
  view["packets"] = trace->packets();
  view["lost_copies"] = trace->lost();
  View all = View::array();
  for (const auto& packet : trace->traced()) {
    View steps = View::array();
    for (const auto& step : packet.steps) {
      steps.push_back({{"stage", step.stage}, {"change", step.change}});
    }
    if (!arguments.json) view[packet.packet] = steps;
    all.push_back({{"packet", packet.packet}, {"stages", steps}});
  }
  if (arguments.json) view["traced"] = all;
  return shown(view, arguments);
}

Reply capture_start(Session& session, const Arguments& arguments) {
  Recording::Wish wish = wish_of(arguments);
  wish.path = arguments.text("path");
  wish.packets = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
      arguments.number("count", kCapturedByDefault), 1, kMostCaptured));
  if (auto no = refused(session, wish)) return *no;
  return done(fmt::format("the next {} packets go to {}; capture stop ends it before\n", wish.packets,
                          wish.path));
}

Reply capture_stop(Session& session, const Arguments& arguments) {
  const auto& capture = session.telemetry.recording();
  if (!capture || !capture->is_capture()) return failed("nothing is captured\n");
  capture->stop();
  if (!capture->file_is_good()) return failed(capture->path() + ": not all could be written\n");
  return shown({{"file", capture->path()},
                {"packets", capture->packets()},
                {"lost_copies", capture->lost()}},
               arguments);
}

}  // namespace sluice::console
