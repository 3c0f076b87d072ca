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

#include <bitset>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/ids.h"
#include "core/ip.h"
#include "eni/prefix_table.h"

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

/// What an address is to the gateway.
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

using DeviceSet = std::bitset<256>;

struct Route {
  DeviceId device;
  unsigned length = 0;        ///< of the prefix it leads to; 0: a default route
  std::optional<IpAddr> via;  ///< none: connected
};

/// All that the map knows of one address, of either family; it lives as long as the map. Nearly all
/// that may be asked of a packet is answered by its two addresses' places: one search each.
struct Place {
  AddressFacts facts;
  DeviceId assigned = kNoDevice;     ///< the ENI whose address it is; `forwards` do not count
  std::vector<DeviceId> candidates;  ///< who name it most specifically, in device order
  DeviceSet emitters;                ///< and those that name a wider prefix
  std::vector<Route> routes;         ///< the most specific ones first, then in device order
  DeviceSet routed;                  ///< devices with a route to it that is no default
  DeviceSet written;                 ///< those of `routed` that a written route leads to

  /// A device's most specific route, also a written default one; null: its router.
  [[nodiscard]] const Route* route_of(DeviceId device) const noexcept {
    for (const Route& route : routes) {
      if (route.device == device) return &route;
    }
    return nullptr;
  }
};

/// What is asked by address looks its place up; where the place is known already, ask by that.
class EniMap {
 public:
  explicit EniMap(const config::Config& config);

  [[nodiscard]] std::span<const DeviceInfo> devices() const noexcept { return devices_; }

  [[nodiscard]] const Place& place(const IpAddr& address) const noexcept;
  [[nodiscard]] const Place& place(Ipv4Addr address) const noexcept;
  [[nodiscard]] const AddressFacts& about(const auto& address) const noexcept {
    return place(address).facts;
  }

  /// The ENI that emits packets with this source towards this destination, or kNoDevice.
  [[nodiscard]] DeviceId owner(const Place& source, const Place& destination) const noexcept;
  [[nodiscard]] DeviceId owner(const auto& source, const auto& destination) const noexcept {
    return owner(place(source), place(destination));
  }
  /// Whether the ENI may emit this source at all, even where another owns it more specifically.
  /// True for every pod port.
  [[nodiscard]] bool may_emit(DeviceId device, const Place& source) const noexcept;
  [[nodiscard]] bool may_emit(DeviceId device, const auto& source) const noexcept {
    return may_emit(device, place(source));
  }

  /// The ENI with the best connected or configured route to this address (the default route does
  /// not count), or kNoDevice.
  [[nodiscard]] DeviceId routed_eni(const Place& destination) const noexcept;
  [[nodiscard]] DeviceId routed_eni(const auto& destination) const noexcept {
    return routed_eni(place(destination));
  }
  /// Where a packet to this pod or destination leaves when its flow says nothing else: its pod
  /// port; for a destination inside pods.cidrs the ENI routed to it if that may emit the source;
  /// otherwise owner(source, destination).
  [[nodiscard]] DeviceId egress(const Place& source, const Place& destination) const noexcept;
  [[nodiscard]] DeviceId egress(const auto& source, const auto& destination) const noexcept {
    return egress(place(source), place(destination));
  }

  /// The neighbour that a packet to this destination is handed to on this device: the destination
  /// itself when connected (always, on a pod port), the best route's `via`, else the router. `to`
  /// is the destination's place.
  [[nodiscard]] IpAddr next_hop(DeviceId device, const IpAddr& destination) const noexcept;
  [[nodiscard]] Ipv4Addr next_hop(DeviceId device, Ipv4Addr destination) const noexcept {
    return next_hop(device, destination, place(destination));
  }
  [[nodiscard]] Ipv4Addr next_hop(DeviceId device,
                                  Ipv4Addr destination,
                                  const Place& to) const noexcept;

  /// Whether the gateway answers ARP or ND for this address on this device: an ENI's address,
  /// secondary addresses and delegated prefixes; a pod port's gateway and fe80::1.
  [[nodiscard]] bool answers_for(DeviceId device, const IpAddr& address) const noexcept;
  /// False when a packet with this source cannot honestly arrive here: a pod port's address
  /// elsewhere; a source on a pod port that does not list it (what is behind one is no router); a
  /// source in pods.cidrs on an ENI without a route to it while another has a written one.
  [[nodiscard]] bool source_may_arrive(DeviceId in, const Place& source) const noexcept;
  [[nodiscard]] bool source_may_arrive(DeviceId in, const auto& source) const noexcept {
    return source_may_arrive(in, place(source));
  }

  /// Where a packet with this source comes in, unless said otherwise: its pod port, else the ENI
  /// with a written route to that pod; else the ENI that owns the destination, else the primary
  /// ENI. A pod in an ENI's own subnet that writes elsewhere comes in by that ENI.
  [[nodiscard]] DeviceId arrival(const IpAddr& source, const IpAddr& destination) const noexcept;

 private:
  [[nodiscard]] bool is_eni(DeviceId device) const noexcept {
    return device.value < devices_.size() && devices_[device.value].is_eni;
  }
  [[nodiscard]] bool is_pod_port(DeviceId device) const noexcept {
    return device.value < devices_.size() && !devices_[device.value].is_eni;
  }

  std::vector<DeviceInfo> devices_;
  DeviceId primary_ = kNoDevice;
  PrefixTable<Place> places_;
};

}  // namespace sluice::eni
