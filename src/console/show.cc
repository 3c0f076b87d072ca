// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/show.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

namespace sluice::console {
namespace {

using gateway::Gateway;

std::string mac_text(const net::MacAddress& mac) { return fmt::format("{:02x}", fmt::join(mac, ":")); }

std::string_view protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case net::kTcp: return "tcp";
    case net::kUdp: return "udp";
    case net::kIcmp: return "icmp";
    case net::kSctp: return "sctp";
    default: return "";
  }
}

std::string_view state_name(nat::SessionState state) {
  static constexpr std::array<std::string_view, nat::kSessionStates> kNames{
      "free",     "syn-sent", "syn-both", "established", "fin-opener", "fin-responder",
      "fin-both", "closed",   "reset"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string endpoint(Be32 address, Be16 port) {
  return fmt::format("{}:{}", Ipv4Addr{address}.to_string(), port.to_host());
}

std::string flow_line(const nat::FlowTable::Snapshot& flow, Instant now) {
  const nat::SessionIdentity& id = flow.identity;
  const std::string_view name = protocol_name(id.protocol);
  const double idle = now.since(flow.last_seen) / 1000.0;
  return fmt::format("{:<5} {:<21} {:<21} {:<21} {:<13} {:>8.1f} s {:>10} {:>12} {:>12}\n",
                     name.empty() ? fmt::format("{}", id.protocol) : std::string(name),
                     endpoint(id.pod, id.pod_port),
                     id.translated() ? endpoint(id.snat, id.snat_port) : "(preserved)",
                     endpoint(id.remote, id.remote_port),
                     state_name(static_cast<nat::SessionState>(id.state)), idle, flow.packets,
                     flow.bytes[0], flow.bytes[1]);
}

template <typename List>
std::string addresses(const List& list) {
  std::vector<std::string> words;
  for (const auto& item : list) words.push_back(item.to_string());
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

std::string counter_lines(const Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  std::string text = fmt::format(
      "received {}\noriginated {}\nsplit {}\nsent {}\nconsumed {}\nmerged {}\ndropped {}\n"
      "waiting {}\nsessions_opened {}\nsessions_ended {}\nuntracked {}\nhanded_over {}\n"
      "unanswered {}\nbusy_cycles {}\nbusy_turns {}\n",
      totals.received, totals.originated, totals.split, totals.sent, totals.consumed,
      totals.merged, totals.all_dropped(), gateway.waiting(), totals.sessions_opened,
      totals.sessions_ended, totals.untracked, totals.handed_over, totals.unanswered,
      totals.busy_cycles, totals.busy_turns);
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (totals.dropped[i] == 0) continue;
    text += fmt::format("drop {} {}\n", pipeline::kDropInfo[i].metric, totals.dropped[i]);
  }
  return text;
}

std::string show_counters(const Gateway& gateway) {
  return counter_lines(gateway) +
         "received + originated + split = sent + consumed + merged + dropped + waiting\n";
}

std::string show_drops(const Gateway& gateway) {
  const pipeline::Totals totals = gateway.totals();
  std::string text;
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (totals.dropped[i] == 0) continue;
    text += fmt::format("{:<24} {:>12} packets {:>14} bytes  {}\n", pipeline::kDropInfo[i].metric,
                        totals.dropped[i], totals.dropped_bytes[i], pipeline::kDropInfo[i].text);
  }
  return text.empty() ? "nothing was dropped\n" : text;
}

std::string show_eni(const Gateway& gateway) {
  const config::Config& config = gateway.config();
  std::string text;
  std::size_t number = 0;
  const auto device = [&] {
    const eni::Device& opened = *gateway.devices()[number++];
    return fmt::format("  driver {}, MAC {}, MTU {}, {} queue{}, link {}\n", opened.driver(),
                       mac_text(opened.mac()), opened.mtu(), opened.queues(),
                       opened.queues() == 1 ? "" : "s", opened.link_up() ? "up" : "down");
  };
  for (const auto& eni : config.enis) {
    text += fmt::format("{} ({}){}\n", eni.name, eni.device, eni.primary ? ", primary" : "");
    text += device();
    text += fmt::format("  address {}, router {}\n", eni.address.to_string(),
                        eni.gateway.to_string());
    if (!eni.secondary.empty()) text += fmt::format("  secondary {}\n", addresses(eni.secondary));
    if (!eni.prefixes.empty()) text += fmt::format("  prefixes {}\n", addresses(eni.prefixes));
    if (!eni.forwards.empty()) text += fmt::format("  forwards {}\n", addresses(eni.forwards));
  }
  for (const auto& port : config.pod_ports) {
    text += fmt::format("{} ({}), pod port\n", port.name, port.device);
    text += device();
    text += fmt::format("  router for {}: {}\n", addresses(port.pods), port.gateway.to_string());
  }
  return text;
}

std::string show_flows(const Gateway& gateway) {
  constexpr std::size_t kAtMost = 1000;
  const Instant now = gateway.now();
  std::string text =
      fmt::format("{:<5} {:<21} {:<21} {:<21} {:<13} {:>10} {:>10} {:>12} {:>12}\n", "proto", "pod",
                  "translated to", "remote", "state", "idle", "packets", "bytes out", "bytes in");
  std::size_t shown = 0;
  std::size_t all = 0;
  std::size_t held = 0;
  for (const auto& worker : gateway.workers()) {
    const nat::FlowTable& table = worker->table();
    all += table.size();
    held += table.held();
    for (std::uint32_t i = 0; i < table.capacity() && shown < kAtMost; ++i) {
      if (i >= table.touched()) break;
      const auto flow = table.read(nat::SessionIndex{i});
      if (!flow) continue;
      text += flow_line(*flow, now);
      ++shown;
    }
  }
  return text + fmt::format("{} of {} sessions, {} of them ended (their ports rest)\n", shown, all, held);
}

std::string show_memory(const Gateway& gateway) {
  std::string text;
  for (unsigned i = 0; i < rte_socket_count(); ++i) {
    rte_malloc_socket_stats heap{};
    const int socket = rte_socket_id_by_idx(i);
    if (rte_malloc_get_socket_stats(socket, &heap) != 0) continue;
    text += fmt::format("heap {}: {} bytes in {} blocks, {} bytes free\n", socket,
                        heap.heap_allocsz_bytes, heap.alloc_count, heap.heap_freesz_bytes);
  }
  std::size_t bytes = 0;
  for (const auto& worker : gateway.workers()) bytes += worker->table().bytes_mapped();
  return text + fmt::format("flow tables: {} bytes mapped\n", bytes);
}

std::string show_neighbours(const Gateway& gateway) {
  std::string text;
  for (const auto& view : gateway.resolver().neighbours()) {
    const bool known = view.state != eni::Resolver::State::kIncomplete;
    text += fmt::format("{:<12} {:<26} {:<18} {}{}\n",
                        gateway.snapshot().enis.devices()[view.device.value].name,
                        view.address.to_string(), known ? mac_text(view.mac) : "-",
                        known ? "answers" : "does not answer",
                        view.held == 0 ? "" : fmt::format(", {} packets wait", view.held));
  }
  return text.empty() ? "no neighbours\n" : text;
}

std::string show_policy(const Gateway& gateway) {
  std::string text;
  std::size_t number = 0;
  for (const policy::Entry& entry : gateway.snapshot().policy->entries()) {
    text += fmt::format("{:>5}  {}\n", number++, entry.text);
  }
  return text + "       otherwise: preserve\n";
}

}  // namespace sluice::console
