// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/simulator.h"

#include <algorithm>
#include <random>

namespace sluice::explain {
namespace {

constexpr std::uint16_t kEniMtu = 9001;  // what an ENI carries unless configured otherwise

std::vector<pipeline::Link> make_links(const config::Config& config) {
  std::vector<pipeline::Link> links;
  const auto add = [&](std::optional<std::uint16_t> mtu) {
    const auto number = static_cast<std::uint8_t>(links.size());
    links.push_back({{0x02, 0, 0, 0, 0, number}, mtu.value_or(kEniMtu)});
  };
  for (const auto& eni : config.enis) add(eni.mtu);
  for (const auto& port : config.pod_ports) add(port.mtu);
  return links;
}

}  // namespace

Result<std::unique_ptr<nat::FlowTable>> Simulator::make_table(const pipeline::Snapshot& snapshot,
                                                              std::uint32_t capacity) {
  auto table = nat::FlowTable::create({capacity, std::random_device{}()});
  if (!table) return table;
  table.value()->set_limits(snapshot.limits);
  if (snapshot.config.flows.per_pod != 0) table.value()->count_pods();
  return table;
}

Result<std::unique_ptr<Simulator>> Simulator::create(config::Config config) {
  Own own;
  own.owner = std::make_unique<nat::OwnerFunction>(nat::symmetric_key(), 1);
  auto snapshot = pipeline::Snapshot::build(std::move(config), *own.owner);
  if (!snapshot) return Error{snapshot.error()};
  own.snapshot = std::move(snapshot).value();
  constexpr unsigned kNeighbours = 8;  // none ever answers here
  auto neighbours = eni::NeighbourTable::create(
      static_cast<unsigned>(own.snapshot->enis.devices().size()), kNeighbours);
  if (!neighbours) return Error{neighbours.error()};
  own.neighbours = std::move(neighbours).value();
  own.links = make_links(own.snapshot->config);
  auto table = make_table(*own.snapshot, own.snapshot->config.flows.capacity);
  if (!table) return Error{table.error()};
  const Parts parts{*own.owner, *own.snapshot, *own.neighbours, own.links, WorkerId{0}, Instant{1}};
  return std::unique_ptr<Simulator>(new Simulator(std::move(own), parts, std::move(table).value()));
}

Result<std::unique_ptr<Simulator>> Simulator::over(const Parts& parts) {
  constexpr std::uint32_t kSmallTable = 64;
  auto table = make_table(parts.snapshot, kSmallTable);
  if (!table) return Error{table.error()};
  return std::unique_ptr<Simulator>(new Simulator({}, parts, std::move(table).value()));
}

Simulator::Simulator(Own own, const Parts& parts, std::unique_ptr<nat::FlowTable> table)
    : own_(std::move(own)),
      snapshot_(parts.snapshot),
      links_(parts.links),
      table_(std::move(table)),
      ports_(parts.owner, parts.self, *table_, std::random_device{}()),
      fragments_(counters_, std::random_device{}()),
      context_{parts.self, parts.owner, links_,     parts.neighbours, *table_,
               ports_,     counters_,   fragments_, outbox_,          &snapshot_},
      pipeline_(context_),
      now_(parts.now),
      steers_(parts.steers) {}

pipeline::Packet Simulator::process(DeviceId in,
                                    std::span<std::uint8_t> frame,
                                    std::uint32_t wire_length) {
  burst_.begin(now_);
  pipeline::Packet& packet = burst_.add();
  packet.frame = frame.data();
  packet.contiguous = static_cast<std::uint32_t>(frame.size());
  packet.length = wire_length;
  packet.in = in;
  packet.headroom = kHeadroom;
  packet.steered = !steers_;
  pipeline_.process(burst_);
  if (packet.fate == pipeline::Fate::kHeld) ++held_;
  return packet;
}

void Simulator::forward(std::chrono::milliseconds span) {
  // In steps far below half the clock's range, so that no record ever looks young again.
  constexpr std::chrono::milliseconds kStep = std::chrono::hours(24);
  while (span.count() > 0) {
    const auto step = std::min(span, kStep);
    now_ = now_.plus(step);
    span -= step;
    table_->sweep(now_, table_->touched());
    if (table_->size() == 0) {
      now_ = now_.plus(std::chrono::milliseconds(span.count() % (std::int64_t{1} << 31)));
      return;
    }
  }
}

DeviceId Simulator::device_named(std::string_view name) const noexcept {
  const auto devices = enis().devices();
  const auto found = std::find_if(devices.begin(), devices.end(),
                                  [&](const eni::DeviceInfo& info) { return info.name == name; });
  if (found == devices.end()) return kNoDevice;
  return DeviceId{static_cast<std::uint8_t>(found - devices.begin())};
}

}  // namespace sluice::explain
