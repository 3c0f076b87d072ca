// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/flow_table.h"

#include <emmintrin.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "nat/pages.h"
#include "nat/session_words.h"
#include "nat/table_header.h"
#include "net/checksum.h"
#include "net/headers.h"

namespace sluice::nat {
namespace {

constexpr std::size_t kBytesPerSession = 96;  // at most, all in all

/// Two entries a session over twelve slots a bucket, half of them empty at capacity.
constexpr std::uint32_t buckets_for(std::uint32_t capacity) { return capacity / 3 + 2; }

/// Behind what little memory lies before the index.
constexpr std::size_t kBucketsAt = sizeof(TableHeader);

}  // namespace

Result<std::unique_ptr<FlowTable>> FlowTable::create(const Options& options) {
  const std::size_t wanted =
      kBucketsAt + std::size_t{buckets_for(options.capacity)} * sizeof(Bucket) +
      std::size_t{options.capacity} * (sizeof(Session) + sizeof(HeldSessions::Link));
  const Pages mapping = map_pages(wanted, std::size_t{options.capacity} * kBytesPerSession);
  if (mapping.memory == nullptr) {
    return Error{"cannot map " + std::to_string(wanted >> 20) + " MiB for " +
                 std::to_string(options.capacity) +
                 " sessions; give the machine more memory or lower flows.capacity"};
  }
  if (options.populate) populate(mapping);
  return std::unique_ptr<FlowTable>(
      new FlowTable(options, static_cast<std::byte*>(mapping.memory), mapping.bytes, mapping.kind));
}

FlowTable::FlowTable(const Options& options,
                     std::byte* memory,
                     std::size_t bytes,
                     const char* page_kind)
    : hash_(options.hash_seed),
      capacity_(options.capacity),
      buckets_count_(buckets_for(options.capacity)),
      buckets_(reinterpret_cast<Bucket*>(memory + kBucketsAt)),
      records_(reinterpret_cast<Session*>(buckets_ + buckets_count_)),
      memory_(memory),
      mapped_bytes_(bytes),
      page_kind_(page_kind),
      free_head_(kEndOfList),
      held_(reinterpret_cast<HeldSessions::Link*>(records_ + options.capacity)) {
  TableHeader header;
  header.capacity = capacity_;
  header.buckets = buckets_count_;
  header.buckets_at = kBucketsAt;
  header.records_at = kBucketsAt + std::size_t{buckets_count_} * sizeof(Bucket);
  header.hash_seed = options.hash_seed;
  new (memory_) TableHeader(header);
}

void FlowTable::belong_to(WorkerId worker, const OwnerFunction& owner) noexcept {
  auto& header = *reinterpret_cast<TableHeader*>(memory_);
  header.worker = worker;
  header.workers = static_cast<std::uint8_t>(owner.workers());
  header.key = owner.key();
  std::copy(owner.reta().begin(), owner.reta().end(), header.reta.begin());
  __atomic_store_n(&header.magic, TableHeader::kMagic, __ATOMIC_RELEASE);
}

FlowTable::~FlowTable() { unmap_pages(memory_, mapped_bytes_); }

// --- where a key may lie ---------------------------------------------------------------------

FlowTable::Place FlowTable::place_of(std::uint64_t hash) const noexcept {
  // Buckets come from the high bits of either half, the tag from bits neither uses.
  const std::uint32_t first = first_of(hash);
  std::uint32_t second = bucket_of(static_cast<std::uint32_t>(hash));
  if (second == first) second = first + 1 == buckets_count_ ? 0 : first + 1;
  return {first, second, tag_of(hash)};
}

unsigned FlowTable::match(const Bucket& bucket, std::uint8_t tag) noexcept {
  const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(&bucket));
  const __m128i equal = _mm_cmpeq_epi8(tags, _mm_set1_epi8(static_cast<char>(tag)));
  return static_cast<unsigned>(_mm_movemask_epi8(equal)) & ((1U << kSlots) - 1);
}

[[gnu::always_inline]] inline bool FlowTable::key_is(std::uint32_t entry,
                                                     const FlowKey& key) const noexcept {
  // Without a branch on the direction, which nobody can predict: in SessionIdentity the parts of
  // the inbound key lie one address and one port behind those of the outbound one.
  const SessionIdentity& identity = records_[entry & kIndexMask].identity;
  const auto* const bytes = reinterpret_cast<const std::byte*>(&identity);
  const std::size_t inbound = (entry & kInboundBit) != 0 ? 1 : 0;
  const auto differ = [](const void* a, const void* b, auto as) {
    auto x = as, y = as;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&y, b, sizeof y);
    return std::uint64_t{x} ^ std::uint64_t{y};
  };
  const std::uint64_t addresses =
      differ(bytes + inbound * sizeof(Be32), &key.source, std::uint64_t{});
  const std::uint64_t ports =
      differ(bytes + offsetof(SessionIdentity, pod_port) + inbound * sizeof(Be16), &key.source_port,
             std::uint32_t{});
  return (addresses | ports | (identity.protocol ^ key.protocol)) == 0;
}

std::uint32_t* FlowTable::entry_in(Bucket& bucket, std::uint8_t tag, const FlowKey& key) noexcept {
  for (unsigned mask = match(bucket, tag); mask != 0; mask &= mask - 1) {
    std::uint32_t& entry = bucket.entries[std::countr_zero(mask)];
    if (key_is(entry, key)) return &entry;
  }
  return nullptr;
}

std::uint32_t* FlowTable::entry_of(const FlowKey& key, const Place& place) noexcept {
  Bucket& first = buckets_[place.first];
  if (std::uint32_t* entry = entry_in(first, place.tag, key)) return entry;
  return first.spilled == 0 ? nullptr : entry_in(buckets_[place.second], place.tag, key);
}

// --- lookup ----------------------------------------------------------------------------------

[[gnu::always_inline]] inline Found FlowTable::unless_expired(std::uint32_t entry,
                                                              Instant now) noexcept {
  const SessionIndex index{entry & kIndexMask};
  // No packet has a mapping's remote, 0.0.0.0:0, nor what an erased record looks like.
  if (at(index).identity.is_mapping() || at(index).state() == SessionState::kFree) [[unlikely]] {
    return {};
  }
  if (is_past(at(index), now)) [[unlikely]] {
    erase(index, now);
    return {};
  }
  return {index, (entry & kInboundBit) != 0 ? Direction::kInbound : Direction::kOutbound};
}

Found FlowTable::find(const FlowKey& key, Instant now) noexcept {
  const std::uint32_t* entry = entry_of(key, place_of(hash(key)));
  return entry == nullptr ? Found{} : unless_expired(*entry, now);
}

Found FlowTable::peek(const FlowKey& key, Instant now) const noexcept {
  const std::uint32_t* entry = const_cast<FlowTable*>(this)->entry_of(key, place_of(hash(key)));
  if (entry == nullptr || expired(at(SessionIndex{*entry & kIndexMask}), now)) return {};
  return {SessionIndex{*entry & kIndexMask},
          (*entry & kInboundBit) != 0 ? Direction::kInbound : Direction::kOutbound};
}

SessionIndex FlowTable::holder_of(const FlowKey& key, Instant now) noexcept {
  const SessionIndex index = mapping_by(key);
  if (index == kNoSession || !expired(at(index), now)) return index;
  erase(index, now);
  return kNoSession;
}

void FlowTable::find_burst(std::span<const FlowKey> keys,
                           Instant now,
                           std::span<Found> found) noexcept {
  constexpr std::uint32_t kNone = 0xffffffffU;
  std::uint64_t hashes[64];
  std::uint32_t likely[64];  // the first entry whose tag fits: hardly ever another key's
  pins_ = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes[i] = hash(keys[i]);
    rte_prefetch0(&buckets_[first_of(hashes[i])]);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Bucket& bucket = buckets_[first_of(hashes[i])];
    const unsigned mask = match(bucket, tag_of(hashes[i]));
    likely[i] = mask == 0 ? kNone : bucket.entries[std::countr_zero(mask)];
    if (mask != 0) rte_prefetch0(&records_[likely[i] & kIndexMask]);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::uint32_t entry = likely[i];
    if (entry == kNone || !key_is(entry, keys[i])) [[unlikely]] {
      const std::uint32_t* other = entry_of(keys[i], place_of(hashes[i]));
      if (other == nullptr) {
        found[i] = {};
        continue;
      }
      entry = *other;
    }
    found[i] = unless_expired(entry, now);
    if (found[i] && at(found[i].session).held()) [[unlikely]]
      pin(found[i].session);
  }
}

// --- insertion and removal -------------------------------------------------------------------

bool FlowTable::put_in(Bucket& bucket, std::uint8_t tag, std::uint32_t entry) noexcept {
  const unsigned free = match(bucket, 0);
  if (free == 0) return false;
  const int slot = std::countr_zero(free);
  bucket.entries[slot] = entry;
  bucket.tags[slot] = tag;
  return true;
}

/// Moves one resident of a full bucket to its other bucket.
bool FlowTable::make_room(std::uint32_t full) noexcept {
  Bucket& bucket = buckets_[full];
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    const std::uint32_t entry = bucket.entries[slot];
    const SessionIdentity& identity = records_[entry & kIndexMask].identity;
    const FlowKey key =
        (entry & kInboundBit) != 0 ? identity.inbound_key() : identity.outbound_key();
    const Place place = place_of(hash(key));
    const bool at_first = place.first == full;
    if (!put_in(buckets_[at_first ? place.second : place.first], place.tag, entry)) continue;
    bucket.tags[slot] = 0;
    Bucket& first = buckets_[place.first];
    first.spilled = at_first ? first.spilled + 1 : first.spilled - 1;
    return true;
  }
  return false;
}

bool FlowTable::put(const Place& place, std::uint32_t entry) noexcept {
  if (put_in(buckets_[place.first], place.tag, entry)) return true;
  const bool placed = put_in(buckets_[place.second], place.tag, entry) ||
                      (make_room(place.second) && put_in(buckets_[place.second], place.tag, entry));
  if (placed) {
    ++buckets_[place.first].spilled;
    return true;
  }
  return make_room(place.first) && put_in(buckets_[place.first], place.tag, entry);
}

void FlowTable::remove(const FlowKey& key) noexcept {
  const Place place = place_of(hash(key));
  for (const std::uint32_t number : {place.first, place.second}) {
    Bucket& bucket = buckets_[number];
    const std::uint32_t* entry = entry_in(bucket, place.tag, key);
    if (entry == nullptr) continue;
    bucket.tags[entry - bucket.entries] = 0;
    if (number == place.second) --buckets_[place.first].spilled;
    return;
  }
}

SessionIndex FlowTable::insert(const NewSession& session, Instant now) noexcept {
  if ((session.flags & kHasMapping) == 0) return add(session, now);
  // Held before room is sought, which may end the last session that held it.
  if (!hold_mapping(session.pod, session.pod_port, session.protocol)) return kNoSession;
  const SessionIndex index = add(session, now);
  if (index == kNoSession) {
    let_go_of_mapping(session.pod, session.pod_port, session.protocol, now);
  }
  return index;
}

SessionIndex FlowTable::add(const NewSession& session, Instant now) noexcept {
  const SessionIndex index = take_record(now);
  if (index == kNoSession) return index;

  Session& record = at(index);
  const net::ChecksumDelta addresses = net::ChecksumDelta{}.replace(session.pod, session.snat);
  net::ChecksumDelta transport = net::ChecksumDelta{}.replace(session.pod_port, session.snat_port);
  // The ICMP sum has no pseudo header (RFC 792); all others that are rewritten do.
  if (session.protocol != net::kIcmp) transport.add(addresses);
  SessionIdentity identity{};
  identity.pod = session.pod;
  identity.remote = session.remote;
  identity.snat = session.snat;
  identity.pod_port = session.pod_port;
  identity.remote_port = session.remote_port;
  identity.snat_port = session.snat_port;
  identity.protocol = session.protocol;
  identity.flags = session.flags;
  identity.start = static_cast<std::uint16_t>(now.ms >> kStartShift);
  identity.l3_delta = addresses.folded();
  identity.l4_delta = transport.folded();
  for (unsigned i = 0; i < 3; ++i) {
    identity.rule[i] = static_cast<std::uint8_t>(session.rule.value >> (8 * i));
  }
  identity.state = static_cast<std::uint8_t>(session.state);
  {
    const WriteSection section(record);
    store_words(record.identity, identity);
    record.last_seen.set(now.ms);
    record.packets.set(0);
    for (unsigned i = 0; i < 2; ++i) {
      record.adjacency[i].set(session.adjacency[i].value);
      record.tcp_end[i].set(0);
      record.bytes[i].set(0);
    }
  }

  // The record is whole before the index names it.
  if (!put(place_of(hash(identity.outbound_key())), index.value)) {
    release(index);
    return kNoSession;
  }
  if (!put(place_of(hash(identity.inbound_key())), index.value | kInboundBit)) {
    remove(identity.outbound_key());
    release(index);
    return kNoSession;
  }
  size_.add(1);
  if (pods_ && identity.is_session()) pods_->add(session.pod);
  if (reports()) crowded_->note_used(identity, true);
  note(identity, SessionEvent::What::kCreate, now);
  return index;
}

/// Marks a record free and links it; nothing of the index names it any more.
void FlowTable::release(SessionIndex index) noexcept {
  Session& record = at(index);
  SessionIdentity identity{};
  identity.pod = Be32::from_raw(free_head_);
  const WriteSection section(record);
  store_words(record.identity, identity);
  free_head_ = index.value;
}

void FlowTable::erase(SessionIndex index, Instant now) noexcept {
  const SessionIdentity identity = at(index).identity;
  const bool held = at(index).held();
  if (reports()) {
    if (held) crowded_->note_held(identity, false);
    crowded_->note_used(identity, false);
  }
  remove(identity.outbound_key());
  remove(identity.inbound_key());
  release(index);
  size_.add(static_cast<std::uint32_t>(-1));
  if (identity.is_session()) ended_.add(1);
  note(identity, SessionEvent::What::kDelete, now);
  if (held) {
    held_.remove(index);
  } else if (pods_ && identity.is_session()) {
    pods_->remove(identity.pod);
  }
  if ((identity.flags & kRedirected) != 0 && departed_count_ < departed_.size()) {
    departed_[departed_count_++] = identity.outbound_key();
  }
  if ((identity.flags & kHasMapping) != 0) {
    let_go_of_mapping(identity.pod, identity.pod_port, identity.protocol, now);
  }
}

void FlowTable::count_pods() {
  if (!pods_) pods_ = std::make_unique<PodCounts>(capacity_);
}

std::uint32_t FlowTable::sessions_of(Be32 pod) const noexcept { return pods_ ? pods_->of(pod) : 0; }

}  // namespace sluice::nat
