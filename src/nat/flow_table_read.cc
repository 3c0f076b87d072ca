// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
// What others than the owner read of a flow table.
#include <bit>

#include "nat/flow_table.h"
#include "nat/session_words.h"

namespace sluice::nat {

std::optional<FlowTable::Snapshot> FlowTable::read(SessionIndex index) const noexcept {
  constexpr int kTries = 8;
  const Session& record = at(index);
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const std::uint32_t before = record.sequence.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    Snapshot copy{load_words(record.identity),
                  Instant{record.last_seen.get()},
                  record.packets.get(),
                  {record.bytes[0].get(), record.bytes[1].get()}};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (record.sequence.load(std::memory_order_relaxed) != before) continue;
    if (copy.identity.state == 0 || (!copy.identity.is_mapping() && !copy.identity.is_session())) {
      return std::nullopt;
    }
    return copy;
  }
  return std::nullopt;
}

std::string FlowTable::check_invariants() const {
  auto& self = const_cast<FlowTable&>(*this);
  std::uint32_t live = 0;
  for (std::uint32_t i = 0; i < fresh_.get(); ++i) {
    const Session& session = records_[i];
    if (session.state() == SessionState::kFree) continue;
    ++live;
    for (const bool inbound : {false, true}) {
      const FlowKey key =
          inbound ? session.identity.inbound_key() : session.identity.outbound_key();
      const std::uint32_t* entry = self.entry_of(key, place_of(hash(key)));
      const std::uint32_t wanted = i | (inbound ? kInboundBit : 0);
      if (entry == nullptr || *entry != wanted) {
        return "record " + std::to_string(i) + " is not where its key leads";
      }
    }
  }
  std::uint32_t entries = 0;
  for (std::uint32_t b = 0; b < buckets_count_; ++b) {
    entries += kSlots - static_cast<unsigned>(std::popcount(match(buckets_[b], 0)));
  }
  std::uint32_t held = 0;
  for (std::uint32_t i = 0; i < fresh_.get(); ++i) held += records_[i].held() ? 1 : 0;
  if (held != held_.count()) return "held() differs from the held records";
  if (live != size_.get()) return "size() differs from the live records";
  if (entries != 2 * live) return "the index has " + std::to_string(entries) + " entries";
  return "";
}

}  // namespace sluice::nat
