// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The running gateway: devices, workers, and the main thread's own work between them (neighbours,
/// reload, reading counters). Owner: the main thread; every member function is its alone.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "eni/device.h"
#include "eni/resolver.h"
#include "gateway/steering.h"
#include "gateway/worker.h"

struct rte_mempool;

namespace sluice::gateway {

/// For tests: of devices that are not at hand, and of more workers than cores.
struct GatewayOptions {
  bool threads = true;  ///< if not, whoever starts the gateway takes the workers' turns
  std::optional<nat::ToeplitzKey> key;  ///< that devices have and do not tell
};

class Gateway {
 public:
  using Options = GatewayOptions;
  /// Opens every device, starts the workers. EAL is up. On failure all that was opened is closed.
  static Result<std::unique_ptr<Gateway>> start(config::Config config, Options options = {});
  /// Stops the workers and gives the devices back.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// The main thread's turn: what workers passed on, and what time demands. Never blocks.
  void turn();

  /// Puts another configuration into force for new flows. Refused when it changes what only a
  /// restart can change; then nothing changes. New addresses are announced, new routers and pods
  /// asked for; sessions whose source no ENI may emit any more end, at the workers' leisure.
  Status reload(config::Config config);

  /// What became of open sessions because ENIs lost addresses; since the start.
  struct Revised {
    bool complete = false;    ///< every session has been looked at since the last reload
    std::uint64_t ended = 0;  ///< no ENI may emit their source
    std::uint64_t moved = 0;  ///< another ENI emits it
  };
  [[nodiscard]] Revised revised() const;

  /// Has a worker see to an errand between its bursts, after those sent before. Whoever keeps a
  /// share of it looks at Errand::done; one that nobody waits for any more is seen to all the same.
  void send(WorkerId worker, std::shared_ptr<Errand> errand);

  /// The tap stays where it is until remove_taps().
  void set_tap(WorkerId worker, Tap* tap) { workers_[worker.value]->set_tap(tap); }
  /// No worker uses a tap any more once this returns: after a turn of each.
  void remove_taps();

  /// Halts forwarding: no worker takes a frame from a device any more once this returns. What is
  /// under way goes on; sessions stay, and age. Frames wait in the devices' queues as far as there
  /// is room. Idempotent, as is resume(), which also announces our addresses again.
  void halt();
  void resume();
  [[nodiscard]] bool forwards() const { return shared_.receives.load(std::memory_order_relaxed); }

  /// Ends sessions as Worker::end_sessions does, once the workers have stopped.
  [[nodiscard]] bool end_sessions(WorkerId worker, std::uint32_t at_most) {
    return workers_[worker.value]->end_sessions(at_most);
  }

  /// Stops the workers; counters rest from here on. Idempotent.
  void stop();

  [[nodiscard]] const config::Config& config() const;
  [[nodiscard]] const pipeline::Snapshot& snapshot() const;
  [[nodiscard]] std::span<const std::unique_ptr<eni::Device>> devices() const { return devices_; }
  [[nodiscard]] std::span<const std::unique_ptr<Worker>> workers() const { return workers_; }
  [[nodiscard]] const eni::NeighbourTable& neighbours() const { return *neighbours_; }
  [[nodiscard]] const eni::Resolver& resolver() const { return *resolver_; }
  [[nodiscard]] Instant now() const { return clock_.now(); }

  [[nodiscard]] const nat::OwnerFunction& owner() const { return *owner_; }
  [[nodiscard]] Steering& steering() { return *steering_; }
  [[nodiscard]] const Steering& steering() const { return *steering_; }
  [[nodiscard]] std::span<const pipeline::Link> links() const { return shared_.links; }
  /// The main thread's own; those of the workers are theirs.
  [[nodiscard]] const pipeline::Counters& own_counters() const { return counters_; }
  [[nodiscard]] const pipeline::DropSamples& own_drop_samples() const { return samples_; }
  [[nodiscard]] rte_mempool* pool() const { return pool_; }

  [[nodiscard]] pipeline::Totals totals() const;
  /// Frames on rings and in neighbour queues: the equation's last term.
  [[nodiscard]] std::uint64_t waiting() const;

  /// Bytes of DPDK memory this configuration needs.
  [[nodiscard]] static std::size_t memory_needed(const config::Config& config);

 private:
  Gateway() = default;
  Status open(config::Config config, const Options& options);
  Status open_devices(const config::Config& config);
  Status make_rings(unsigned workers);
  Status make_workers();
  void launch_workers();
  void start_steering();
  void start_resolver();
  [[nodiscard]] bool may_leave(rte_mbuf* frame, DeviceId out) const;
  void take(rte_mbuf* frame);
  void run_errands();
  void give_up(rte_mbuf* frame, pipeline::DropReason reason);
  void send(DeviceId out, std::span<const std::uint8_t> bytes);
  void send_by_worker(rte_mbuf* frame, DeviceId out);

  Clock clock_;
  rte_mempool* pool_ = nullptr;
  std::unique_ptr<nat::OwnerFunction> owner_;
  std::vector<std::unique_ptr<eni::Device>> devices_;  ///< by DeviceId
  std::unique_ptr<eni::NeighbourTable> neighbours_;
  std::unique_ptr<const Published> published_;
  Shared shared_;
  std::unique_ptr<eni::Resolver> resolver_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<Steering> steering_;
  std::vector<std::deque<std::shared_ptr<Errand>>>
      errands_;                  ///< by WorkerId; the first is under way
  pipeline::Counters counters_;  ///< the main thread's own
  pipeline::DropSamples samples_;
  Instant next_tick_{};
  bool running_ = false;
};

}  // namespace sluice::gateway
