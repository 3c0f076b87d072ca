// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <span>

#include "core/ip.h"

namespace sluice::policy {

/// RFC 1918: what ip-masq-agent leaves alone when it is not told otherwise.
[[nodiscard]] std::span<const IpPrefix> private_ranges();
/// The same and eight more that RFCs reserve: the agent's --nomasq-all-reserved-ranges, GKE's
/// default list, and the built-in `default` EgressNATPolicy.
[[nodiscard]] std::span<const IpPrefix> all_reserved_ranges();

[[nodiscard]] IpPrefix link_local();     ///< 169.254.0.0/16
[[nodiscard]] IpPrefix link_local_v6();  ///< fe80::/10

}  // namespace sluice::policy
