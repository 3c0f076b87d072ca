// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// How often senders are told why their packets were dropped (RFC 1812 4.3.2.8): each sender so
/// many answers of a kind a second, and each kind so many in all. So nobody, whatever he sends,
/// keeps others from hearing of their path's MTU.
///
/// Owner: one worker. Senders are hashed; a few may share a budget.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/time.h"
#include "pipeline/burst.h"

namespace sluice::pipeline {

/// Earns so many tokens a second, and keeps so many at most.
class TokenBucket {
 public:
  struct Rate {
    std::uint32_t per_second;
    std::uint32_t most;
  };
  [[nodiscard]] bool take(Rate rate, Instant now) noexcept {
    constexpr std::uint32_t kSecond = 1000;
    const std::uint32_t since = now.ms - refilled_;
    const std::uint64_t earned =
        std::uint64_t{std::min(since, kSecond)} * rate.per_second / kSecond;
    if (earned != 0 || since >= kSecond) {
      refilled_ = now.ms;
      const std::uint64_t had = rate.most - std::min(spent_, rate.most);
      spent_ =
          static_cast<std::uint32_t>(rate.most - std::min<std::uint64_t>(had + earned, rate.most));
    }
    if (spent_ >= rate.most) return false;
    ++spent_;
    return true;
  }

 private:
  std::uint32_t spent_ = 0;
  std::uint32_t refilled_ = 0;
};

class AnswerBudget {
 public:
  static constexpr TokenBucket::Rate kSender{1000, 100};
  static constexpr TokenBucket::Rate kAll{10'000, 1000};

  /// `sender`: any number that tells senders apart.
  [[nodiscard]] bool allows(AnswerKind kind, std::uint64_t sender, Instant now) noexcept {
    const auto which = static_cast<std::uint64_t>(kind);
    const std::uint64_t hash = (sender + which) * 0x9e3779b97f4a7c15ULL;
    return senders_[hash >> 54].take(kSender, now) && all_[which].take(kAll, now);
  }

 private:
  std::array<TokenBucket, 1024> senders_;  ///< 2^(64 - 54)
  std::array<TokenBucket, 5> all_;         ///< by kind
};

}  // namespace sluice::pipeline
