// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What every measured packet carries behind its transport header. It just fits a UDP frame of 64
/// bytes on the wire; a TCP frame is 72 bytes at least.
#pragma once

#include <cstdint>
#include <span>

#include "net/headers.h"
#include "support/frame.h"

namespace sluice::bench {

struct Stamp {
  Be16 trial;  ///< of this trial or of an earlier one; see kStampMark
  Be32 session;
  Be32 number;                        ///< of the packet, in this trial
  BigEndian<std::uint64_t> intended;  ///< TSC at which it should have been sent
};
static_assert(sizeof(Stamp) == 18);

/// Stamp::session of a packet that belongs to none.
inline constexpr std::uint32_t kFresh = 0xffffffff;

/// The high half of Stamp::trial, so that other people's packets are not taken for ours.
inline constexpr std::uint16_t kStampMark = 0xa500;

[[nodiscard]] constexpr std::size_t stamp_offset(std::uint8_t protocol) noexcept {
  return kL4At + (protocol == net::kTcp ? sizeof(net::TcpHeader) : sizeof(net::UdpHeader));
}
/// The smallest frame of a protocol, without FCS.
[[nodiscard]] constexpr std::uint16_t smallest_frame(std::uint8_t protocol) noexcept {
  return static_cast<std::uint16_t>(stamp_offset(protocol) + sizeof(Stamp));
}

}  // namespace sluice::bench
