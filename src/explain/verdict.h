// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What became of one packet, in the shape the contract fixes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/ip.h"
#include "explain/simulator.h"

namespace sluice::explain {

struct Verdict {
  std::string flow;     ///< the line, or for a capture what its packet was
  std::string verdict;  ///< snat, preserve, unsnat, local, drop; empty: the line was not understood
  std::optional<IpAddr> source, destination, next_hop;
  std::optional<std::uint16_t> source_port, destination_port;
  std::string device;
  std::string rule;
  std::string reason;
  std::string answer;  ///< what a dropped packet's sender is told
  std::string error;
  bool held = false;  ///< a fragment; the one that completes its datagram tells the verdict
};

/// Addresses and ports as a packet carries them now; a query's identifier stands on its
/// requester's side. Absent where the packet has none, or too few bytes.
struct PacketWords {
  std::uint8_t protocol = 0;
  std::optional<IpAddr> source, destination;
  std::optional<std::uint16_t> source_port, destination_port;
};
[[nodiscard]] PacketWords words_of(const pipeline::Packet& packet);

/// Reads the verdict off a packet that has been through the path.
[[nodiscard]] Verdict read_verdict(std::string flow,
                                   const pipeline::Packet& packet,
                                   const Simulator& simulator);
[[nodiscard]] Verdict not_understood(std::string flow, std::string error);

/// One JSON object, one line.
[[nodiscard]] std::string to_json(const Verdict& verdict);
/// What became of it, without the flow.
[[nodiscard]] std::string outcome_text(const Verdict& verdict);
/// One line for people.
[[nodiscard]] std::string to_text(const Verdict& verdict);

}  // namespace sluice::explain
