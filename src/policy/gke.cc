// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// GKE: a standard cluster with or without the agent, or Autopilot with EgressNATPolicy objects.
#include <fmt/format.h>

#include <algorithm>

#include "policy/agent_list.h"
#include "policy/entry_builder.h"
#include "policy/reserved_ranges.h"

namespace sluice::policy {
namespace {

constexpr std::string_view kDefaultPolicy = "default";

void add_link_local(EntryBuilder& builder) {
  builder.preserve(link_local(), "gke: destination inside link-local " + link_local().to_string());
}

void add_policy(EntryBuilder& builder, const config::EgressNatPolicy& policy) {
  for (const auto& cidr : policy.destinations) {
    if (!cidr.value.is_v4()) continue;
    builder.preserve(cidr.value,
                     fmt::format("gke: destination inside {} of EgressNATPolicy {}{}",
                                 cidr.value.to_string(), policy.name, place(cidr.mark)));
  }
}

/// The policies add up; link-local is always kept, and no flag of the cluster has a say.
void add_autopilot(EntryBuilder& builder, const config::GkeConfig& gke) {
  add_link_local(builder);
  for (const auto& policy : gke.policies) add_policy(builder, policy);
  const bool has_default =
      std::any_of(gke.policies.begin(), gke.policies.end(),
                  [](const auto& policy) { return policy.name == kDefaultPolicy; });
  if (!has_default) {
    for (const IpPrefix& range : all_reserved_ranges()) {
      builder.preserve(range, fmt::format("gke: destination inside {} of the built-in default "
                                          "EgressNATPolicy",
                                          range.to_string()));
    }
  }
  builder.translate_rest("gke: destination outside every EgressNATPolicy");
}

void add_standard_with_agent(EntryBuilder& builder, const config::GkeConfig& gke) {
  add_agent_list(
      builder,
      {.dialect = "gke", .file = gke.file, .defaults = all_reserved_ranges(), .with_ipv6 = false});
  builder.translate_rest("gke: destination outside the non-masquerade list");
}

/// The node's own start-up rules: no file is read.
void add_standard_without_agent(EntryBuilder& builder, const config::GkeConfig& gke) {
  if (gke.disable_default_snat) {
    builder.preserve(
        everything(Family::kV4),
        "gke: disable_default_snat without an agent, nothing is translated" + place(gke.mark));
    return;
  }
  const config::IpMasqAgentFile no_file;
  add_agent_list(
      builder,
      {.dialect = "gke", .file = no_file, .defaults = all_reserved_ranges(), .with_ipv6 = false});
  builder.translate_rest("gke: destination outside the default ranges");
}

}  // namespace

void add_gke(EntryBuilder& builder, const config::GkeConfig& gke) {
  if (gke.cluster == config::GkeConfig::Cluster::kAutopilot) return add_autopilot(builder, gke);
  if (gke.ip_masq_agent) return add_standard_with_agent(builder, gke);
  add_standard_without_agent(builder, gke);
}

}  // namespace sluice::policy
