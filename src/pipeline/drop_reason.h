// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Why a packet may be lost: one line a reason gives the enumerator, the metric's name, the kind
/// and the operator's text. A packet is never dropped without one.
///
/// Add new reasons at the end of their kind; names are never changed once released.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::pipeline {

/// Whose problem a drop is.
enum class DropKind : std::uint8_t {
  kMalformed,  ///< the sender's: the frame is not what it claims to be
  kPolicy,     ///< the configuration's: it was decided so
  kResource,   ///< the gateway's size
  kNetwork,    ///< the surroundings: routes, neighbours, links
};

// clang-format off
//  enumerator                 metric name                  kind        what happened; what to look at
#define SLUICE_DROP_REASONS(X)                                                                                              \
  X(kTruncatedFrame,          "truncated_frame",           kMalformed, "frame shorter than its Ethernet header")                           \
  X(kVlanTagged,              "vlan_tagged",               kMalformed, "802.1Q tagged frame; the gateway's devices carry untagged frames") \
  X(kUnknownEthertype,        "unknown_ethertype",         kMalformed, "neither IPv4, IPv6 nor ARP")                                       \
  X(kNotForUs,                "not_for_us",                kMalformed, "unicast IP in a frame to another or to a group MAC address")       \
  X(kMalformedArp,            "malformed_arp",             kMalformed, "ARP that is not for IPv4 over Ethernet, or cut short")             \
  X(kMalformedIpv4,           "malformed_ipv4",            kMalformed, "IPv4 header: version, length or checksum is wrong, or cut short")  \
  X(kMalformedIpv6,           "malformed_ipv6",            kMalformed, "IPv6 header: version or length is wrong")                          \
  X(kMalformedTcp,            "malformed_tcp",             kMalformed, "TCP header cut short, or its data offset is wrong")                \
  X(kMalformedUdp,            "malformed_udp",             kMalformed, "UDP header cut short, or its length is wrong")                     \
  X(kMalformedIcmp,           "malformed_icmp",            kMalformed, "ICMP message cut short")                                           \
  X(kBadFragment,             "bad_fragment",              kMalformed, "fragment that overlaps or repeats another, or fits no datagram")   \
  X(kMartianSource,           "martian_source",            kMalformed, "source that can only be wrong (RFC 1812 5.3.7)")                   \
  X(kMartianDestination,      "martian_destination",       kMalformed, "destination in 0.0.0.0/8 or 127.0.0.0/8 (RFC 1812 5.3.7)")         \
  X(kSpoofedSource,           "spoofed_source",            kPolicy,    "a pod's address on a device it does not sit behind, or a pod that writes to another in a stranger's name; see pods, pod_ports, routes") \
  X(kPolicyDrop,              "policy_drop",               kPolicy,    "an own rule says drop")                                            \
  X(kLinkLocalDestination,    "link_local_destination",    kPolicy,    "link-local destination; see snat.forward_link_local")              \
  X(kMulticastDestination,    "multicast_destination",     kPolicy,    "multicast is never forwarded")                                     \
  X(kBroadcastDestination,    "broadcast_destination",     kPolicy,    "broadcasts are never forwarded")                                   \
  X(kNoSession,               "no_session",                kPolicy,    "unsolicited, to an address of the gateway")                        \
  X(kTcpMidStream,            "tcp_mid_stream",            kPolicy,    "TCP segment that is no SYN and has no session; see flows.tcp_mid_stream") \
  X(kNat66Unsupported,        "nat66_unsupported",         kPolicy,    "policy would translate IPv6, which is not supported")              \
  X(kProtocolUnsupported,     "protocol_unsupported",      kPolicy,    "a protocol that cannot be translated (its checksum covers addresses)") \
  X(kIcmpUnsupported,         "icmp_unsupported",          kPolicy,    "an ICMP type that is neither a query nor an error")                \
  X(kNoOwner,                 "no_owner",                  kNetwork,   "no ENI may emit this source; see enis: addresses, prefixes, forwards") \
  X(kWrongDevice,             "wrong_device",              kNetwork,   "reply to a translated flow on an ENI that does not own its address") \
  X(kNoRoute,                 "no_route",                  kNetwork,   "no way to this destination")                                       \
  X(kTtlExpired,              "ttl_expired",               kNetwork,   "TTL or hop limit ended here")                                      \
  X(kTooBig,                  "too_big",                   kNetwork,   "larger than the egress device's MTU; see mtu, and switch segmentation offload off at a virtual sender") \
  X(kFragmentIncomplete,      "fragment_incomplete",       kNetwork,   "the other fragments of its datagram did not come within 30 s")     \
  X(kNeighbourUnresolved,     "neighbour_unresolved",      kNetwork,   "the next hop did not answer ARP or ND")                            \
  X(kNeighbourQueueFull,      "neighbour_queue_full",      kNetwork,   "too many packets wait for a next hop to answer")                   \
  X(kPortsExhausted,          "ports_exhausted",           kResource,  "no external port is free towards this remote; add snat.source addresses") \
  X(kProtocolInUse,           "protocol_in_use",           kResource,  "another pod uses this portless protocol towards this remote")      \
  X(kFlowTableFull,           "flow_table_full",           kResource,  "flow table at capacity; see flows.capacity")                       \
  X(kPodLimit,                "pod_limit",                 kResource,  "the pod holds as many sessions as flows.per_pod allows")           \
  X(kFragmentLimit,           "fragment_limit",            kResource,  "a datagram in over 64 fragments, or too many datagrams incomplete at once") \
  X(kWorkerRingFull,          "worker_ring_full",          kResource,  "the ring to the owning worker or to the main thread is full")      \
  X(kTransmitFull,            "transmit_full",             kResource,  "the device took no more frames")                                   \
  X(kNoBuffer,                "no_buffer",                 kResource,  "the packet buffer pool is empty")
// clang-format on

enum class DropReason : std::uint8_t {
#define X(enumerator, metric, kind, text) enumerator,
  SLUICE_DROP_REASONS(X)
#undef X
};

struct DropInfo {
  std::string_view metric;
  DropKind kind;
  std::string_view text;
};

inline constexpr std::array kDropInfo = {
#define X(enumerator, metric, kind, text) DropInfo{metric, DropKind::kind, text},
    SLUICE_DROP_REASONS(X)
#undef X
};
inline constexpr std::size_t kDropReasons = kDropInfo.size();

[[nodiscard]] constexpr const DropInfo& info(DropReason reason) noexcept {
  return kDropInfo[static_cast<std::size_t>(reason)];
}

}  // namespace sluice::pipeline
