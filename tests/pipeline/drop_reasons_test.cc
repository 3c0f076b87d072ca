// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Every reason of the table can be met: by the packet path, as shown here, or by what is around
/// it.
#include "pipeline/drop_reason.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "support/harness.h"

namespace sluice::pipeline {
namespace {

using test::Bytes;
using test::eth;
using test::Harness;
using test::node_yaml;
using test::Outcome;
using test::PacketBuilder;

constexpr std::string_view kServer = "198.51.100.7";
PacketBuilder from_pod() { return eth().ipv4("10.10.10.21", kServer); }
PacketBuilder query() { return from_pod().udp(4000, 53); }
PacketBuilder query6() { return eth().ipv6("2001:db8:a:1::21", "2001:db8:f::9").udp(1, 2); }

Outcome one(std::string_view device, const PacketBuilder& packet, const std::string& yaml) {
  return Harness(yaml).send(device, packet);
}
Outcome from_pod_a(const PacketBuilder& packet) { return one("pod-a", packet, node_yaml()); }
Outcome second(const PacketBuilder& first, const PacketBuilder& then, const std::string& yaml) {
  Harness harness(yaml);
  EXPECT_TRUE(harness.send("pod-a", first).emitted());
  return harness.send(test::source_of(then.bytes()) == "10.10.20.21" ? "pod-b" : "pod-a", then);
}

using Produce = std::function<Outcome()>;

/// One packet for each reason of the path.
const std::map<DropReason, Produce>& produced() {
  static const std::map<DropReason, Produce> table{
      {DropReason::kTruncatedFrame, [] { return Harness(node_yaml()).send("pod-a", Bytes(13)); }},
      {DropReason::kVlanTagged, [] { return from_pod_a(query().vlan(7)); }},
      {DropReason::kUnknownEthertype, [] { return from_pod_a(query().ethertype(0x88cc)); }},
      {DropReason::kNotForUs,
       [] {
         return from_pod_a(query().to_mac({2, 9, 9, 9, 9, 9}));
       }},
      {DropReason::kMalformedArp,
       [] { return from_pod_a(eth().ethertype(net::kEtherTypeArp).payload("?")); }},
      {DropReason::kMalformedIpv4, [] { return from_pod_a(query().spoil_ip_checksum()); }},
      {DropReason::kMalformedIpv6, [] { return from_pod_a(query6().total_length(999)); }},
      {DropReason::kMalformedTcp, [] { return from_pod_a(from_pod().tcp(1, 2).data_offset(4)); }},
      {DropReason::kMalformedUdp, [] { return from_pod_a(query().udp_length(3)); }},
      {DropReason::kMalformedIcmp, [] { return from_pod_a(from_pod().protocol(1)); }},
      {DropReason::kMartianSource, [] { return from_pod_a(query().source("127.0.0.1")); }},
      {DropReason::kMartianDestination,
       [] { return from_pod_a(query().destination("127.0.0.1")); }},
      {DropReason::kSpoofedSource, [] { return from_pod_a(query().source("10.10.20.21")); }},
      {DropReason::kPolicyDrop,
       [] { return one("pod-a", query(), node_yaml("", "  rules: [{action: drop}]")); }},
      {DropReason::kLinkLocalDestination,
       [] { return from_pod_a(query().destination("169.254.169.254")); }},
      {DropReason::kMulticastDestination,
       [] { return from_pod_a(query().destination("224.0.0.1")); }},
      {DropReason::kBroadcastDestination,
       [] { return from_pod_a(query().destination("255.255.255.255")); }},
      {DropReason::kNoSession,
       [] { return one("eni0", eth().ipv4(kServer, "10.10.10.20").udp(1, 2), node_yaml()); }},
      {DropReason::kTcpMidStream, [] { return from_pod_a(from_pod().tcp(1, 2).ack(3)); }},
      {DropReason::kNat66Unsupported,
       [] {
         const std::string yaml = node_yaml();
         return one("pod-a", query6(),
                    yaml.substr(0, yaml.find("  vpc_cni:")) +
                        "  ip_masq_agent: {config: none.yaml, enable_ipv6: true}\n");
       }},
      {DropReason::kProtocolUnsupported, [] { return from_pod_a(from_pod().protocol(136)); }},
      {DropReason::kBadFragment, [] { return from_pod_a(query().fragment(65'528, false)); }},
      {DropReason::kIcmpUnsupported, [] { return from_pod_a(from_pod().icmp(9, 0, 0, 0)); }},
      {DropReason::kNoOwner, [] { return from_pod_a(query().source("172.30.0.1")); }},
      {DropReason::kWrongDevice,
       [] {
         Harness harness(node_yaml("", "  ports: 40000-40000"));
         EXPECT_TRUE(harness.send("pod-a", query()).emitted());
         return harness.send("eni1", eth().ipv4(kServer, "10.10.10.20").udp(53, 40'000));
       }},
      {DropReason::kTtlExpired, [] { return from_pod_a(query().ttl(1)); }},
      {DropReason::kTooBig, [] { return from_pod_a(query().payload(Bytes(2000)).df()); }},
      {DropReason::kPortsExhausted,
       [] { return second(query(), query().source_port(9), node_yaml("", "  ports: 5000-5000")); }},
      {DropReason::kProtocolInUse,
       [] {
         const auto gre = from_pod().protocol(47);
         return second(gre, gre.source("10.10.20.21"), node_yaml());
       }},
      {DropReason::kFlowTableFull,
       [] { return second(query(), query().source_port(9), node_yaml("flows: {capacity: 1}")); }},
      {DropReason::kPodLimit,
       [] { return second(query(), query().source_port(9), node_yaml("flows: {per_pod: 1}")); }},
  };
  return table;
}

/// Those that are met outside the path, and where.
const std::map<DropReason, std::string_view>& elsewhere() {
  static const std::map<DropReason, std::string_view> table{
      {DropReason::kNeighbourUnresolved, "main thread: the resolver gives up"},
      {DropReason::kNeighbourQueueFull, "main thread: the resolver's queues"},
      {DropReason::kWorkerRingFull, "worker: a ring to a worker or to the main thread"},
      {DropReason::kTransmitFull, "worker: a device's queue"},
      {DropReason::kNoBuffer, "main thread: the buffer pool"},
      {DropReason::kFragmentIncomplete, "Reassembly: the datagram's time is over"},
      {DropReason::kFragmentLimit, "Reassembly: the oldest gives way"},
      {DropReason::kNoRoute, "nowhere yet: every ENI has a default route"},
  };
  return table;
}

TEST(DropReasons, EachIsMetInThePathOrElsewhere) {
  for (std::size_t i = 0; i < kDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const auto place = produced().find(reason);
    if (place == produced().end()) {
      EXPECT_EQ(elsewhere().count(reason), 1u) << info(reason).metric << " is met nowhere";
      continue;
    }
    EXPECT_EQ(elsewhere().count(reason), 0u) << info(reason).metric;
    EXPECT_TRUE(test::dropped(place->second(), reason)) << info(reason).metric;
  }
}

/// Names are for scripts: fixed, in one style, no two alike. Texts are for people.
TEST(DropReasons, HaveNamesThatScriptsCanUse) {
  std::set<std::string_view> names;
  for (const DropInfo& each : kDropInfo) {
    EXPECT_TRUE(names.insert(each.metric).second) << each.metric;
    EXPECT_EQ(each.metric.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"),
              std::string_view::npos)
        << each.metric;
    EXPECT_GT(each.text.size(), 10u) << each.metric;
  }
  for (const std::string_view name : {"no_owner",
                                      "wrong_device",
                                      "spoofed_source",
                                      "martian_source",
                                      "protocol_in_use",
                                      "worker_ring_full",
                                      "vlan_tagged",
                                      "no_session",
                                      "tcp_mid_stream",
                                      "ports_exhausted",
                                      "flow_table_full",
                                      "pod_limit",
                                      "policy_drop",
                                      "link_local_destination",
                                      "multicast_destination",
                                      "broadcast_destination",
                                      "ttl_expired",
                                      "too_big",
                                      "no_route",
                                      "neighbour_unresolved",
                                      "nat66_unsupported",
                                      "malformed_ipv4",
                                      "malformed_tcp",
                                      "malformed_udp",
                                      "malformed_icmp",
                                      "bad_fragment"}) {
    EXPECT_EQ(names.count(name), 1u) << name << " is promised";
  }
}

}  // namespace
}  // namespace sluice::pipeline
