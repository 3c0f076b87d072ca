// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <algorithm>

#include "console/session_tasks.h"
#include "console/show.h"
#include "nat/session_text.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

constexpr std::size_t kPodsByDefault = 100;
constexpr std::size_t kRemotesByDefault = 10;

std::size_t limit_of(const Arguments& arguments, std::size_t otherwise) {
  return arguments.number("limit", otherwise);
}

View pods_view(const telemetry::Census& census, std::size_t limit) {
  std::vector<std::pair<Ipv4Addr, telemetry::PodUse>> pods(census.pods().begin(),
                                                           census.pods().end());
  std::stable_sort(pods.begin(), pods.end(), [](const auto& a, const auto& b) {
    return a.second.sessions > b.second.sessions;
  });
  View view;
  view["pods"] = View::array();
  for (std::size_t i = 0; i < std::min(limit, pods.size()); ++i) {
    const auto& [address, use] = pods[i];
    view["pods"].push_back({{"pod", address.to_string()},
                            {"sessions", use.sessions},
                            {"translated", use.translated},
                            {"packets", use.packets},
                            {"bytes_out", use.bytes_out},
                            {"bytes_in", use.bytes_in}});
  }
  view["pods_in_all"] = pods.size();
  return view;
}

/// "in 4m10s"; for JSON the seconds. Null: not in sight.
View exhausted(std::optional<std::chrono::seconds> left, bool json) {
  if (!left) return nullptr;
  if (json) return left->count();
  constexpr std::int64_t kMinute = 60;
  const std::int64_t seconds = left->count();
  if (seconds == 0) return "now";
  if (seconds < kMinute) return fmt::format("in {}s", seconds);
  const std::int64_t minutes = seconds / kMinute;
  if (minutes < kMinute) return fmt::format("in {}m{}s", minutes, seconds % kMinute);
  if (minutes < 24 * kMinute) return fmt::format("in {}h{}m", minutes / kMinute, minutes % kMinute);
  return "in over a day";
}

/// What ports are counted against.
struct Room {
  std::uint32_t ports;  ///< of an address towards one remote
  const telemetry::Forecast& forecast;
  Instant now;
  bool json;

  [[nodiscard]] View exhausted_in(const telemetry::RemoteUse& use) const {
    return exhausted(forecast.exhausted_in(use, ports, now), json);
  }
  [[nodiscard]] const char* key() const { return json ? "exhausted_in_s" : "exhausted"; }
};

View remote_row(const telemetry::RemoteUse& use, const Room& room) {
  const std::uint32_t ports = room.ports;
  const double percent =
      ports == 0 ? 0 : 100.0 * static_cast<double>(use.sessions) / static_cast<double>(ports);
  return {{"address", use.address.to_string()},
          {"remote", use.remote.to_string() +
                         (use.remote_port == 0 ? "" : ":" + std::to_string(use.remote_port))},
          {"protocol", nat::protocol_text(use.protocol)},
          {"ports_used", use.sessions},
          {"of", ports},
          {"percent", percent},
          {room.key(), room.exhausted_in(use)}};
}

View ports_view(const telemetry::Census& census,
                const telemetry::Status& status,
                const config::Config& config,
                const Room& room,
                std::size_t limit) {
  View view;
  view["addresses"] = View::array();
  std::map<Ipv4Addr, telemetry::AddressUse> addresses = census.addresses();
  for (const Ipv4Addr address : config.snat.source) addresses.try_emplace(address);
  for (const auto& [address, use] : addresses) {
    const auto known = status.peaks.find(address);
    telemetry::Peak peak = known == status.peaks.end() ? telemetry::Peak{} : known->second;
    peak.sessions = std::max(peak.sessions, use.sessions);
    peak.towards_one_remote = std::max(peak.towards_one_remote, use.busiest.sessions);
    const auto& in_use = config.snat.source;
    view["addresses"].push_back(
        {{"address", address.to_string()},
         {"gives_new_flows", std::find(in_use.begin(), in_use.end(), address) != in_use.end()},
         {"sessions", use.sessions},
         {"most_ever", peak.sessions},
         {"mappings", use.mappings},
         {"towards_busiest_remote", use.busiest.sessions},
         {"most_towards_one_ever", peak.towards_one_remote},
         {"ports_towards_each_remote", room.ports},
         {room.key(), room.exhausted_in(use.busiest)}});
  }
  view["busiest_remotes"] = View::array();
  for (const auto& use : census.busiest(limit)) {
    view["busiest_remotes"].push_back(remote_row(use, room));
  }
  return view;
}

}  // namespace

Reply show_pods(Session& session, const Arguments& arguments) {
  if (const auto no = refused_rows(arguments)) return *no;
  const std::size_t limit = limit_of(arguments, kPodsByDefault);
  return std::make_unique<CensusTask>(session, arguments, [limit](const telemetry::Census& census) {
    return pods_view(census, limit);
  });
}

Reply show_ports(Session& session, const Arguments& arguments) {
  if (const auto no = refused_rows(arguments)) return *no;
  const std::size_t limit = limit_of(arguments, kRemotesByDefault);
  return std::make_unique<CensusTask>(
      session, arguments,
      [limit, &session, json = arguments.json](const telemetry::Census& census) {
        const auto status = session.telemetry.status();
        const Room room{status->ports, session.telemetry.forecast(), session.gateway.now(), json};
        return ports_view(census, *status, session.gateway.config(), room, limit);
      });
}

}  // namespace sluice::console
