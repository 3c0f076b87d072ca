// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The sections `enis` and `pod_ports`, each device by itself.
#include <fmt/format.h>

#include <unordered_set>

#include "config/sections.h"
#include "config/values.h"

namespace sluice::config {
namespace {

/// Every IPv4 host must take 576 bytes in one piece (RFC 791 3.1).
constexpr std::uint16_t kLeastMtu = 576;
constexpr std::uint16_t kLeastMtu6 = 1280;  // RFC 8200 5

/// Prefixes EC2 delegates to an ENI.
constexpr unsigned kDelegatedLength = 28;
constexpr unsigned kDelegatedLength6 = 80;

std::optional<RouteConfig> read_route(const Value& value) {
  RouteConfig route;
  MapReader map{value};
  map.require("to", route.to, read_prefix, "the CIDR this route leads to");
  map.require("via", route.via, read_address, "the router's address");
  const auto to = map.find("to");
  const auto via = map.find("via");
  const bool both = to && via && route.via != IpAddr{};
  if (both && route.to.is_v4() != route.via.is_v4()) {
    via->error(fmt::format("{} is of another family than {}", via->describe(), to->describe()),
               route.to.is_v4() ? "an IPv4 address" : "an IPv6 address");
  } else if (both && route.to.length() == 0 && IpPrefix::parse(to->node().text).ok()) {
    to->error(fmt::format("{} is the default route", to->describe()),
              route.to.is_v4() ? "gateway: ADDRESS for that" : "gateway6: ADDRESS for that");
  }
  map.finish();
  return route;
}

std::optional<IpPrefix> read_delegated(const Value& value) {
  const auto prefix = read_prefix(value);
  if (!prefix) return std::nullopt;
  const unsigned usual = prefix->is_v4() ? kDelegatedLength : kDelegatedLength6;
  if (prefix->length() < (prefix->is_v4() ? 8U : 16U)) {
    value.error(fmt::format("{} is far more than one ENI is delegated", value.describe()),
                fmt::format("a /{}", usual));
    return std::nullopt;
  }
  if (prefix->length() != usual) {
    value.warning(fmt::format("{} is no prefix EC2 would delegate", value.describe()),
                  fmt::format("a /{}", usual));
  }
  return prefix;
}

std::optional<std::optional<std::uint16_t>> read_mtu(const Value& value) {
  return number_between<std::uint16_t>(kLeastMtu, 65535)(value);
}

Ipv4Addr first_of(const IpPrefix& subnet) { return subnet.address().v4(); }
Ipv4Addr last_of(const IpPrefix& subnet) {
  const std::uint32_t hosts = subnet.length() == 32 ? 0 : ~0U >> subnet.length();
  return Ipv4Addr{first_of(subnet).value() | hosts};
}

/// Whether a host of this subnet can have the address. A /31 has no other kind (RFC 3021).
bool is_host_of(const IpPrefix& subnet, Ipv4Addr address) {
  if (!subnet.contains(IpAddr{address})) return false;
  return subnet.length() >= 31 || (address != first_of(subnet) && address != last_of(subnet));
}

std::string hosts_of(const IpPrefix& subnet) {
  const unsigned edge = subnet.length() >= 31 ? 0 : 1;
  return fmt::format("an address from {} to {}",
                     Ipv4Addr{first_of(subnet).value() + edge}.to_string(),
                     Ipv4Addr{last_of(subnet).value() - edge}.to_string());
}

/// A subnet's own addresses are nobody's.
void check_secondary(MapReader& map, const EniConfig& eni) {
  const auto list = map.find("secondary");
  const IpPrefix subnet = eni.address.subnet();
  for (std::size_t i = 0; i < eni.secondary.size(); ++i) {
    const IpAddr& address = eni.secondary[i];
    if (!subnet.contains(address)) continue;
    const bool router = address.v4() == eni.gateway;
    if (!router && is_host_of(subnet, address.v4())) continue;
    const bool network = address.v4() == first_of(subnet);
    list->element(i).error(fmt::format("{} is the subnet's {} address", address.to_string(),
                                       router    ? "router's"
                                       : network ? "network"
                                                 : "broadcast"),
                           hosts_of(subnet));
  }
}

/// What the ENI's IPv4 addresses say of each other.
void check_subnet(MapReader& map, const EniConfig& eni) {
  constexpr unsigned kLargestSubnet = 8;
  const IpPrefix subnet = eni.address.subnet();
  const Ipv4Addr own = eni.address.address.v4();
  const Value own_entry = *map.find("address");
  if (subnet.length() < kLargestSubnet) {
    own_entry.error(fmt::format("{} is no subnet of a VPC", own_entry.describe()),
                    "a prefix length of 8 or more");
    return;
  }
  if (!is_host_of(subnet, own)) {
    own_entry.error(fmt::format("{} is the {} address of its subnet", own.to_string(),
                                own == first_of(subnet) ? "network" : "broadcast"),
                    hosts_of(subnet));
    return;
  }
  const auto written = map.find("gateway");
  const Value& gateway = written ? *written : own_entry;
  const std::string accepted = written ? hosts_of(subnet) : "gateway: the subnet's router";
  if (eni.gateway == own) {
    gateway.error(fmt::format("the gateway {} is the ENI's own address", own.to_string()),
                  accepted);
  } else if (!is_host_of(subnet, eni.gateway)) {
    gateway.error(fmt::format("the gateway {} is no host of the subnet {}", eni.gateway.to_string(),
                              subnet.to_string()),
                  accepted);
  }
}

void check_gateway6(MapReader& map, const EniConfig& eni) {
  const auto gateway = map.find("gateway6");
  if (!gateway || eni.gateway6.is_link_local()) return;
  if (!eni.address6) {
    gateway->error(gateway->describe() + " cannot be reached without address6",
                   "a link-local address, or address6 as well");
  } else if (!eni.address6->subnet().contains(IpAddr{eni.gateway6})) {
    gateway->error(fmt::format("{} is outside the subnet {}", gateway->describe(),
                               eni.address6->subnet().to_string()),
                   "a link-local address, or one of that subnet");
  }
}

void check_routes(MapReader& map, const EniConfig& eni) {
  const auto list = map.find("routes");
  if (!list) return;
  std::unordered_set<std::string> seen;
  for (std::size_t i = 0; i < eni.routes.size(); ++i) {
    const RouteConfig& route = eni.routes[i];
    if (route.via == IpAddr{}) continue;  // could not be read
    const Value entry = list->element(i);
    const Value via = entry.member("via", locate(entry.node(), "via"));
    const bool v4 = route.via.is_v4();
    const bool known = v4 || eni.address6.has_value();
    const IpPrefix subnet = v4 || !known ? eni.address.subnet() : eni.address6->subnet();
    const bool link_local = !v4 && route.via.v6().is_link_local();
    if (!link_local && !(known && subnet.contains(route.via))) {
      via.error(fmt::format("{} is not in the ENI's subnet{}", route.via.to_string(),
                            known ? " " + subnet.to_string() : ""),
                v4 ? hosts_of(subnet) : "a link-local address, or one of address6's subnet");
    } else if (route.via == eni.address.address ||
               (eni.address6 && route.via == eni.address6->address)) {
      via.error(route.via.to_string() + " is the ENI's own address", "the address of a router");
    }
    if (!seen.insert(route.to.to_string()).second) {
      entry.error(fmt::format("a second route to {}", route.to.to_string()), "one route to each");
    }
  }
}

}  // namespace

std::optional<EniConfig> read_eni(const Value& value) {
  EniConfig eni;
  eni.mark = value.mark();
  MapReader map{value};
  map.require("name", eni.name, read_device_name, "a name for this ENI");
  map.require("device", eni.device, read_device, "a PCI address or vdev arguments");
  map.read("primary", eni.primary, read_bool);
  map.require("address", eni.address, read_interface_v4,
              "the ENI's primary address with its subnet, such as 10.0.1.20/24");
  map.read("secondary", eni.secondary, list_of(read_address));
  map.read("prefixes", eni.prefixes, list_of(read_delegated));
  map.read("forwards", eni.forwards, list_of(read_prefix));
  // The router of a VPC subnet is its second address, and fe80:ec2::1, by definition.
  eni.gateway = Ipv4Addr{first_of(eni.address.subnet()).value() + 1};
  map.read("gateway", eni.gateway, read_address_v4);
  map.read("address6", eni.address6,
           [](const Value& address) { return std::optional{read_interface_v6(address)}; });
  eni.gateway6 = *Ipv6Addr::parse("fe80:ec2::1");
  map.read("gateway6", eni.gateway6, read_address_v6);
  map.read("mtu", eni.mtu, read_mtu);
  if (eni.mtu && *eni.mtu < kLeastMtu6 && eni.address6) {
    map.find("mtu")->error(fmt::format("{} is too small for the IPv6 of address6", *eni.mtu),
                           fmt::format("{} or more", kLeastMtu6));
  }
  map.read("routes", eni.routes, list_of(read_route));
  if (eni.address.address != IpAddr{}) {
    check_subnet(map, eni);
    check_secondary(map, eni);
    check_routes(map, eni);
  }
  check_gateway6(map, eni);
  map.finish();
  return eni;
}

std::optional<PodPortConfig> read_pod_port(const Value& value) {
  PodPortConfig port;
  port.mark = value.mark();
  MapReader map{value};
  map.require("name", port.name, read_device_name, "a name for this pod port");
  map.require("device", port.device, read_device, "a PCI address or vdev arguments");
  map.read("pods", port.pods, list_of(read_address));
  map.read("gateway", port.gateway, read_address_v4);
  map.read("mtu", port.mtu, read_mtu);
  map.finish();
  return port;
}

}  // namespace sluice::config
