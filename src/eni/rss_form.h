// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Finds out what a NIC does differently from the owner function, from packets whose hashes
/// disagree.
#pragma once

#include <optional>
#include <span>

#include "eni/rss.h"
#include "nat/flow_key.h"

namespace sluice::eni {

struct HashedPacket {
  nat::FlowKey tuple;
  std::uint32_t hash = 0;
};

/// So many packets of different flows are looked at before anything is concluded: four of 16 bits
/// each, one of which the initial value explains by itself.
inline constexpr std::size_t kPacketsToExplain = 4;

/// What all of these packets' hashes have in common under this key; nothing if they have nothing.
[[nodiscard]] std::optional<RssForm> explain_hashes(std::span<const HashedPacket> packets,
                                                    const nat::ToeplitzKey& key);

}  // namespace sluice::eni
