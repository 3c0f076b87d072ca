// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What net_af_packet needs to be told. Its sockets form a fanout group for which the kernel puts
/// IPv4 fragments together (PACKET_FANOUT_FLAG_DEFRAG), so a frame may be as long as a datagram,
/// whatever the MTU; its ring's frames are of 2 KiB unless it is told otherwise, and it cuts what
/// is longer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sluice::eni {

struct AfPacketArguments {
  std::string device;         ///< the arguments, with the ring's sizes where they were left out
  std::uint16_t frame_bytes;  ///< what a buffer has to hold
};

/// The MTU of the kernel's interface that a virtual device names (`iface=`), as it is now.
[[nodiscard]] std::optional<std::uint16_t> interface_mtu(const std::string& device);

/// Whether the interface that a virtual device names is up and has a carrier; one that is gone is
/// not.
[[nodiscard]] bool interface_runs(const std::string& device);

[[nodiscard]] bool is_af_packet(const std::string& device);

/// Chooses frames as long as a ring of 32 MiB allows, longer where the interface's MTU wants it; an
/// interface of which nothing is known will not open anyway. `device` is an af_packet's; sizes it
/// names stay as they are.
[[nodiscard]] AfPacketArguments complete_af_packet(const std::string& device,
                                                   std::optional<std::uint16_t> mtu);

}  // namespace sluice::eni
