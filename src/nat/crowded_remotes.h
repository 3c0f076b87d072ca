// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Remotes towards which so many ports are in use that guessing a free one no longer pays: which
/// ports those are, a bit each.
///
/// The pool is bounded. A map is learnt from the flow table a class at a time, as far as port
/// choice asks; from then on the table tells it what opens and ends. Where the pool is used up, the
/// map that nobody asked for longest gives way; it can be learnt again, so losing one costs time
/// alone. That a remote has no port left is remembered for a while beyond its map: refusing many
/// flows towards many such remotes would have each learnt again and again.
///
/// Owner: one worker.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/time.h"
#include "nat/flow_key.h"
#include "nat/port_layout.h"
#include "nat/session.h"

namespace sluice::nat {

/// What external ports are used towards: one port serves any number of these.
struct RemoteSide {
  Be32 remote, snat;
  Be16 remote_port;
  std::uint8_t protocol = 0;
  std::uint8_t zero = 0;

  static RemoteSide of(const SessionIdentity& session) noexcept {
    return {session.remote, session.snat, session.remote_port, session.protocol};
  }
  /// Of a reply, whatever its destination port.
  static RemoteSide of(const FlowKey& reply) noexcept {
    return {reply.source, reply.destination, reply.source_port, reply.protocol};
  }
  friend bool operator==(const RemoteSide&, const RemoteSide&) noexcept = default;
};

struct PortMap {
  RemoteSide side;
  PortBits used;
  std::array<bool, kPortClasses> known{};          ///< the classes whose bits are learnt
  std::array<std::uint16_t, kPortClasses> held{};  ///< ports that rest, of each known class
  std::uint32_t held_in_all = 0;
  bool full = false;     ///< nothing has become free since a search found nothing
  bool asked = true;     ///< since the pool's hand last passed
  unsigned checked = 0;  ///< where the search for expired sessions goes on
  Instant checked_at{};
  std::uint16_t next = 0;  ///< the pool's chain
};

class CrowdedRemotes {
 public:
  /// `most`: maps, 1 … 65,535. Places are found by a hash of this seed, so that nobody outside can
  /// aim at one.
  CrowdedRemotes(const PortLayout& layout, unsigned most, std::uint64_t seed);

  [[nodiscard]] bool any() const noexcept { return count_.get() != 0; }
  [[nodiscard]] PortMap* find(const RemoteSide& side) noexcept;
  /// A map that knows nothing yet. `side` has none.
  PortMap& add(const RemoteSide& side, Instant now) noexcept;

  /// The flow table's reports: a session opens or ends; it comes to rest or goes on.
  void note_used(const SessionIdentity& session, bool used) noexcept;
  void note_held(const SessionIdentity& session, bool held) noexcept;

  /// No port is free towards it, and none rests. Known until a session towards it ends or rests,
  /// for a tenth of a second at most: what is past its time ends without a report.
  void note_full(const RemoteSide& side, Instant now) noexcept;
  [[nodiscard]] bool is_known_full(const RemoteSide& side, Instant now) const noexcept;

  /// The ports that may be chosen are others now: nothing that was learnt of them holds.
  void forget() noexcept;

  // Any thread.
  [[nodiscard]] unsigned count() const noexcept { return count_.get(); }
  [[nodiscard]] std::uint64_t given_way() const noexcept { return given_way_.get(); }
  /// Of memory, all of it taken at construction, touched as maps are needed.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return most_ * sizeof(PortMap) + chains_.size() * sizeof(chains_[0]) +
           full_.size() * sizeof(Full);
  }

 private:
  static constexpr std::uint16_t kNone = 0xffff;
  struct Full {
    RemoteSide side;  ///< protocol 0: nothing
    Instant since;
  };
  [[nodiscard]] std::uint64_t hash_of(const RemoteSide& side) const noexcept {
    return hash_({side.remote, side.snat, side.remote_port, {}, side.protocol, {}});
  }
  [[nodiscard]] std::size_t place_in_full(const RemoteSide& side) const noexcept {
    return hash_of(side) & (full_.size() - 1);
  }
  void forget_full(const RemoteSide& side) noexcept;
  [[nodiscard]] std::uint16_t& chain_of(const RemoteSide& side) noexcept;
  [[nodiscard]] std::uint16_t take_page() noexcept;

  const PortLayout& layout_;
  KeyHash hash_;
  unsigned most_;
  std::unique_ptr<PortMap[]> maps_;
  std::vector<std::uint16_t> chains_;  ///< first map of each, by hash
  std::vector<Full> full_;             ///< by hash, whoever was noted last
  unsigned hand_ = 0;
  Relaxed<std::uint32_t> count_;
  Relaxed<std::uint64_t> given_way_;
};

}  // namespace sluice::nat
