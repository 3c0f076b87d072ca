// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sluice::bench {

/// When the packets of a trial are due, and when the trial is over. Moments are TSC cycles.
class Pace {
 public:
  struct Wanted {
    double rate = 0;            ///< packets per second; 0: as fast as they are taken
    double seconds = 0;         ///< how long; with `packets`, how long at most
    std::uint64_t packets = 0;  ///< 0: rate * seconds, or until the time is over
  };
  Pace() = default;
  Pace(const Wanted& wanted, double hz, std::uint64_t now)
      : begun_(now),
        end_(now + static_cast<std::uint64_t>(wanted.seconds * hz)),
        cycles_per_packet_(wanted.rate > 0 ? hz / wanted.rate : 0) {
    if (wanted.packets != 0) {
      all_ = wanted.packets;
    } else if (wanted.rate > 0) {
      all_ = static_cast<std::uint64_t>(wanted.rate * wanted.seconds);
    }
    grace_ = std::max((end_ - begun_) / 1000,
                      static_cast<std::uint64_t>(cycles_per_packet_ * kBurstsOfGrace));
  }

  [[nodiscard]] bool is_bounded() const { return all_ != kUnbounded; }
  [[nodiscard]] std::uint64_t all() const { return all_; }
  /// How many have to have left by now.
  [[nodiscard]] std::uint64_t due(std::uint64_t now) const {
    if (!is_steady()) return all_;
    const double passed = static_cast<double>(now - begun_) / cycles_per_packet_;
    return std::min(static_cast<std::uint64_t>(passed) + 1, all_);
  }
  /// Whether each packet has a moment at which it should leave.
  [[nodiscard]] bool is_steady() const { return cycles_per_packet_ != 0; }
  [[nodiscard]] std::uint64_t intended(std::uint64_t number) const {
    return begun_ + static_cast<std::uint64_t>(static_cast<double>(number) * cycles_per_packet_);
  }
  /// Whether the trial is not over. What a device has refused when the time is up is lost. What was
  /// due in the tester's own last turn could not be offered in time, and is, once: for a
  /// thousandth of the trial, or the time of two bursts, that the rate is not told too high.
  [[nodiscard]] bool goes_on(std::uint64_t now, std::uint64_t sent, bool refused) {
    if (sent >= all_) return false;
    if (now < end_) return true;
    if (!is_bounded() || refused) return false;
    if (last_call_ == 0) last_call_ = now + grace_;
    return now < last_call_;
  }

 private:
  static constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();
  static constexpr double kBurstsOfGrace = 2 * 32;

  std::uint64_t begun_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t all_ = kUnbounded;
  std::uint64_t grace_ = 0;
  std::uint64_t last_call_ = 0;  ///< 0: the time is not up yet
  double cycles_per_packet_ = 0;
};

}  // namespace sluice::bench
