// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The gateway's own pipeline without devices: frames and time go in, what became of them comes
/// out. It is the code the workers run; nothing here decides anything.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "explain/frames.h"
#include "pipeline/pipeline.h"

namespace sluice::explain {

class Simulator {
 public:
  /// One worker with an empty table. Needs EAL.
  static constexpr std::uint16_t kHeadroom = 64;
  static Result<std::unique_ptr<Simulator>> create(config::Config config);

  /// The parts of a running gateway that nothing here changes; they outlive the simulator.
  struct Parts {
    const nat::OwnerFunction& owner;
    const pipeline::Snapshot& snapshot;
    const eni::NeighbourTable& neighbours;
    std::span<const pipeline::Link> links;
    WorkerId self;  ///< in whose place the path is gone
    Instant now;
    bool steers = false;  ///< hand packets of other workers over, instead of taking them for own
  };
  /// The same over a running gateway, with a small empty table of its own.
  static Result<std::unique_ptr<Simulator>> over(const Parts& parts);

  /// Takes one frame through the path; it is rewritten in place. The packet points into it. Of a
  /// longer frame the first bytes are enough: `wire_length` says how long it was. kHeadroom bytes
  /// before it may be written.
  pipeline::Packet process(DeviceId in, std::span<std::uint8_t> frame, std::uint32_t wire_length);

  /// Moves the clock; sessions past their time end on the way.
  void forward(std::chrono::milliseconds span);

  /// What the last packet became.
  [[nodiscard]] const pipeline::Packet& last() noexcept { return burst_[0]; }

  [[nodiscard]] Instant now() const noexcept { return now_; }
  [[nodiscard]] const pipeline::Snapshot& snapshot() const noexcept { return snapshot_; }
  [[nodiscard]] const eni::EniMap& enis() const noexcept { return snapshot_.enis; }
  [[nodiscard]] nat::FlowTable& table() noexcept { return *table_; }
  [[nodiscard]] const net::MacAddress& mac(DeviceId device) const noexcept {
    return links_[device.value].mac;
  }
  [[nodiscard]] std::uint16_t mtu(DeviceId device) const noexcept {
    return links_[device.value].mtu;
  }
  /// The device of that name, or kNoDevice.
  [[nodiscard]] DeviceId device_named(std::string_view name) const noexcept;
  [[nodiscard]] const std::string& name(DeviceId device) const noexcept {
    return enis().devices()[device.value].name;
  }

  /// Fragments that were held and given up on, or still wait: their datagrams never became whole.
  [[nodiscard]] std::uint64_t incomplete() const noexcept { return held_ - counters_.merged.get(); }

 private:
  /// What create() makes for itself and over() finds there.
  struct Own {
    std::unique_ptr<nat::OwnerFunction> owner;
    std::unique_ptr<const pipeline::Snapshot> snapshot;
    std::unique_ptr<eni::NeighbourTable> neighbours;
    std::vector<pipeline::Link> links;
  };
  Simulator(Own own, const Parts& parts, std::unique_ptr<nat::FlowTable> table);
  static Result<std::unique_ptr<nat::FlowTable>> make_table(const pipeline::Snapshot& snapshot,
                                                            std::uint32_t capacity);

  Own own_;
  const pipeline::Snapshot& snapshot_;
  std::span<const pipeline::Link> links_;
  std::unique_ptr<nat::FlowTable> table_;
  nat::PortAllocator ports_;
  pipeline::Counters counters_;
  pipeline::Reassembly fragments_;
  nat::Outbox outbox_;  ///< stays empty: there is one worker
  pipeline::Context context_;
  pipeline::EgressPipeline pipeline_;
  pipeline::Burst burst_;
  Instant now_;
  std::uint64_t held_ = 0;  ///< packets that were held when they came
  bool steers_;
};

}  // namespace sluice::explain
