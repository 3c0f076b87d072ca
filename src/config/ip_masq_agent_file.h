// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "config/reader.h"
#include "config/sections.h"

namespace sluice::config {

/// The agent's flags that decide what its file may say.
struct AgentFileOptions {
  bool enable_ipv6 = false;
};

/// Reads the agent's own file, YAML or JSON, with the agent's own rules and leniencies (spec:
/// snat-semantics 3). The agent refuses a file at its first mistake; this names them all.
/// `named_by` is the key that names the file: problems with the file as such are its.
/// A missing file is a warning, and the agent's defaults stand.
[[nodiscard]] IpMasqAgentFile read_ip_masq_agent_file(const Value& named_by,
                                                      const std::string& path,
                                                      const AgentFileOptions& options,
                                                      Surroundings& surroundings);

/// The same for its text; problems go to `source`.
[[nodiscard]] IpMasqAgentFile parse_ip_masq_agent_file(std::string_view text,
                                                       const AgentFileOptions& options,
                                                       const Source& source);

}  // namespace sluice::config
