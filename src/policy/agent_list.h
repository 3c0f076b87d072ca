// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <span>
#include <string_view>

#include "policy/entry_builder.h"

namespace sluice::policy {

/// What an ip-masq-agent leaves untranslated, on its own or as part of GKE.
struct AgentList {
  std::string_view dialect;  ///< begins the text of every entry
  const config::IpMasqAgentFile& file;
  std::span<const IpPrefix> defaults;  ///< where the file has no list
  bool with_ipv6 = false;
};
void add_agent_list(EntryBuilder& builder, const AgentList& list);

}  // namespace sluice::policy
