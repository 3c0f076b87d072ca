// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// From entries to the pairs of prefixes that rte_acl takes. Own arithmetic, no matching.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/result.h"
#include "policy/policy.h"

namespace sluice::policy {

/// "From here to there": of two pairs that match, the one with the lower entry decides.
struct Pair {
  IpPrefix from;
  IpPrefix to;
  std::uint32_t entry = 0;  ///< index into EntryList::entries
};

/// The prefixes that together hold what `prefix` holds and none of `except` does. At most one
/// more per bit of each excepted prefix.
[[nodiscard]] std::vector<IpPrefix> subtract(const IpPrefix& prefix,
                                             std::span<const IpPrefix> except);

/// Every entry as pairs, in order; at most kMaxPairs.
[[nodiscard]] Result<std::vector<Pair>> flatten(const EntryList& list);

}  // namespace sluice::policy
