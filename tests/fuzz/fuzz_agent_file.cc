// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any text as the ip-masq-agent's file.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/ip_masq_agent_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::config;
  if (size == 0) return 0;
  Problems problems;
  const AgentFileOptions options{.enable_ipv6 = (data[0] & 1) != 0};
  const IpMasqAgentFile file = parse_ip_masq_agent_file(
      {reinterpret_cast<const char*>(data) + 1, size - 1}, options, Source{"agent.yaml", problems});
  if (!has_errors(problems) && file.resync_interval.count() < 1) std::abort();
  if (to_json(problems).empty()) std::abort();
  return 0;
}
