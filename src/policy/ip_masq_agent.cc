// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// ip-masq-agent: its chain in order, and for GKE the parts of it that GKE shares.
#include <fmt/format.h>

#include <array>

#include "policy/agent_list.h"
#include "policy/entry_builder.h"
#include "policy/reserved_ranges.h"

namespace sluice::policy {
namespace {

void translate_rest_v6(EntryBuilder& builder) {
  builder.add({.from = builder.pods(Family::kV6),
               .to = {everything(Family::kV6)},
               .except = {},
               .verdict = Verdict::kNat66Unsupported,
               .pool = {},
               .text = "ip_masq_agent: IPv6 destination outside the non-masquerade list, which "
                       "upstream masquerades"});
}

}  // namespace

std::span<const IpPrefix> all_reserved_ranges() {
  static const std::array<IpPrefix, 11> kRanges{
      IpPrefix{Ipv4Addr{10, 0, 0, 0}, 8},       // RFC 1918
      IpPrefix{Ipv4Addr{172, 16, 0, 0}, 12},    // RFC 1918
      IpPrefix{Ipv4Addr{192, 168, 0, 0}, 16},   // RFC 1918
      IpPrefix{Ipv4Addr{100, 64, 0, 0}, 10},    // RFC 6598, shared address space
      IpPrefix{Ipv4Addr{192, 0, 0, 0}, 24},     // RFC 6890, protocol assignments
      IpPrefix{Ipv4Addr{192, 0, 2, 0}, 24},     // RFC 5737, documentation
      IpPrefix{Ipv4Addr{192, 88, 99, 0}, 24},   // RFC 7526, former 6to4 relays
      IpPrefix{Ipv4Addr{198, 18, 0, 0}, 15},    // RFC 6815, benchmarks
      IpPrefix{Ipv4Addr{198, 51, 100, 0}, 24},  // RFC 5737
      IpPrefix{Ipv4Addr{203, 0, 113, 0}, 24},   // RFC 5737
      IpPrefix{Ipv4Addr{240, 0, 0, 0}, 4},      // RFC 1112 section 4, class E
  };
  return kRanges;
}
std::span<const IpPrefix> private_ranges() { return all_reserved_ranges().first(3); }
IpPrefix link_local() { return {Ipv4Addr{169, 254, 0, 0}, 16}; }
IpPrefix link_local_v6() { return {Ipv6Addr{Ipv6Addr::Bytes{0xfe, 0x80}}, 10}; }

void add_agent_list(EntryBuilder& builder, const AgentList& list) {
  if (!list.file.masq_link_local) {
    builder.preserve(link_local(), fmt::format("{}: destination inside link-local {}", list.dialect,
                                               link_local().to_string()));
  }
  if (!list.file.non_masquerade_cidrs) {
    for (const IpPrefix& range : list.defaults) {
      builder.preserve(range, fmt::format("{}: destination inside default range {}", list.dialect,
                                          range.to_string()));
    }
    return;
  }
  for (const auto& cidr : *list.file.non_masquerade_cidrs) {
    if (!cidr.value.is_v4() && !list.with_ipv6) continue;
    builder.preserve(cidr.value,
                     fmt::format("{}: destination inside nonMasqueradeCIDRs {}{}", list.dialect,
                                 cidr.value.to_string(), place(cidr.mark)));
  }
}

void add_ip_masq_agent(EntryBuilder& builder, const config::IpMasqAgentConfig& agent) {
  add_agent_list(builder, {.dialect = "ip_masq_agent",
                           .file = agent.file,
                           .defaults = agent.nomasq_all_reserved_ranges ? all_reserved_ranges()
                                                                        : private_ranges(),
                           .with_ipv6 = agent.enable_ipv6});
  builder.translate_rest("ip_masq_agent: destination outside the non-masquerade list");
  if (!agent.enable_ipv6) return;
  // Neither default list has an IPv6 range, so upstream then masquerades all but link-local.
  if (!agent.file.masq_link_local_ipv6) {
    builder.preserve(link_local_v6(),
                     "ip_masq_agent: destination inside link-local " + link_local_v6().to_string());
  }
  translate_rest_v6(builder);
}

}  // namespace sluice::policy
