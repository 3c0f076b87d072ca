// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// SYNs of openers that changed nothing: sent on a tuple whose session is open, or has ended with
/// sequence numbers that these are not beyond. The remote may know better: it may have forgotten
/// the old connection, or draw its numbers at random. If it answers such a SYN with a SYN/ACK that
/// acknowledges it, the connection is another one, and tracking starts anew. (A challenge ACK, RFC
/// 9293 3.10.7.4, leaves all as it was.) So does the Linux kernel.
///
/// A few are remembered, by session; one that is pushed out leaves its session as it was. The
/// acknowledgment cannot be guessed by who has not seen the SYN. Owner: one worker.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "nat/session.h"
#include "nat/tcp_state.h"

namespace sluice::nat {

class LateSyns {
 public:
  void note(SessionIndex session, const LateSyn& syn) noexcept { at(session) = {session, syn}; }
  /// The session's late SYN if this acknowledges it; it is then forgotten.
  [[nodiscard]] std::optional<LateSyn> answered(SessionIndex session,
                                                std::uint32_t acknowledgment) noexcept {
    Entry& entry = at(session);
    if (entry.session != session || entry.syn.end != acknowledgment) return std::nullopt;
    return std::exchange(entry, {}).syn;
  }

 private:
  struct Entry {
    SessionIndex session = kNoSession;
    LateSyn syn;
  };
  Entry& at(SessionIndex session) noexcept { return entries_[session.value % entries_.size()]; }

  std::array<Entry, 1024> entries_;
};

}  // namespace sluice::nat
