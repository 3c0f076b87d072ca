// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The life of a TCP session as its segments show it (RFC 7857 section 2, RFC 5382).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "nat/session.h"
#include "net/headers.h"

namespace sluice::nat {

/// A segment as tracking sees it.
struct TcpSegment {
  std::uint8_t flags = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint16_t window = 0;  ///< as sent, not scaled
  std::uint32_t length = 0;  ///< payload bytes
  std::span<const std::uint8_t> options;

  [[nodiscard]] bool has(std::uint8_t flag) const noexcept { return (flags & flag) != 0; }
  /// The sequence number after this segment: payload, and one each for SYN and FIN.
  [[nodiscard]] std::uint32_t end() const noexcept {
    return sequence + length + (has(net::kSyn) ? 1 : 0) + (has(net::kFin) ? 1 : 0);
  }
};

/// Reads the segment at `header`; its header length has been checked against the packet.
[[nodiscard]] TcpSegment read_segment(const net::TcpHeader& header,
                                      std::uint32_t l4_length) noexcept;

/// Takes the first segment of a session into account.
void tcp_open(Session& session, Direction direction, const TcpSegment& segment) noexcept;

/// Whether this segment opens another connection on the tuple of one that has ended: its opener's
/// SYN, beyond the old sequence numbers where they are known (RFC 9293 3.6.1).
[[nodiscard]] bool tcp_begins_again(const Session& session,
                                    Direction direction,
                                    const TcpSegment& segment) noexcept;

/// A SYN that changed nothing (late_syns.h).
struct LateSyn {
  std::uint32_t end = 0;        ///< the sequence number after it
  std::uint8_t window_log = 0;  ///< as in Session
};
/// The opener's SYN on a session that it does not open again.
[[nodiscard]] std::optional<LateSyn> tcp_late_syn(const Session& session,
                                                  Direction direction,
                                                  const TcpSegment& segment) noexcept;
/// The remote has answered a late SYN after all: what was is over. `segment` is its SYN/ACK.
void tcp_restart(Session& session,
                 Direction direction,
                 const TcpSegment& segment,
                 const LateSyn& syn) noexcept;

/// Moves a translated session on by one segment. Owner: the session's worker.
void tcp_track(Session& session, Direction direction, const TcpSegment& segment) noexcept;

/// The same for a preserved flow: no window is checked, and either side's FIN or RST shortens the
/// session's life. One of which the gateway sees a single direction never counts as established
/// (RFC 5382 REQ-5): nobody is to hold a record for hours by segments that are not answered.
void tcp_track_preserved(Session& session, Direction direction, const TcpSegment& segment) noexcept;

}  // namespace sluice::nat
