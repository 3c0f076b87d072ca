// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/metrics.h"

#include <rte_cycles.h>
#include <rte_version.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "nat/session_text.h"
#include "version.h"

namespace sluice::telemetry {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kBusiest = 20;  // pods and remotes that get a label of their own

double number(std::uint64_t value) { return static_cast<double>(value); }
double seconds(std::uint64_t cycles) {
  return static_cast<double>(cycles) / static_cast<double>(rte_get_tsc_hz());
}

std::string_view kind_word(pipeline::DropKind kind) {
  constexpr std::array<std::string_view, 4> kWords{"malformed", "policy", "resource", "network"};
  return kWords[static_cast<std::size_t>(kind)];
}

class Families {
 public:
  /// Begins a family; values that follow belong to it. Counters' names end in _total.
  Families& family(const std::string& name, const std::string& help) {
    const bool counter = name.ends_with("_total");
    all_.push_back({"sluice_" + name, help, counter ? MetricType::Counter : MetricType::Gauge, {}});
    return *this;
  }
  Families& value(double value, const Labels& labels = {}) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    if (all_.back().type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
    }
    all_.back().metric.push_back(std::move(metric));
    return *this;
  }
  Families& histogram(const std::string& name, const std::string& help) {
    all_.push_back({"sluice_" + name, help, MetricType::Histogram, {}});
    return *this;
  }
  /// A class counts towards a bucket where all of it fits in, so shares are never too good.
  void times(const gateway::TurnTimes::Counts& counts, double sum, const Labels& labels) {
    constexpr std::array kBounds{1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4,
                                 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1, 1.0};
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    std::uint64_t count = 0;
    unsigned next = 0;
    for (const double bound : kBounds) {
      while (next < counts.size() && seconds(gateway::TurnTimes::bound(next)) <= bound)
        count += counts[next++];
      metric.histogram.bucket.push_back({count, bound});
    }
    while (next < counts.size()) count += counts[next++];
    metric.histogram.bucket.push_back({count, std::numeric_limits<double>::infinity()});
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum;
    all_.back().metric.push_back(std::move(metric));
  }
  void one(const std::string& name, const std::string& help, double only) {
    family(name, help).value(only);
  }
  std::vector<MetricFamily> take() { return std::move(all_); }

 private:
  std::vector<MetricFamily> all_;
};

void add_packets(Families& out, const pipeline::Totals& totals, const Status& status) {
  out.one("received_packets_total", "Packets taken from devices", number(totals.received));
  out.one("received_bytes_total", "Bytes of packets taken from devices",
          number(totals.received_bytes));
  out.one("sent_packets_total", "Packets given to devices", number(totals.sent));
  out.one("sent_bytes_total", "Bytes of packets given to devices", number(totals.sent_bytes));
  out.one("originated_packets_total", "Packets the gateway made itself: ARP, ND, ICMP errors, RST",
          number(totals.originated));
  out.one("consumed_packets_total", "Packets that were for the gateway itself",
          number(totals.consumed));
  out.one("split_packets_total", "Packets more that left than came, of packets cut to the MTU",
          number(totals.split));
  out.one("merged_packets_total", "Packets fewer that left than came, of fragments put together",
          number(totals.merged));
  out.one("handed_over_packets_total", "Packets passed to the worker that owns them",
          number(totals.handed_over));
  out.one("waiting_packets", "Packets on rings, in neighbour queues and in incomplete datagrams",
          number(status.waiting));
}

void add_drops(Families& out, const pipeline::Totals& totals) {
  out.family("dropped_packets_total",
             "Packets dropped, by reason; docs/console.md says what each means");
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    const pipeline::DropInfo& info = pipeline::kDropInfo[i];
    out.value(number(totals.dropped[i]),
              {{"reason", std::string(info.metric)}, {"kind", std::string(kind_word(info.kind))}});
  }
  out.family("dropped_bytes_total", "Bytes of packets dropped, by reason");
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    out.value(number(totals.dropped_bytes[i]),
              {{"reason", std::string(pipeline::kDropInfo[i].metric)}});
  }
  out.one("unanswered_packets_total",
          "Packets dropped whose sender was not told, as it had been told too often already",
          number(totals.unanswered));
}

void add_sessions(Families& out, const pipeline::Totals& totals, const Status& status) {
  out.one("sessions", "Sessions in the flow tables", number(status.sessions));
  out.one("sessions_held", "Of those, ended ones whose ports rest", number(status.sessions_held));
  out.one("sessions_capacity", "Sessions the flow tables have room for", number(status.capacity));
  out.one(
      "flow_table_records",
      "Records in use, of sessions_capacity: sessions, endpoint-independent mappings, redirects",
      number(status.records));
  out.one("sessions_opened_total", "Sessions opened", number(totals.sessions_opened));
  out.one("sessions_ended_total", "Sessions ended, for whatever reason",
          number(totals.sessions_ended));
  out.one("session_events_dropped_total",
          "Sessions opened or ended that the session log will not know of: its queue was full",
          number(totals.session_events_dropped));
  out.one("session_records_total", "Records the session log has written or sent",
          number(status.session_records_written));
  out.one("session_records_lost_total", "Records the session log could not write or send",
          number(status.session_records_lost));
  out.one("untracked_packets_total", "Packets preserved without a session, for lack of room",
          number(totals.untracked));
}

void add_use(Families& out, const Status& status) {
  if (!status.census) return;
  out.family("snat_sessions", "Sessions an egress address is used by");
  for (const auto& [address, use] : status.census->addresses()) {
    out.value(number(use.sessions), {{"address", address.to_string()}});
  }
  out.family("snat_ports_in_use", "Ports an egress address uses towards its busiest remote");
  for (const auto& [address, use] : status.census->addresses()) {
    out.value(number(use.busiest.sessions), {{"address", address.to_string()}});
  }
  out.family("snat_ports_in_use_max", "The most there ever were of snat_ports_in_use, by census");
  for (const auto& [address, peak] : status.peaks) {
    out.value(number(peak.towards_one_remote), {{"address", address.to_string()}});
  }
  out.one("snat_ports", "Ports an egress address has towards one remote and protocol",
          number(status.ports));
  std::vector<std::pair<std::uint64_t, Ipv4Addr>> pods;
  for (const auto& [pod, use] : status.census->pods()) pods.emplace_back(use.sessions, pod);
  const std::size_t count = std::min(kBusiest, pods.size());
  std::partial_sort(pods.begin(), pods.begin() + static_cast<std::ptrdiff_t>(count), pods.end(),
                    [](const auto& a, const auto& b) { return a.first > b.first; });
  out.family("pod_sessions", "Sessions of the pods that have the most");
  for (std::size_t i = 0; i < count; ++i) {
    out.value(number(pods[i].first), {{"pod", pods[i].second.to_string()}});
  }
}

void add_devices(Families& out, const Status& status) {
  using Member = std::uint64_t DeviceStatus::*;
  out.family("device_up", "Whether the device's link is up");
  for (const auto& device : status.devices) out.value(device.link_up, {{"device", device.name}});
  for (const auto& [name, help, member] :
       {std::tuple{"device_received_packets_total", "Packets the device says it received",
                   Member{&DeviceStatus::received}},
        {"device_sent_packets_total", "Packets the device says it sent", &DeviceStatus::sent},
        {"device_missed_packets_total", "Packets the NIC lost: no descriptor was free",
         &DeviceStatus::missed},
        {"device_no_buffer_total", "Packets the driver lost: the pool was empty",
         &DeviceStatus::no_buffer},
        {"device_receive_errors_total", "Packets the device received broken",
         &DeviceStatus::receive_errors},
        {"device_transmit_errors_total", "Packets the device failed to send",
         &DeviceStatus::transmit_errors}}) {
    out.family(name, help);
    for (const auto& device : status.devices) {
      out.value(number(device.*member), {{"device", device.name}});
    }
  }
  out.family("device_allowance_exceeded_total",
             "Packets the VPC queued or dropped because the instance exceeded an allowance (ENA)");
  for (const auto& device : status.devices) {
    for (const auto& [name, count] : device.allowances) {
      out.value(number(count), {{"device", device.name}, {"allowance", name}});
    }
  }
}

void add_workers(Families& out, const gateway::Gateway& gateway) {
  using gateway::Load;
  const auto each = [&](const char* name, const char* help, auto&& of) {
    out.family(name, help);
    for (std::size_t i = 0; i < gateway.workers().size(); ++i) {
      out.value(of(gateway.workers()[i]->load()), {{"worker", std::to_string(i)}});
    }
  };
  each("worker_seconds_total", "Time a worker has polled",
       [](const Load& load) { return seconds(load.cycles.get()); });
  each("worker_busy_seconds_total", "Of that, turns that found packets",
       [](const Load& load) { return seconds(load.busy_cycles.get()); });
  each("worker_bursts_total", "Bursts that a worker took through the path",
       [](const Load& load) { return number(load.bursts.get()); });
  each("worker_full_bursts_total", "Of those, bursts of 32: more may have been waiting",
       [](const Load& load) { return number(load.full_bursts.get()); });
  each("worker_burst_packets_total", "Packets of all bursts",
       [](const Load& load) { return number(load.burst_frames.get()); });
  each("worker_poll_gaps_total",
       "Turns longer than 50 us, in which a worker did not look at its queues",
       [](const Load& load) { return number(load.poll_gaps.get()); });
  out.histogram(
      "worker_packet_seconds",
      "How long packets were with a worker at most: the turn that received and sent them");
  for (std::size_t i = 0; i < gateway.workers().size(); ++i) {
    const Load& load = std::as_const(*gateway.workers()[i]).load();
    out.times(load.turn_times.read(), seconds(load.packet_cycles.get()),
              {{"worker", std::to_string(i)}});
  }
  each("worker_longest_turn_seconds", "The longest time a worker did not look at its queues",
       [](const Load& load) { return seconds(load.longest_cycles.get()); });
}

}  // namespace

std::vector<MetricFamily> collect(const Telemetry& telemetry) {
  const gateway::Gateway& gateway = telemetry.gateway();
  const auto status = telemetry.status();
  const pipeline::Totals totals = gateway.totals();
  Families out;
  out.family("build_info", "Versions, as labels")
      .value(1, {{"version", std::string(kVersion)}, {"dpdk", rte_version()}});
  out.one("ready", "Whether the ENIs' links are up, routers answer and workers poll",
          status->not_ready.empty());
  add_packets(out, totals, *status);
  add_drops(out, totals);
  add_sessions(out, totals, *status);
  add_use(out, *status);
  add_devices(out, *status);
  add_workers(out, gateway);
  out.one("neighbours", "Next hops that are known", number(status->neighbours));
  out.one("neighbours_silent", "Of those, next hops that do not answer",
          number(status->neighbours_silent));
  out.one("packet_buffers", "Packet buffers in the pool", number(status->buffers));
  out.one("packet_buffers_in_use", "Of those, buffers taken", number(status->buffers_in_use));
  return out.take();
}

}  // namespace sluice::telemetry
