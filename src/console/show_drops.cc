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

/// Every count but the single reasons' drops, by name.
View counts(const pipeline::Totals& totals, std::uint64_t waiting) {
  View view;
  for (const auto& field : pipeline::kPacketCounts) view[field.name] = totals.*field.sum;
  view["dropped"] = totals.all_dropped();
  view["waiting"] = waiting;
  for (const auto& field : pipeline::kOtherCounts) view[field.name] = totals.*field.sum;
  return view;
}

/// The architecture's equation since the start. While packets are under way, the terms are read one
/// after the other and may differ by those.
View equation(const gateway::Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  const View all = counts(totals, gateway.waiting());
  View view;
  std::int64_t difference = 0;
  for (const char* came : {"received", "originated", "split"}) {
    view[came] = all[came];
    difference += all[came].get<std::int64_t>();
  }
  for (const char* went : {"sent", "consumed", "merged", "dropped", "waiting"}) {
    view[went] = all[went];
    difference -= all[went].get<std::int64_t>();
  }
  view["difference"] = difference;
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
  const bool leaves = sample.form == pipeline::FrameForm::kAsItWasToLeave;
  return {{"seconds_ago", dropped.seconds_ago},
          {"in", dropped.device},
          {"length", sample.length},
          {"packet", dropped.packet},
          {"header_is", leaves ? "as it was to leave" : "as it came in"},
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
  View view = counts(session.telemetry.since_cleared(), session.gateway.waiting());
  view["session_records_lost"] = session.telemetry.status()->session_records_lost;
  return view;
}

std::string counter_lines(const gateway::Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  const View all = counts(totals, gateway.waiting());
  std::string text;
  for (const auto& [name, count] : all.items()) {
    text += fmt::format("{} {}\n", name, count.get<std::uint64_t>());
  }
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (totals.dropped[i] == 0) continue;
    text += fmt::format("drop {} {}\n", kDropInfo[i].metric, totals.dropped[i]);
  }
  return text;
}

}  // namespace sluice::console
