// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/known_addresses.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/config_parts.h"

namespace sluice::gateway {
namespace {

using test::address;
using test::marked;
using test::pod_port;

config::Config node() {
  config::Config config;
  config.pods.cidrs = marked({"10.30.0.0/16"});
  auto eni0 = test::eni("eni0", "10.30.1.10/24");
  eni0.primary = true;
  eni0.device = "net_null0";
  eni0.secondary = {address("10.30.1.11")};
  eni0.address6 = test::interface_address("2001:db8:1::10/64");
  eni0.routes = {{test::prefix("10.40.0.0/16"), address("10.30.1.9")}};
  config.enis = {eni0};
  config.pod_ports = {pod_port("pod0", {"10.30.1.11", "2001:db8:1::21"})};
  config.pod_ports[0].device = "net_null1";
  config.snat.source = {Ipv4Addr{10, 30, 1, 10}};
  return config;
}

TEST(KnownAddresses, AreOurOwnAndThoseThatSessionsWillNeed) {
  const KnownAddresses known = known_addresses(node());
  const auto has = [](const auto& list, std::uint8_t device, std::string_view who) {
    const eni::Resolver::Address wanted{DeviceId{device}, address(who)};
    return std::find(list.begin(), list.end(), wanted) != list.end();
  };
  for (const std::string_view ours : {"10.30.1.10", "10.30.1.11", "2001:db8:1::10"}) {
    EXPECT_TRUE(has(known.ours, 0, ours)) << ours;
  }
  EXPECT_TRUE(has(known.ours, 1, "169.254.1.1"));
  for (const std::string_view router : {"10.30.1.1", "fe80:ec2::1", "10.30.1.9"}) {
    EXPECT_TRUE(has(known.neighbours, 0, router)) << router;
  }
  EXPECT_TRUE(has(known.neighbours, 1, "10.30.1.11"));
  EXPECT_TRUE(has(known.neighbours, 1, "2001:db8:1::21"));
}

TEST(MayReload, RulesAndAddressesMayChange) {
  config::Config next = node();
  next.enis[0].secondary.clear();
  next.snat.rules.push_back({});
  next.flows.timeouts.udp = std::chrono::seconds{120};
  EXPECT_TRUE(may_reload(node(), next).ok());
}

TEST(MayReload, WhatNeedsARestartIsRefusedByName) {
  struct Case {
    std::string key;
    void (*change)(config::Config&);
  };
  for (const Case& c :
       {Case{"workers", [](config::Config& c2) { c2.gateway.workers = 2; }},
        Case{"capacity", [](config::Config& c2) { c2.flows.capacity = 7; }},
        Case{"per_pod", [](config::Config& c2) { c2.flows.per_pod = 7; }},
        Case{"log.sessions.queue", [](config::Config& c2) { c2.session_log.queue = 7; }},
        Case{"enis", [](config::Config& c2) { c2.enis[0].device = "net_null5"; }},
        Case{"enis", [](config::Config& c2) { c2.enis[0].mtu = 1400; }},
        Case{"pod_ports", [](config::Config& c2) { c2.pod_ports.clear(); }}}) {
    config::Config next = node();
    c.change(next);
    const Status status = may_reload(node(), next);
    ASSERT_FALSE(status.ok()) << c.key;
    EXPECT_NE(status.error().find(c.key), std::string::npos) << status.error();
    EXPECT_NE(status.error().find("restart"), std::string::npos) << status.error();
  }
}

/// With several workers these would give open flows to another worker.
TEST(MayReload, KindsOfMappingStayWhereSeveralWorkersOwnFlowsByThem) {
  config::Config dependent = node();
  dependent.gateway.workers = 2;
  config::Config independent = dependent;
  independent.snat.mapping = config::Mapping::kEndpointIndependent;
  for (const auto& [current, next] :
       {std::pair{dependent, independent}, {independent, dependent}}) {
    const Status status = may_reload(current, next);
    ASSERT_FALSE(status.ok());
    EXPECT_NE(status.error().find("snat.mapping"), std::string::npos) << status.error();
  }
  config::Config fewer_ports = independent;
  fewer_ports.snat.ports = {2048, 65535};
  const Status status = may_reload(independent, fewer_ports);
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().find("snat.ports"), std::string::npos) << status.error();

  config::Config more_addresses = independent;
  more_addresses.snat.source.emplace_back(10, 30, 1, 11);
  EXPECT_TRUE(may_reload(independent, more_addresses).ok());
  config::Config other_ports = dependent;
  other_ports.snat.ports = {2048, 65535};
  EXPECT_TRUE(may_reload(dependent, other_ports).ok());
  dependent.gateway.workers = independent.gateway.workers = 1;
  EXPECT_TRUE(may_reload(dependent, independent).ok());
}

}  // namespace
}  // namespace sluice::gateway
