// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/eni_map.h"

#include <algorithm>
#include <map>

namespace sluice::eni {
namespace {

/// What the configuration says of one prefix itself; a place is this and what wider ones say.
using Draft = std::map<IpPrefix, Place>;

/// What VPC CNI gives pods as their IPv6 router, as 169.254.1.1 is the IPv4 one.
constexpr Ipv6Addr kPodRouter6{
    Ipv6Addr::Bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

const Place kStranger{};

constexpr unsigned kLongestSubnetWithBroadcast = 30;  // RFC 3021: a /31 has none

DeviceId device_id(std::size_t index) { return DeviceId{static_cast<std::uint8_t>(index)}; }

DeviceInfo info_of(const config::EniConfig& eni) {
  DeviceInfo info;
  info.name = eni.name;
  info.is_eni = true;
  info.primary = eni.primary;
  info.address = eni.address.address.v4();
  if (eni.address6) info.address6 = eni.address6->address.v6();
  info.gateway = eni.gateway;
  info.gateway6 = eni.gateway6;
  return info;
}

DeviceInfo info_of(const config::PodPortConfig& port) {
  DeviceInfo info;
  info.name = port.name;
  info.address = port.gateway;
  info.address6 = kPodRouter6;
  info.gateway = port.gateway;
  info.gateway6 = kPodRouter6;
  return info;
}

/// Addresses the VPC has given to this ENI: what it answers for.
std::vector<IpPrefix> assigned_to(const config::EniConfig& eni) {
  std::vector<IpPrefix> result{IpPrefix::host(eni.address.address)};
  if (eni.address6) result.push_back(IpPrefix::host(eni.address6->address));
  for (const IpAddr& address : eni.secondary) result.push_back(IpPrefix::host(address));
  result.insert(result.end(), eni.prefixes.begin(), eni.prefixes.end());
  return result;
}

/// What flows are translated to.
std::vector<Ipv4Addr> snat_addresses(const config::Config& config) {
  std::vector<Ipv4Addr> result = config.snat.source;
  for (const auto& rule : config.snat.rules) {
    if (rule.action != config::Action::kSnat) continue;
    result.insert(result.end(), rule.source.begin(), rule.source.end());
  }
  return result;
}

void add_emitter(Place& place, DeviceId device) {
  auto& candidates = place.candidates;
  if (std::find(candidates.begin(), candidates.end(), device) == candidates.end()) {
    candidates.push_back(device);
  }
}

/// The first route of a device to a prefix stays: connected subnets are added before written ones.
void add_route(Draft& draft,
               const IpPrefix& prefix,
               DeviceId device,
               const std::optional<IpAddr>& via) {
  Place& place = draft[prefix];
  if (place.route_of(device) == nullptr) place.routes.push_back({device, prefix.length(), via});
}

void add_ownership(Draft& draft, const config::Config& config) {
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    for (const IpPrefix& prefix : assigned_to(config.enis[i])) {
      Place& place = draft[prefix];
      add_emitter(place, device_id(i));
      if (place.assigned == kNoDevice) place.assigned = device_id(i);
    }
    for (const IpPrefix& prefix : config.enis[i].forwards) {
      add_emitter(draft[prefix], device_id(i));
    }
  }
}

void add_routes(Draft& draft, const config::Config& config) {
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    const config::EniConfig& eni = config.enis[i];
    add_route(draft, eni.address.subnet(), device_id(i), std::nullopt);
    if (eni.address6) add_route(draft, eni.address6->subnet(), device_id(i), std::nullopt);
    for (const auto& route : eni.routes) add_route(draft, route.to, device_id(i), route.via);
  }
}

void add_facts(Draft& draft, const config::Config& config) {
  const auto host = [&](const IpAddr& address) -> AddressFacts& {
    return draft[IpPrefix::host(address)].facts;
  };
  for (const auto& cidr : config.pods.cidrs) draft[cidr.value].facts.in_pod_cidrs = true;
  for (std::size_t i = 0; i < config.pod_ports.size(); ++i) {
    for (const IpAddr& pod : config.pod_ports[i].pods) {
      AddressFacts& facts = host(pod);
      if (facts.pod_port == kNoDevice) facts.pod_port = device_id(config.enis.size() + i);
    }
  }
  for (const Ipv4Addr address : snat_addresses(config)) host(address).snat = true;
  for (const auto& eni : config.enis) {
    host(eni.address.address).own = true;
    if (eni.address6) host(eni.address6->address).own = true;
    for (const IpAddr& address : eni.secondary) host(address).own = true;
    if (eni.address.length <= kLongestSubnetWithBroadcast) {
      const std::uint32_t host_bits = ~0U >> eni.address.length;
      host(Ipv4Addr{eni.address.address.v4().value() | host_bits}).directed_broadcast = true;
    }
  }
}

/// Makes a place of what is said of a prefix itself: adds what is said of the wider ones.
void inherit(Place& place, const Place& wider) {
  AddressFacts& facts = place.facts;
  facts.in_pod_cidrs |= wider.facts.in_pod_cidrs;
  if (place.assigned == kNoDevice) place.assigned = wider.assigned;
  for (const DeviceId device : place.candidates) place.emitters.set(device.value);
  place.emitters |= wider.emitters;
  if (place.candidates.empty()) place.candidates = wider.candidates;
  for (const Route& route : place.routes) {
    if (route.length == 0) continue;  // a default route
    place.routed.set(route.device.value);
    if (route.via) place.written.set(route.device.value);
  }
  place.routed |= wider.routed;
  place.written |= wider.written;
  place.routes.insert(place.routes.end(), wider.routes.begin(), wider.routes.end());
  // The gateway's own: an ENI's, or a delegated one that is translated to; never a pod's.
  facts.own |= facts.snat && place.assigned != kNoDevice;
  if (facts.pod_port != kNoDevice) facts.own = false;
}

/// Networks come before their parts.
void inherit_all(Draft& draft) {
  std::vector<Draft::value_type*> wider;
  for (auto& entry : draft) {
    while (!wider.empty() && !wider.back()->first.contains(entry.first)) wider.pop_back();
    inherit(entry.second, wider.empty() ? kStranger : wider.back()->second);
    wider.push_back(&entry);
  }
}

}  // namespace

EniMap::EniMap(const config::Config& config) {
  for (const auto& eni : config.enis) {
    if (eni.primary) primary_ = device_id(devices_.size());
    devices_.push_back(info_of(eni));
  }
  for (const auto& port : config.pod_ports) devices_.push_back(info_of(port));
  Draft draft;
  add_ownership(draft, config);
  add_routes(draft, config);
  add_facts(draft, config);
  inherit_all(draft);
  places_ = PrefixTable{draft};
}

const Place& EniMap::place(const IpAddr& address) const noexcept {
  const auto* node = places_.find(address);
  return node == nullptr ? kStranger : node->value;
}
const Place& EniMap::place(Ipv4Addr address) const noexcept {
  const auto* node = places_.find(address);
  return node == nullptr ? kStranger : node->value;
}

DeviceId EniMap::owner(const Place& source, const Place& destination) const noexcept {
  const auto& candidates = source.candidates;
  if (candidates.empty()) return kNoDevice;
  DeviceId best = candidates.front();
  if (candidates.size() == 1) return best;
  // Every ENI has a default route, so one without a better route to the destination counts as 0.
  unsigned best_length = 0;
  for (const DeviceId device : candidates) {
    const Route* route = destination.route_of(device);
    if (route == nullptr || route->length <= best_length) continue;
    best = device;
    best_length = route->length;
  }
  return best;
}

bool EniMap::may_emit(DeviceId device, const Place& source) const noexcept {
  return is_pod_port(device) || source.emitters.test(device.value);
}

DeviceId EniMap::routed_eni(const Place& destination) const noexcept {
  const auto& routes = destination.routes;
  return routes.empty() || routes.front().length == 0 ? kNoDevice : routes.front().device;
}

DeviceId EniMap::egress(const Place& source, const Place& destination) const noexcept {
  const AddressFacts& to = destination.facts;
  if (to.pod_port != kNoDevice) return to.pod_port;
  if (to.in_pod_cidrs) {
    const DeviceId routed = routed_eni(destination);
    if (routed != kNoDevice && may_emit(routed, source)) return routed;
  }
  return owner(source, destination);
}

IpAddr EniMap::next_hop(DeviceId device, const IpAddr& destination) const noexcept {
  if (destination.is_v4()) return next_hop(device, destination.v4());
  // RFC 4291 2.5.6: link-local addresses are neighbours on every link.
  if (!is_eni(device) || destination.v6().is_link_local()) return destination;
  if (const Route* route = place(destination).route_of(device)) {
    return route->via.value_or(destination);
  }
  return devices_[device.value].gateway6;
}
Ipv4Addr EniMap::next_hop(DeviceId device, Ipv4Addr destination, const Place& to) const noexcept {
  if (!is_eni(device)) return destination;
  if (const Route* route = to.route_of(device)) {
    return route->via ? route->via->v4() : destination;
  }
  return devices_[device.value].gateway;
}

bool EniMap::answers_for(DeviceId device, const IpAddr& address) const noexcept {
  if (is_pod_port(device)) {
    const DeviceInfo& info = devices_[device.value];
    return address == IpAddr{info.address} || address == IpAddr{*info.address6};
  }
  const DeviceId assigned = place(address).assigned;
  return assigned != kNoDevice && assigned == device;
}

bool EniMap::source_may_arrive(DeviceId in, const Place& source) const noexcept {
  const AddressFacts& from = source.facts;
  if (from.pod_port != kNoDevice) return from.pod_port == in;
  if (!is_eni(in)) return false;
  if (!from.in_pod_cidrs) return true;
  // A connected subnet alone does not make another ENI wrong: the VPC delivers by destination, so
  // a neighbour in eni1's subnet reaches a pod of eni0 through eni0.
  return source.written.none() || source.routed.test(in.value);
}

DeviceId EniMap::arrival(const IpAddr& source, const IpAddr& destination) const noexcept {
  const Place& from = place(source);
  const Place& to = place(destination);
  if (from.facts.pod_port != kNoDevice) return from.facts.pod_port;
  if (from.facts.in_pod_cidrs) {
    for (const Route& route : from.routes) {
      if (route.via && route.length != 0) return route.device;
    }
    // Not behind a written route: a neighbour in a subnet of ours, unless it writes to an address
    // of another ENI, where the VPC delivers it.
    if (to.assigned != kNoDevice) return to.assigned;
    if (const DeviceId routed = routed_eni(from); routed != kNoDevice) return routed;
  }
  const DeviceId owner_of_destination = owner(to, from);
  return owner_of_destination != kNoDevice ? owner_of_destination : primary_;
}

}  // namespace sluice::eni
