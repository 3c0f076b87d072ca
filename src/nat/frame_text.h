// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace sluice::nat {

/// What a frame is by its own headers, as far as they are at hand: "udp 10.0.0.1:4000 > 8.8.8.8:53"
/// of IPv4 and IPv6, "icmp 10.0.0.1:7 > 8.8.8.8" with the identifier of a query on its requester's
/// side, "ARP request for 10.0.0.1 from 10.0.0.2", "VLAN 5: ...", "EtherType 0x88cc".
/// For console and reports; not for the data path.
[[nodiscard]] std::string frame_text(std::span<const std::uint8_t> frame);

}  // namespace sluice::nat
