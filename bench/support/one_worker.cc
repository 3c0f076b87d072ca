// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/one_worker.h"

#include <array>
#include <stdexcept>

#include "support/config_parts.h"
#include "support/eal.h"

namespace sluice::bench {
namespace {

constexpr net::MacAddress kOurMacs[] = {{2, 0, 0, 0, 1, 0}, {2, 0, 0, 0, 1, 1}};
constexpr net::MacAddress kRouterMacs[] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

config::Config configuration(const OneWorker::Options& options) {
  config::Config config;
  config.pods.cidrs = test::marked({"10.0.0.0/8"});
  config.enis.push_back(test::eni("uplink", "192.168.1.10/24"));
  config.enis.back().primary = true;
  config.enis.push_back(test::eni("inner", "192.168.2.10/24"));
  config.enis.back().forwards = {test::prefix("0.0.0.0/0")};
  config.enis.back().routes = {{test::prefix("10.0.0.0/8"), test::address("192.168.2.1")}};
  config.snat.source = {OneWorker::snat_address()};
  const auto add = [&](const IpPrefix& to) {
    config::RuleConfig rule;
    rule.to = config::MarkedPrefixes{{to, {}}};
    rule.action = config::Action::kSnat;
    config.snat.rules.push_back(rule);
  };
  for (std::uint32_t i = 0; i < options.rules; ++i) add({OneWorker::destination(i), 24});
  if (options.rules == 0) add({Ipv4Addr{}, 0});
  return config;
}

}  // namespace

OneWorker::OneWorker(const Options& options)
    : options_(options),
      owner_(nat::symmetric_key(), options.workers),
      links_{{kOurMacs[0], 9001}, {kOurMacs[1], 9001}} {
  test::start_eal();
  auto snapshot = pipeline::Snapshot::build(configuration(options), owner_);
  if (!snapshot) throw std::runtime_error(snapshot.error());
  snapshot_ = std::move(snapshot).value();
  neighbours_ = eni::NeighbourTable::create(2, 8).value();
  neighbours_->set(kUplink, Ipv4Addr{192, 168, 1, 1}, kRouterMacs[0]);
  neighbours_->set(kInner, Ipv4Addr{192, 168, 2, 1}, kRouterMacs[1]);
  if (options.log) events_ = std::make_unique<nat::SessionEvents>(config::SessionLogConfig{}.queue);
  forget();
}

void OneWorker::take_events() {
  std::array<nat::SessionEvent, 1024> events;
  while (events_ && !events_->take(events).empty()) {
  }
}

Ipv4Addr OneWorker::destination(std::uint32_t rule) { return Ipv4Addr{(100U << 24) + (rule << 8)}; }

Macs OneWorker::macs_into(DeviceId device) {
  return {kOurMacs[device.value], kRouterMacs[device.value]};
}

Ipv4Addr OneWorker::snat_address() { return Ipv4Addr{192, 168, 1, 10}; }

void OneWorker::forget() {
  context_.reset();
  table_.reset();  // before another one takes as much memory
  auto table = nat::FlowTable::create({options_.capacity, 7, true});
  if (!table) throw std::runtime_error(table.error());
  table_ = std::move(table).value();
  table_->set_limits(snapshot_->limits);
  table_->log_to(events_.get());
  ports_ = std::make_unique<nat::PortAllocator>(owner_, WorkerId{0}, *table_, 7);
  context_ = std::make_unique<pipeline::Context>(
      pipeline::Context{WorkerId{0}, owner_, links_, *neighbours_, *table_, *ports_, counters_,
                        fragments_, outbox_, snapshot_.get()});
}

}  // namespace sluice::bench
