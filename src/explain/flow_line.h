// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The language of `explain`: one line a packet, or a word to the simulation.
///
///     PROTO SRC[:PORT] > DST[:PORT] [in DEVICE]    reply    at +SECONDS    # comment
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/ip.h"
#include "core/result.h"

namespace sluice::explain {

/// A packet as a line describes it. Ports are TCP's, UDP's or SCTP's; for ICMP queries the source
/// port is the identifier.
struct FlowLine {
  std::uint8_t protocol = 0;
  std::optional<std::uint8_t> tcp_flags;  ///< absent: a SYN
  IpAddr source;
  IpAddr destination;
  std::optional<std::uint16_t> source_port;
  std::optional<std::uint16_t> destination_port;
  std::string device;  ///< empty: where such a source is reached
};
struct ReplyLine {};
struct ClockLine {
  std::chrono::milliseconds forward{};
};
struct EmptyLine {};

using Line = std::variant<FlowLine, ReplyLine, ClockLine, EmptyLine>;

/// Longer lines are refused unread.
inline constexpr std::size_t kLongestLine = 1024;

[[nodiscard]] Result<Line> parse_line(std::string_view text);
/// Of a line that can be a packet only: a running gateway simulates no reply and no clock.
[[nodiscard]] Result<FlowLine> parse_packet(std::string_view text);

}  // namespace sluice::explain
