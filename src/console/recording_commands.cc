// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/recording_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "console/show.h"
#include "nat/session_text.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

using telemetry::Recording;

constexpr std::uint64_t kMostTraced = 200;
constexpr std::uint64_t kMostCaptured = 10'000'000;
constexpr std::uint64_t kCapturedByDefault = 1000;

/// How many packets are asked for; nothing: too few or too many.
std::optional<std::uint32_t> packets_of(const Arguments& arguments,
                                        const char* name,
                                        std::uint64_t otherwise,
                                        std::uint64_t most) {
  const std::uint64_t wanted = arguments.number(name, otherwise);
  if (wanted == 0 || wanted > most) return std::nullopt;
  return static_cast<std::uint32_t>(wanted);
}

Answer not_so_many(const Arguments& arguments, const char* name, std::uint64_t most) {
  return {Answer::Status::kBadUsage,
          fmt::format("{} packets cannot be recorded; 1 to {} can\n", arguments.text(name), most)};
}

/// The trace under way or the last one; null: none.
Recording* trace_of(Session& session) {
  const auto& recording = session.telemetry.recording();
  return recording && !recording->is_capture() ? recording.get() : nullptr;
}

constexpr const char* kNoTrace = "nothing is traced; trace add N begins\n";

Recording::Wish wish_of(const Arguments& arguments) {
  Recording::Wish wish;
  wish.filter.protocol = filter_of(arguments).protocol;
  if (arguments.has("address")) wish.filter.address = IpAddr::parse(arguments.text("address"));
  return wish;
}

/// Begins a recording unless another is under way.
std::optional<Answer> refused(Session& session, const Recording::Wish& wish) {
  const auto& current = session.telemetry.recording();
  if (current && current->running()) {
    return failed(current->is_capture() ? "a capture is under way: capture stop ends it\n"
                                        : "a trace is under way: trace stop ends it\n");
  }
  auto started = Recording::start(session.gateway, wish);
  if (!started) return failed(started.error() + "\n");
  session.telemetry.record(std::move(started).value());
  return std::nullopt;
}

/// How far a recording has come, of how much, and of which packets.
void add_state(View& view, const Recording& recording) {
  const Recording::Wish& wish = recording.wish();
  const auto& [address, protocol] = wish.filter;
  view["under_way"] = recording.running();
  view["packets"] = recording.packets();
  view["packets_wanted"] = wish.packets;
  view["lost_copies"] = recording.lost();
  view["address"] = address ? View(address->to_string()) : View(nullptr);
  view["protocol"] = protocol ? View(nat::protocol_text(*protocol)) : View(nullptr);
}

/// The capture under way or the last one; null: none.
Recording* capture_of(Session& session) {
  const auto& recording = session.telemetry.recording();
  return recording && recording->is_capture() ? recording.get() : nullptr;
}

constexpr const char* kNoCapture = "nothing is captured\n";

Answer not_all_written(const Recording& capture) {
  const std::uint64_t whole = capture.packets_in_file();
  return failed(fmt::format("{}, which ended the capture; {} packet{} written whole\n",
                            capture.file_error(), whole, whole == 1 ? " was" : "s were"));
}

}  // namespace

Reply trace_add(Session& session, const Arguments& arguments) {
  Recording::Wish wish = wish_of(arguments);
  const auto packets = packets_of(arguments, "n", 1, kMostTraced);
  if (!packets) return not_so_many(arguments, "n", kMostTraced);
  wish.packets = *packets;
  if (auto no = refused(session, wish)) return *no;
  return done(fmt::format("the next {} packet{} traced; trace show prints {}\n", wish.packets,
                          wish.packets == 1 ? " is" : "s are", wish.packets == 1 ? "it" : "them"));
}

Reply trace_show(Session& session, const Arguments& arguments) {
  const Recording* trace = trace_of(session);
  if (trace == nullptr) return failed(kNoTrace);
  View view;
  add_state(view, *trace);
  if (arguments.json) view["traced"] = View::array();
  std::string text = arguments.json ? "" : to_text(view);
  for (const auto& packet : trace->traced()) {
    View steps = View::array();
    for (const auto& step : packet.steps) {
      steps.push_back({{"stage", step.stage}, {"change", step.change}});
    }
    if (arguments.json) {
      view["traced"].push_back({{"packet", packet.packet}, {"stages", steps}});
    } else {
      text += fmt::format("\n{}\n{}", packet.packet, to_text({{"stages", steps}}));
    }
  }
  return arguments.json ? shown(view, arguments) : Reply{done(text)};
}

Reply trace_stop(Session& session, const Arguments&) {
  Recording* trace = trace_of(session);
  if (trace == nullptr) return failed(kNoTrace);
  if (!trace->running()) return failed("the trace has ended; trace show prints it\n");
  trace->stop();
  return done(fmt::format("{} packet{} traced; trace show prints what there is\n", trace->packets(),
                          trace->packets() == 1 ? " was" : "s were"));
}

Reply trace_clear(Session& session, const Arguments&) {
  if (trace_of(session) == nullptr) return failed(kNoTrace);
  session.telemetry.record(nullptr);
  return done("the trace is forgotten\n");
}

Reply capture_start(Session& session, const Arguments& arguments) {
  Recording::Wish wish = wish_of(arguments);
  wish.path = std::filesystem::absolute(arguments.text("path")).string();
  const auto packets = packets_of(arguments, "count", kCapturedByDefault, kMostCaptured);
  if (!packets) return not_so_many(arguments, "count", kMostCaptured);
  wish.packets = *packets;
  if (auto no = refused(session, wish)) return *no;
  return done(fmt::format("the next {} packets go to {}; capture stop ends it before\n",
                          wish.packets, wish.path));
}

Reply capture_show(Session& session, const Arguments& arguments) {
  const Recording* capture = capture_of(session);
  if (capture == nullptr) return failed(kNoCapture);
  if (!capture->file_error().empty()) return not_all_written(*capture);
  View view{{"file", capture->wish().path}};
  add_state(view, *capture);
  return shown(view, arguments);
}

Reply capture_stop(Session& session, const Arguments& arguments) {
  Recording* capture = capture_of(session);
  if (capture == nullptr) return failed(kNoCapture);
  capture->stop();
  if (!capture->file_error().empty()) return not_all_written(*capture);
  return shown({{"file", capture->wish().path},
                {"packets", capture->packets()},
                {"lost_copies", capture->lost()}},
               arguments);
}

}  // namespace sluice::console
