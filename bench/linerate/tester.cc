// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/tester.h"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "linerate/checks.h"
#include "linerate/stop.h"

namespace sluice::bench {

using nat::Direction;

const char* name_of(Ways ways) {
  switch (ways) {
    case Ways::kOut: return "out";
    case Ways::kIn: return "in";
    case Ways::kBoth: return "both";
  }
  return "";
}

Tester::Tester(Wire& inner, Wire& uplink, rte_mempool* pool, bool translates)
    : inner_(inner), uplink_(uplink), pool_(pool), translates_(translates) {}

Outcome Tester::run(const Trial& trial) {
  const auto hz = static_cast<double>(rte_get_tsc_hz());
  trial_ = trial;
  outcome_ = {};
  made_ = 0;
  cursor_ = 0;
  direction_ = trial.ways == Ways::kIn ? Direction::kInbound : Direction::kOutbound;
  ++number_of_trial_;
  const std::uint64_t begun = rte_rdtsc();
  pace_ = {{trial.rate, trial.seconds, trial.packets}, hz, begun};
  seen_.assign(trial.verify ? pace_.all() : 0, false);

  std::uint64_t now = begun;
  while (pace_.goes_on(now, outcome_.sent, !sending_.empty()) && !is_stopped()) {
    send(pace_.due(now));
    receive(uplink_, Direction::kOutbound);
    receive(inner_, Direction::kInbound);
    now = rte_rdtsc();
    watch(now);
  }
  outcome_.seconds = static_cast<double>(now - begun) / hz;
  outcome_.offered = pace_.is_bounded() ? pace_.all() : outcome_.sent;
  outcome_.extrapolate_fresh(made_);
  for (; !sending_.empty(); ++sending_.first) {
    rte_pktmbuf_free(sending_.frames[sending_.first]);
    outcome_.fresh_sent -= sending_.fresh >> sending_.first & 1U;
  }
  throw_if_stopped();
  drain();
  watch_();
  return outcome_;
}

/// What has ended takes nothing more, and its driver may not bear to be polled.
void Tester::watch(std::uint64_t now) {
  if (now < next_watch_) return;
  next_watch_ = now + rte_get_tsc_hz() / 100;
  watch_();
}

// --- sending ---------------------------------------------------------------------------------

void Tester::send(std::uint64_t due) {
  if (sending_.empty() && made_ < due) {
    const auto count = static_cast<unsigned>(std::min<std::uint64_t>(kBurst, due - made_));
    if (!make_burst(count)) return;
  }
  if (!sending_.empty()) flush();
}

/// A burst in one direction; with kBoth the next one goes the other way.
bool Tester::make_burst(unsigned count) {
  if (rte_pktmbuf_alloc_bulk(pool_, sending_.frames.data(), count) != 0) return false;
  if (trial_.ways == Ways::kBoth) direction_ = nat::opposite(direction_);
  std::array<std::uint32_t, kBurst> sessions;
  for (unsigned i = 0; i < count; ++i) {
    sessions[i] = next_session();
    table_->prefetch(sessions[i]);
    rte_prefetch0(rte_pktmbuf_mtod(sending_.frames[i], void*));
  }
  sending_.fresh = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (is_fresh_due()) {
      sending_.fresh |= 1U << i;
      write_fresh(*sending_.frames[i]);
    } else {
      write(*sending_.frames[i], sessions[i], direction_);
    }
  }
  sending_.first = 0;
  sending_.end = count;
  return true;
}

std::uint32_t Tester::next_session() {
  if (!trial_.in_order) return dice_.below(table_->sessions());
  while (trial_.unknown_only && table_->knows(cursor_))
    cursor_ = (cursor_ + 1) % table_->sessions();
  const std::uint32_t session = cursor_;
  cursor_ = (cursor_ + 1) % table_->sessions();
  return session;
}

void Tester::write(rte_mbuf& frame, std::uint32_t session, Direction direction) {
  const std::uint8_t protocol = table_->protocol();
  const std::uint16_t length = std::max(trial_.frame, smallest_frame(protocol));
  auto* data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(&frame, length));
  net::header_at<Stamp>(data + stamp_offset(protocol)) = next_stamp(session);
  const bool out = direction == Direction::kOutbound;
  const Macs& macs = out ? inner_.macs() : uplink_.macs();
  const nat::FlowKey key = out ? table_->outbound(session) : table_->inbound(session);
  if (protocol == net::kTcp) {
    write_tcp({data, length}, macs, key, {trial_.tcp_flags, session});
  } else {
    write_udp({data, length}, macs, key);
  }
}

bool Tester::is_fresh_due() {
  if (trial_.fresh.every == 0 || direction_ != trial_.fresh.direction) return false;
  return ++fresh_turn_ % trial_.fresh.every == 0;
}

/// Of another protocol than the sessions where these are UDP's, so that no two are the same.
void Tester::write_fresh(rte_mbuf& frame) {
  constexpr std::uint32_t kMany = 1U << 24;
  const std::uint16_t length = std::max(trial_.frame, smallest_frame(net::kTcp));
  auto* data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(&frame, length));
  net::header_at<Stamp>(data + stamp_offset(net::kTcp)) = next_stamp(kFresh);
  nat::FlowKey key = flow(fresh_++ % kMany, net::kTcp);
  const bool out = direction_ == Direction::kOutbound;
  if (!out) {
    key = key.reversed();
    key.source = Be32::from_host(dice_.below(0xffffffff));
    key.destination = table_->translated(0).source;
  }
  write_tcp({data, length}, (out ? inner_ : uplink_).macs(), key, {net::kSyn, 0});
  ++outcome_.fresh_sent;
}

Stamp Tester::next_stamp(std::uint32_t session) {
  const std::uint64_t intended = pace_.is_steady() ? pace_.intended(made_) : rte_rdtsc();
  const Stamp stamp{
      Be16::from_host(static_cast<std::uint16_t>(kStampMark | (number_of_trial_ & 0xff))),
      Be32::from_host(session), Be32::from_host(static_cast<std::uint32_t>(made_)),
      BigEndian<std::uint64_t>::from_host(intended)};
  ++made_;
  return stamp;
}

void Tester::flush() {
  Wire& wire = direction_ == Direction::kOutbound ? inner_ : uplink_;
  const unsigned taken =
      wire.transmit({sending_.frames.data() + sending_.first, sending_.end - sending_.first});
  sending_.first += taken;
  outcome_.sent += taken;
}

// --- receiving -------------------------------------------------------------------------------

unsigned Tester::receive(Wire& wire, Direction direction) {
  std::array<rte_mbuf*, kBurst> frames;
  const unsigned count = wire.receive(frames);
  if (count == 0) return 0;
  const std::uint64_t now = rte_rdtsc();
  for (unsigned i = 0; i < count; ++i) rte_prefetch0(rte_pktmbuf_mtod(frames[i], void*));
  for (unsigned i = 0; i < count; ++i) take(*frames[i], direction, now);
  rte_pktmbuf_free_bulk(frames.data(), count);
  return count;
}

void Tester::take(const rte_mbuf& mbuf, Direction direction, std::uint64_t now) {
  const std::span<const std::uint8_t> frame{rte_pktmbuf_mtod(&mbuf, const std::uint8_t*),
                                            mbuf.data_len};
  if (!is_ipv4(frame)) {
    ++outcome_.other;
    return;
  }
  const Stamp* stamp = stamp_of(frame, table_->protocol());
  bool fresh = false;
  if (stamp == nullptr && trial_.fresh.every != 0) {
    stamp = stamp_of(frame, net::kTcp);
    fresh = stamp != nullptr && stamp->session.to_host() == kFresh;
  }
  const std::uint32_t session = stamp == nullptr ? 0 : stamp->session.to_host();
  if (stamp == nullptr || (session >= table_->sessions() && !fresh)) {
    ++outcome_.foreign;
    return;
  }
  if ((stamp->trial.to_host() & 0xff) != (number_of_trial_ & 0xff)) {
    ++outcome_.late;
    return;
  }
  ++outcome_.received;
  const std::uint64_t left = stamp->intended.to_host();
  outcome_.latency.add(now > left ? now - left : 0);
  if (trial_.verify) {
    const std::uint32_t number = stamp->number.to_host();
    if (number >= seen_.size() || seen_[number]) {
      ++outcome_.doubled;
    } else {
      seen_[number] = true;
    }
  }
  if (fresh) {
    ++outcome_.fresh_received;
    return;
  }
  if (direction == Direction::kOutbound && (trial_.verify || trial_.in_order)) {
    const nat::FlowKey key = key_of(frame);
    if (!table_->learn(session, key.source, key.source_port)) ++outcome_.wrong_tuple;
  }
  if (trial_.verify) check(frame, session, direction);
}

void Tester::check(std::span<const std::uint8_t> frame,
                   std::uint32_t session,
                   Direction direction) {
  if (!checksums_hold(frame)) ++outcome_.wrong_checksum;
  const nat::FlowKey outbound = table_->outbound(session);
  const nat::FlowKey wanted =
      direction == Direction::kOutbound ? table_->translated(session) : outbound.reversed();
  const bool hidden = !translates_ || table_->translated(session).source != outbound.source;
  if (key_of(frame) != wanted || !hidden) ++outcome_.wrong_tuple;
}

/// What is still on its way: until all is there, or nothing has come for a while.
void Tester::drain() {
  // Where it is about every single session, a device that is given no time is waited for.
  const std::uint64_t patience = rte_get_tsc_hz() / (trial_.in_order ? 1 : 10);
  std::uint64_t last = rte_rdtsc();
  while (rte_rdtsc() - last < patience) {
    const unsigned count =
        receive(uplink_, Direction::kOutbound) + receive(inner_, Direction::kInbound);
    if (count != 0) last = rte_rdtsc();
    watch(rte_rdtsc());
    // A doubled packet may still follow where that is asked for.
    if (outcome_.received >= outcome_.sent && !trial_.verify) return;
  }
}

}  // namespace sluice::bench
