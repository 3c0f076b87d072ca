// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/tcp_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

namespace sluice::nat {
namespace {

using enum SessionState;

enum Event : std::uint8_t {
  kSynOpener,
  kSynResponder,
  kFinOpener,
  kFinResponder,
  kAckOpener,  // anything else with ACK
  kAckResponder,
  kEvents,
};

// RFC 7857 section 2 (figure 1), with RFC 793's simultaneous open. RSTs and the last ACKs depend on
// sequence numbers and are handled beside the table.
// clang-format off
constexpr std::array<std::array<SessionState, kEvents>, kSessionStates> kNext{{
    //                  SYN opener         SYN responder      FIN opener       FIN responder      ACK opener         ACK responder
    /* free         */ {kFree,             kFree,             kFree,           kFree,             kFree,             kFree},
    /* SYN sent     */ {kSynSent,          kSynBoth,          kSynSent,        kSynSent,          kSynSent,          kSynSent},
    /* SYN both     */ {kSynBoth,          kSynBoth,          kFinFromOpener,  kFinFromResponder, kEstablished,      kSynBoth},
    /* established  */ {kEstablished,      kEstablished,      kFinFromOpener,  kFinFromResponder, kEstablished,      kEstablished},
    /* FIN opener   */ {kFinFromOpener,    kFinFromOpener,    kFinFromOpener,  kFinBoth,          kFinFromOpener,    kFinFromOpener},
    /* FIN responder*/ {kFinFromResponder, kFinFromResponder, kFinBoth,        kFinFromResponder, kFinFromResponder, kFinFromResponder},
    /* FIN both     */ {kFinBoth,          kFinBoth,          kFinBoth,        kFinBoth,          kFinBoth,          kFinBoth},
    /* closed       */ {kClosed,           kClosed,           kClosed,         kClosed,           kClosed,           kClosed},
    /* reset        */ {kReset,            kReset,            kReset,          kReset,            kEstablished,      kEstablished},
}};
// clang-format on

[[nodiscard]] constexpr bool after(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b) > 0;
}

// --- windows ---------------------------------------------------------------------------------
// A byte a sender: its window scale in the low half, bits of its largest window as sent in the
// high.

constexpr std::uint8_t kUnknownWindow = 0xfe;  // 2^16 << 14: whatever a mid-stream flow may use

[[nodiscard]] std::uint8_t with_window(std::uint8_t log, std::uint16_t window) noexcept {
  const unsigned bits = std::bit_width(std::max(unsigned{window}, 1U)) - 1;
  return static_cast<std::uint8_t>((log & 0x0fU) | std::max<unsigned>(log >> 4, bits) << 4);
}

[[nodiscard]] std::uint32_t window_of(const Session& session, Direction sender) noexcept {
  const std::uint8_t log = session.window_log(sender);
  return 1U << ((log >> 4) + 1 + (log & 0x0fU));
}

/// RFC 7323 2.2: kind 3, length 3, shift count of at most 14.
[[nodiscard]] std::optional<std::uint8_t> window_scale(
    std::span<const std::uint8_t> options) noexcept {
  std::size_t at = 0;
  while (at < options.size()) {
    const std::uint8_t kind = options[at];
    if (kind == 0) break;
    if (kind == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size() || options[at + 1] < 2) break;
    if (kind == 3 && options[at + 1] == 3 && at + 2 < options.size()) {
      return std::min<std::uint8_t>(options[at + 2], 14);
    }
    at += options[at + 1];
  }
  return std::nullopt;
}

void note_window(Session& session, Direction sender, const TcpSegment& segment) noexcept {
  std::uint8_t log = session.window_log(sender);
  if (segment.has(net::kSyn)) {
    const auto scale = window_scale(segment.options);
    log = static_cast<std::uint8_t>((log & 0xf0U) | scale.value_or(0));
    // Scaling holds only if both sides offer it (RFC 7323 2.2).
    if (segment.has(net::kAck) && !scale) {
      const Direction other = opposite(sender);
      session.set_window_log(other, static_cast<std::uint8_t>(session.window_log(other) & 0xf0U));
    }
  }
  const std::uint8_t updated = with_window(log, segment.window);
  if (updated != session.window_log(sender)) session.set_window_log(sender, updated);
}

void note_sequence(Session& session, Direction sender, const TcpSegment& segment) noexcept {
  auto& end = session.tcp_end[Session::index(sender)];
  if (after(segment.end(), end.get())) end.set(segment.end());
}

/// Whether the receiver may take this segment's sequence number: within a window of what it has
/// got, either way (the gateway may have seen bytes the receiver has not).
[[nodiscard]] bool in_window(const Session& session,
                             Direction sender,
                             std::uint32_t sequence) noexcept {
  const std::uint32_t window = window_of(session, opposite(sender));
  const std::uint32_t end = session.tcp_end[Session::index(sender)].get();
  return sequence - (end - window) <= 2 * window;
}

[[nodiscard]] bool is_opener(const Session& session, Direction direction) noexcept {
  return (direction == Direction::kInbound) == session.identity.opened_inbound();
}

/// RFC 9293 3.10.7.3: an RST that answers a SYN counts by what it acknowledges, all others by
/// their sequence number.
[[nodiscard]] bool reset_is_valid(const Session& session,
                                  Direction sender,
                                  const TcpSegment& segment) noexcept {
  const bool answers_syn = session.state() == kSynSent && !is_opener(session, sender);
  if (answers_syn) {
    return segment.has(net::kAck) &&
           segment.acknowledgment == session.tcp_end[Session::index(opposite(sender))].get();
  }
  return in_window(session, sender, segment.sequence);
}

[[nodiscard]] bool is_first_syn(const TcpSegment& segment) noexcept {
  return segment.has(net::kSyn) && !segment.has(net::kAck);
}

[[nodiscard]] bool has_ended(SessionState state) noexcept {
  return state == kClosed || state == kReset || state == kFinBoth;
}

void reopen(Session& session, Direction direction, const TcpSegment& segment) noexcept {
  session.clear_flag(kFinAckedOutbound | kFinAckedInbound);
  for (const Direction side : {Direction::kOutbound, Direction::kInbound}) {
    session.tcp_end[Session::index(side)].set(0);
    session.set_window_log(side, 0);
  }
  tcp_open(session, direction, segment);
}

[[nodiscard]] Event event_of(const Session& session, Direction direction, std::uint8_t flags) {
  const unsigned responder = is_opener(session, direction) ? 0 : 1;
  if ((flags & net::kSyn) != 0) return static_cast<Event>(kSynOpener + responder);
  if ((flags & net::kFin) != 0) return static_cast<Event>(kFinOpener + responder);
  return static_cast<Event>(kAckOpener + responder);
}

/// Notes which FINs are acknowledged; true once both are.
[[nodiscard]] bool both_fins_acknowledged(Session& session,
                                          Direction direction,
                                          const TcpSegment& segment) noexcept {
  const Direction other = opposite(direction);
  if (segment.has(net::kAck) &&
      !after(session.tcp_end[Session::index(other)].get(), segment.acknowledgment)) {
    const std::uint8_t flag = other == Direction::kOutbound ? kFinAckedOutbound : kFinAckedInbound;
    if ((session.identity.flags & flag) == 0) session.set_flag(flag);
  }
  constexpr std::uint8_t kBoth = kFinAckedOutbound | kFinAckedInbound;
  return (session.identity.flags & kBoth) == kBoth;
}

/// Whether the sender `direction` has sent its FIN, to believe that an ACK of all is one of it.
[[nodiscard]] bool closing(SessionState state) noexcept {
  return state == kFinFromOpener || state == kFinFromResponder || state == kFinBoth;
}

}  // namespace

TcpSegment read_segment(const net::TcpHeader& header, std::uint32_t l4_length) noexcept {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&header);
  const unsigned header_length = header.header_length();
  return {header.flags,
          header.sequence.to_host(),
          header.acknowledgment.to_host(),
          header.window.to_host(),
          l4_length - header_length,
          {bytes + sizeof header, header_length - sizeof header}};
}

void tcp_open(Session& session, Direction direction, const TcpSegment& segment) noexcept {
  session.tcp_end[Session::index(direction)].set(segment.end());
  if (segment.has(net::kSyn)) {
    session.set_state(segment.has(net::kAck) ? kSynBoth : kSynSent);
    note_window(session, direction, segment);
    return;
  }
  // In mid-stream (flows.tcp_mid_stream: accept) nothing is known of the other side.
  session.set_state(segment.has(net::kFin) ? kFinFromOpener : kEstablished);
  session.set_window_log(Direction::kOutbound, kUnknownWindow);
  session.set_window_log(Direction::kInbound, kUnknownWindow);
  session.tcp_end[Session::index(opposite(direction))].set(segment.acknowledgment);
}

bool tcp_begins_again(const Session& session,
                      Direction direction,
                      const TcpSegment& segment) noexcept {
  if (!is_first_syn(segment) || !has_ended(session.state()) || !is_opener(session, direction)) {
    return false;
  }
  return !session.identity.translated() ||
         after(segment.sequence, session.tcp_end[Session::index(direction)].get());
}

std::optional<LateSyn> tcp_late_syn(const Session& session,
                                    Direction direction,
                                    const TcpSegment& segment) noexcept {
  if (!is_first_syn(segment) || segment.has(net::kRst) || !is_opener(session, direction) ||
      session.state() == kSynSent || tcp_begins_again(session, direction, segment)) {
    return std::nullopt;
  }
  const std::uint8_t scale = window_scale(segment.options).value_or(0);
  return LateSyn{segment.end(), with_window(scale, segment.window)};
}

void tcp_restart(Session& session,
                 Direction direction,
                 const TcpSegment& segment,
                 const LateSyn& syn) noexcept {
  const Direction opener = opposite(direction);
  session.clear_flag(kFinAckedOutbound | kFinAckedInbound);
  session.tcp_end[Session::index(opener)].set(syn.end);
  session.set_window_log(opener, syn.window_log);
  session.tcp_end[Session::index(direction)].set(segment.end());
  session.set_window_log(direction, 0);
  note_window(session, direction, segment);
  session.set_state(kSynBoth);
}

void tcp_track(Session& session, Direction direction, const TcpSegment& segment) noexcept {
  const SessionState state = session.state();
  if (segment.has(net::kRst)) [[unlikely]] {
    if (state != kClosed && reset_is_valid(session, direction, segment)) session.set_state(kReset);
    return;
  }
  if (is_first_syn(segment) && has_ended(state)) [[unlikely]] {
    if (tcp_begins_again(session, direction, segment)) reopen(session, direction, segment);
    return;
  }
  // What its receiver would not take changes nothing (RFC 9293 3.10.7.4): a guessed segment must
  // not move the window that RSTs are judged by, nor the SYN of a pod that lost its connection,
  // which the remote challenges.
  const bool synchronised = state != kSynSent && state != kSynBoth;
  if (synchronised && !in_window(session, direction, segment.sequence)) return;

  const SessionState next =
      kNext[static_cast<unsigned>(state)][event_of(session, direction, segment.flags)];
  // The sender's numbers begin here: the responder's SYN, or another try of the opener's.
  const bool begins = state == kSynSent && segment.has(net::kSyn);
  if (begins) session.tcp_end[Session::index(direction)].set(segment.end());
  note_sequence(session, direction, segment);
  note_window(session, direction, segment);
  if (closing(next)) [[unlikely]] {
    const bool other_closed =
        next == kFinBoth || (next == kFinFromOpener) != is_opener(session, direction);
    if (other_closed && both_fins_acknowledged(session, direction, segment) && next == kFinBoth) {
      session.set_state(kClosed);
      return;
    }
  }
  // A connection that goes on after a reset has its FINs still before it.
  if (state == kReset && next == kEstablished) {
    session.clear_flag(kFinAckedOutbound | kFinAckedInbound);
  }
  if (next != state) session.set_state(next);
}

void tcp_track_preserved(Session& session,
                         Direction direction,
                         const TcpSegment& segment) noexcept {
  const SessionState state = session.state();
  const bool answers = !is_opener(session, direction);
  if (segment.has(net::kRst) || segment.has(net::kFin)) {
    if (state != kFinBoth) session.set_state(kFinBoth);
  } else if (segment.has(net::kSyn)) {
    if (state == kFinBoth) session.set_state(kSynSent);
    if (state == kSynSent && answers) session.set_state(kSynBoth);
  } else if (state == kSynBoth || (state == kSynSent && answers)) {
    session.set_state(kEstablished);
  }
}

}  // namespace sluice::nat
