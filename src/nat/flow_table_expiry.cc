// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Which sessions are over, and whose record serves next.
#include <rte_prefetch.h>

#include <algorithm>
#include <array>

#include "nat/flow_table.h"
#include "net/headers.h"

namespace sluice::nat {

// --- time -------------------------------------------------------------------------------------

void FlowTable::LimitTable::fill(const IdleLimits& limits) noexcept {
  constexpr std::uint8_t kOtherRow = 0, kTcpRow = 1, kUdpRow = 2, kIcmpRow = 3;
  row_.fill(kOtherRow);
  row_[net::kTcp] = kTcpRow;
  row_[net::kUdp] = kUdpRow;
  row_[net::kIcmp] = kIcmpRow;
  limits_[kOtherRow].fill(limits.other);
  limits_[kTcpRow].fill(0);  // also the redirects' place, which the longest is not to count
  std::copy(std::begin(limits.tcp), std::end(limits.tcp), limits_[kTcpRow].begin());
  limits_[kUdpRow].fill(limits.udp);
  limits_[kIcmpRow].fill(limits.icmp);
  // The session that a redirect leads to says when it ends. Should that be lost, it ends after a
  // time that no session lasts of which the pod's side is silent.
  constexpr std::uint32_t kHour = 3'600'000;
  std::uint32_t longest = kHour / 2;
  for (const auto& row : limits_)
    longest = std::max(longest, *std::max_element(row.begin(), row.end()));
  for (auto& row : limits_) row[static_cast<unsigned>(SessionState::kElsewhere)] = 2 * longest;
}

void FlowTable::set_limits(const IdleLimits& limits) noexcept {
  limits_.fill(limits);
  searched_in_vain_ = 0;  // what was in time may be past it now
}

bool FlowTable::expired(const Session& session, Instant now) const noexcept {
  return is_past(session, now);
}

void FlowTable::let_end_in(SessionIndex index,
                           std::chrono::milliseconds time,
                           Instant now) noexcept {
  Session& session = at(index);
  const std::chrono::milliseconds limit{limits_.of(session.identity.protocol, session.state())};
  session.last_seen.set(now.plus(time - std::max(time, limit)).ms);
}

unsigned FlowTable::sweep(Instant now, unsigned at_most) noexcept {
  // Records are fetched some ahead, mostly for the next call. What erasing reads of the index is
  // fetched for some of them before the first is erased.
  constexpr std::uint32_t kAhead = 16;
  constexpr unsigned kAtOnce = 16;
  unsigned erased = 0;
  const unsigned records = std::min(at_most, fresh_.get());
  for (unsigned looked = 0; looked < records;) {
    std::array<SessionIndex, kAtOnce> over;
    unsigned count = 0;
    for (const unsigned end = std::min(records, looked + kAtOnce); looked < end; ++looked) {
      if (cursor_ >= fresh_.get()) cursor_ = 0;
      const SessionIndex index{cursor_++};
      rte_prefetch0(&records_[std::min(index.value + kAhead, capacity_ - 1)]);
      const Session& session = at(index);
      if (session.state() == SessionState::kFree || !expired(session, now)) continue;
      prefetch(session.identity.outbound_key());
      prefetch(session.identity.inbound_key());
      over[count++] = index;
    }
    for (unsigned i = 0; i < count; ++i) erase(over[i], now);
    erased += count;
  }
  return erased;
}

// --- records ----------------------------------------------------------------------------------

/// Whether any record was past its time. In a flood into a full table everyone who is refused would
/// have the same records searched, at the cost of known flows: so many a millisecond are enough.
bool FlowTable::search_expired(Instant now) noexcept {
  // Enough to find an expired record when a fair share of the table is, without a pause anyone
  // would notice when none is.
  constexpr unsigned kRecords = 256;
  constexpr unsigned kInVain = 4;
  if (now != searched_at_) {
    searched_at_ = now;
    searched_in_vain_ = 0;
  }
  if (searched_in_vain_ == kInVain) return false;
  if (sweep(now, kRecords) != 0) return true;
  ++searched_in_vain_;
  return false;
}

SessionIndex FlowTable::take_record(Instant now) noexcept {
  if (free_head_ == kEndOfList && fresh_.get() == capacity_ && !search_expired(now)) {
    reclaim_held(now);
  }
  if (free_head_ != kEndOfList) {
    const SessionIndex index{free_head_};
    free_head_ = records_[free_head_].identity.pod.raw();
    return index;
  }
  const std::uint32_t fresh = fresh_.get();
  if (fresh == capacity_) return kNoSession;
  fresh_.set(fresh + 1);
  return SessionIndex{fresh};
}

// --- held sessions ---------------------------------------------------------------------------

void FlowTable::note_held(SessionIndex index, bool held) noexcept {
  held ? held_.push(index) : held_.remove(index);
  const SessionIdentity& identity = at(index).identity;
  if (pods_) held ? pods_->remove(identity.pod) : pods_->add(identity.pod);
  if (reports()) crowded_->note_held(identity, held);
}

void FlowTable::pin(SessionIndex index) noexcept {
  if (pins_ < pinned_.size()) pinned_[pins_++] = index;
}
bool FlowTable::is_pinned(SessionIndex index) const noexcept {
  const auto end = pinned_.begin() + pins_;
  return std::find(pinned_.begin(), end, index) != end;
}

/// Erases the one that ended first, of those that no packet under way has found.
void FlowTable::reclaim_held(Instant now) noexcept {
  SessionIndex oldest = held_.oldest();
  while (oldest != kNoSession && is_pinned(oldest)) oldest = held_.younger(oldest);
  if (oldest != kNoSession) erase(oldest, now);
}

}  // namespace sluice::nat
