// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "console/show.h"
#include "telemetry/log.h"
#include "telemetry/telemetry.h"
#include "version.h"

namespace sluice::console {
namespace {

std::uint64_t a_second(std::uint64_t count, double seconds) {
  return seconds <= 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(count) / seconds);
}

double microseconds(std::uint64_t cycles) {
  constexpr double kMillion = 1e6;
  return static_cast<double>(cycles) * kMillion / static_cast<double>(rte_get_tsc_hz());
}

/// Within which time a share of the packets was through; 0: there were none.
double quantile_us(const gateway::TurnTimes::Counts& times, double share) {
  const auto all =
      static_cast<double>(std::accumulate(times.begin(), times.end(), std::uint64_t{0}));
  std::uint64_t seen = 0;
  for (unsigned i = 0; i < times.size() && all > 0; ++i) {
    seen += times[i];
    if (static_cast<double>(seen) >= share * all) return microseconds(gateway::TurnTimes::bound(i));
  }
  return 0;
}

View stage_rows(const gateway::Gateway& gateway) {
  View rows = View::array();
  std::uint64_t frames = 0;
  for (const auto& worker : gateway.workers()) frames += worker->load().sampled_frames.get();
  for (std::size_t stage = 0; stage < pipeline::kStages; ++stage) {
    std::uint64_t cycles = 0;
    for (const auto& worker : gateway.workers()) cycles += worker->load().stage_cycles[stage].get();
    const double each = frames == 0 ? 0 : static_cast<double>(cycles) / static_cast<double>(frames);
    rows.push_back({{"stage", pipeline::kStageNames[stage]}, {"cycles_a_frame", each}});
  }
  return rows;
}

}  // namespace

View show_workers(Session& session, const Arguments&) {
  const auto status = session.telemetry.status();
  View view;
  view["workers"] = View::array();
  for (std::size_t i = 0; i < status->workers.size(); ++i) {
    const telemetry::WorkerStatus& now = status->workers[i];
    const gateway::Worker& worker = *session.gateway.workers()[i];
    const gateway::Load& load = worker.load();
    view["workers"].push_back({{"worker", i},
                               {"busy_percent", now.busy * 100},
                               {"burst_fill", now.burst_fill},
                               {"cycles_a_frame", now.cycles_a_frame},
                               {"full_bursts", load.full_bursts.get()},
                               {"longest_turn_us", microseconds(load.longest_cycles.get())},
                               {"poll_gaps", load.poll_gaps.get()},
                               {"sessions", worker.sessions()},
                               {"handed_over", worker.counters().handed_over.get()}});
  }
  view["stages"] = stage_rows(session.gateway);
  view["forwarding"] = session.gateway.forwards();
  return view;
}

View show_latency(Session& session, const Arguments&) {
  View view;
  view["workers"] = View::array();
  for (std::size_t i = 0; i < session.gateway.workers().size(); ++i) {
    const gateway::Load& load = std::as_const(*session.gateway.workers()[i]).load();
    const telemetry::Telemetry::Turns turns = session.telemetry.turns_since_cleared(i);
    const double longest = microseconds(load.longest_busy_since_cleared.get());
    const auto at_most = [&](double share) {
      return std::min(quantile_us(turns.times, share), longest);
    };
    view["workers"].push_back(
        {{"worker", i},
         {"packets", std::accumulate(turns.times.begin(), turns.times.end(), std::uint64_t{0})},
         {"p50_us", at_most(0.5)},
         {"p90_us", at_most(0.9)},
         {"p99_us", at_most(0.99)},
         {"p99.9_us", at_most(0.999)},
         {"max_us", longest},
         {"poll_gaps", turns.poll_gaps},
         {"longest_gap_us", microseconds(load.longest_since_cleared.get())}});
  }
  view["poll_gap_us"] = gateway::Load::kGapUs;
  return view;
}

View show_rates(Session& session, const Arguments& arguments) {
  const auto status = session.telemetry.status();
  const pipeline::Totals& grown = status->a_second;
  const auto rate = [&](std::uint64_t count) { return a_second(count, status->seconds); };
  constexpr std::uint64_t kBits = 8;
  View view;
  view["received_packets_a_second"] = rate(grown.received);
  view["received_bits_a_second"] = rate(grown.received_bytes * kBits);
  view["sent_packets_a_second"] = rate(grown.sent);
  view["sent_bits_a_second"] = rate(grown.sent_bytes * kBits);
  view["dropped_packets_a_second"] = rate(grown.all_dropped());
  view["sessions_opened_a_second"] = rate(grown.sessions_opened);
  if (arguments.json) {
    view["sessions"] = status->sessions;
    view["flow_table_records"] = status->records;
    view["sessions_capacity"] = status->capacity;
  } else {
    view["sessions"] = status->records == status->sessions
                           ? fmt::format("{} of {}", status->sessions, status->capacity)
                           : fmt::format("{}; with mappings and redirects {} of {}",
                                         status->sessions, status->records, status->capacity);
  }
  view["workers"] = View::array();
  for (std::size_t i = 0; i < status->workers.size(); ++i) {
    view["workers"].push_back({{"worker", i},
                               {"busy_percent", status->workers[i].busy * 100},
                               {"burst_fill", status->workers[i].burst_fill}});
  }
  view["drops"] = View::array();
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (grown.dropped[i] == 0) continue;
    view["drops"].push_back(
        {{"reason", pipeline::kDropInfo[i].metric}, {"packets_a_second", rate(grown.dropped[i])}});
  }
  return view;
}

View show_memory(Session& session, const Arguments&) {
  View view;
  view["heaps"] = View::array();
  for (unsigned i = 0; i < rte_socket_count(); ++i) {
    rte_malloc_socket_stats heap{};
    const int socket = rte_socket_id_by_idx(i);
    if (rte_malloc_get_socket_stats(socket, &heap) != 0) continue;
    view["heaps"].push_back({{"socket", socket},
                             {"bytes", heap.heap_allocsz_bytes},
                             {"blocks", heap.alloc_count},
                             {"bytes_free", heap.heap_freesz_bytes}});
  }
  std::size_t tables = 0, pod_counts = 0, port_maps = 0;
  for (const auto& worker : session.gateway.workers()) {
    tables += worker->table().bytes_mapped();
    pod_counts += worker->table().bytes_of_pod_counts();
    port_maps += worker->ports().crowded().bytes();
  }
  view["flow_tables_bytes"] = tables;
  view["flow_tables_pages"] = session.gateway.workers().front()->table().page_kind();
  view["pod_counts_bytes"] = pod_counts;
  view["port_maps_bytes"] = port_maps;
  const auto status = session.telemetry.status();
  view["packet_buffers"] = status->buffers;
  view["packet_buffers_in_use"] = status->buffers_in_use;
  return view;
}

View show_version(Session&, const Arguments&) {
  return {{"sluice", telemetry::kVersion}, {"dpdk", rte_version()}};
}

View show_log(Session&, const Arguments&) {
  View view;
  view["log"] = View::array();
  for (const telemetry::Log::Line& line : telemetry::log().recent()) {
    view["log"].push_back(
        {{"time", line.time}, {"level", telemetry::word(line.level)}, {"message", line.message}});
  }
  return view;
}

}  // namespace sluice::console
