// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/flow_table.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <bit>
#include <map>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/ip.h"
#include "net/headers.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

using test::Random;
using namespace std::chrono_literals;

Be32 be32(std::uint32_t value) { return Be32::from_host(value); }
Be16 be16(unsigned value) { return Be16::from_host(static_cast<std::uint16_t>(value)); }

std::unique_ptr<FlowTable> make_table(std::uint32_t capacity, std::uint64_t seed = 1) {
  auto table = FlowTable::create({capacity, seed});
  EXPECT_TRUE(table.ok());
  return std::move(table).value();
}

IdleLimits limits() {
  IdleLimits limits;
  for (unsigned i = 0; i < kSessionStates; ++i) limits.tcp[i] = 1000 * (i + 1);
  limits.udp = 3000;
  limits.icmp = 600;
  limits.other = 2000;
  return limits;
}

std::uint32_t limit_of(std::uint8_t protocol, SessionState state) {
  switch (protocol) {
    case 6: return limits().tcp[static_cast<unsigned>(state)];
    case 17: return limits().udp;
    case 1: return limits().icmp;
    default: return limits().other;
  }
}

NewSession udp_session(std::uint32_t number) {
  NewSession session{be32(0x0a000000 | number >> 8),
                     be32(0x08080808),
                     be32(0x0a0a0a14),
                     be16(number & 0xff),
                     be16(53 + number / 64512),
                     be16(1024 + number % 64512)};
  session.protocol = net::kUdp;
  session.flags = kTranslated;
  return session;
}
FlowKey outbound_key(const NewSession& s) {
  return {s.pod, s.remote, s.pod_port, s.remote_port, s.protocol, {}};
}
FlowKey inbound_key(const NewSession& s) {
  return {s.remote, s.snat, s.remote_port, s.snat_port, s.protocol, {}};
}

// --- the model -------------------------------------------------------------------------------

struct KeyHasher {
  std::size_t operator()(const FlowKey& key) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof key});
  }
};

/// What the table should hold, the slow way: two maps that nobody can doubt.
class Model {
 public:
  struct Flow {
    NewSession session;
    SessionIndex index;
    Instant last_seen;
    SessionState state;
  };

  [[nodiscard]] static bool expired(const Flow& flow, Instant now) {
    const auto limit = limit_of(flow.session.protocol, flow.state);
    return now.since(flow.last_seen) > static_cast<std::int32_t>(limit);
  }

  /// Ended, but for its port's rest: not live, and gives way to a new one.
  [[nodiscard]] static bool held(const Flow& flow) {
    return (flow.session.flags & kTranslated) != 0 &&
           (flow.state == SessionState::kClosed || flow.state == SessionState::kReset);
  }

  struct Hit {
    Flow* flow = nullptr;
    Direction direction = Direction::kOutbound;
  };
  [[nodiscard]] Hit find(const FlowKey& key) {
    const auto place = keys_.find(key);
    if (place == keys_.end()) return {};
    return {&flows_.at(place->second.first), place->second.second};
  }
  void insert(const NewSession& session, SessionIndex index, Instant now) {
    ASSERT_EQ(flows_.count(index.value), 0u) << "the table gave away a record in use";
    flows_[index.value] = {session, index, now, session.state};
    keys_[outbound_key(session)] = {index.value, Direction::kOutbound};
    keys_[inbound_key(session)] = {index.value, Direction::kInbound};
  }
  void erase(SessionIndex index) {
    const auto place = flows_.find(index.value);
    keys_.erase(outbound_key(place->second.session));
    keys_.erase(inbound_key(place->second.session));
    flows_.erase(place);
  }
  /// Forgets what is past its time; how many that were.
  unsigned expire(Instant now) {
    std::vector<SessionIndex> gone;
    for (const auto& [number, flow] : flows_) {
      if (expired(flow, now)) gone.push_back(flow.index);
    }
    for (const SessionIndex index : gone) erase(index);
    return static_cast<unsigned>(gone.size());
  }
  [[nodiscard]] std::size_t live(Instant now) const {
    std::size_t count = 0;
    for (const auto& [number, flow] : flows_) count += expired(flow, now) || held(flow) ? 0 : 1;
    return count;
  }
  [[nodiscard]] std::size_t sessions_of(Be32 pod) const {
    std::size_t count = 0;
    for (const auto& [number, flow] : flows_) {
      count += flow.session.pod == pod && !held(flow) ? 1 : 0;
    }
    return count;
  }
  [[nodiscard]] Flow* any(Random& random) {
    if (flows_.empty()) return nullptr;
    auto place = flows_.lower_bound(random.below(flows_.rbegin()->first + 1));
    return &place->second;
  }
  [[nodiscard]] std::size_t size() const { return flows_.size(); }
  [[nodiscard]] const std::map<std::uint32_t, Flow>& flows() const { return flows_; }

 private:
  std::map<std::uint32_t, Flow> flows_;
  std::unordered_map<FlowKey, std::pair<std::uint32_t, Direction>, KeyHasher> keys_;
};

/// Does the same to a table and to the model, and compares at each step.
class ModelRun {
 public:
  ModelRun(std::uint32_t capacity, std::uint64_t hash_seed, std::uint32_t universe)
      : table_(make_table(capacity, hash_seed)), capacity_(capacity), universe_(universe) {
    table_->set_limits(limits());
    table_->count_pods();
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      SCOPED_TRACE("step " + std::to_string(step) + ", capacity " + std::to_string(capacity_) +
                   ", " + random_.seed());
      act();
      ASSERT_EQ(table_->size(), model_.size());
      ASSERT_EQ(inserted_ - table_->ended(), table_->size());
      if (step % 97 == 0 || capacity_ <= 64) {
        ASSERT_EQ(table_->check_invariants(), "");
      }
      if (testing::Test::HasFatalFailure()) return;
    }
    finish();
  }

 private:
  void act() {
    switch (random_.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5: return insert();
      case 6:
      case 7:
      case 8: return find();
      case 9: return find_burst();
      case 10: return erase();
      case 11:
      case 12: return touch();
      case 13: return change_state();
      case 14: return sweep();
      default: return pass_time();
    }
  }

  NewSession some_session() {
    constexpr std::uint8_t kProtocols[] = {net::kTcp, net::kUdp, net::kIcmp, 47};
    NewSession session;
    session.protocol = kProtocols[random_.below(4)];
    const std::uint32_t number = random_.below(universe_);
    session.pod = be32(0x0a000000 + number % 7);
    session.remote = be32(0x08080800 + number / 7 % 3);
    session.pod_port = be16(number);
    session.remote_port = be16(53);
    if (random_.coin()) {
      session.snat = be32(0x0a0a0a14);
      session.snat_port = be16(random_.below(universe_));
      session.flags = kTranslated;
    } else {
      session.snat = session.pod;
      session.snat_port = session.pod_port;
      session.flags = random_.coin() ? kOpenedInbound : 0;
    }
    session.rule = {random_.below(1 << 24)};
    session.state = SessionState::kEstablished;
    return session;
  }

  /// Compares the table's answer with the model's; an expired record is a miss, and gone.
  void expect_same(const FlowKey& key, const Found& found) {
    const Model::Hit hit = model_.find(key);
    if (hit.flow == nullptr || Model::expired(*hit.flow, now_)) {
      ASSERT_FALSE(found) << "a key was found that no live session has";
      if (hit.flow != nullptr) model_.erase(hit.flow->index);
      return;
    }
    ASSERT_TRUE(found) << "a live session was not found";
    ASSERT_EQ(found.session, hit.flow->index);
    ASSERT_EQ(found.direction, hit.direction);
    ASSERT_EQ(table_->at(found.session).identity.rule_id(), hit.flow->session.rule);
    ASSERT_EQ(table_->at(found.session).state(), hit.flow->state);
  }

  FlowKey some_key() {
    const NewSession session = some_session();
    return random_.coin() ? outbound_key(session) : inbound_key(session);
  }
  void check(const FlowKey& key) { expect_same(key, table_->find(key, now_)); }

  void find() {
    check(some_key());
    if (const Model::Flow* flow = model_.any(random_)) {
      const NewSession session = flow->session;
      check(random_.coin() ? outbound_key(session) : inbound_key(session));
    }
  }

  void find_burst() {
    std::vector<FlowKey> keys;
    for (std::uint32_t i = random_.below(33); i > 0; --i) {
      const Model::Flow* flow = random_.coin() ? model_.any(random_) : nullptr;
      keys.push_back(flow != nullptr ? inbound_key(flow->session) : some_key());
    }
    std::vector<Found> found(keys.size());
    table_->find_burst(keys, now_, found);
    for (std::size_t i = 0; i < keys.size(); ++i) expect_same(keys[i], found[i]);
  }

  void insert() {
    const NewSession session = some_session();
    check(outbound_key(session));
    check(inbound_key(session));
    if (model_.find(outbound_key(session)).flow != nullptr) return;
    if (model_.find(inbound_key(session)).flow != nullptr) return;
    // What a packet under way has found does not give way either.
    std::size_t live = model_.live(now_);
    for (const auto& [number, flow] : model_.flows()) {
      live +=
          Model::held(flow) && !Model::expired(flow, now_) && table_->is_pinned(flow.index) ? 1 : 0;
    }
    const std::uint32_t size = table_->size();
    SessionIndex index = table_->insert(session, now_);
    if (index == kNoSession && capacity_ <= 256 && live < capacity_) {
      // Searched for in vain before in this millisecond, and expired since.
      now_ = now_.plus(1ms);
      index = table_->insert(session, now_);
      ASSERT_NE(index, kNoSession) << "refused though a record is expired or held";
    }
    if (index == kNoSession) {
      ASSERT_EQ(size, capacity_) << "refused though there are free records";
      drop_expired_that_the_table_dropped();
      return;
    }
    ++inserted_;
    ASSERT_LT(live, capacity_) << "accepted beyond capacity";
    ASSERT_LT(index.value, capacity_);
    drop_expired_that_the_table_dropped(index);
    model_.insert(session, index, now_);
    check(outbound_key(session));
    check(inbound_key(session));
  }

  /// insert() and sweep() may erase expired records, insert() one that is held, and no others.
  void drop_expired_that_the_table_dropped(SessionIndex reused = kNoSession) {
    std::vector<SessionIndex> gone;
    int reclaimed = 0;
    for (const auto& [number, flow] : model_.flows()) {
      const bool freed = table_->at({number}).state() == SessionState::kFree;
      if (!freed && flow.index != reused) continue;
      ASSERT_TRUE(Model::expired(flow, now_) || Model::held(flow)) << "a live session was evicted";
      reclaimed += Model::expired(flow, now_) ? 0 : 1;
      gone.push_back(flow.index);
    }
    ASSERT_LE(reclaimed, 1) << "one record is enough for one session";
    for (const SessionIndex index : gone) model_.erase(index);
  }

  void erase() {
    const Model::Flow* flow = model_.any(random_);
    if (flow == nullptr) return;
    const NewSession session = flow->session;
    const SessionIndex index = flow->index;
    table_->erase(index, now_);
    model_.erase(index);
    check(outbound_key(session));
    check(inbound_key(session));
  }

  void touch() {
    Model::Flow* flow = model_.any(random_);
    if (flow == nullptr || Model::expired(*flow, now_)) return;
    table_->at(flow->index).last_seen.set(now_.ms);
    flow->last_seen = now_;
  }

  void change_state() {
    Model::Flow* flow = model_.any(random_);
    if (flow == nullptr) return;
    const bool held = Model::held(*flow);
    flow->state = static_cast<SessionState>(1 + random_.below(kSessionStates - 1));
    table_->at(flow->index).set_state(flow->state);
    if (Model::held(*flow) != held) table_->note_held(flow->index, !held);
  }

  void sweep() {
    const bool whole = random_.coin();
    const std::uint32_t before = table_->size();
    const unsigned erased = table_->sweep(now_, whole ? capacity_ : random_.below(capacity_ + 1));
    ASSERT_EQ(table_->size(), before - erased);
    drop_expired_that_the_table_dropped();
    if (whole) {
      for (const auto& [number, flow] : model_.flows()) {
        ASSERT_FALSE(Model::expired(flow, now_)) << "a whole sweep left an expired record";
      }
    }
    for (std::uint32_t pod = 0; pod < 7; ++pod) {
      ASSERT_EQ(table_->sessions_of(be32(0x0a000000 + pod)),
                model_.sessions_of(be32(0x0a000000 + pod)));
    }
  }

  void pass_time() {
    now_ = now_.plus(std::chrono::milliseconds(random_.below(10) == 0 ? random_.below(12'000)
                                                                      : random_.below(300)));
  }

  /// After the last timeout nothing is left.
  void finish() {
    now_ = now_.plus(60s);
    const unsigned expected = model_.expire(now_);
    ASSERT_EQ(table_->sweep(now_, capacity_), expected);
    ASSERT_EQ(table_->size(), 0u);
    ASSERT_EQ(table_->check_invariants(), "");
  }

  Random random_;
  std::unique_ptr<FlowTable> table_;
  Model model_;
  std::uint32_t capacity_;
  std::uint32_t universe_;
  std::uint64_t inserted_ = 0;
  Instant now_{0xffff'f000};  // the clock wraps while the test runs
};

TEST(FlowTableModel, SmallTables) {
  for (std::uint32_t capacity = 1; capacity <= 64; ++capacity) {
    ModelRun(capacity, capacity * 77, 2 * capacity).run(1500);
    if (HasFatalFailure()) FAIL() << "capacity " << capacity;
  }
}

TEST(FlowTableModel, SmallTablesThatAreMostlyFull) {
  for (const std::uint32_t capacity : {1u, 2u, 3u, 5u, 12u, 13u, 24u, 63u, 64u}) {
    ModelRun(capacity, capacity * 131, 40 * capacity + 100).run(4000);
    if (HasFatalFailure()) FAIL() << "capacity " << capacity;
  }
}

TEST(FlowTableModel, AMediumTable) { ModelRun(4096, 5, 6000).run(40'000); }
TEST(FlowTableModel, AMediumTableThatIsMostlyFull) { ModelRun(700, 6, 60'000).run(40'000); }

// --- fullness --------------------------------------------------------------------------------

TEST(FlowTable, AcceptsExactlyItsCapacityAndThenRefusesWithoutEvicting) {
  for (const std::uint32_t capacity : {1u, 2u, 3u, 64u, 1000u, 65'536u}) {
    for (const std::uint64_t seed : {1u, 2u, 3u}) {
      const auto table = make_table(capacity, seed);
      table->set_limits(limits());
      const Instant now{5000};
      for (std::uint32_t i = 0; i < capacity; ++i) {
        ASSERT_NE(table->insert(udp_session(i), now), kNoSession)
            << i << " of " << capacity << ", seed " << seed;
      }
      EXPECT_EQ(table->insert(udp_session(capacity), now), kNoSession);
      EXPECT_EQ(table->size(), capacity);
      for (std::uint32_t i = 0; i < capacity; ++i) {
        const NewSession session = udp_session(i);
        const Found out = table->find(outbound_key(session), now);
        const Found in = table->find(inbound_key(session), now);
        ASSERT_TRUE(out);
        ASSERT_EQ(out.session, in.session);
        ASSERT_EQ(out.direction, Direction::kOutbound);
        ASSERT_EQ(in.direction, Direction::kInbound);
      }
      EXPECT_EQ(table->check_invariants(), "");
    }
  }
}

/// Catalogue 102: full of expired flows, new ones open at once; full of live ones, none does.
TEST(FlowTable, FullOfExpiredSessionsMakesRoom) {
  const auto table = make_table(10'000);
  table->set_limits(limits());
  Instant now{0};
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    ASSERT_NE(table->insert(udp_session(i), now), kNoSession);
  }
  now = now.plus(3001ms);
  for (std::uint32_t i = 10'000; i < 20'000; ++i) {
    ASSERT_NE(table->insert(udp_session(i), now), kNoSession) << i;
  }
  EXPECT_EQ(table->insert(udp_session(20'000), now), kNoSession);
  EXPECT_EQ(table->check_invariants(), "");
}

/// However many flows are refused, the search for a record goes on at its own pace: what a flood
/// costs known flows is bounded, and a record past its time is found all the same.
TEST(FlowTable, AFloodIntoAFullTableIsSearchedForAtABoundedPace) {
  constexpr std::uint32_t kRecords = 10'000;
  const auto table = make_table(kRecords);
  table->set_limits(limits());
  Instant now{0};
  std::vector<SessionIndex> sessions;
  for (std::uint32_t i = 0; i < kRecords; ++i) {
    sessions.push_back(table->insert(udp_session(i), now));
  }
  now = now.plus(std::chrono::milliseconds(limits().udp + 1));
  for (std::uint32_t i = 0; i + 1 < kRecords; ++i) {
    table->at(sessions[i]).last_seen.set(now.ms);
  }
  // All but the last one are alive.
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(table->insert(udp_session(kRecords), now), kNoSession);
  unsigned milliseconds = 0;
  while (table->insert(udp_session(kRecords), now) == kNoSession) {
    now = now.plus(1ms);
    ASSERT_LE(++milliseconds, 100u);
  }
  EXPECT_FALSE(table->find(outbound_key(udp_session(kRecords - 1)), now));
  EXPECT_TRUE(table->find(outbound_key(udp_session(0)), now));
  EXPECT_EQ(table->check_invariants(), "");
}

TEST(FlowTable, SessionsLiveExactlyAsLongAsTheirLimit) {
  const auto table = make_table(8);
  table->set_limits(limits());
  const NewSession session = udp_session(7);
  const Instant start{0xffff'ff00};
  ASSERT_NE(table->insert(session, start), kNoSession);
  EXPECT_TRUE(table->find(outbound_key(session), start.plus(3000ms)));
  EXPECT_FALSE(table->find(inbound_key(session), start.plus(3001ms)));
  EXPECT_EQ(table->size(), 0u);
}

TEST(FlowTable, PeekingFindsWhatIsThereAndEndsNothing) {
  const auto table = make_table(16);
  table->set_limits(limits());
  const NewSession session = udp_session(1);
  const SessionIndex index = table->insert(session, Instant{0});
  EXPECT_EQ(table->peek(outbound_key(session), Instant{10}).session, index);
  EXPECT_EQ(table->peek(inbound_key(session), Instant{10}).direction, Direction::kInbound);
  EXPECT_FALSE(table->peek(outbound_key(udp_session(2)), Instant{10}));
  EXPECT_FALSE(table->peek(outbound_key(session), Instant{3001}));
  EXPECT_EQ(table->size(), 1U);
  EXPECT_EQ(table->peek(outbound_key(session), Instant{3000}).session, index);
}

TEST(FlowTable, LimitsThatChangeApplyToRunningSessions) {
  const auto table = make_table(8);
  table->set_limits(limits());
  const NewSession session = udp_session(7);
  ASSERT_NE(table->insert(session, {0}), kNoSession);
  IdleLimits shorter = limits();
  shorter.udp = 10;
  table->set_limits(shorter);
  EXPECT_FALSE(table->find(outbound_key(session), {11}));
}

/// Each reload sets the limits again.
TEST(FlowTable, RedirectsLastTwiceTheLongestLimitHoweverOftenItIsSet) {
  const auto table = make_table(8);
  IdleLimits set = limits();
  set.udp = 7'200'000;
  for (int i = 0; i < 40; ++i) table->set_limits(set);
  NewSession redirect = udp_session(1);
  redirect.protocol = net::kTcp;
  redirect.state = SessionState::kElsewhere;
  const Instant now{0};
  ASSERT_NE(table->insert(redirect, now), kNoSession);
  EXPECT_TRUE(table->find(outbound_key(redirect), now.plus(4h)));
  EXPECT_FALSE(table->find(outbound_key(redirect), now.plus(4h + 1ms)));
}

/// A page that is missing costs whoever touches it first, which would be packets.
TEST(FlowTable, TakesItsMemoryAheadIfItIsTo) {
  const auto has_its_last_page = [](bool populate) {
    constexpr std::uintptr_t kPage = 4096;
    const auto table = std::move(FlowTable::create({1U << 20, 1, populate})).value();
    const auto last = reinterpret_cast<std::uintptr_t>(&table->at({table->capacity() - 1}));
    unsigned char resident = 0;
    EXPECT_EQ(::mincore(reinterpret_cast<void*>(last / kPage * kPage), kPage, &resident), 0);
    return (resident & 1U) != 0;
  };
  EXPECT_FALSE(has_its_last_page(false));
  EXPECT_TRUE(has_its_last_page(true));
}

TEST(FlowTable, IsAtMost96BytesASession) {
  for (std::uint32_t capacity = 65'536; capacity < 4'000'000; capacity += capacity / 7) {
    const auto table = make_table(capacity);
    EXPECT_LE(static_cast<double>(table->bytes_mapped()), 96.0 * capacity) << capacity;
  }
}

// --- readers in other threads ----------------------------------------------------------------

/// A session every field of which follows from one number.
NewSession derived(std::uint32_t number) {
  NewSession session;
  session.pod = be32(number);
  session.remote = be32(number * 3);
  session.snat = be32(number * 5);
  session.pod_port = be16(number * 7);
  session.remote_port = be16(number * 11);
  session.snat_port = be16(number * 13);
  session.protocol = net::kUdp;
  session.flags = kTranslated;
  session.rule = {(number * 17) & 0xffffff};
  return session;
}

bool is_whole(const SessionIdentity& identity) {
  const NewSession expected = derived(identity.pod.to_host());
  return identity.remote == expected.remote && identity.snat == expected.snat &&
         identity.pod_port == expected.pod_port && identity.remote_port == expected.remote_port &&
         identity.snat_port == expected.snat_port && identity.rule_id() == expected.rule &&
         identity.protocol == net::kUdp && identity.translated();
}

TEST(FlowTable, ReadersInOtherThreadsSeeWholeSessionsOnly) {
  constexpr std::uint32_t kCapacity = 8;  // few records, so that they meet often
  const auto table = make_table(kCapacity);
  IdleLimits long_limits = limits();
  long_limits.udp = 1'000'000'000;
  table->set_limits(long_limits);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> seen{0};
  std::atomic<std::uint64_t> torn{0};
  const auto read = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      for (std::uint32_t i = 0; i < table->touched(); ++i) {
        const auto copy = table->read({i});
        if (!copy) continue;
        seen.fetch_add(1, std::memory_order_relaxed);
        if (!is_whole(copy->identity)) torn.fetch_add(1, std::memory_order_relaxed);
      }
      if (table->size() > kCapacity) torn.fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::thread first(read);
  std::thread second(read);
  std::uint32_t number = 1;
  std::vector<SessionIndex> open;
  // Goes on until the readers have really seen something, however few processors there are.
  for (std::uint64_t i = 0; i < 300'000 || seen.load() < 1000; ++i, ++number) {
    if (open.size() == kCapacity) {
      table->erase(open.front(), {number});
      open.erase(open.begin());
    }
    const SessionIndex index = table->insert(derived(number), {number});
    ASSERT_NE(index, kNoSession);
    open.push_back(index);
    Session& session = table->at(open[number % open.size()]);
    session.packets.add(1);
    session.bytes[0].add(100);
    session.last_seen.set(number);
    session.set_state(SessionState::kFinBoth);
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(torn.load(), 0u);
  EXPECT_GE(seen.load(), 1000u);
}

TEST(FlowTable, ReadSaysWhatTheSessionIs) {
  const auto table = make_table(4);
  EXPECT_FALSE(table->read({0})) << "nothing was ever here";
  const SessionIndex index = table->insert(derived(12'345), {777});
  Session& session = table->at(index);
  session.packets.add(3);
  session.bytes[1].add(1400);
  const auto copy = table->read(index);
  ASSERT_TRUE(copy);
  EXPECT_TRUE(is_whole(copy->identity));
  EXPECT_EQ(copy->last_seen, Instant{777});
  EXPECT_EQ(copy->packets, 3u);
  EXPECT_EQ(copy->bytes[1], 1400u);
  table->erase(index, {778});
  EXPECT_FALSE(table->read(index)) << "a freed record";
}

}  // namespace
}  // namespace sluice::nat
