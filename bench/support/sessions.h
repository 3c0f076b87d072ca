// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A worker whose table holds the first `count` flows of the shape, opened by its own path, and the
/// external port that each of them got. What the measurements of established traffic share.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "support/frame_pool.h"
#include "support/hash_index.h"
#include "support/one_worker.h"
#include "support/shape.h"

namespace sluice::bench {

class Sessions {
 public:
  explicit Sessions(std::uint32_t count);

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] OneWorker& worker() { return worker_; }
  /// The tuple of a packet of a flow as the gateway receives it.
  [[nodiscard]] nat::FlowKey key(std::uint32_t number, nat::Direction direction) const noexcept;
  /// The same sessions found by rte_hash; made when first asked for.
  [[nodiscard]] const HashIndex& hash_index();

  /// The fixture for so many flows; opening millions takes a while, so the last one is kept for
  /// the next benchmark of that size.
  static Sessions& kept(std::uint32_t count);

 private:
  void open();

  std::uint32_t count_;
  OneWorker worker_;
  std::vector<Be16> external_ports_;
  std::unique_ptr<HashIndex> hash_index_;
};

/// How benchmarks are fed: a pool's frames in bursts, each frame one of a random flow.
class Traffic {
 public:
  enum class Flow { kOutbound, kInbound, kBoth };  ///< both: every other burst

  /// With an owner function, packets of worker 0 only, with the hash that a NIC gives them which
  /// knows the function.
  Traffic(const Sessions& sessions, Flow flow, const nat::OwnerFunction* owner = nullptr);
  /// Writes every frame anew: a path rewrites them.
  void refill() noexcept;

  [[nodiscard]] std::span<rte_mbuf* const> burst(unsigned number) const;
  [[nodiscard]] DeviceId device(unsigned number) const;

  static constexpr unsigned kBursts = 512;
  static constexpr unsigned kFrames = kBursts * pipeline::kBurstSize;

 private:
  [[nodiscard]] nat::Direction direction(unsigned number) const;
  [[nodiscard]] nat::FlowKey draw(nat::Direction direction) noexcept;

  const Sessions& sessions_;
  Flow flow_;
  const nat::OwnerFunction* owner_;
  FramePool pool_{kFrames};
  Dice dice_;
};

}  // namespace sluice::bench
