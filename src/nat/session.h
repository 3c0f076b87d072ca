// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A session: one flow through the gateway, both directions, in one cache line.
///
/// The pod's side and the outside of a translated flow:
///
///     pod:pod_port  ->  remote:remote_port     as the pod sends it      (Direction::kOutbound)
///     snat:snat_port <- remote:remote_port     as the remote answers    (Direction::kInbound)
///
/// A preserved flow is the same record with snat = pod. A flow opened from outside to a pod is
/// stored from the pod's side too, with kOpenedInbound set, so "outbound" is always "away from the
/// pod". Between two pods "the pod" is whoever sent first.
///
/// An endpoint-independent mapping (RFC 4787 REQ-1) is a record of the same kind whose remote is
/// 0.0.0.0:0: it is found by the pod's side and by the external side, without a remote. It counts
/// its sessions in tcp_end[0] and goes with the last of them.
///
/// Identity and state are guarded by the sequence number (odd while the owner writes); last_seen,
/// TCP fields and counters are relaxed atomics beside it that readers may see a moment late.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/byte_order.h"
#include "core/ids.h"
#include "core/time.h"
#include "nat/flow_key.h"
#include "net/checksum.h"

namespace sluice::nat {

enum class Direction : std::uint8_t { kOutbound = 0, kInbound = 1 };
[[nodiscard]] constexpr Direction opposite(Direction direction) noexcept {
  return direction == Direction::kOutbound ? Direction::kInbound : Direction::kOutbound;
}

/// States of a session. UDP and ICMP queries know kFree and kEstablished only; TCP's are those of
/// RFC 7857 section 2, drawn as a table in tcp_state.cc. The opener is whoever sent the first SYN.
enum class SessionState : std::uint8_t {
  kFree = 0,
  kSynSent,  ///< the opener's SYN was seen
  kSynBoth,  ///< both SYNs, the opener's ACK is missing
  kEstablished,
  kFinFromOpener,     ///< the opener closed its direction
  kFinFromResponder,  ///< the responder closed its direction
  kFinBoth,           ///< both closed, an acknowledgment is missing
  kClosed,            ///< both FINs are acknowledged: the port rests
  kReset,             ///< a valid RST passed: the port rests, unless data shows it was ignored
  kElsewhere,         ///< no session but a redirect: another worker holds it (notice.h)
};
/// Those of sessions; kElsewhere is none.
inline constexpr unsigned kSessionStates = 9;

enum SessionFlag : std::uint8_t {
  kTranslated = 0x01,        ///< source rewritten outbound, destination inbound
  kOpenedInbound = 0x02,     ///< the first packet came from the remote
  kFinAckedOutbound = 0x04,  ///< the FIN sent outbound was acknowledged
  kFinAckedInbound = 0x08,   ///< the FIN sent inbound was acknowledged
  kMapping = 0x10,           ///< no session but an endpoint-independent mapping, see below
  kHasMapping = 0x20,        ///< a session on such a mapping
  kHairpin = 0x40,           ///< its remote is another pod's external address and port
  kRedirected = 0x80,        ///< the pod's packets reach another worker first (notice.h)
};

/// An entry of the neighbour table, or 0: this direction has no way out (no owner for the source).
using AdjacencyId = StrongId<struct AdjacencyTag, std::uint16_t>;
inline constexpr AdjacencyId kNoAdjacency{0};

/// A relaxed atomic that reads and writes like the plain integer: the owner is its only writer.
template <typename T>
class Relaxed {
 public:
  [[nodiscard]] T get() const noexcept { return value_.load(std::memory_order_relaxed); }
  void set(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  /// Not an atomic increment: there is one writer.
  void add(T amount) noexcept { set(static_cast<T>(get() + amount)); }

 private:
  std::atomic<T> value_{};
};

/// What a session is: written once when it opens (window logs and state change later, a byte each).
struct SessionIdentity {
  Be32 pod, remote, snat;
  Be16 pod_port, remote_port, snat_port;
  std::uint8_t protocol;
  std::uint8_t flags;          ///< SessionFlag
  std::uint16_t start;         ///< Instant::ms >> kStartShift
  net::FoldedDelta l3_delta;   ///< outbound change of the IPv4 header's sum, TTL not included
  net::FoldedDelta l4_delta;   ///< outbound change of the TCP, UDP or ICMP sum
  std::uint8_t rule[3];        ///< RuleId
  std::uint8_t state;          ///< SessionState; through Session::state() only
  std::uint8_t window_log[2];  ///< by sender; through Session::window_log() only

  [[nodiscard]] FlowKey outbound_key() const noexcept {
    return {pod, remote, pod_port, remote_port, protocol, {}};
  }
  [[nodiscard]] FlowKey inbound_key() const noexcept {
    return {remote, snat, remote_port, snat_port, protocol, {}};
  }
  [[nodiscard]] bool translated() const noexcept { return (flags & kTranslated) != 0; }
  [[nodiscard]] bool opened_inbound() const noexcept { return (flags & kOpenedInbound) != 0; }
  [[nodiscard]] bool is_mapping() const noexcept { return (flags & kMapping) != 0; }
  /// Neither a mapping nor a redirect.
  [[nodiscard]] bool is_session() const noexcept {
    return !is_mapping() && state != static_cast<std::uint8_t>(SessionState::kElsewhere);
  }
  [[nodiscard]] RuleId rule_id() const noexcept {
    return {rule[0] | std::uint32_t{rule[1]} << 8 | std::uint32_t{rule[2]} << 16};
  }
};
static_assert(sizeof(SessionIdentity) == 32);
// FlowTable::key_is() reads either key from here.
static_assert(offsetof(SessionIdentity, remote) == 4 && offsetof(SessionIdentity, snat) == 8 &&
              offsetof(SessionIdentity, remote_port) == offsetof(SessionIdentity, pod_port) + 2 &&
              offsetof(SessionIdentity, snat_port) == offsetof(SessionIdentity, pod_port) + 4);

struct alignas(64) Session {
  std::atomic<std::uint32_t> sequence;  ///< odd while the identity is being written
  Relaxed<std::uint32_t> last_seen;     ///< Instant::ms
  SessionIdentity identity;
  Relaxed<std::uint16_t> adjacency[2];  ///< by direction; AdjacencyId
  Relaxed<std::uint32_t> tcp_end[2];    ///< by sender: sequence number after its last byte seen
  Relaxed<std::uint32_t> packets;       ///< both directions
  Relaxed<std::uint32_t> bytes[2];      ///< by direction, modulo 2^32

  [[nodiscard]] SessionState state() const noexcept {
    return static_cast<SessionState>(__atomic_load_n(&identity.state, __ATOMIC_RELAXED));
  }
  void set_state(SessionState state) noexcept {
    __atomic_store_n(&identity.state, static_cast<std::uint8_t>(state), __ATOMIC_RELAXED);
  }
  /// It has ended, and stays so that its port rests: no live session.
  [[nodiscard]] bool held() const noexcept {
    const SessionState now = state();
    return (now == SessionState::kClosed || now == SessionState::kReset) && identity.translated();
  }
  [[nodiscard]] std::uint8_t window_log(Direction sender) const noexcept {
    return __atomic_load_n(&identity.window_log[index(sender)], __ATOMIC_RELAXED);
  }
  void set_window_log(Direction sender, std::uint8_t value) noexcept {
    __atomic_store_n(&identity.window_log[index(sender)], value, __ATOMIC_RELAXED);
  }
  void set_flag(std::uint8_t flag) noexcept {
    __atomic_store_n(&identity.flags, static_cast<std::uint8_t>(identity.flags | flag),
                     __ATOMIC_RELAXED);
  }
  void clear_flag(std::uint8_t flag) noexcept {
    __atomic_store_n(&identity.flags, static_cast<std::uint8_t>(identity.flags & ~flag),
                     __ATOMIC_RELAXED);
  }
  [[nodiscard]] AdjacencyId adjacency_id(Direction direction) const noexcept {
    return {adjacency[index(direction)].get()};
  }
  static constexpr unsigned index(Direction direction) noexcept {
    return static_cast<unsigned>(direction);
  }
};
static_assert(sizeof(Session) == 64);
/// Resolution of SessionIdentity::start: 2^14 ms, about 16 s; it wraps after 12 days.
inline constexpr unsigned kStartShift = 14;

/// A session in one shard's table; 31 bits, the highest value means none.
using SessionIndex = StrongId<struct SessionTag, std::uint32_t>;
inline constexpr SessionIndex kNoSession{0x7fffffff};

/// A session and the direction that a key found it by.
struct Found {
  SessionIndex session = kNoSession;
  Direction direction = Direction::kOutbound;
  explicit operator bool() const noexcept { return session != kNoSession; }
};

/// What a new session is made of.
struct NewSession {
  Be32 pod, remote, snat;
  Be16 pod_port, remote_port, snat_port;
  std::uint8_t protocol = 0;
  SessionState state = SessionState::kEstablished;
  std::uint8_t flags = 0;
  RuleId rule{};
  AdjacencyId adjacency[2] = {};  ///< by direction
};

}  // namespace sluice::nat
