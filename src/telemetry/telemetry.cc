// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/telemetry.h"

#include <fmt/format.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstring>

#include "telemetry/session_log.h"

namespace sluice::telemetry {
namespace {

constexpr auto kPause = std::chrono::seconds(1);
constexpr auto kCensusPause = std::chrono::seconds(15);
constexpr unsigned kRecordsATurn = 2048;

std::vector<std::pair<std::string, std::uint64_t>> allowances(std::uint16_t port) {
  const int count = rte_eth_xstats_get_names(port, nullptr, 0);
  if (count <= 0) return {};
  std::vector<rte_eth_xstat_name> names(static_cast<std::size_t>(count));
  std::vector<rte_eth_xstat> values(names.size());
  const auto wanted = static_cast<unsigned>(count);
  if (rte_eth_xstats_get_names(port, names.data(), wanted) != count ||
      rte_eth_xstats_get(port, values.data(), wanted) != count) {
    return {};
  }
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const rte_eth_xstat& value : values) {
    const std::string name = names[value.id].name;
    if (name.ends_with("_allowance_exceeded")) found.emplace_back(name, value.value);
  }
  return found;
}

DeviceStatus look_at(const eni::Device& device, const eni::DeviceInfo& info) {
  DeviceStatus status;
  status.name = info.name;
  status.is_eni = info.is_eni;
  status.link_up = device.link_up();
  rte_eth_stats stats{};
  if (rte_eth_stats_get(device.port(), &stats) == 0) {
    status.received = stats.ipackets;
    status.received_bytes = stats.ibytes;
    status.sent = stats.opackets;
    status.sent_bytes = stats.obytes;
    status.missed = stats.imissed;
    status.no_buffer = stats.rx_nombuf;
    status.receive_errors = stats.ierrors;
    status.transmit_errors = stats.oerrors;
  }
  status.allowances = allowances(device.port());
  return status;
}

std::vector<std::string> reasons_not_ready(const Status& status, bool forwards) {
  std::vector<std::string> reasons;
  if (!forwards) reasons.push_back("stopped at the console; start resumes");
  for (const DeviceStatus& device : status.devices) {
    // Pods come and go; without an ENI the gateway does not do its work.
    if (device.is_eni && !device.link_up) reasons.push_back(device.name + ": link down");
    if (device.router_resolved == false)
      reasons.push_back(device.name + ": router does not answer");
  }
  for (std::size_t i = 0; i < status.workers.size(); ++i) {
    if (!status.workers[i].polls) reasons.push_back(fmt::format("worker {}: does not poll", i));
  }
  return reasons;
}

}  // namespace

pipeline::Totals difference(const pipeline::Totals& a, const pipeline::Totals& b) {
  pipeline::Totals result = a;
  result.subtract(b);
  return result;
}

Telemetry::Telemetry(const gateway::Gateway& gateway)
    : gateway_(gateway),
      looked_(gateway.now()),
      readings_(gateway.workers().size()),
      turns_baseline_(gateway.workers().size()) {
  next_census_ = looked_;
  look(0);
}

void Telemetry::turn() {
  if (recording_) recording_->turn();
  take_census();
  const Instant now = gateway_.now();
  if (now.since(looked_.plus(kPause)) < 0) return;
  look(now.since(looked_) / 1000.0);
  looked_ = now;
}

std::shared_ptr<const Status> Telemetry::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

pipeline::Totals Telemetry::since_cleared() const {
  return difference(gateway_.totals(), baseline_);
}

void Telemetry::clear_counters() {
  baseline_ = gateway_.totals();
  for (std::size_t i = 0; i < turns_baseline_.size(); ++i) {
    const gateway::Load& load = gateway_.workers()[i]->load();
    turns_baseline_[i] = {load.turn_times.read(), load.poll_gaps.get()};
  }
}

Telemetry::Turns Telemetry::turns_since_cleared(std::size_t worker) const {
  const gateway::Load& load = gateway_.workers()[worker]->load();
  const Turns& before = turns_baseline_[worker];
  Turns turns{load.turn_times.read(), load.poll_gaps.get() - before.poll_gaps};
  for (std::size_t i = 0; i < turns.times.size(); ++i) turns.times[i] -= before.times[i];
  return turns;
}

void Telemetry::look(double seconds) {
  auto fresh = std::make_shared<Status>();
  fresh->totals = gateway_.totals();
  fresh->seconds = seconds;
  if (status_) fresh->a_second = difference(fresh->totals, status_->totals);
  fresh->waiting = gateway_.waiting();
  fresh->devices = look_at_devices();
  fresh->workers = look_at_workers();
  for (const auto& neighbour : gateway_.resolver().neighbours()) {
    ++fresh->neighbours;
    if (neighbour.state == eni::Resolver::State::kIncomplete) ++fresh->neighbours_silent;
  }
  for (const auto& worker : gateway_.workers()) {
    fresh->sessions += worker->sessions();
    fresh->records += worker->table().size();
    fresh->sessions_held += worker->table().held();
    fresh->capacity += worker->table().capacity();
  }
  fresh->buffers = gateway_.pool()->size;
  fresh->buffers_in_use = rte_mempool_in_use_count(gateway_.pool());
  if (session_log_ != nullptr) {
    fresh->session_records_written = session_log_->written();
    fresh->session_records_lost = session_log_->lost();
  }
  fresh->census = census_;
  fresh->peaks = peaks_;
  for (const PortRange& range : gateway_.config().snat.tcp_udp_ports_in_force()) {
    fresh->ports += range.size();
  }
  fresh->not_ready = reasons_not_ready(*fresh, gateway_.forwards());
  if (status_) note_readiness(status_->not_ready, fresh->not_ready);
  const std::lock_guard lock(mutex_);
  status_ = std::move(fresh);
}

void Telemetry::note_readiness(const std::vector<std::string>& before,
                               const std::vector<std::string>& now) {
  const auto has = [](const std::vector<std::string>& reasons, const std::string& reason) {
    return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
  };
  for (const std::string& reason : now) {
    if (!has(before, reason)) news_.push_back({true, "not ready: " + reason});
  }
  if (before.empty()) return;
  if (now.empty())
    return news_.push_back({false, "ready: links are up, routers answer, workers poll"});
  for (const std::string& reason : before) {
    if (!has(now, reason)) news_.push_back({false, "no longer: " + reason});
  }
}

std::vector<DeviceStatus> Telemetry::look_at_devices() const {
  std::vector<DeviceStatus> all;
  const auto infos = gateway_.snapshot().enis.devices();
  const auto neighbours = gateway_.resolver().neighbours();
  for (std::size_t i = 0; i < infos.size(); ++i) {
    DeviceStatus status = look_at(*gateway_.devices()[i], infos[i]);
    if (infos[i].is_eni) {
      status.router_resolved =
          std::any_of(neighbours.begin(), neighbours.end(), [&](const auto& view) {
            return view.device.value == i && view.address == IpAddr{infos[i].gateway} &&
                   view.state != eni::Resolver::State::kIncomplete;
          });
    }
    all.push_back(std::move(status));
  }
  return all;
}

std::vector<WorkerStatus> Telemetry::look_at_workers() {
  std::vector<WorkerStatus> all;
  for (std::size_t i = 0; i < readings_.size(); ++i) {
    const gateway::Load& load = gateway_.workers()[i]->load();
    const Reading now{load.turns.get(), load.cycles.get(), load.busy_cycles.get(),
                      load.bursts.get(), load.burst_frames.get()};
    const Reading before = std::exchange(readings_[i], now);
    const auto ratio = [](std::uint64_t part, std::uint64_t whole) {
      return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
    };
    all.push_back({ratio(now.busy - before.busy, now.cycles - before.cycles),
                   ratio(now.frames - before.frames, now.bursts - before.bursts),
                   ratio(now.busy - before.busy, now.frames - before.frames),
                   now.turns != before.turns});
  }
  return all;
}

void Telemetry::take_census() {
  if (!counting_) {
    if (gateway_.now().since(next_census_) < 0) return;
    counting_ = std::make_unique<Census>(gateway_);
  }
  if (counting_->step(kRecordsATurn)) return;
  note_peaks(*counting_);
  forecast_.note(counting_->busiest(Forecast::kRemotes), gateway_.now());
  census_ = std::move(counting_);
  next_census_ = gateway_.now().plus(kCensusPause);
}

void Telemetry::note_peaks(const Census& census) {
  for (const auto& [address, use] : census.addresses()) {
    Peak& peak = peaks_[address];
    peak.sessions = std::max(peak.sessions, use.sessions);
    peak.towards_one_remote = std::max(peak.towards_one_remote, use.busiest.sessions);
  }
}

}  // namespace sluice::telemetry
