// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/eni_map.h"

#include <algorithm>
#include <bitset>
#include <map>

#include "eni/prefix_table.h"

namespace sluice::eni {
namespace {

using DeviceSet = std::bitset<256>;

/// Who may emit the addresses of one prefix.
struct Emitters {
  std::vector<DeviceId> candidates;  ///< those that name this very prefix, in device order
  DeviceSet all;                     ///< and those that name a wider one
};

struct Route {
  DeviceId device;
  std::optional<IpAddr> via;  ///< none: connected
};

/// The routes to one prefix.
struct Routes {
  std::vector<Route> routes;  ///< in device order, at most one of each device
  DeviceSet all;              ///< devices with a route to this prefix or a wider one; no defaults
  DeviceSet written;          ///< those of `all` that a written route leads to

  /// A device's route to this very prefix, or null.
  [[nodiscard]] const Route* of(DeviceId device) const noexcept {
    for (const Route& route : routes) {
      if (route.device == device) return &route;
    }
    return nullptr;
  }
};

template <typename T>
using Draft = std::map<IpPrefix, T>;

/// What VPC CNI gives pods as their IPv6 router, as 169.254.1.1 is the IPv4 one.
constexpr Ipv6Addr kPodRouter6{
    Ipv6Addr::Bytes{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

constexpr AddressFacts kStranger{};

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

void add_emitter(Draft<Emitters>& draft, const IpPrefix& prefix, DeviceId device) {
  auto& candidates = draft[prefix].candidates;
  if (std::find(candidates.begin(), candidates.end(), device) == candidates.end()) {
    candidates.push_back(device);
  }
}

/// The first route of a device to a prefix stays: connected subnets are added before written ones.
void add_route(Draft<Routes>& draft, const IpPrefix& prefix, const Route& route) {
  auto& routes = draft[prefix].routes;
  const auto is_same = [&](const Route& other) { return other.device == route.device; };
  if (std::none_of(routes.begin(), routes.end(), is_same)) routes.push_back(route);
}

bool is_default(const IpPrefix& prefix) { return prefix.length() == 0; }

/// Gives every node the devices of its own prefix and of all wider ones.
template <typename T, typename DevicesOf>
void spread(PrefixTable<T>& table, DevicesOf devices_of) {
  for (auto& node : table.nodes()) {
    if (const auto* parent = table.parent(node)) node.value.all = parent->value.all;
    for (const DeviceId device : devices_of(node)) node.value.all.set(device.value);
  }
}

}  // namespace

struct EniMap::Impl {
  std::vector<DeviceInfo> devices;
  DeviceId primary = kNoDevice;
  PrefixTable<Emitters> emitters;
  PrefixTable<DeviceId> assigned;  ///< whose address it is; `forwards` do not count
  PrefixTable<Routes> routes;
  PrefixTable<AddressFacts> facts;

  [[nodiscard]] bool is_eni(DeviceId device) const noexcept {
    return device.value < devices.size() && devices[device.value].is_eni;
  }
  [[nodiscard]] bool is_pod_port(DeviceId device) const noexcept {
    return device.value < devices.size() && !devices[device.value].is_eni;
  }
  // Each of the following for IpAddr and for Ipv4Addr.

  /// The most specific route of a device, also a written default one; null: its router.
  template <typename Address>
  [[nodiscard]] const PrefixTable<Routes>::Node* route_node(DeviceId device,
                                                            const Address& to) const noexcept {
    for (const auto* node = routes.find(to); node != nullptr; node = routes.parent(*node)) {
      if (node->value.of(device) != nullptr) return node;
    }
    return nullptr;
  }
  /// That device's way to an address: null where its router is the next hop.
  template <typename Address>
  [[nodiscard]] const Route* route(DeviceId device, const Address& to) const noexcept {
    const auto* node = route_node(device, to);
    return node == nullptr ? nullptr : node->value.of(device);
  }
  template <typename Address>
  [[nodiscard]] const AddressFacts& about(const Address& address) const noexcept {
    const auto* node = facts.find(address);
    return node == nullptr ? kStranger : node->value;
  }
  template <typename Address>
  [[nodiscard]] DeviceId owner(const Address& source, const Address& destination) const noexcept;
  template <typename Address>
  [[nodiscard]] bool may_emit(DeviceId device, const Address& source) const noexcept {
    if (is_pod_port(device)) return true;
    const auto* node = emitters.find(source);
    return node != nullptr && node->value.all.test(device.value);
  }
  template <typename Address>
  [[nodiscard]] DeviceId routed_eni(const Address& destination) const noexcept {
    const auto* node = routes.find(destination);
    if (node == nullptr || is_default(node->prefix)) return kNoDevice;
    return node->value.routes.front().device;
  }
  template <typename Address>
  [[nodiscard]] DeviceId egress(const Address& source, const Address& destination) const noexcept;
  template <typename Address>
  [[nodiscard]] bool source_may_arrive(DeviceId in, const Address& source) const noexcept;

  void add_devices(const config::Config& config);
  void add_ownership(const config::Config& config);
  void add_routes(const config::Config& config);
  void add_facts(const config::Config& config);
};

void EniMap::Impl::add_devices(const config::Config& config) {
  for (const auto& eni : config.enis) {
    if (eni.primary) primary = device_id(devices.size());
    devices.push_back(info_of(eni));
  }
  for (const auto& port : config.pod_ports) devices.push_back(info_of(port));
}

void EniMap::Impl::add_ownership(const config::Config& config) {
  Draft<Emitters> emitter_draft;
  Draft<DeviceId> assigned_draft;
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    for (const IpPrefix& prefix : assigned_to(config.enis[i])) {
      add_emitter(emitter_draft, prefix, device_id(i));
      assigned_draft.emplace(prefix, device_id(i));
    }
    for (const IpPrefix& prefix : config.enis[i].forwards) {
      add_emitter(emitter_draft, prefix, device_id(i));
    }
  }
  emitters = PrefixTable{emitter_draft};
  assigned = PrefixTable{assigned_draft};
  spread(emitters, [](const auto& node) { return node.value.candidates; });
}

void EniMap::Impl::add_routes(const config::Config& config) {
  Draft<Routes> draft;
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    const config::EniConfig& eni = config.enis[i];
    const DeviceId device = device_id(i);
    add_route(draft, eni.address.subnet(), {device, std::nullopt});
    if (eni.address6) add_route(draft, eni.address6->subnet(), {device, std::nullopt});
    for (const auto& route : eni.routes) add_route(draft, route.to, {device, route.via});
  }
  routes = PrefixTable{draft};
  spread(routes, [](const auto& node) {
    std::vector<DeviceId> result;
    if (is_default(node.prefix)) return result;
    for (const Route& route : node.value.routes) result.push_back(route.device);
    return result;
  });
  for (auto& node : routes.nodes()) {
    if (const auto* parent = routes.parent(node)) node.value.written = parent->value.written;
    if (is_default(node.prefix)) continue;
    for (const Route& route : node.value.routes) {
      if (route.via) node.value.written.set(route.device.value);
    }
  }
}

void EniMap::Impl::add_facts(const config::Config& config) {
  Draft<AddressFacts> draft;
  const auto host = [&](const IpAddr& address) -> AddressFacts& {
    return draft[IpPrefix::host(address)];
  };
  for (const auto& cidr : config.pods.cidrs) draft[cidr.value].in_pod_cidrs = true;
  for (std::size_t i = 0; i < config.pod_ports.size(); ++i) {
    for (const IpAddr& pod : config.pod_ports[i].pods) {
      AddressFacts& facts_of_pod = host(pod);
      if (facts_of_pod.pod_port == kNoDevice) {
        facts_of_pod.pod_port = device_id(config.enis.size() + i);
      }
    }
  }
  for (const Ipv4Addr address : snat_addresses(config)) {
    host(address).snat = true;
    if (assigned.find(address) != nullptr) host(address).own = true;
  }
  for (const auto& eni : config.enis) {
    host(eni.address.address).own = true;
    if (eni.address6) host(eni.address6->address).own = true;
    for (const IpAddr& address : eni.secondary) host(address).own = true;
    if (eni.address.length <= kLongestSubnetWithBroadcast) {
      const std::uint32_t host_bits = ~0U >> eni.address.length;
      host(Ipv4Addr{eni.address.address.v4().value() | host_bits}).directed_broadcast = true;
    }
  }
  facts = PrefixTable{draft};
  for (auto& node : facts.nodes()) {
    if (const auto* parent = facts.parent(node)) {
      node.value.in_pod_cidrs |= parent->value.in_pod_cidrs;
    }
    if (node.value.pod_port != kNoDevice) node.value.own = false;
  }
}

EniMap::EniMap(const config::Config& config) : impl_(std::make_unique<Impl>()) {
  impl_->add_devices(config);
  impl_->add_ownership(config);
  impl_->add_routes(config);
  impl_->add_facts(config);
}
EniMap::~EniMap() = default;
EniMap::EniMap(EniMap&&) noexcept = default;

std::span<const DeviceInfo> EniMap::devices() const noexcept { return impl_->devices; }

template <typename Address>
DeviceId EniMap::Impl::owner(const Address& source, const Address& destination) const noexcept {
  const auto* node = emitters.find(source);
  if (node == nullptr) return kNoDevice;
  const auto& candidates = node->value.candidates;
  DeviceId best = candidates.front();
  if (candidates.size() == 1) return best;
  // Every ENI has a default route, so one without a better route to the destination counts as 0.
  unsigned best_length = 0;
  for (const DeviceId device : candidates) {
    const auto* route = route_node(device, destination);
    if (route == nullptr || route->prefix.length() <= best_length) continue;
    best = device;
    best_length = route->prefix.length();
  }
  return best;
}
DeviceId EniMap::owner(const IpAddr& source, const IpAddr& destination) const noexcept {
  return impl_->owner(source, destination);
}
DeviceId EniMap::owner(Ipv4Addr source, Ipv4Addr destination) const noexcept {
  return impl_->owner(source, destination);
}

bool EniMap::may_emit(DeviceId device, const IpAddr& source) const noexcept {
  return impl_->may_emit(device, source);
}
bool EniMap::may_emit(DeviceId device, Ipv4Addr source) const noexcept {
  return impl_->may_emit(device, source);
}

const AddressFacts& EniMap::about(const IpAddr& address) const noexcept {
  return impl_->about(address);
}
const AddressFacts& EniMap::about(Ipv4Addr address) const noexcept { return impl_->about(address); }

DeviceId EniMap::routed_eni(const IpAddr& destination) const noexcept {
  return impl_->routed_eni(destination);
}

template <typename Address>
DeviceId EniMap::Impl::egress(const Address& source, const Address& destination) const noexcept {
  const AddressFacts& to = about(destination);
  if (to.pod_port != kNoDevice) return to.pod_port;
  if (to.in_pod_cidrs) {
    const DeviceId routed = routed_eni(destination);
    if (routed != kNoDevice && may_emit(routed, source)) return routed;
  }
  return owner(source, destination);
}
DeviceId EniMap::egress(const IpAddr& source, const IpAddr& destination) const noexcept {
  return impl_->egress(source, destination);
}
DeviceId EniMap::egress(Ipv4Addr source, Ipv4Addr destination) const noexcept {
  return impl_->egress(source, destination);
}

IpAddr EniMap::next_hop(DeviceId device, const IpAddr& destination) const noexcept {
  if (destination.is_v4()) return next_hop(device, destination.v4());
  // RFC 4291 2.5.6: link-local addresses are neighbours on every link.
  if (!impl_->is_eni(device) || destination.v6().is_link_local()) return destination;
  if (const Route* route = impl_->route(device, destination)) {
    return route->via.value_or(destination);
  }
  return impl_->devices[device.value].gateway6;
}
Ipv4Addr EniMap::next_hop(DeviceId device, Ipv4Addr destination) const noexcept {
  if (!impl_->is_eni(device)) return destination;
  if (const Route* route = impl_->route(device, destination)) {
    return route->via ? route->via->v4() : destination;
  }
  return impl_->devices[device.value].gateway;
}

bool EniMap::answers_for(DeviceId device, const IpAddr& address) const noexcept {
  if (impl_->is_pod_port(device)) {
    const DeviceInfo& info = impl_->devices[device.value];
    return address == IpAddr{info.address} || address == IpAddr{*info.address6};
  }
  const auto* node = impl_->assigned.find(address);
  return node != nullptr && node->value == device;
}

template <typename Address>
bool EniMap::Impl::source_may_arrive(DeviceId in, const Address& source) const noexcept {
  const AddressFacts& from = about(source);
  if (from.pod_port != kNoDevice) return from.pod_port == in;
  if (!is_eni(in)) return false;
  if (!from.in_pod_cidrs) return true;
  const auto* node = routes.find(source);
  // A connected subnet alone does not make another ENI wrong: the VPC delivers by destination, so
  // a neighbour in eni1's subnet reaches a pod of eni0 through eni0.
  return node == nullptr || node->value.written.none() || node->value.all.test(in.value);
}
bool EniMap::source_may_arrive(DeviceId in, const IpAddr& source) const noexcept {
  return impl_->source_may_arrive(in, source);
}
bool EniMap::source_may_arrive(DeviceId in, Ipv4Addr source) const noexcept {
  return impl_->source_may_arrive(in, source);
}

DeviceId EniMap::arrival(const IpAddr& source, const IpAddr& destination) const noexcept {
  const AddressFacts& from = about(source);
  if (from.pod_port != kNoDevice) return from.pod_port;
  if (from.in_pod_cidrs) {
    for (const auto* node = impl_->routes.find(source);
         node != nullptr && !is_default(node->prefix); node = impl_->routes.parent(*node)) {
      for (const Route& route : node->value.routes) {
        if (route.via) return route.device;
      }
    }
    // Not behind a written route: a neighbour in a subnet of ours, unless it writes to an address
    // of another ENI, where the VPC delivers it.
    if (const auto* assigned = impl_->assigned.find(destination)) return assigned->value;
    if (const DeviceId routed = routed_eni(source); routed != kNoDevice) return routed;
  }
  const DeviceId owner_of_destination = owner(destination, source);
  return owner_of_destination != kNoDevice ? owner_of_destination : impl_->primary;
}

}  // namespace sluice::eni
