// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/phases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>

namespace sluice::bench {
namespace {

constexpr double kNoHurry = 600;  // seconds, for phases that send a number of packets
constexpr double kPartialDrop = 0.005;

/// Frames are named with their FCS, and sent without.
std::uint16_t without_fcs(std::uint16_t frame) { return static_cast<std::uint16_t>(frame - 4); }

}  // namespace

void Phases::progress(const std::string& what) const {
  if (!plan_.quiet) fmt::print(stderr, "linerate: {}\n", what);
}

Status Phases::run(std::uint32_t sessions, Json& json) {
  json = {{"sessions", sessions}, {"trials", Json::array()}};
  if (plan_.has("establish_rate")) {
    json["establish_rate"] = to_json(find_establishment_rate(sessions));
  }
  LearnedTable table(sessions, plan_.protocol_number());
  tester_.use(table);
  if (Status started = restart_(); !started) return Error{started.error()};
  // Without sessions there is no reply to send: they are always opened.
  progress(fmt::format("opening {} sessions", sessions));
  json["establish"] = establish();
  if (table.known() != sessions) {
    json["error"] =
        fmt::format("{} of {} sessions never came through", sessions - table.known(), sessions);
    return success();
  }
  if (plan_.has("verify")) {
    progress("verifying every packet of every session");
    json["verify"] = verify(json["establish"]["rate"]);
  }
  for (const std::uint16_t frame : plan_.frames) {
    for (const Ways ways : plan_.ways) {
      progress(fmt::format("{} bytes, {}", frame, name_of(ways)));
      json["trials"].push_back(measure(frame, ways));
    }
  }
  if (plan_.has("disturbance")) {
    auto disturbed = disturbance();
    if (!disturbed) return Error{disturbed.error()};
    json["disturbance"] = std::move(disturbed).value();
    progress("verifying that every session is still what it was");
    json["verify_disturbed"] = verify(json["establish"]["rate"]);
  }
  if (plan_.has("flood")) {
    auto floods = flood();
    if (!floods) return Error{floods.error()};
    json["flood"] = std::move(floods).value();
    progress("verifying that every session is still what it was");
    json["verify_flooded"] = verify(json["establish"]["rate"]);
  }
  if (plan_.has("tear_down")) json["tear_down"] = tear_down();
  return success();
}

/// RFC 9693's phase 1: the highest rate at which a device that knows no connection opens them all.
SearchResult Phases::find_establishment_rate(std::uint32_t sessions) {
  const RunTrial opening = [&](double rate, double) {
    progress(fmt::format("opening {} sessions at {:.0f} a second", sessions, rate));
    LearnedTable table(sessions, plan_.protocol_number());
    tester_.use(table);
    if (!restart_()) return Outcome{.offered = sessions};  // all lost: what follows tells why
    warm_up();
    // What the device does not take in the time the rate allows is lost, or else any rate would do.
    return tester_.run({.ways = Ways::kOut,
                        .rate = rate,
                        .seconds = rate > 0 ? sessions / rate : kNoHurry,
                        .packets = sessions,
                        .in_order = true});
  };
  const double most = opening(0, 0).received_rate();
  return search({.width = plan_.precision, .seconds = 1, .first_seconds = 1, .start = most * 1.02},
                opening);
}

/// What a device that can tell does not tell is no figure to be left out: it fails.
std::optional<Busy> Phases::busy() {
  constexpr auto kBetween = std::chrono::milliseconds(10);
  auto told = device_.busy();
  if (told || !device_.tells_busy()) return told;
  // One that was killed takes a moment to be gone.
  for (auto waited = kBetween * 0; waited < std::chrono::seconds(1); waited += kBetween) {
    device_.require_that_it_runs();
    std::this_thread::sleep_for(kBetween);
  }
  throw DeviceFailed{"the device under test does not say how busy its worker is"};
}

/// One packet out and one in, until they come through: the device has to find its neighbours first,
/// and what it drops meanwhile says nothing of it.
void Phases::warm_up() {
  constexpr int kTries = 10;
  for (const Ways ways : {Ways::kOut, Ways::kIn}) {
    const Trial trial{.ways = ways,
                      .rate = 1000,
                      .seconds = 1,
                      .packets = 1,
                      .in_order = true,
                      .tcp_flags = ways == Ways::kOut ? net::kSyn : net::kAck};
    for (int i = 0; i < kTries && tester_.run(trial).received == 0; ++i) {
    }
  }
}

/// One packet of every session; those that got lost are sent again, slower, but only the first pass
/// counts as a rate.
Json Phases::establish() {
  constexpr int kPasses = 6;
  LearnedTable& table = tester_.table();
  warm_up();
  Trial trial{.ways = Ways::kOut,
              .rate = plan_.rate,
              .seconds = kNoHurry,
              .packets = table.sessions(),
              .in_order = true};
  const auto before = busy();
  const Outcome first = tester_.run(trial);
  Json json = to_json(first);
  json["busy_cycles"] = busy_json(before, busy());
  json["rate"] = first.received_rate();
  for (int pass = 1; pass < kPasses && table.known() < table.sessions(); ++pass) {
    trial.packets = table.sessions() - table.known();
    trial.unknown_only = true;
    trial.rate = (trial.rate > 0 ? trial.rate : first.received_rate()) / 2;
    static_cast<void>(tester_.run(trial));
  }
  json["known"] = table.known();
  return json;
}

/// Every session once in either direction; nothing else may be seen. Slowly: what a busy machine
/// loses would hide what the device does wrong.
Json Phases::verify(double established_rate) {
  const double easily = std::clamp(established_rate / 4, 20'000.0, 1e6);
  const Outcome outcome = tester_.run({.ways = Ways::kBoth,
                                       .rate = plan_.rate > 0 ? plan_.rate : easily,
                                       .seconds = kNoHurry,
                                       .packets = std::uint64_t{2} * tester_.table().sessions(),
                                       .in_order = true,
                                       .verify = true,
                                       .tcp_flags = net::kAck});
  return to_json(outcome);
}

Json Phases::tear_down() {
  progress("resetting all connections");
  const Outcome outcome = tester_.run({.ways = Ways::kOut,
                                       .seconds = kNoHurry,
                                       .packets = tester_.table().sessions(),
                                       .in_order = true,
                                       .tcp_flags = net::kRst});
  return to_json(outcome);
}

/// Pairs of trials, with and without; which comes first changes from pair to pair. As fast as
/// packets are taken; only operated at half of that rate, so that what is lost is seen, and in both
/// trials of a pair 100,000 connections a second are opened and end again.
Result<Json> Phases::disturbance() {
  constexpr double kFreshRate = 100'000;
  const Trial most{.ways = Ways::kBoth, .seconds = plan_.seconds};
  Json json;
  for (unsigned i = 0; i < plan_.pairs; ++i) {
    progress(fmt::format("pair {} of {} with and without disturbance", i + 1, plan_.pairs));
    Trial half = most;
    for (const Disturbance kind : kDisturbances) {
      const bool operated = kind == Disturbance::kOperated;
      auto both = pair(kind, operated ? half : most, i % 2 == 1);
      if (!both) return both;
      if (kind == Disturbance::kWatched) {
        half.rate = both.value()["without"]["received_rate"].get<double>() / 2;
        // Every other burst goes towards the uplink.
        half.fresh.every = static_cast<unsigned>(std::max(1.0, half.rate / 2 / kFreshRate));
      }
      json[name_of(kind)].push_back(std::move(both).value());
    }
  }
  return json;
}

Result<Json> Phases::pair(Disturbance kind, const Trial& trial, bool disturbed_first) {
  Json both;
  for (const bool disturbed : {disturbed_first, !disturbed_first}) {
    auto one = under(disturbed ? std::optional(kind) : std::nullopt, trial);
    if (!one) return one;
    both[disturbed ? "with" : "without"] = std::move(one).value();
  }
  return both;
}

Result<Json> Phases::under(std::optional<Disturbance> kind, const Trial& trial) {
  std::unique_ptr<Disturbers> disturbers;
  if (kind) {
    auto started = device_.disturb(*kind);
    if (!started) return Error{started.error()};
    disturbers = std::move(started).value();
  }
  const auto before = busy();
  const Outcome outcome = tester_.run(trial);
  const auto after = busy();
  if (disturbers) {
    if (const Status going = disturbers->all_go_on(); !going) return Error{going.error()};
  }
  Json json = to_json(outcome);
  json["busy_cycles"] = busy_json(before, after);
  if (before && after) {
    json["poll_gaps_a_second"] =
        static_cast<double>(after->poll_gaps - before->poll_gaps) / outcome.seconds;
  }
  return json;
}

/// Pairs of trials, with and without a flood of SYNs; which comes first changes from pair to pair.
/// The sessions' own packets are as many a second in both, half of what goes through at most.
Result<Json> Phases::flood() {
  const Trial most{.ways = Ways::kBoth, .seconds = plan_.seconds};
  const double rate = plan_.rate > 0 ? plan_.rate : tester_.run(most).received_rate() / 2;
  Json json;
  for (const auto& [name, direction] : {std::pair{"inside", nat::Direction::kOutbound},
                                        std::pair{"outside", nat::Direction::kInbound}}) {
    json[name] = Json::array();
    for (unsigned i = 0; i < plan_.pairs; ++i) {
      progress(
          fmt::format("pair {} of {} with and without a flood from {}", i + 1, plan_.pairs, name));
      Trial without = most;
      without.rate = rate;
      Trial with = without;
      // Every other packet of one direction, of which there are as many as of the other.
      with.fresh = {2, direction};
      with.rate = rate / 0.75;
      Json pair;
      for (const bool first : {i % 2 == 1, i % 2 == 0}) {
        auto one = flooded(first ? with : without);
        if (!one) return one;
        pair[first ? "with" : "without"] = std::move(one).value();
      }
      json[name].push_back(std::move(pair));
    }
  }
  return json;
}

Result<Json> Phases::flooded(const Trial& trial) {
  const auto was_busy = busy();
  const auto before = device_.standing();
  const Outcome outcome = tester_.run(trial);
  const auto after = device_.standing();
  if (!before || !after) return Error{"the device does not say what it refuses"};
  const Outcome sessions = outcome.without_fresh();
  Json json{{"offered", sessions.offered},
            {"received", sessions.received},
            {"lost", sessions.lost()},
            {"loss", sessions.loss()},
            {"busy_cycles", busy_json(was_busy, busy())},
            {"flood_sent", outcome.fresh_sent},
            {"flood_passed", outcome.fresh_received},
            {"refused", Json::object()},
            {"resident_bytes", {before->resident_bytes, after->resident_bytes}}};
  for (const auto& [reason, count] : after->drops) {
    const auto known = before->drops.find(reason);
    const std::uint64_t more = count - (known == before->drops.end() ? 0 : known->second);
    if (more != 0) json["refused"][reason] = more;
  }
  return json;
}

Json Phases::measure(std::uint16_t frame, Ways ways) {
  Trial trial{
      .ways = ways, .frame = without_fcs(frame), .seconds = plan_.seconds, .tcp_flags = net::kAck};
  Json row{{"frame", frame}, {"direction", name_of(ways)}};
  const auto before = busy();
  const Outcome most = tester_.run(trial);
  const Json cycles = busy_json(before, busy());
  row["maximum"] = to_json(most);
  row["maximum"]["busy_cycles"] = cycles;

  const double start = most.received_rate() * 1.02;
  SearchResult no_drop;
  if (plan_.has("no_drop") || plan_.has("latency")) {
    no_drop = find_rate(trial, 0, start);
    row["no_drop"] = to_json(no_drop);
  }
  if (plan_.has("partial_drop")) {
    row["partial_drop"] = to_json(find_rate(trial, kPartialDrop, start, no_drop));
  }
  if (!plan_.has("latency")) return row;
  const bool lossless = no_drop.rate > 0;
  row["latency"] = Json::array();
  for (const double load : {0.5, 0.9}) {
    trial.rate = load * (lossless ? no_drop.rate : most.received_rate());
    const Outcome outcome = tester_.run(trial);
    row["latency"].push_back({{"load", load},
                              {"of", lossless ? "no_drop" : "maximum"},
                              {"rate", trial.rate},
                              {"loss", outcome.loss()},
                              {"latency", latency_json(outcome.latency)}});
  }
  return row;
}

SearchResult Phases::find_rate(const Trial& like,
                               double loss,
                               double start,
                               const SearchResult& stricter) {
  return search(
      {.loss = loss, .width = plan_.precision, .seconds = plan_.seconds, .start = start},
      [&](double rate, double seconds) {
        Trial trial = like;
        trial.rate = rate;
        trial.seconds = seconds;
        return tester_.run(trial);
      },
      stricter);
}

}  // namespace sluice::bench
