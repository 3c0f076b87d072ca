// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// How the tester reads what came back: by its own eyes, not by the gateway's parser.
#pragma once

#include <span>

#include "linerate/stamp.h"
#include "nat/flow_key.h"

namespace sluice::bench {

[[nodiscard]] bool is_ipv4(std::span<const std::uint8_t> frame);
/// The stamp of a packet of ours, or null.
[[nodiscard]] const Stamp* stamp_of(std::span<const std::uint8_t> frame, std::uint8_t protocol);
/// The tuple of a packet that has a stamp.
[[nodiscard]] nat::FlowKey key_of(std::span<const std::uint8_t> frame);
/// Whether both checksums, summed in full, are right; of a packet that has a stamp.
[[nodiscard]] bool checksums_hold(std::span<const std::uint8_t> frame);

}  // namespace sluice::bench
