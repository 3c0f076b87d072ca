// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "console/samples.h"
#include "console/show.h"
#include "nat/session_text.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

using pipeline::DropReason;
using pipeline::kDropInfo;

std::string_view kind_text(pipeline::DropKind kind) {
  switch (kind) {
    case pipeline::DropKind::kMalformed: return "malformed";
    case pipeline::DropKind::kPolicy: return "policy";
    case pipeline::DropKind::kResource: return "resource";
    case pipeline::DropKind::kNetwork: return "network";
  }
  return "";
}

/// The architecture's equation since the start. While packets are under way, the terms are read one
/// after the other and may differ by those.
View equation(const gateway::Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  const std::uint64_t waiting = gateway.waiting();
  const std::uint64_t came = totals.received + totals.originated + totals.split;
  const std::uint64_t went =
      totals.sent + totals.consumed + totals.merged + totals.all_dropped() + waiting;
  View view;
  view["received"] = totals.received;
  view["originated"] = totals.originated;
  view["split"] = totals.split;
  view["sent"] = totals.sent;
  view["consumed"] = totals.consumed;
  view["merged"] = totals.merged;
  view["dropped"] = totals.all_dropped();
  view["waiting"] = waiting;
  view["difference"] = static_cast<std::int64_t>(came - went);
  return view;
}

std::string equation_line(const View& terms) {
  const auto difference = terms["difference"].get<std::int64_t>();
  return fmt::format(
      "received {} + originated {} + split {} = sent {} + consumed {} + merged {} + dropped {} + "
      "waiting {}: {}",
      terms["received"].dump(), terms["originated"].dump(), terms["split"].dump(),
      terms["sent"].dump(), terms["consumed"].dump(), terms["merged"].dump(),
      terms["dropped"].dump(), terms["waiting"].dump(),
      difference == 0
          ? "adds up"
          : fmt::format("differs by {}, packets under way or a fault: ask again", difference));
}

View nic_rows(const telemetry::Status& status) {
  View rows = View::array();
  for (const auto& device : status.devices) {
    std::uint64_t allowances = 0;
    for (const auto& [name, count] : device.allowances) allowances += count;
    rows.push_back({{"device", device.name},
                    {"missed_by_nic", device.missed},
                    {"no_buffer", device.no_buffer},
                    {"receive_errors", device.receive_errors},
                    {"transmit_errors", device.transmit_errors},
                    {"allowance_exceeded", allowances}});
  }
  return rows;
}

View sample_row(const DroppedPacket& dropped) {
  const pipeline::DropSample& sample = dropped.sample;
  const std::string bytes = fmt::format(
      "{:02x}", fmt::join(sample.bytes.begin(), sample.bytes.begin() + sample.captured, ""));
  return {{"seconds_ago", dropped.seconds_ago},
          {"in", dropped.device},
          {"length", sample.length},
          {"packet", dropped.flow.empty() ? View(nullptr) : View(dropped.flow)},
          {"header", bytes.empty() ? View(nullptr) : View(bytes)}};
}

/// One reason with all that is kept of it.
View one_reason(Session& session, DropReason reason) {
  const auto number = static_cast<std::size_t>(reason);
  const pipeline::Totals totals = session.telemetry.since_cleared();
  View view;
  view["reason"] = kDropInfo[number].metric;
  view["kind"] = kind_text(kDropInfo[number].kind);
  view["packets"] = totals.dropped[number];
  view["bytes"] = totals.dropped_bytes[number];
  view["hint"] = kDropInfo[number].text;
  view["samples"] = View::array();
  for (const DroppedPacket& dropped : last_dropped(session.gateway, reason)) {
    view["samples"].push_back(sample_row(dropped));
  }
  return view;
}

}  // namespace

View show_drops(Session& session, const Arguments& arguments) {
  if (arguments.has("reason")) {
    return one_reason(session, *reason_named(arguments.text("reason")));
  }
  const pipeline::Totals totals = session.telemetry.since_cleared();
  View view;
  view["drops"] = View::array();
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (totals.dropped[i] == 0) continue;
    const auto last = seconds_since_last(session.gateway, static_cast<DropReason>(i));
    view["drops"].push_back({{"reason", kDropInfo[i].metric},
                             {"packets", totals.dropped[i]},
                             {"bytes", totals.dropped_bytes[i]},
                             {"seconds_ago", last ? View(*last) : View(nullptr)},
                             {"kind", kind_text(kDropInfo[i].kind)},
                             {"hint", kDropInfo[i].text}});
  }
  const View terms = equation(session.gateway);
  if (arguments.json) {
    view["equation"] = terms;
  } else {
    view["since_the_start"] = equation_line(terms);
  }
  view["nic"] = nic_rows(*session.telemetry.status());
  return view;
}

View show_counters(Session& session, const Arguments&) {
  const pipeline::Totals totals = session.telemetry.since_cleared();
  View view;
  view["received"] = totals.received;
  view["received_bytes"] = totals.received_bytes;
  view["originated"] = totals.originated;
  view["split"] = totals.split;
  view["sent"] = totals.sent;
  view["sent_bytes"] = totals.sent_bytes;
  view["consumed"] = totals.consumed;
  view["merged"] = totals.merged;
  view["dropped"] = totals.all_dropped();
  view["waiting"] = session.gateway.waiting();
  view["sessions_opened"] = totals.sessions_opened;
  view["sessions_ended"] = totals.sessions_ended;
  view["untracked"] = totals.untracked;
  view["handed_over"] = totals.handed_over;
  view["unanswered"] = totals.unanswered;
  view["session_events_dropped"] = totals.session_events_dropped;
  view["session_records_lost"] = session.telemetry.status()->session_records_lost;
  view["busy_cycles"] = totals.busy_cycles;
  view["busy_turns"] = totals.busy_turns;
  return view;
}

std::string counter_lines(const gateway::Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  std::string text = fmt::format(
      "received {}\noriginated {}\nsplit {}\nsent {}\nconsumed {}\nmerged {}\ndropped {}\n"
      "waiting {}\nsessions_opened {}\nsessions_ended {}\nuntracked {}\nhanded_over {}\n"
      "unanswered {}\nsession_events_dropped {}\nbusy_cycles {}\nbusy_turns {}\n",
      totals.received, totals.originated, totals.split, totals.sent, totals.consumed, totals.merged,
      totals.all_dropped(), gateway.waiting(), totals.sessions_opened, totals.sessions_ended,
      totals.untracked, totals.handed_over, totals.unanswered, totals.session_events_dropped,
      totals.busy_cycles, totals.busy_turns);
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (totals.dropped[i] == 0) continue;
    text += fmt::format("drop {} {}\n", kDropInfo[i].metric, totals.dropped[i]);
  }
  return text;
}

}  // namespace sluice::console
