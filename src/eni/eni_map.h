// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Which device may emit which source, and which next hop leads to a destination.
///
/// The gateway's one invariant lives here: a frame leaves an ENI only if that ENI may emit the
/// frame's source address (own address, secondary addresses, delegated prefixes, `forwards`).
/// Of several matches the most specific wins; between ENIs of equal right the one with the best
/// route to the destination, then the first in device order. There is no default ENI.
///
/// Immutable: built from a configuration, read by any thread, replaced whole by a reload.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/ids.h"
#include "core/ip.h"

namespace sluice::eni {

/// What the map knows of one device. ENIs come first, in configured order, then pod ports.
struct DeviceInfo {
  std::string name;
  bool is_eni = false;
  bool primary = false;
  Ipv4Addr address;                  ///< the ENI's primary address; a pod port's gateway address
  std::optional<Ipv6Addr> address6;  ///< ENIs: if configured; pod ports: fe80::1, the pods' router
  Ipv4Addr gateway;                  ///< ENIs: the subnet's router
  Ipv6Addr gateway6;
};

/// What an address is to the gateway, in one lookup.
struct AddressFacts {
  DeviceId pod_port = kNoDevice;  ///< that lists it
  bool in_pod_cidrs = false;
  /// It belongs to the gateway itself: an ENI's address, address6 or secondary address, or a
  /// delegated one that is translated to; never one that a pod port lists.
  bool own = false;
  bool snat = false;  ///< flows are translated to it (snat.source, the rules' sources)
  bool directed_broadcast = false;  ///< of a connected IPv4 subnet of length 30 or less

  [[nodiscard]] bool of_a_pod() const noexcept { return in_pod_cidrs || pod_port != kNoDevice; }
};

/// The overloads for Ipv4Addr say the same; the data path asks by them, as they build no IpAddr.
class EniMap {
 public:
  explicit EniMap(const config::Config& config);
  ~EniMap();
  EniMap(EniMap&&) noexcept;

  [[nodiscard]] std::span<const DeviceInfo> devices() const noexcept;

  /// The ENI that emits packets with this source towards this destination, or kNoDevice.
  [[nodiscard]] DeviceId owner(const IpAddr& source, const IpAddr& destination) const noexcept;
  [[nodiscard]] DeviceId owner(Ipv4Addr source, Ipv4Addr destination) const noexcept;
  /// Whether the ENI may emit this source at all, even where another owns it more specifically.
  /// True for every pod port.
  [[nodiscard]] bool may_emit(DeviceId device, const IpAddr& source) const noexcept;
  [[nodiscard]] bool may_emit(DeviceId device, Ipv4Addr source) const noexcept;

  /// Never changes while this map lives.
  [[nodiscard]] const AddressFacts& about(const IpAddr& address) const noexcept;
  [[nodiscard]] const AddressFacts& about(Ipv4Addr address) const noexcept;

  /// The ENI with the best connected or configured route to this address (the default route does
  /// not count), or kNoDevice.
  [[nodiscard]] DeviceId routed_eni(const IpAddr& destination) const noexcept;
  /// Where a packet to this pod or destination leaves when its flow says nothing else: its pod
  /// port; for a destination inside pods.cidrs the ENI routed to it if that may emit the source;
  /// otherwise owner(source, destination).
  [[nodiscard]] DeviceId egress(const IpAddr& source, const IpAddr& destination) const noexcept;
  [[nodiscard]] DeviceId egress(Ipv4Addr source, Ipv4Addr destination) const noexcept;

  /// The neighbour that a packet to this destination is handed to on this device: the destination
  /// itself when connected (always, on a pod port), the best route's `via`, else the router.
  [[nodiscard]] IpAddr next_hop(DeviceId device, const IpAddr& destination) const noexcept;
  [[nodiscard]] Ipv4Addr next_hop(DeviceId device, Ipv4Addr destination) const noexcept;

  /// Whether the gateway answers ARP or ND for this address on this device: an ENI's address,
  /// secondary addresses and delegated prefixes; a pod port's gateway and fe80::1.
  [[nodiscard]] bool answers_for(DeviceId device, const IpAddr& address) const noexcept;
  /// False when a packet with this source cannot honestly arrive here: a pod port's address
  /// elsewhere; a source on a pod port that does not list it (what is behind one is no router); a
  /// source in pods.cidrs on an ENI without a route to it while another has a written one.
  [[nodiscard]] bool source_may_arrive(DeviceId in, const IpAddr& source) const noexcept;
  [[nodiscard]] bool source_may_arrive(DeviceId in, Ipv4Addr source) const noexcept;

  /// Where a packet with this source comes in, unless said otherwise: its pod port, else the ENI
  /// with a written route to that pod; else the ENI that owns the destination, else the primary
  /// ENI. A pod in an ENI's own subnet that writes elsewhere comes in by that ENI.
  [[nodiscard]] DeviceId arrival(const IpAddr& source, const IpAddr& destination) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::eni
