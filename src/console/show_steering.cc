// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "console/show.h"

namespace sluice::console {
namespace {

View shares(const gateway::Gateway& gateway) {
  const nat::OwnerFunction& owner = gateway.owner();
  View view = View::array();
  for (std::uint8_t i = 0; i < owner.workers(); ++i) {
    unsigned entries = 0;
    for (const WorkerId worker : owner.reta()) entries += worker.value == i ? 1 : 0;
    const auto slice = gateway.snapshot().tcp_udp_ports.slice(WorkerId{i});
    const std::string ports =
        slice.empty() ? "-" : fmt::format("{}-{}", slice.front().to_host(), slice.back().to_host());
    view.push_back({{"worker", i},
                    {"entries", entries},
                    {"ports_of_mappings", ports},
                    {"sessions", gateway.workers()[i]->sessions()}});
  }
  return view;
}

View devices(const gateway::Steering& steering) {
  View view = View::array();
  for (const auto& state : steering.states()) {
    // With a tenth in text: that a thousandth of the packets goes astray is worth seeing.
    const View met = state.met_by_owner ? View(100 * *state.met_by_owner) : View(nullptr);
    view.push_back({{"device", state.name},
                    {"queues", state.queues},
                    {"ability", state.ability},
                    {"steered_by", state.in_force},
                    {"checked", state.checked},
                    {"wrong", state.disagreed},
                    {"percent_met_by_owner", met}});
  }
  return view;
}

}  // namespace

View show_steering(Session& session, const Arguments&) {
  const gateway::Gateway& gateway = session.gateway;
  View view;
  view["workers"] = gateway.owner().workers();
  view["key"] = fmt::format("{:02x}", fmt::join(gateway.owner().key(), ""));
  view["mode"] = gateway.steering().mode() == gateway::Steering::Mode::kAuto ? "auto" : "software";
  view["shares"] = shares(gateway);
  view["devices"] = devices(gateway.steering());
  view["handed_over"] = gateway.totals().handed_over;
  return view;
}

}  // namespace sluice::console
