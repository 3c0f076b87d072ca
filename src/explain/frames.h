// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Makes frames for the simulation. Not the data path: checksums are summed in full.
#pragma once

#include <cstdint>
#include <vector>

#include "core/ip.h"
#include "net/headers.h"

namespace sluice::explain {

using Frame = std::vector<std::uint8_t>;

/// Everything a made-up packet says.
struct FrameSpec {
  net::MacAddress to{};
  net::MacAddress from{0x02, 0xff, 0xff, 0xff, 0xff, 0xff};
  IpAddr source;
  IpAddr destination;
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t tcp_flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint8_t icmp_type = net::kIcmpEchoRequest;
  std::uint16_t icmp_identifier = 0;
};

/// The frame, after `headroom` zero bytes.
[[nodiscard]] Frame make_frame(const FrameSpec& spec, std::size_t headroom);

}  // namespace sluice::explain
