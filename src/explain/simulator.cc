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

Result<std::unique_ptr<Simulator>> Simulator::create(config::Config config) {
  auto owner = std::make_unique<nat::OwnerFunction>(nat::symmetric_key(), 1);
  auto snapshot = pipeline::Snapshot::build(std::move(config), *owner);
  if (!snapshot) return Error{snapshot.error()};
  const pipeline::Snapshot& built = *snapshot.value();
  constexpr unsigned kNeighbours = 8;  // none ever answers here
  auto neighbours = eni::NeighbourTable::create(
      static_cast<unsigned>(built.enis.devices().size()), kNeighbours);
  if (!neighbours) return Error{neighbours.error()};
  auto table = nat::FlowTable::create({built.config.flows.capacity, std::random_device{}()});
  if (!table) return Error{table.error()};
  table.value()->set_limits(built.limits);
  if (built.config.flows.per_pod != 0) table.value()->count_pods();
  return std::unique_ptr<Simulator>(
      new Simulator(std::move(owner), std::move(snapshot).value(), std::move(neighbours).value(),
                    std::move(table).value()));
}

Simulator::Simulator(std::unique_ptr<nat::OwnerFunction> owner,
                     std::unique_ptr<const pipeline::Snapshot> snapshot,
                     std::unique_ptr<eni::NeighbourTable> neighbours,
                     std::unique_ptr<nat::FlowTable> table)
    : owner_(std::move(owner)),
      snapshot_(std::move(snapshot)),
      neighbours_(std::move(neighbours)),
      table_(std::move(table)),
      links_(make_links(snapshot_->config)),
      ports_(*owner_, WorkerId{0}, *table_, std::random_device{}()),
      fragments_(counters_, std::random_device{}()),
      context_{WorkerId{0}, *owner_, links_, *neighbours_, *table_, ports_, counters_,
               fragments_, outbox_, snapshot_.get()},
      pipeline_(context_) {}

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
  pipeline_.process(burst_);
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
