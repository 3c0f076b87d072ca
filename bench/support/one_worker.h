// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// One worker of a gateway with two ENIs, without devices: what runs its path needs only bursts.
#pragma once

#include <memory>
#include <vector>

#include "pipeline/pipeline.h"
#include "support/frame.h"

namespace sluice::bench {

inline constexpr DeviceId kUplink{0};  ///< towards remotes; owns the SNAT address
inline constexpr DeviceId kInner{1};   ///< towards pods, 10.0.0.0/8

class OneWorker {
 public:
  struct Options {
    std::uint32_t capacity = 0;  ///< sessions
    std::uint32_t rules = 0;     ///< own rules, each for a /24 of its own; 0: one for everything
    unsigned workers = 1;        ///< of which this is the first
    bool log = false;            ///< sessions that open and end are noted for the session log
  };
  explicit OneWorker(const Options& options);

  /// The destination network of a rule.
  [[nodiscard]] static Ipv4Addr destination(std::uint32_t rule);
  /// What a frame needs to be taken in by a device.
  [[nodiscard]] static Macs macs_into(DeviceId device);
  [[nodiscard]] static Ipv4Addr snat_address();

  [[nodiscard]] pipeline::Context& context() { return *context_; }
  [[nodiscard]] const config::Config& config() const { return snapshot_->config; }
  [[nodiscard]] nat::FlowTable& table() { return *table_; }
  /// Whether a pod's packet of this tuple is this worker's.
  [[nodiscard]] bool owns(const nat::FlowKey& outbound) const {
    return owner_.owner(owner_.hash(outbound)) == WorkerId{0};
  }

  /// What the session log's thread does with the events, but for writing them.
  void take_events();

  /// Starts over with an empty table.
  void forget();

 private:
  Options options_;
  nat::OwnerFunction owner_;
  std::vector<pipeline::Link> links_;
  std::unique_ptr<const pipeline::Snapshot> snapshot_;
  std::unique_ptr<eni::NeighbourTable> neighbours_;
  std::unique_ptr<nat::SessionEvents> events_;
  std::unique_ptr<nat::FlowTable> table_;
  std::unique_ptr<nat::PortAllocator> ports_;
  pipeline::Counters counters_;
  pipeline::Reassembly fragments_{counters_, 7};
  nat::Outbox outbox_;  ///< notices to no other worker
  std::unique_ptr<pipeline::Context> context_;
};

}  // namespace sluice::bench
