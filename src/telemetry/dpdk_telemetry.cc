// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/dpdk_telemetry.h"

#include <fmt/format.h>
#include <rte_telemetry.h>

#include <array>
#include <mutex>

namespace sluice::telemetry {
namespace {

// DPDK's callbacks carry no data of ours, and its commands cannot be taken back.
std::mutex mutex;
const Telemetry* asked = nullptr;

void counters(const Telemetry& telemetry, rte_tel_data* out) {
  const pipeline::Totals totals = telemetry.gateway().totals();
  for (const auto* fields : {&pipeline::kPacketCounts, &pipeline::kOtherCounts}) {
    for (const auto& field : *fields) {
      rte_tel_data_add_dict_u64(out, field.name, totals.*field.sum);
    }
  }
  rte_tel_data_add_dict_u64(out, "dropped", totals.all_dropped());
  rte_tel_data_add_dict_u64(out, "waiting", telemetry.status()->waiting);
}

void drops(const Telemetry& telemetry, rte_tel_data* out) {
  const pipeline::Totals totals = telemetry.gateway().totals();
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    rte_tel_data_add_dict_u64(out, std::string(pipeline::kDropInfo[i].metric).c_str(),
                              totals.dropped[i]);
  }
}

void sessions(const Telemetry& telemetry, rte_tel_data* out) {
  const auto status = telemetry.status();
  const pipeline::Totals totals = telemetry.gateway().totals();
  rte_tel_data_add_dict_u64(out, "sessions", status->sessions);
  rte_tel_data_add_dict_u64(out, "held", status->sessions_held);
  rte_tel_data_add_dict_u64(out, "records", status->records);
  rte_tel_data_add_dict_u64(out, "capacity", status->capacity);
  rte_tel_data_add_dict_u64(out, "opened", totals.sessions_opened);
  rte_tel_data_add_dict_u64(out, "ended", totals.sessions_ended);
}

void workers(const Telemetry& telemetry, rte_tel_data* out) {
  const auto& all = telemetry.gateway().workers();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const gateway::Load& load = all[i]->load();
    for (const auto& [name, value] : {std::pair{"turns", load.turns.get()},
                                      {"cycles", load.cycles.get()},
                                      {"busy_cycles", load.busy_cycles.get()},
                                      {"bursts", load.bursts.get()},
                                      {"burst_frames", load.burst_frames.get()}}) {
      rte_tel_data_add_dict_u64(out, fmt::format("worker{}_{}", i, name).c_str(), value);
    }
  }
}

template <void (*kFill)(const Telemetry&, rte_tel_data*)>
int answer(const char*, const char*, rte_tel_data* out) {
  rte_tel_data_start_dict(out);
  const std::lock_guard lock(mutex);
  if (asked != nullptr) kFill(*asked, out);
  return 0;
}

}  // namespace

DpdkTelemetry::DpdkTelemetry(const Telemetry& telemetry) {
  const std::lock_guard lock(mutex);
  asked = &telemetry;
  rte_telemetry_register_cmd("/sluice/counters", answer<counters>, "Packets by fate.");
  rte_telemetry_register_cmd("/sluice/drops", answer<drops>, "Dropped packets by reason.");
  rte_telemetry_register_cmd("/sluice/sessions", answer<sessions>, "Sessions and room for them.");
  rte_telemetry_register_cmd("/sluice/workers", answer<workers>, "Load of each worker.");
}

DpdkTelemetry::~DpdkTelemetry() {
  const std::lock_guard lock(mutex);
  asked = nullptr;
}

}  // namespace sluice::telemetry
