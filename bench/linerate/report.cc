// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/report.h"

#include <fmt/format.h>
#include <rte_cycles.h>

namespace sluice::bench {
namespace {

double nanoseconds(std::uint64_t cycles) {
  return static_cast<double>(cycles) * 1e9 / static_cast<double>(rte_get_tsc_hz());
}

std::string mpps(const Json& rate) {
  return rate.is_number() ? fmt::format("{:.3f}", rate.get<double>() / 1e6) : "-";
}

std::string cell(const Json& value, const char* format) {
  return value.is_number() ? fmt::format(fmt::runtime(format), value.get<double>()) : "-";
}

/// A member of a member, or null.
Json at(const Json& object, const char* outer, const char* inner) {
  return object.contains(outer) && object[outer].contains(inner) ? object[outer][inner] : Json();
}

std::string opening_line(const Json& run) {
  std::string line;
  if (run.contains("establish")) {
    const Json& establish = run["establish"];
    line += fmt::format("opened {} in {:.2f} s: {} M/s, {} lost at first",
                        establish["known"].get<std::uint32_t>(), establish["seconds"].get<double>(),
                        mpps(establish["rate"]), establish["lost"].get<std::uint64_t>());
  }
  if (run.contains("establish_rate")) {
    line += fmt::format("; at most {} M/s without loss", mpps(run["establish_rate"]["rate"]));
  }
  if (run.contains("verify")) {
    const Json& verify = run["verify"];
    line += fmt::format("; verified {} packets: {}", verify["offered"].get<std::uint64_t>(),
                        verify["clean"].get<bool>() ? "all as they should be" : "NOT CLEAN");
  }
  return line;
}

/// "NAME FIRST without, SECOND with" of one quantity of a pair of trials.
std::string both(const Json& pair, const char* name, const char* key, const char* format) {
  return fmt::format("{} {} without, {} with", name,
                     cell(pair["without"].value(key, Json()), format),
                     cell(pair["with"].value(key, Json()), format));
}

std::string disturbed_line(const std::string& kind, const Json& pair) {
  return fmt::format("{}: {}; {}; {}\n", kind, both(pair, "busy cycles", "busy_cycles", "{:.1f}"),
                     both(pair, "poll gaps a second", "poll_gaps_a_second", "{:.1f}"),
                     both(pair, "loss", "loss", "{:.6f}"));
}

std::string flooded_line(const std::string& side, const Json& pair) {
  const Json& with = pair["with"];
  std::string line = fmt::format(
      "flood from {}: {}; {} SYNs, {} passed", side, both(pair, "loss", "loss", "{:.6f}"),
      with["flood_sent"].get<std::uint64_t>(), with["flood_passed"].get<std::uint64_t>());
  for (const auto& [reason, count] : with["refused"].items()) {
    line += fmt::format(", {} {}", count.get<std::uint64_t>(), reason);
  }
  return line + fmt::format("; memory {} to {} KiB\n",
                            with["resident_bytes"][0].get<std::uint64_t>() / 1024,
                            with["resident_bytes"][1].get<std::uint64_t>() / 1024);
}

/// A line for each pair of trials.
std::string pair_lines(const Json& run) {
  using Line = std::string (*)(const std::string&, const Json&);
  std::string text;
  for (const auto& [phase, line] :
       {std::pair<const char*, Line>{"disturbance", disturbed_line}, {"flood", flooded_line}}) {
    if (!run.contains(phase)) continue;
    for (const auto& [kind, pairs] : run[phase].items()) {
      for (const Json& pair : pairs) text += line(kind, pair);
    }
  }
  return text;
}

/// What its load is a share of, where that is not what the table's head lets expect.
std::string latency_note(const Json& row) {
  if (!row.contains("latency") || row["latency"].empty()) return "";
  if (row["latency"].back().value("of", "") != "maximum") return "";
  return "       latency at a share of the maximum: there was no rate without loss\n";
}

}  // namespace

Json to_json(const Outcome& outcome) {
  return {{"seconds", outcome.seconds},
          {"offered", outcome.offered},
          {"sent", outcome.sent},
          {"received", outcome.received},
          {"lost", outcome.lost()},
          {"loss", outcome.loss()},
          {"received_rate", outcome.received_rate()},
          {"late", outcome.late},
          {"foreign", outcome.foreign},
          {"other", outcome.other},
          {"wrong_tuple", outcome.wrong_tuple},
          {"wrong_checksum", outcome.wrong_checksum},
          {"doubled", outcome.doubled},
          {"clean", outcome.clean()}};
}

Json to_json(const SearchResult& result) {
  return {{"rate", result.rate},
          {"upper", result.upper},
          {"trials", result.trials},
          {"outcome", to_json(result.outcome)}};
}

Json latency_json(const Histogram& latency) {
  Json json{{"count", latency.count()}};
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999}}) {
    json[name] = nanoseconds(latency.percentile(share));
  }
  json["max"] = nanoseconds(latency.largest());
  Json buckets = Json::array();
  latency.for_each([&](std::uint64_t upper_end, std::uint64_t count) {
    buckets.push_back({nanoseconds(upper_end), count});
  });
  json["buckets"] = buckets;
  return json;
}

Json busy_json(const std::optional<Busy>& before, const std::optional<Busy>& after) {
  if (!before || !after || after->packets <= before->packets) return nullptr;
  return static_cast<double>(after->cycles - before->cycles) /
         static_cast<double>(after->packets - before->packets);
}

std::string to_text(const Json& report) {
  std::string text =
      fmt::format("{} over {}, {}\n", report["dut"].get<std::string>(),
                  report["link"].get<std::string>(), report["machine"]["cpu"].get<std::string>());
  for (const Json& run : report["runs"]) {
    text +=
        fmt::format("\n{} sessions: {}\n", run["sessions"].get<std::uint32_t>(), opening_line(run));
    text += fmt::format("{:>6} {:>9} | {:>9} {:>8} | {:>9} {:>9} | {:>9} {:>9} {:>9}\n", "frame",
                        "direction", "max Mpps", "cycles", "no drop", "0.5 %", "p50 us", "p99 us",
                        "p99.9 us");
    for (const Json& row : run["trials"]) {
      const Json latency =
          row.contains("latency") ? row["latency"].back()["latency"] : Json::object();
      const auto micro = [&](const char* name) {
        return latency.contains(name) ? fmt::format("{:.1f}", latency[name].get<double>() / 1000)
                                      : std::string("-");
      };
      text += fmt::format("{:>6} {:>9} | {:>9} {:>8} | {:>9} {:>9} | {:>9} {:>9} {:>9}\n",
                          row["frame"].get<unsigned>(), row["direction"].get<std::string>(),
                          mpps(at(row, "maximum", "received_rate")),
                          cell(at(row, "maximum", "busy_cycles"), "{:.1f}"),
                          mpps(at(row, "no_drop", "rate")), mpps(at(row, "partial_drop", "rate")),
                          micro("p50"), micro("p99"), micro("p99.9"));
      text += latency_note(row);
    }
    text += pair_lines(run);
  }
  return text;
}

}  // namespace sluice::bench
