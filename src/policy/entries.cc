// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <algorithm>

#include "policy/entry_builder.h"

namespace sluice::policy {

std::vector<IpPrefix> of_family(const config::MarkedPrefixes& prefixes, Family family) {
  std::vector<IpPrefix> result;
  for (const auto& prefix : prefixes) {
    if (family_of(prefix.value) == family) result.push_back(prefix.value);
  }
  return result;
}

IpPrefix everything(Family family) {
  return family == Family::kV4 ? IpPrefix{Ipv4Addr{}, 0} : IpPrefix{Ipv6Addr{}, 0};
}

std::vector<IpPrefix> intersection(std::span<const IpPrefix> a, std::span<const IpPrefix> b) {
  std::vector<IpPrefix> result;
  for (const IpPrefix& x : a) {
    for (const IpPrefix& y : b) {
      if (x.overlaps(y)) result.push_back(x.length() > y.length() ? x : y);
    }
  }
  return result;
}

std::string place(const config::SourceMark& mark) {
  if (mark.file.empty()) return {};
  const std::string name = mark.file.substr(mark.file.find_last_of('/') + 1);
  return mark.line > 0 ? fmt::format(" ({}:{})", name, mark.line) : fmt::format(" ({})", name);
}

EntryBuilder::EntryBuilder(const config::Config& config)
    : pods4_(of_family(config.pods.cidrs, Family::kV4)),
      pods6_(of_family(config.pods.cidrs, Family::kV6)) {
  pool(config.snat.source, config.snat.mapping);
}

void EntryBuilder::add(Entry entry) {
  if (entry.from.empty() || entry.to.empty()) return;
  list_.entries.push_back(std::move(entry));
}

void EntryBuilder::preserve(const IpPrefix& to, std::string text) {
  add({.from = pods(family_of(to)),
       .to = {to},
       .except = {},
       .verdict = Verdict::kPreserve,
       .pool = {},
       .text = std::move(text)});
}

void EntryBuilder::translate_rest(std::string text) {
  add({.from = pods4_,
       .to = {everything(Family::kV4)},
       .except = {},
       .verdict = Verdict::kSnat,
       .pool = {},
       .text = std::move(text)});
}

PoolId EntryBuilder::pool(std::span<const Ipv4Addr> addresses, config::Mapping mapping) {
  const auto is_same = [&](const SourcePool& pool) {
    const auto holds = [](const auto& list, Ipv4Addr address) {
      return std::find(list.begin(), list.end(), address) != list.end();
    };
    return pool.mapping == mapping &&
           std::all_of(addresses.begin(), addresses.end(),
                       [&](Ipv4Addr address) { return holds(pool.addresses, address); }) &&
           std::all_of(pool.addresses.begin(), pool.addresses.end(),
                       [&](Ipv4Addr address) { return holds(addresses, address); });
  };
  const auto found = std::find_if(list_.pools.begin(), list_.pools.end(), is_same);
  const auto index = static_cast<std::uint16_t>(found - list_.pools.begin());
  if (found == list_.pools.end()) {
    SourcePool made{.addresses = {}, .mapping = mapping};
    for (const Ipv4Addr address : addresses) {
      if (std::find(made.addresses.begin(), made.addresses.end(), address) ==
          made.addresses.end()) {
        made.addresses.push_back(address);
      }
    }
    list_.pools.push_back(std::move(made));
  }
  return PoolId{index};
}

void add_nodes(EntryBuilder& builder, const config::PodsConfig& pods) {
  for (const auto& node : pods.nodes) {
    builder.add({.from = {node.value},
                 .to = {everything(family_of(node.value))},
                 .except = {},
                 .verdict = Verdict::kPreserve,
                 .pool = {},
                 .text = fmt::format("pods.nodes: source inside {}, never translated{}",
                                     node.value.to_string(), place(node.mark))});
  }
}

EntryList entries_of(const config::Config& config) {
  EntryBuilder builder{config};
  add_nodes(builder, config.pods);
  add_own_rules(builder, config.snat);
  const config::SnatConfig& snat = config.snat;
  if (snat.vpc_cni) add_vpc_cni(builder, *snat.vpc_cni, config.vpc_cidrs);
  if (snat.ip_masq_agent) add_ip_masq_agent(builder, *snat.ip_masq_agent);
  if (snat.gke) add_gke(builder, *snat.gke);
  // Every dialect ends with an entry for all IPv4 destinations of all pods.
  if (snat.vpc_cni || snat.ip_masq_agent || snat.gke) {
    builder.set_fallback("source outside pods.cidrs: never translated");
  }
  return builder.take();
}

}  // namespace sluice::policy
