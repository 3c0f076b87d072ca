// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Flows that another worker than their home holds (nat/notice.h): because its ports towards a
/// remote are all in use, or because the protocol has none to choose.
///
/// The home leaves a redirect and passes the first packet on; a worker without room passes it on
/// further, once round all of them. So a flow is refused only when no worker has room for it.
#pragma once

#include "core/time.h"
#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Whether what `packet.found` names is a redirect.
[[nodiscard]] inline bool is_redirect(const Packet& packet, const Context& context) noexcept {
  return context.table.at(packet.found.session).state() == nat::SessionState::kElsewhere;
}

/// Sends the packet where its redirect leads. One that already came that way, and one from the
/// remote, has found nothing.
void follow_redirect(Packet& packet, Context& context, Instant now) noexcept;

/// Passes a first packet to `holder`; false: the redirect finds no room.
[[nodiscard]] bool pass_to(Packet& packet, WorkerId holder, Context& context, Instant now) noexcept;

/// Passes a first packet for which this worker has no port on to the next, until it has been to
/// `visits` of them; then returns false.
[[nodiscard]] bool seek_room_elsewhere(Packet& packet,
                                       unsigned visits,
                                       Context& context,
                                       Instant now) noexcept;

/// Whether a pod's packet whose session was found here has to go by its home all the same, so that
/// the redirect there lives as long as the session does.
[[nodiscard]] inline bool goes_by_its_home(const Packet& packet, const Context& context) noexcept {
  const nat::SessionIdentity& session = context.table.at(packet.found.session).identity;
  return (session.flags & nat::kRedirected) != 0 &&
         packet.found.direction == nat::Direction::kOutbound;
}

/// Whether a session that this worker opens for the packet is a redirected one.
[[nodiscard]] bool is_away_from_home(const Packet& packet, const Context& context) noexcept;

/// Tells the home of a flow what became of it here.
void tell_home(const Packet& packet, nat::Notice::What what, Context& context) noexcept;

}  // namespace sluice::pipeline
