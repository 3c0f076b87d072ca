// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a configuration says about addresses before the first packet, and which of its parts only
/// a restart can change.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "eni/resolver.h"

namespace sluice::gateway {

struct KnownAddresses {
  std::vector<eni::Resolver::Address> ours;        ///< to be announced
  std::vector<eni::Resolver::Address> neighbours;  ///< routers and pods, to be resolved at once
};
[[nodiscard]] KnownAddresses known_addresses(const config::Config& config);

/// What `next` has that `current` has not.
[[nodiscard]] KnownAddresses added(const KnownAddresses& current, const KnownAddresses& next);

/// The keys in which `next` differs and that only a restart can change; empty: it may replace
/// `current`.
[[nodiscard]] std::vector<std::string> needs_restart(const config::Config& current,
                                                     const config::Config& next);

/// The same as an error that names the keys.
[[nodiscard]] Status may_reload(const config::Config& current, const config::Config& next);

}  // namespace sluice::gateway
