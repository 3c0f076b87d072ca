// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/room.h"

#include <algorithm>

namespace sluice::explain {
namespace {

constexpr unsigned kAStep = 256;  // lookups: a burst waits for them as for another burst
constexpr std::uint32_t kAllPorts = 65'536;

}  // namespace

Room::Room(const nat::OwnerFunction& owner, WorkerId worker, RoomRequest request)
    : owner_(owner), worker_(worker), request_(std::move(request)) {
  step = [](gateway::Errand& self, nat::FlowTable& table, Instant now) noexcept {
    return static_cast<Room&>(self).look(table, now);
  };
  for (const Ipv4Addr& address : request_.addresses) {
    Candidate candidate;
    candidate.reply = request_.reply;
    candidate.reply.destination = address.wire();
    candidates_.push_back(candidate);
  }
}

bool Room::look(const nat::FlowTable& table, Instant now) noexcept {
  if (!look_at_ports(table, now)) return false;
  if (!counted_) count(table);
  return look_for_expired(table, now);
}

void Room::count(const nat::FlowTable& table) noexcept {
  counted_ = true;
  sessions_of_pod_ = table.sessions_of(request_.pod);
  sessions_ = table.size();
  capacity_ = table.capacity();
  // Where no record is free, one that only rests is taken.
  records_free_ = capacity_ - sessions_ + table.held();
}

/// The addresses after one that has a free port are not asked.
bool Room::look_at_ports(const nat::FlowTable& table, Instant now) noexcept {
  for (unsigned i = 0; i < kAStep; ++i) {
    if (candidate_ == candidates_.size()) return true;
    Candidate& candidate = candidates_[candidate_];
    if (offset_ == kAllPorts) {
      candidate_ = candidate.free != 0 ? candidates_.size() : candidate_ + 1;
      offset_ = 0;
      continue;
    }
    const auto number = static_cast<std::uint16_t>(request_.wanted.to_host() + offset_++);
    if (request_.ports[number]) look_at_port(candidate, Be16::from_host(number), table, now);
  }
  return false;
}

void Room::look_at_port(Candidate& candidate,
                        Be16 port,
                        const nat::FlowTable& table,
                        Instant now) noexcept {
  nat::FlowKey reply = candidate.reply;
  reply.destination_port = port;
  if (!request_.independent && owner_.owner(owner_.hash(reply)) != worker_) return;
  ++candidate.ports;
  nat::Found holder = table.peek(reply, now);
  if (!holder && request_.independent) {
    reply.source = {};
    reply.source_port = {};
    holder = table.peek(reply, now);
  }
  if (!holder) {
    ++candidate.free;
    if (!candidate.next_free) candidate.next_free = port;
    return;
  }
  const nat::Session& session = table.at(holder.session);
  const std::int32_t rested = now.since(Instant{session.last_seen.get()});
  if (!session.held() || rested <= candidate.rested_ms) return;
  candidate.rested_ms = rested;
  candidate.resting = port;
}

/// A full table takes the place of a session past its time, if there is one.
bool Room::look_for_expired(const nat::FlowTable& table, Instant now) noexcept {
  for (unsigned i = 0; i < kAStep; ++i) {
    if (has_record() || record_ == table.touched()) return true;
    if (table.expired(table.at(nat::SessionIndex{record_++}), now)) ++records_free_;
  }
  return false;
}

const Room::Candidate* Room::serving(bool reclaim) const noexcept {
  const auto found = std::find_if(candidates_.begin(), candidates_.end(), [&](const auto& each) {
    return each.next_free || (reclaim && each.resting);
  });
  return found == candidates_.end() ? nullptr : &*found;
}

Room::Finding Room::finding(bool reclaim) const {
  using pipeline::DropReason;
  if (sessions_of_pod_ >= request_.pod_limit) return {DropReason::kPodLimit, {}};
  const Candidate* candidate = serving(reclaim);
  if (chooses() && candidate == nullptr) {
    const bool portless = request_.ports.count() == 1 && request_.ports[0];
    return {portless ? DropReason::kProtocolInUse : DropReason::kPortsExhausted, {}};
  }
  if (!has_record()) return {DropReason::kFlowTableFull, {}};
  if (candidate == nullptr) return {};
  const Be16 port = candidate->next_free ? *candidate->next_free : *candidate->resting;
  return {{}, External{Ipv4Addr{candidate->reply.destination}, port}};
}

std::uint32_t Room::ports(bool reclaim) const {
  const Candidate* candidate = serving(reclaim);
  return candidate != nullptr ? candidate->ports : candidates_.front().ports;
}

std::uint32_t Room::ports_free(bool reclaim) const {
  const Candidate* candidate = serving(reclaim);
  return candidate != nullptr ? candidate->free : 0;
}

}  // namespace sluice::explain
