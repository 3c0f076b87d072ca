// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/sections.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>

#include "config/values.h"

namespace sluice::config {
namespace {

constexpr unsigned kMostWorkers = 128;             // one for each class of the owner function
constexpr std::uint32_t kMostSessions = 1U << 30;  // record numbers are 32 bits, with room to spare

std::optional<InstanceLimits> read_instance(const Value& value) {
  InstanceLimits limits;
  MapReader map{value};
  map.require("enis", limits.enis, number_between(1U, 128U), "how many ENIs the instance takes");
  map.require("addresses_per_eni", limits.addresses_per_eni, number_between(1U, 1024U),
              "how many IPv4 addresses each takes, the primary one included");
  map.finish();
  return limits;
}

std::optional<std::string> read_gateway_name(const Value& value) {
  auto name = read_text(value);
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > 0x1f && c != 0x7f; };
  if (!name || (!name->empty() && name->size() <= 255 &&
                std::all_of(name->begin(), name->end(), printable))) {
    return name;
  }
  value.error(value.describe() + " is no name", "1 to 255 printable characters");
  return std::nullopt;
}

std::optional<std::string> read_group(const Value& value) {
  auto name = read_text(value);
  if (!name || ::getgrnam(name->c_str()) != nullptr) return name;
  value.error(value.describe() + " is no group of this machine",
              "a name that `getent group` lists");
  return std::nullopt;
}

std::optional<Timeouts> read_timeouts(const Value& value) {
  Timeouts timeouts;
  MapReader map{value};
  const auto read = [&](std::string_view name, Timeouts::Seconds& timeout, Timeouts::Seconds least,
                        std::string_view requirement) {
    if (!map.read(name, timeout, read_duration) || timeout >= least) return;
    map.find(name)->warning(
        fmt::format("{} s is shorter than {} allows, which breaks flows that are idle for a while",
                    timeout.count(), requirement),
        fmt::format("{} s or more", least.count()));
  };
  using Seconds = Timeouts::Seconds;
  read("tcp_established", timeouts.tcp_established, Seconds{7440}, "RFC 5382 REQ-5");
  read("tcp_transitory", timeouts.tcp_transitory, Seconds{240}, "RFC 5382 REQ-5");
  read("tcp_closed", timeouts.tcp_closed, Seconds{1}, "");
  read("udp", timeouts.udp, Seconds{120}, "RFC 4787 REQ-5");
  read("icmp", timeouts.icmp, Seconds{60}, "RFC 5508 REQ-2");
  map.finish();
  return timeouts;
}

constexpr Word<MidStream> kMidStreams[] = {
    {"rst", MidStream::kRst}, {"drop", MidStream::kDrop}, {"accept", MidStream::kAccept}};
constexpr Word<UdpRefresh> kUdpRefreshes[] = {{"both", UdpRefresh::kBoth},
                                              {"outbound", UdpRefresh::kOutbound}};
constexpr Word<LogLevel> kLogLevels[] = {{"error", LogLevel::kError},
                                         {"warning", LogLevel::kWarning},
                                         {"info", LogLevel::kInfo},
                                         {"debug", LogLevel::kDebug}};
constexpr Word<LogFormat> kLogFormats[] = {{"text", LogFormat::kText}, {"json", LogFormat::kJson}};

std::optional<IpfixConfig> read_ipfix(const Value& value) {
  // RFC 791: what every host takes, less the headers of IP and UDP; and what UDP can carry.
  constexpr std::uint16_t kLeastMessage = 512;
  constexpr std::uint16_t kMostMessage = 65'000;
  IpfixConfig ipfix;
  MapReader map{value};
  map.read("collector", ipfix.collector, read_collector);
  map.read("observation_domain", ipfix.observation_domain,
           number_between<std::uint32_t>(0, UINT32_MAX));
  map.read("template_refresh", ipfix.template_refresh, read_duration);
  map.read("message_bytes", ipfix.message_bytes, number_between(kLeastMessage, kMostMessage));
  map.finish();
  return ipfix;
}

std::optional<SessionLogConfig> read_session_log(const Value& value,
                                                 const Surroundings& surroundings) {
  SessionLogConfig log;
  MapReader map{value};
  map.read("json", log.json, [&](const Value& file) -> std::optional<std::string> {
    const auto text = read_text(file);
    if (!text) return std::nullopt;
    if (!text->empty()) return surroundings.resolve(*text);
    file.error("\"\" is no file", "a file's path, or null for none");
    return std::nullopt;
  });
  map.read("queue", log.queue, number_between(1U, 1U << 20));
  map.read("ipfix", log.ipfix, read_ipfix);
  map.finish();
  return log;
}

}  // namespace

std::string Surroundings::resolve(const std::string& path) const {
  return (std::filesystem::path{folder} / path).lexically_normal().string();
}

std::optional<GatewayConfig> read_gateway(const Value& value) {
  GatewayConfig gateway;
  MapReader map{value};
  map.read("name", gateway.name, read_gateway_name);
  map.read("workers", gateway.workers, number_between(1U, kMostWorkers));
  map.read("instance", gateway.instance,
           [](const Value& instance) { return std::optional{read_instance(instance)}; });
  map.finish();
  return gateway;
}

std::optional<PodsConfig> read_pods(const Value& value) {
  PodsConfig pods;
  MapReader map{value};
  map.require("cidrs", pods.cidrs, list_of(read_marked_prefix),
              "a list of the CIDRs pods have their addresses from");
  map.read("nodes", pods.nodes, list_of(read_prefix_or_address));
  if (const auto cidrs = map.find("cidrs");
      cidrs && cidrs->node().kind == Node::Kind::kList && cidrs->node().items.empty()) {
    cidrs->error("an empty list: nothing would ever be translated",
                 "a list of the CIDRs pods have their addresses from");
  }
  map.finish();
  return pods;
}

std::optional<MarkedPrefixes> read_vpc(const Value& value) {
  MarkedPrefixes cidrs;
  MapReader map{value};
  map.read("cidrs", cidrs, list_of(read_marked_prefix));
  map.finish();
  return cidrs;
}

std::optional<FlowsConfig> read_flows(const Value& value) {
  FlowsConfig flows;
  MapReader map{value};
  map.read("capacity", flows.capacity, number_between<std::uint32_t>(1, kMostSessions));
  map.read("per_pod", flows.per_pod, number_between<std::uint32_t>(0, kMostSessions));
  map.read("tcp_mid_stream", flows.tcp_mid_stream, word_of(kMidStreams));
  map.read("udp_refresh", flows.udp_refresh, word_of(kUdpRefreshes));
  map.read("timeouts", flows.timeouts, read_timeouts);
  map.finish();
  return flows;
}

void read_console(const Value& value, const Surroundings& surroundings, Config& config) {
  MapReader map{value};
  map.read("socket", config.console_socket, [&](const Value& socket) -> std::optional<std::string> {
    const auto text = read_text(socket);
    if (!text) return std::nullopt;
    std::string resolved = surroundings.resolve(*text);
    if (!text->empty() && resolved.size() < sizeof(sockaddr_un::sun_path)) return resolved;
    socket.error(fmt::format("{} is no path a socket can have", socket.describe()),
                 fmt::format("a path of 1 to {} characters", sizeof(sockaddr_un::sun_path) - 1));
    return std::nullopt;
  });
  map.read("group", config.console_group, read_group);
  map.finish();
}

std::optional<std::string> read_metrics(const Value& value) {
  std::optional<std::string> listen;
  MapReader map{value};
  map.read("listen", listen,
           [](const Value& address) { return std::optional{read_listen(address)}; });
  map.finish();
  return listen;
}

void read_log(const Value& value, const Surroundings& surroundings, Config& config) {
  MapReader map{value};
  map.read("level", config.log_level, word_of(kLogLevels));
  map.read("format", config.log_format, word_of(kLogFormats));
  map.read("sessions", config.session_log,
           [&](const Value& sessions) { return read_session_log(sessions, surroundings); });
  map.finish();
}

}  // namespace sluice::config
