// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "console/show.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

std::string mac_text(const net::MacAddress& mac) {
  return fmt::format("{:02x}", fmt::join(mac, ":"));
}

template <typename List>
View texts(const List& list) {
  View words = View::array();
  for (const auto& item : list) words.push_back(item.to_string());
  return words;
}

/// As the configuration has it; "mtu" is the device's own.
View mtu_of(const std::optional<std::uint16_t>& configured) {
  return configured ? View(*configured) : View(nullptr);
}

View routes_of(const config::EniConfig& eni, bool json) {
  View rows = View::array();
  std::vector<std::string> words;
  for (const config::RouteConfig& route : eni.routes) {
    rows.push_back({{"to", route.to.to_string()}, {"via", route.via.to_string()}});
    words.push_back(fmt::format("{} via {}", route.to.to_string(), route.via.to_string()));
  }
  return json || words.empty() ? rows : View(fmt::format("{}", fmt::join(words, ", ")));
}

View device_of(const eni::Device& device) {
  return {{"driver", device.driver()},
          {"mac", mac_text(device.mac())},
          {"mtu", device.mtu()},
          {"queues", device.queues()},
          {"link", device.link_up() ? "up" : "down"}};
}

std::string_view state_text(eni::Resolver::State state) {
  switch (state) {
    case eni::Resolver::State::kIncomplete: return "does not answer";
    case eni::Resolver::State::kReachable: return "answers";
    case eni::Resolver::State::kProbing: return "asked again";
  }
  return "";
}

}  // namespace

View show_eni(Session& session, const Arguments& arguments) {
  const config::Config& config = session.gateway.config();
  View view = View::object();
  std::size_t number = 0;
  for (const auto& eni : config.enis) {
    View one{{"kind", eni.primary ? "primary ENI" : "ENI"}, {"device", eni.device}};
    one.update(device_of(*session.gateway.devices()[number++]));
    one["mtu_configured"] = mtu_of(eni.mtu);
    one["address"] = eni.address.to_string();
    one["router"] = eni.gateway.to_string();
    one["address6"] = eni.address6 ? View(eni.address6->to_string()) : View(nullptr);
    one["router6"] = eni.gateway6.to_string();
    one["secondary"] = texts(eni.secondary);
    one["prefixes"] = texts(eni.prefixes);
    one["forwards"] = texts(eni.forwards);
    one["routes"] = routes_of(eni, arguments.json);
    view[eni.name] = one;
  }
  for (const auto& port : config.pod_ports) {
    View one{{"kind", "pod port"}, {"device", port.device}};
    one.update(device_of(*session.gateway.devices()[number++]));
    one["mtu_configured"] = mtu_of(port.mtu);
    one["router"] = port.gateway.to_string();
    one["pods"] = texts(port.pods);
    view[port.name] = one;
  }
  return view;
}

View show_port(Session& session, const Arguments&) {
  View view;
  view["devices"] = View::array();
  View allowances = View::array();
  for (const auto& device : session.telemetry.status()->devices) {
    view["devices"].push_back({{"device", device.name},
                               {"link", device.link_up ? "up" : "down"},
                               {"received", device.received},
                               {"received_bytes", device.received_bytes},
                               {"sent", device.sent},
                               {"sent_bytes", device.sent_bytes},
                               {"missed_by_nic", device.missed},
                               {"no_buffer", device.no_buffer},
                               {"receive_errors", device.receive_errors},
                               {"transmit_errors", device.transmit_errors}});
    for (const auto& [name, count] : device.allowances) {
      allowances.push_back({{"device", device.name}, {"allowance", name}, {"packets", count}});
    }
  }
  view["allowances"] = allowances;
  return view;
}

View show_neighbours(Session& session, const Arguments&) {
  std::vector<bool> links;
  for (const auto& device : session.gateway.devices()) links.push_back(device->link_up());
  View view;
  view["neighbours"] = View::array();
  for (const auto& neighbour : session.gateway.resolver().neighbours()) {
    const bool known = neighbour.state != eni::Resolver::State::kIncomplete;
    const bool up = links[neighbour.device.value];
    view["neighbours"].push_back(
        {{"device", session.gateway.snapshot().enis.devices()[neighbour.device.value].name},
         {"address", neighbour.address.to_string()},
         {"mac", known ? View(mac_text(neighbour.mac)) : View(nullptr)},
         {"state", up ? state_text(neighbour.state) : "link down"},
         {"waiting", neighbour.held}});
  }
  return view;
}

View show_policy(Session& session, const Arguments&) {
  View view;
  view["rules"] = View::array();
  std::size_t number = 0;
  for (const policy::Entry& entry : session.gateway.snapshot().policy->entries()) {
    view["rules"].push_back({{"number", number++}, {"rule", entry.text}});
  }
  view["otherwise"] = "preserve";
  return view;
}

}  // namespace sluice::console
