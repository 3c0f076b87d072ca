// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A worker at work while other threads read its sessions and the main thread replaces what it
/// decides by: nobody sees half a session, and nobody reads what is freed. Seconds by SLUICE_LONG;
/// meant for ThreadSanitizer, and true without.
#include <gtest/gtest.h>
#include <rte_rcu_qsbr.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "support/frame_pool.h"
#include "support/one_worker.h"
#include "support/path.h"
#include "support/shape.h"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;
using pipeline::kBurstSize;
using pipeline::Snapshot;

constexpr std::uint32_t kCapacity = 4096;

std::chrono::milliseconds time_wanted() { return std::getenv("SLUICE_LONG") == nullptr ? 1s : 60s; }

/// Whether all of a translated session's fields belong to one and the same flow.
bool is_whole(const nat::SessionIdentity& session) {
  const auto addresses = net::ChecksumDelta{}.replace(session.pod, session.snat).folded();
  return session.protocol == net::kUdp && session.translated() &&
         session.snat == OneWorker::snat_address().wire() && session.pod.to_host() >> 24 == 10 &&
         session.remote.to_host() >> 24 == 20 && session.l3_delta.raw() == addresses.raw();
}

struct FreeRcu {
  void operator()(rte_rcu_qsbr* variable) const { std::free(variable); }
};

/// Threads that see the same worker, and what they share.
class Company : public testing::Test {
 protected:
  Company() {
    void* memory = nullptr;
    const std::size_t size = rte_rcu_qsbr_get_memsize(1);
    if (posix_memalign(&memory, RTE_CACHE_LINE_SIZE, size) == 0) {
      readers_of_policy_.reset(static_cast<rte_rcu_qsbr*>(memory));
      rte_rcu_qsbr_init(readers_of_policy_.get(), 1);
      rte_rcu_qsbr_thread_register(readers_of_policy_.get(), 0);
    }
    published_ = worker_.context().snapshot;
  }

  /// The worker: opens flows, uses them, lets them end, and takes the newest configuration.
  void work() {
    rte_rcu_qsbr_thread_online(readers_of_policy_.get(), 0);
    NatPath<pipeline::EgressPipeline> path(worker_.context());
    FramePool pool(kBurstSize);
    Dice dice;
    for (Instant now = kNow; !stop_.load(std::memory_order_relaxed); now.ms += 10) {
      worker_.context().snapshot = published_.load(std::memory_order_acquire);
      worker_.table().set_limits(worker_.context().snapshot->limits);
      for (rte_mbuf* frame : pool.frames()) {
        FramePool::write(*frame, OneWorker::macs_into(kInner), flow(dice.below(4 * kCapacity)));
      }
      sent_ += path.run(pool.frames(), kInner, now);
      worker_.table().sweep(now, 64);
      rte_rcu_qsbr_quiescent(readers_of_policy_.get(), 0);
    }
    rte_rcu_qsbr_thread_offline(readers_of_policy_.get(), 0);
  }

  void read() {
    const nat::FlowTable& table = worker_.table();
    while (!stop_.load(std::memory_order_relaxed)) {
      for (std::uint32_t i = 0; i < table.touched(); ++i) {
        const auto session = table.read({i});
        if (!session) continue;
        read_.fetch_add(1, std::memory_order_relaxed);
        if (!is_whole(session->identity)) torn_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  /// What rte_rcu_qsbr_synchronize() does, by its inline parts: of the library's own calls
  /// ThreadSanitizer sees nothing.
  void wait_for_grace() {
    rte_rcu_qsbr* readers = readers_of_policy_.get();
    rte_rcu_qsbr_check(readers, rte_rcu_qsbr_start(readers), true);
  }

  /// The main thread: another configuration, and the old one goes when no worker can still read it.
  void reload() {
    std::unique_ptr<const Snapshot> current;
    for (bool longer = false; !stop_.load(std::memory_order_relaxed); longer = !longer) {
      config::Config config = worker_.config();
      config.flows.timeouts.udp = longer ? 20s : 5s;
      auto next = Snapshot::build(config, worker_.context().owner);
      ASSERT_TRUE(next) << next.error();
      published_.store(next.value().get(), std::memory_order_release);
      wait_for_grace();
      current = std::move(next).value();
      reloads_.fetch_add(1, std::memory_order_relaxed);
    }
    last_ = std::move(current);
  }

  OneWorker worker_{{.capacity = kCapacity}};
  std::unique_ptr<rte_rcu_qsbr, FreeRcu> readers_of_policy_;
  std::atomic<const Snapshot*> published_{nullptr};
  std::unique_ptr<const Snapshot> last_;  ///< the worker may still hold it when it stops
  std::atomic<bool> stop_{false};
  std::uint64_t sent_ = 0;
  std::atomic<std::uint64_t> read_{0}, torn_{0}, reloads_{0};
};

TEST_F(Company, ReadersAndAReloaderDisturbNobody) {
  std::thread worker([this] { work(); });
  std::thread readers[] = {std::thread([this] { read(); }), std::thread([this] { read(); }),
                           std::thread([this] { read(); })};
  std::thread reloader([this] { reload(); });
  // As long as asked, and until everybody has had a turn, however few processors there are.
  const auto end = std::chrono::steady_clock::now() + time_wanted();
  while (std::chrono::steady_clock::now() < end || read_ < 1000 || reloads_ < 3 ||
         worker_.table().ended() == 0) {
    std::this_thread::sleep_for(10ms);
  }
  stop_ = true;
  reloader.join();
  for (std::thread& reader : readers) reader.join();
  worker.join();
  EXPECT_EQ(torn_.load(), 0u);
  EXPECT_GT(sent_, 0u);
  EXPECT_EQ(worker_.table().check_invariants(), "");
}

}  // namespace
}  // namespace sluice::bench
