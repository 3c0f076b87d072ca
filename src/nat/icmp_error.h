// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// ICMP errors (RFC 792) quote the packet they complain about; translation has to change the quote
/// as it would have changed the packet, and every checksum on the way (RFC 5508 4).
///
/// An error belongs to the flow of the packet inside and travels against it: the key that finds
/// its session is the reverse of the quoted tuple.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "nat/flow_key.h"
#include "nat/session.h"
#include "net/headers.h"

namespace sluice::nat {

/// The key of the flow that the packet quoted in `message` (the ICMP message, as far as it is at
/// hand) belongs to, seen in the error's direction. Nothing when too little is quoted, or what is
/// quoted cannot name a flow (not the first fragment, an ICMP error itself).
[[nodiscard]] std::optional<FlowKey> key_of_quoted(std::span<const std::uint8_t> message) noexcept;

/// Translates an error found by a translated session: outer addresses, the quoted addresses, port
/// and checksums, and the checksum of the message. `message` is what key_of_quoted() read.
void rewrite_error(const SessionIdentity& session,
                   Direction direction,
                   net::Ipv4Header& outer,
                   std::span<std::uint8_t> message) noexcept;

}  // namespace sluice::nat
