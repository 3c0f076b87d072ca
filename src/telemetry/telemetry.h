// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What is known of the running gateway beside the workers' own counters: what the NICs say, rates,
/// who uses sessions and ports, whether it is ready. Gathered by the main thread about once a
/// second, so that neither a console nor a scrape asks a device or walks a table.
///
/// Owner: the main thread; status() may be called by any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "telemetry/census.h"
#include "telemetry/forecast.h"
#include "telemetry/recording.h"

namespace sluice::telemetry {

/// What a device says of itself.
struct DeviceStatus {
  std::string name;
  bool is_eni = false;
  bool link_up = false;
  std::optional<bool> router_resolved;  ///< ENIs: whether the subnet's router answers
  std::uint64_t received = 0, received_bytes = 0, sent = 0, sent_bytes = 0;
  std::uint64_t missed = 0;     ///< lost by the NIC: no descriptor was free
  std::uint64_t no_buffer = 0;  ///< lost by the driver: the pool was empty
  std::uint64_t receive_errors = 0, transmit_errors = 0;
  /// ENA's "…_allowance_exceeded": what the VPC queued or dropped for the instance's limits.
  std::vector<std::pair<std::string, std::uint64_t>> allowances;
};

struct WorkerStatus {
  double busy = 0;            ///< share of the last second's cycles
  double burst_fill = 0;      ///< frames a burst, of the last second
  double cycles_a_frame = 0;  ///< busy cycles, of the last second
  bool polls = false;         ///< has turned within the last second
};

/// The most sessions an egress address ever had; by census, so short peaks may be missed.
struct Peak {
  std::uint64_t sessions = 0;
  std::uint64_t towards_one_remote = 0;
};

/// One look at everything, about a second old. Immutable once published.
struct Status {
  pipeline::Totals totals;
  pipeline::Totals a_second;  ///< what the totals grew by
  double seconds = 0;         ///< and in which time
  std::uint64_t waiting = 0;
  std::vector<DeviceStatus> devices;
  std::vector<WorkerStatus> workers;
  std::size_t neighbours = 0, neighbours_silent = 0;
  std::uint64_t sessions = 0, sessions_held = 0, capacity = 0;
  std::uint64_t records = 0;  ///< of `capacity`: sessions, mappings and redirects
  unsigned buffers = 0, buffers_in_use = 0;
  std::uint64_t session_records_written = 0, session_records_lost = 0;  ///< by the session log
  std::shared_ptr<const Census> census;  ///< the last whole one; may be none yet
  std::map<Ipv4Addr, Peak> peaks;
  std::uint32_t ports = 0;             ///< of an egress address towards one remote address and port
  std::vector<std::string> not_ready;  ///< why, one reason each; empty: ready
};

class SessionLog;

class Telemetry {
 public:
  explicit Telemetry(const gateway::Gateway& gateway);

  /// The session log is looked at from here on; it outlives this.
  void watch(const SessionLog& log) { session_log_ = &log; }

  /// The main thread's turn.
  void turn();

  /// What made the gateway ready, or not, since the last call, for the log: links, routers,
  /// workers.
  struct News {
    bool bad = false;
    std::string text;
  };
  [[nodiscard]] std::vector<News> take_news() { return std::exchange(news_, {}); }

  /// The last look. Any thread.
  [[nodiscard]] std::shared_ptr<const Status> status() const;

  /// What totals are shown against: those at the last `clear counters`. Metrics know nothing of it.
  [[nodiscard]] const pipeline::Totals& baseline() const { return baseline_; }
  void clear_counters();
  [[nodiscard]] pipeline::Totals since_cleared() const;

  /// What a worker's turns counted since then.
  struct Turns {
    gateway::TurnTimes::Counts times{};
    std::uint64_t poll_gaps = 0;
  };
  [[nodiscard]] Turns turns_since_cleared(std::size_t worker) const;

  /// When ports will be exhausted.
  [[nodiscard]] const Forecast& forecast() const { return forecast_; }

  /// The trace or capture under way, or the last one; may be none.
  [[nodiscard]] const std::unique_ptr<Recording>& recording() const { return recording_; }
  void record(std::unique_ptr<Recording> recording) { recording_ = std::move(recording); }

  [[nodiscard]] const gateway::Gateway& gateway() const { return gateway_; }

 private:
  struct Reading {
    std::uint64_t turns = 0, cycles = 0, busy = 0, bursts = 0, frames = 0;
  };
  void look(double seconds);
  void take_census();
  [[nodiscard]] std::vector<DeviceStatus> look_at_devices() const;
  [[nodiscard]] std::vector<WorkerStatus> look_at_workers();
  void note_peaks(const Census& census);
  void note_readiness(const std::vector<std::string>& before, const std::vector<std::string>& now);

  const gateway::Gateway& gateway_;
  mutable std::mutex mutex_;  ///< guards the pointer only
  std::shared_ptr<const Status> status_;
  Instant looked_{};
  std::vector<Reading> readings_;
  pipeline::Totals baseline_;
  std::vector<Turns> turns_baseline_;  ///< by worker
  std::unique_ptr<Census> counting_;
  std::shared_ptr<const Census> census_;
  Instant next_census_{};
  std::map<Ipv4Addr, Peak> peaks_;
  Forecast forecast_;
  std::unique_ptr<Recording> recording_;
  const SessionLog* session_log_ = nullptr;
  std::vector<News> news_;
};

/// a - b, member by member.
[[nodiscard]] pipeline::Totals difference(const pipeline::Totals& a, const pipeline::Totals& b);

}  // namespace sluice::telemetry
