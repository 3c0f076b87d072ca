// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// One worker's sessions, found by either side's tuple.
///
/// Layout: an array of 64-byte records and an index of 64-byte buckets. A bucket holds twelve
/// entries: a tag byte each (compared all at once by SIMD) and a 32-bit record number whose top
/// bit says which direction the key belongs to. A session has two entries, one a direction; the
/// key itself is compared in the record, so a hit reads one bucket and one record, and a miss
/// reads one bucket.
///
///     bucket: | 12 tags | spilled | 12 x (direction:1, record:31) |      one cache line
///
/// A key lives in its first bucket while that has room, else in its second; `spilled` counts the
/// keys a first bucket sent on, so a lookup reads the second only if there are any. The index has
/// twice as many slots as there are keys at capacity, so a second bucket without room is rare; then
/// one resident moves to its own other bucket, and if none can, the insertion is refused.
///
/// Owner: one worker; every member function is its alone, except read() and
/// size(), which any thread may call. Time is always an
/// argument. A record past its time is a miss even before the sweep reaches it.
///
/// Index and records are one mapping taken at construction, record numbers and offsets only, no
/// pointers, behind a header that says how to read it (table_header.h). The index names a record
/// only while that is whole: it comes last where a session opens, and goes first where one ends.
/// Counts by pod, where `flows.per_pod` asks for them, are beside it.
#pragma once

#include <rte_prefetch.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/result.h"
#include "nat/crowded_remotes.h"
#include "nat/flow_key.h"
#include "nat/held_sessions.h"
#include "nat/pod_counts.h"
#include "nat/session.h"
#include "nat/session_events.h"

namespace sluice::nat {

class OwnerFunction;
struct TableHeader;

/// Idle time by protocol class and state, in milliseconds.
struct IdleLimits {
  std::uint32_t tcp[kSessionStates] = {};
  std::uint32_t udp = 0;
  std::uint32_t icmp = 0;
  std::uint32_t other = 0;  ///< protocols translated by address only
};

class FlowTable {
 public:
  struct Options {
    std::uint32_t capacity = 0;  ///< sessions, 1 … 2^30
    std::uint64_t hash_seed = 0;
    bool populate = false;  ///< take all memory at once: no packet is to wait for the kernel
  };
  static Result<std::unique_ptr<FlowTable>> create(const Options& options);
  ~FlowTable();
  FlowTable(const FlowTable&) = delete;
  FlowTable& operator=(const FlowTable&) = delete;

  /// Writes into the header whose flows these are; they do not change.
  void belong_to(WorkerId worker, const OwnerFunction& owner) noexcept;
  [[nodiscard]] const TableHeader& header() const noexcept {
    return *reinterpret_cast<const TableHeader*>(memory_);
  }

  /// Limits may change (reload); they apply to running sessions too.
  void set_limits(const IdleLimits& limits) noexcept;

  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const noexcept { return hash_(key); }

  /// Looks up a burst: all buckets are fetched before the first is read, then all records.
  /// Sessions past their time are not found, and are erased as they are met; mappings are no
  /// sessions. Held ones are pinned. keys and found have equal sizes, at most 64.
  void find_burst(std::span<const FlowKey> keys, Instant now, std::span<Found> found) noexcept;
  [[nodiscard]] Found find(const FlowKey& key, Instant now) noexcept;
  /// The session or mapping that has this key.
  [[nodiscard]] SessionIndex holder_of(const FlowKey& key, Instant now) noexcept;
  /// Fetches what a lookup of this key reads first. Not by the compiler's builtin: g++ 12 takes a
  /// function that does nothing else for one without effect, and leaves out the calls.
  void prefetch(const FlowKey& key) const noexcept {
    rte_prefetch0(&buckets_[first_of(hash(key))]);
  }

  /// The same for whoever only wants to know: a session past its time stays, and is not found;
  /// a mapping is found by its key without a remote.
  [[nodiscard]] Found peek(const FlowKey& key, Instant now) const noexcept;

  /// Adds a session; the caller has seen that find() knows neither of its keys. kNoSession when no
  /// record is free even after looking for one past its time, when no bucket has room, or when the
  /// mapping it is to be on (kHasMapping) is gone. A mapping without another session goes with it.
  [[nodiscard]] SessionIndex insert(const NewSession& session, Instant now) noexcept;
  void erase(SessionIndex index, Instant now) noexcept;

  // Held sessions: ended, but for their ports' rest (Session::held()). They are not live, and where
  // no record is free insert() takes the one that ended first.
  /// The session has become a held one, or lives again.
  void note_held(SessionIndex index, bool held) noexcept;
  /// A packet under way has found this session: it is not taken before the next find_burst().
  void pin(SessionIndex index) noexcept;
  [[nodiscard]] bool is_pinned(SessionIndex index) const noexcept;
  [[nodiscard]] std::uint32_t held() const noexcept { return held_.count(); }  ///< any thread
  [[nodiscard]] const HeldSessions& held_sessions() const noexcept { return held_; }

  // Endpoint-independent mappings: see session.h. One without a session is never left behind.
  [[nodiscard]] SessionIndex find_mapping_of(Be32 pod, Be16 port, std::uint8_t protocol) noexcept;
  [[nodiscard]] SessionIndex find_mapping_at(Be32 snat, Be16 port, std::uint8_t protocol) noexcept;

  /// The flows of redirected sessions (notice.h) that have ended since the last call. A few hundred
  /// are kept.
  [[nodiscard]] std::span<const FlowKey> take_departed() noexcept {
    return {departed_.data(), std::exchange(departed_count_, 0)};
  }

  /// Who is told of every session that opens, rests, and ends; it outlives what it is told.
  void report_to(CrowdedRemotes* crowded) noexcept { crowded_ = crowded; }
  /// Who notes every translated session that opens and ends, or nobody; it outlives this.
  void log_to(SessionEvents* events) noexcept { events_ = events; }
  [[nodiscard]] const SessionEvents* events() const noexcept { return events_; }

  /// How many live sessions a pod address has, exact; counted only after count_pods().
  void count_pods();
  [[nodiscard]] std::uint32_t sessions_of(Be32 pod) const noexcept;

  [[nodiscard]] Session& at(SessionIndex index) noexcept { return records_[index.value]; }
  [[nodiscard]] const Session& at(SessionIndex index) const noexcept {
    return records_[index.value];
  }
  [[nodiscard]] bool expired(const Session& session, Instant now) const noexcept;
  /// Unless it is seen again before: sooner than its state would have it.
  void let_end_in(SessionIndex index, std::chrono::milliseconds time, Instant now) noexcept;

  /// Looks at the next `at_most` records and erases those past their time; returns how many.
  unsigned sweep(Instant now, unsigned at_most) noexcept;
  /// How many a worker's turn looks at in which so many sessions opened. A record is looked at
  /// every capacity / 8 turns at least; a turn is some microseconds under load. Where many sessions
  /// open, many will end: the sweep keeps up with four times as many.
  [[nodiscard]] static constexpr unsigned records_a_turn(unsigned opened) noexcept {
    return 8 + 4 * opened;
  }

  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_.get(); }  ///< any thread
  /// Sessions that ended, for whatever reason; mappings are none. Any thread.
  [[nodiscard]] std::uint64_t ended() const noexcept { return ended_.get(); }
  /// Records below this one may hold sessions; those from it on never did. Any thread.
  [[nodiscard]] std::uint32_t touched() const noexcept { return fresh_.get(); }
  [[nodiscard]] std::size_t bytes_mapped() const noexcept { return mapped_bytes_; }
  /// Of the counts by pod, beside it.
  [[nodiscard]] std::size_t bytes_of_pod_counts() const noexcept {
    return pods_ ? pods_->bytes() : 0;
  }
  /// "hugetlb", "transparent huge" or "plain" pages.
  [[nodiscard]] const char* page_kind() const noexcept { return page_kind_; }

  /// A consistent copy of record `index`, by any thread; nothing when it is free or a redirect, or
  /// when the owner kept writing it while we looked.
  struct Snapshot {
    SessionIdentity identity;
    Instant last_seen;
    std::uint32_t packets = 0;
    std::array<std::uint32_t, 2> bytes{};
  };
  [[nodiscard]] std::optional<Snapshot> read(SessionIndex index) const noexcept;

  /// Every index entry leads to a live record that owns its key, every live record has both of its
  /// entries, and the counts agree. For tests.
  [[nodiscard]] std::string check_invariants() const;

 private:
  static constexpr unsigned kSlots = 12;
  static constexpr std::uint32_t kEndOfList = 0xffffffffU;  ///< of free records
  static constexpr std::uint32_t kInboundBit = 0x80000000U;
  static constexpr std::uint32_t kIndexMask = 0x7fffffffU;
  struct alignas(64) Bucket {
    std::uint8_t tags[kSlots];  ///< 0: free
    std::uint32_t spilled;      ///< keys whose first bucket this is, kept in their second
    std::uint32_t entries[kSlots];
  };
  static_assert(sizeof(Bucket) == 64);
  struct Place {
    std::uint32_t first, second;
    std::uint8_t tag;
  };
  /// IdleLimits for whoever asks once a packet: the limit of a protocol and a state.
  class LimitTable {
   public:
    void fill(const IdleLimits& limits) noexcept;
    [[nodiscard]] std::uint32_t of(std::uint8_t protocol, SessionState state) const noexcept {
      return limits_[row_[protocol]][static_cast<unsigned>(state)];
    }

   private:
    std::array<std::uint8_t, 256> row_{};
    std::array<std::array<std::uint32_t, kSessionStates + 1>, 4> limits_{};
  };

  FlowTable(const Options& options, std::byte* memory, std::size_t bytes, const char* page_kind);

  // A key's first bucket and its tag, and all of it.
  [[nodiscard]] std::uint32_t bucket_of(std::uint32_t half) const noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{half} * buckets_count_) >> 32);
  }
  [[nodiscard]] std::uint32_t first_of(std::uint64_t hash) const noexcept {
    return bucket_of(static_cast<std::uint32_t>(hash >> 32));
  }
  [[nodiscard]] static std::uint8_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = static_cast<std::uint8_t>(hash);
    return tag == 0 ? std::uint8_t{1} : tag;
  }
  [[nodiscard]] Place place_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] static unsigned match(const Bucket& bucket, std::uint8_t tag) noexcept;
  [[nodiscard]] bool key_is(std::uint32_t entry, const FlowKey& key) const noexcept;
  [[nodiscard]] std::uint32_t* entry_in(Bucket& bucket,
                                        std::uint8_t tag,
                                        const FlowKey& key) noexcept;
  [[nodiscard]] std::uint32_t* entry_of(const FlowKey& key, const Place& place) noexcept;
  [[nodiscard, gnu::always_inline]] bool is_past(const Session& session,
                                                 Instant now) const noexcept {
    if (session.identity.is_mapping()) return false;  // goes with its last session
    const auto idle = now.since(Instant{session.last_seen.get()});
    const auto limit = limits_.of(session.identity.protocol, session.state());
    return idle > static_cast<std::int32_t>(limit);
  }
  [[nodiscard]] Found unless_expired(std::uint32_t entry, Instant now) noexcept;
  [[nodiscard]] bool put(const Place& place, std::uint32_t entry) noexcept;
  static bool put_in(Bucket& bucket, std::uint8_t tag, std::uint32_t entry) noexcept;
  bool make_room(std::uint32_t bucket) noexcept;
  void remove(const FlowKey& key) noexcept;
  [[nodiscard]] SessionIndex add(const NewSession& session, Instant now) noexcept;
  [[nodiscard]] bool hold_mapping(Be32 pod, Be16 port, std::uint8_t protocol) noexcept;
  void let_go_of_mapping(Be32 pod, Be16 port, std::uint8_t protocol, Instant now) noexcept;
  [[nodiscard]] SessionIndex mapping_by(const FlowKey& key) noexcept;
  [[nodiscard]] bool reports() const noexcept { return crowded_ != nullptr && crowded_->any(); }
  [[nodiscard]] SessionIndex take_record(Instant now) noexcept;
  [[nodiscard]] bool search_expired(Instant now) noexcept;
  void reclaim_held(Instant now) noexcept;
  void release(SessionIndex index) noexcept;
  void note(const SessionIdentity& session, SessionEvent::What what, Instant now) noexcept {
    if (events_ != nullptr) [[unlikely]]
      events_->put(session, what, now);
  }

  KeyHash hash_;
  std::uint32_t capacity_;
  std::uint32_t buckets_count_;
  Bucket* buckets_;
  Session* records_;
  std::byte* memory_;
  std::size_t mapped_bytes_;
  const char* page_kind_;
  LimitTable limits_{};
  Relaxed<std::uint32_t> size_;
  Relaxed<std::uint64_t> ended_;
  std::uint32_t free_head_;        ///< first of the freed records, linked through `pod`
  Relaxed<std::uint32_t> fresh_;   ///< records from here on were never used
  std::uint32_t cursor_ = 0;       ///< where the sweep goes on
  Instant searched_at_;            ///< when records were last searched for want of a free one
  unsigned searched_in_vain_ = 0;  ///< how often in that millisecond
  std::unique_ptr<PodCounts> pods_;
  HeldSessions held_;
  CrowdedRemotes* crowded_ = nullptr;
  SessionEvents* events_ = nullptr;
  std::array<SessionIndex, 64> pinned_;
  unsigned pins_ = 0;
  std::array<FlowKey, 512> departed_;
  std::size_t departed_count_ = 0;
};

}  // namespace sluice::nat
