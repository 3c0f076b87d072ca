// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a worker knows of its queue on a device: whether the NIC puts packets there that the owner
/// function gives to this worker.
///
/// A queue is trusted once so many packets in a row had the hash and the owner they should have,
/// and until one has not. Trust decides nothing about a packet: it only lets Lookup look into this
/// worker's table before anybody asks for the owner. A packet that finds no session there is
/// steered, and checked, so a NIC that delivers wrong costs a lookup and never a session.
///
/// Owner: the worker. The main thread allows trust and says what else the NIC's hash has in it; it
/// reads the rest.
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>

#include "nat/owner.h"
#include "nat/session.h"
#include "net/headers.h"

namespace sluice::pipeline {

class alignas(64) NicQueue {
 public:
  using Count = nat::Relaxed<std::uint64_t>;
  /// Agreeing packets in a row before a queue is trusted; twice as many after each disappointment.
  static constexpr std::uint32_t kEnough = 256;
  static constexpr std::uint32_t kAtMost = 1U << 20;

  /// A packet that was not where, or not hashed as, it should be.
  struct Sample {
    nat::FlowKey tuple;
    std::uint32_t hash = 0;
  };

  // --- its worker -----------------------------------------------------------------------------

  [[nodiscard]] bool trusted() const noexcept {
    const std::uint32_t permit = permit_.load(std::memory_order_relaxed);
    return permit != 0 && trusted_under_.get() == permit;
  }

  /// Compares what the NIC made of a whole TCP or UDP packet with the owner function, unless it was
  /// wrong lately. The low 16 bits count: no table of queues needs more, and some NICs have no
  /// more.
  void check(const Sample& packet, WorkerId self, const nat::OwnerFunction& owner) noexcept {
    const std::uint32_t permit = permit_.load(std::memory_order_relaxed);
    if (permit != known_permit_) begin_under(permit);
    if (permit == 0) return;
    if (pause_ > 0) {
      --pause_;
      return;
    }
    checked.add(1);
    const std::uint32_t hash = owner.hash(packet.tuple);
    const std::uint32_t difference = packet.hash ^ hash ^ initial_.load(std::memory_order_relaxed);
    if ((difference & 0xffff) != 0 || owner.owner(hash) != self) return disagree(packet);
    if (trusted() || ++agreed_ < needed_) return;
    trusted_under_.set(permit);
  }
  /// A packet that should have a hash has none.
  void note_unhashed() noexcept {
    if (trusted()) distrust();
  }

  Count frames;  ///< that came by this queue
  Count moved;   ///< of them, those that another worker owns
  Count checked;
  Count disagreed;  ///< or had no hash although they should

  // --- the main thread ------------------------------------------------------------------------

  /// Whether packets may be trusted at all. What was learnt before they were not does not hold when
  /// they may be again, also if no packet came in between.
  void allow(bool allowed) noexcept {
    if (allowed == this->allowed()) return;
    permit_.store(allowed ? ++permits_ : 0, std::memory_order_relaxed);
  }
  [[nodiscard]] bool allowed() const noexcept {
    return permit_.load(std::memory_order_relaxed) != 0;
  }
  /// What the NIC's hash of every packet has added (XOR) to the owner function's.
  void set_initial(std::uint32_t initial) noexcept {
    initial_.store(initial, std::memory_order_relaxed);
  }
  /// The first packet that disagreed since the last call.
  [[nodiscard]] std::optional<Sample> take_sample() noexcept {
    if (!sampled_.load(std::memory_order_acquire)) return std::nullopt;
    const Sample taken = sample_;
    sampled_.store(false, std::memory_order_release);
    return taken;
  }

 private:
  void begin_under(std::uint32_t permit) noexcept {
    known_permit_ = permit;
    agreed_ = pause_ = 0;
    needed_ = kEnough;
  }
  void disagree(const Sample& packet) noexcept {
    if (!sampled_.load(std::memory_order_acquire)) {
      sample_ = packet;
      sampled_.store(true, std::memory_order_release);
    }
    distrust();
  }
  void distrust() noexcept {
    disagreed.add(1);
    trusted_under_.set(0);
    agreed_ = 0;
    pause_ = needed_;
    needed_ = std::min(2 * needed_, kAtMost);
  }

  nat::Relaxed<std::uint32_t> trusted_under_;  ///< the permit that held when trust was won
  std::uint32_t known_permit_ = 0;
  std::uint32_t agreed_ = 0;
  std::uint32_t needed_ = kEnough;
  std::uint32_t pause_ = 0;  ///< packets that are not looked at
  Sample sample_;
  std::atomic<bool> sampled_{false};      ///< the sample is the main thread's
  std::atomic<std::uint32_t> permit_{0};  ///< another number each time; 0: none may be trusted
  std::uint32_t permits_ = 0;             ///< the main thread's
  std::atomic<std::uint32_t> initial_{0};
};

}  // namespace sluice::pipeline
