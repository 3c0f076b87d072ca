// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace sluice::bench {

/// Counts durations in buckets that grow with them: 32 to each power of two, so that a percentile
/// is read within 3 %. Every value is counted; there is no upper end.
class Histogram {
 public:
  void add(std::uint64_t value) noexcept {
    ++buckets_[bucket(value)];
    ++count_;
    largest_ = std::max(largest_, value);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }
  /// The upper end of the bucket below which lies this share of all values.
  [[nodiscard]] std::uint64_t percentile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t below = 0;
    for (unsigned i = 0; i < buckets_.size(); ++i) {
      below += buckets_[i];
      if (below > wanted) return std::min(upper_end(i), largest_);
    }
    return largest_;
  }
  /// Calls `each` with the upper end and the count of every bucket that has any.
  template <typename Each>
  void for_each(Each each) const {
    for (unsigned i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] != 0) each(upper_end(i), buckets_[i]);
    }
  }

 private:
  static constexpr unsigned kBits = 5;
  static constexpr std::uint64_t kFine = 1U << kBits;

  /// Below 64 every value has its own; above, five bits behind the highest one tell them apart.
  static unsigned bucket(std::uint64_t value) noexcept {
    if (value < 2 * kFine) return static_cast<unsigned>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kBits - 1;
    return static_cast<unsigned>(shift * kFine + (value >> shift));
  }
  static std::uint64_t upper_end(unsigned index) noexcept {
    if (index < 2 * kFine) return index;
    const auto shift = static_cast<unsigned>(index / kFine - 1);
    return ((index % kFine + kFine + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kBits + 1) * kFine> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace sluice::bench
