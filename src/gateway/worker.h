// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A poll-mode worker: takes bursts from its queues and rings through the path, and sends.
/// Run to completion; nothing here allocates, locks, logs or makes a system call (what a virtual
/// device's driver does inside its burst calls is the driver's).
#pragma once

#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "gateway/clock.h"
#include "gateway/errand.h"
#include "gateway/frame_tag.h"
#include "gateway/load.h"
#include "gateway/revision.h"
#include "pipeline/drop_samples.h"
#include "pipeline/pipeline.h"

namespace sluice::gateway {

class Tap;

/// A device as workers see it.
struct PortView {
  std::uint16_t port = 0;
  unsigned queues = 0;
  bool hides_partial_checksums = false;
};

/// A snapshot as it is published. Numbered: another one may come to lie at the same address.
struct Published {
  std::unique_ptr<const pipeline::Snapshot> snapshot;
  std::uint64_t number = 1;
  std::uint64_t sources = 1;  ///< another number whenever what ENIs may emit is something else
};

/// What all workers share; everything in it outlives them.
struct Shared {
  const nat::OwnerFunction* owner = nullptr;
  std::vector<pipeline::Link> links;  ///< by DeviceId
  std::vector<PortView> ports;        ///< by DeviceId
  const eni::NeighbourTable* neighbours = nullptr;
  std::atomic<const Published*> published{nullptr};
  rte_rcu_qsbr* readers = nullptr;   ///< who may still use an old snapshot
  rte_mempool* pool = nullptr;       ///< where frames come from that are made here
  std::vector<rte_ring*> to_worker;  ///< by WorkerId; any thread puts, the worker takes
  std::vector<rte_ring*> notices;    ///< by WorkerId; of nat::Notice, between workers
  rte_ring* to_control = nullptr;    ///< workers put, the main thread takes
  std::atomic<bool> stop{false};
  std::atomic<bool> receives{true};  ///< workers take frames from devices
};

class Worker {
 public:
  Worker(WorkerId self, Shared& shared, std::unique_ptr<nat::FlowTable> table, std::uint64_t seed);

  /// Polls until Shared::stop. Runs on the worker's own lcore.
  void run() noexcept;
  /// One turn of that, for whoever takes the workers' turns one after another.
  void step() noexcept;

  [[nodiscard]] const nat::FlowTable& table() const noexcept { return *table_; }
  [[nodiscard]] const nat::PortAllocator& ports() const noexcept { return ports_; }
  /// In its table, where mappings and redirects have records as well. Any thread.
  [[nodiscard]] std::uint64_t sessions() const noexcept {
    const std::uint64_t ended = table_->ended();  // first: a session opens before it ends
    return counters_.sessions_opened.get() - ended;
  }
  [[nodiscard]] const pipeline::Counters& counters() const noexcept { return counters_; }
  /// Frames that wait for the rest of their datagrams. Any thread.
  [[nodiscard]] std::uint32_t fragments_held() const noexcept { return fragments_.held(); }
  [[nodiscard]] const pipeline::DropSamples& drop_samples() const noexcept { return samples_; }
  [[nodiscard]] const Load& load() const noexcept { return load_; }
  /// For errands, which the worker itself runs.
  [[nodiscard]] Load& load() noexcept { return load_; }
  /// By DeviceId; of devices without a queue for this worker, too.
  [[nodiscard]] std::span<pipeline::NicQueue> nic_queues() noexcept { return nic_queues_; }
  /// Takes an errand, which stays where it is until it is done; false while another is under way.
  /// One thread at a time may ask.
  [[nodiscard]] bool take(Errand& errand) noexcept;
  /// From the next burst on; none: nullptr. The one before may be in use until a grace period ends.
  void set_tap(Tap* tap) noexcept { tap_.store(tap, std::memory_order_release); }
  [[nodiscard]] const Revision& revision() const noexcept { return revision_; }
  /// Takes the memory for the session log's events; before a snapshot is published that wants them.
  /// Nothing where there is some already.
  void make_session_events(std::uint32_t capacity);
  /// For the session log's reader; null: none were made.
  [[nodiscard]] nat::SessionEvents* session_events() const noexcept { return events_.get(); }
  /// Ends sessions of the next `at_most` records; false once none is left to look at. Only when the
  /// worker has stopped.
  [[nodiscard]] bool end_sessions(std::uint32_t at_most) noexcept;
  /// Published::sources of the last snapshot all sessions have been looked at for. Any thread.
  [[nodiscard]] std::uint64_t revised_for() const noexcept {
    return revised_for_.load(std::memory_order_acquire);
  }

 private:
  struct TransmitQueue {
    std::array<rte_mbuf*, pipeline::kBurstSize> frames;
    std::uint16_t count = 0;
  };

  void turn(Instant now) noexcept;
  void run_errand(Errand& errand, Instant now) noexcept;
  void take_snapshot() noexcept;
  void revise(Instant now) noexcept;
  void receive_all(Instant now) noexcept;
  void receive(DeviceId device, Instant now) noexcept;
  bool receive_ring(Instant now) noexcept;
  void exchange_notices(Instant now) noexcept;
  void post() noexcept;
  pipeline::Packet* add(rte_mbuf* frame, DeviceId in) noexcept;
  void process() noexcept;
  void take_path() noexcept;
  void process_timed() noexcept;
  void settle(pipeline::Packet& packet) noexcept;
  void settle_in_pieces(pipeline::Packet& packet) noexcept;
  void hand_on(rte_mbuf* frame, const pipeline::Packet& packet) noexcept;
  [[nodiscard]] unsigned place_of(const pipeline::Packet& packet) noexcept {
    return static_cast<unsigned>(&packet - burst_.begin());
  }
  void note_refusal(const pipeline::Packet& packet) noexcept;
  static void reshape(const pipeline::Packet& packet) noexcept;
  void pass(rte_mbuf* frame, rte_ring* ring) noexcept;
  void transmit(rte_mbuf* frame, DeviceId out) noexcept;
  void flush(DeviceId out) noexcept;
  void drop(rte_mbuf* frame, pipeline::DropReason reason, pipeline::FrameForm form) noexcept;
  void count_drop(rte_mbuf* frame, pipeline::DropReason reason) noexcept;

  WorkerId self_;
  Shared& shared_;
  Clock clock_;
  std::unique_ptr<nat::SessionEvents> events_;
  std::unique_ptr<nat::FlowTable> table_;
  nat::PortAllocator ports_;
  pipeline::Counters counters_;
  pipeline::Reassembly fragments_;
  nat::Outbox outbox_;
  std::vector<pipeline::NicQueue> nic_queues_;  ///< by DeviceId
  pipeline::Context context_;
  Revision revision_;
  std::uint64_t snapshot_number_ = 0;
  std::uint64_t sources_ = 0;  ///< Published::sources of the snapshot in use
  std::atomic<std::uint64_t> revised_for_{0};
  pipeline::EgressPipeline pipeline_;
  pipeline::Burst burst_;
  pipeline::DropSamples samples_;
  Load load_;
  std::uint64_t begun_;  ///< the turn, by the time stamp counter
  std::uint32_t next_to_end_ = 0;
  std::atomic<Errand*> errand_{nullptr};
  std::atomic<Tap*> tap_{nullptr};
  Tap* burst_tap_ = nullptr;             ///< that looked at the burst under way
  std::vector<TransmitQueue> transmit_;  ///< by DeviceId
};

}  // namespace sluice::gateway
