// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The policy's meaning, word by word: what the matcher is held against, and what the dialects'
/// tests ask, so that they need no EAL.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "policy/policy.h"
#include "support/config_parts.h"

namespace sluice::policy {

inline Decision scan(const EntryList& list, const IpAddr& source, const IpAddr& destination) {
  const auto holds = [](const std::vector<IpPrefix>& prefixes, const IpAddr& address) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const IpPrefix& prefix) { return prefix.contains(address); });
  };
  for (std::uint32_t i = 0; i < list.entries.size(); ++i) {
    const Entry& entry = list.entries[i];
    if (holds(entry.from, source) && holds(entry.to, destination) &&
        !holds(entry.except, destination)) {
      return {.verdict = entry.verdict, .pool = entry.pool, .rule = RuleId{i}};
    }
  }
  return {.verdict = Verdict::kPreserve,
          .pool = {},
          .rule = RuleId{static_cast<std::uint32_t>(list.entries.size())}};
}

inline const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPreserve: return "preserve";
    case Verdict::kSnat: return "snat";
    case Verdict::kDrop: return "drop";
    case Verdict::kNat66Unsupported: return "nat66_unsupported";
  }
  return "?";
}

/// "snat", "preserve", ... for one flow under a configuration.
inline std::string verdict(const config::Config& config,
                           std::string_view source,
                           std::string_view destination) {
  return word(scan(entries_of(config), test::address(source), test::address(destination)).verdict);
}

/// The text of the rule that decides.
inline std::string reason(const config::Config& config,
                          std::string_view source,
                          std::string_view destination) {
  const EntryList list = entries_of(config);
  const Decision decision = scan(list, test::address(source), test::address(destination));
  return decision.rule.value < list.entries.size() ? list.entries[decision.rule.value].text
                                                   : list.fallback;
}

/// One destination and what becomes of a pod's first packet to it.
struct Expected {
  std::string_view destination;
  std::string_view verdict;
};

}  // namespace sluice::policy
