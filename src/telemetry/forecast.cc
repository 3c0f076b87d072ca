// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/forecast.h"

#include <algorithm>

namespace sluice::telemetry {
namespace {

constexpr auto kRemembered = std::chrono::minutes(2);
/// A line through two counts that lie closer together would follow every burst of connections.
constexpr std::int32_t kShortestMs = 5'000;

const RemoteUse* find(const std::vector<RemoteUse>& all, const RemoteUse& wanted) {
  const auto same = [&](const RemoteUse& use) {
    return use.address == wanted.address && use.remote == wanted.remote &&
           use.remote_port == wanted.remote_port && use.protocol == wanted.protocol;
  };
  const auto found = std::find_if(all.begin(), all.end(), same);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

void Forecast::note(std::vector<RemoteUse> busiest, Instant now) {
  while (!past_.empty() && now.since(past_.front().time.plus(kRemembered)) > 0) past_.pop_front();
  past_.push_back({now, std::move(busiest)});
}

std::optional<std::chrono::seconds> Forecast::exhausted_in(const RemoteUse& use,
                                                           std::uint64_t ports,
                                                           Instant now) const {
  if (use.sessions >= ports) return std::chrono::seconds(0);
  for (const Past& past : past_) {
    const std::int32_t span = now.since(past.time);
    if (span < kShortestMs) break;
    const RemoteUse* then = find(past.busiest, use);
    if (then == nullptr) continue;
    if (then->sessions >= use.sessions) return std::nullopt;
    const double a_second = static_cast<double>(use.sessions - then->sessions) * 1000.0 / span;
    return std::chrono::seconds(
        static_cast<std::int64_t>(static_cast<double>(ports - use.sessions) / a_second));
  }
  return std::nullopt;
}

}  // namespace sluice::telemetry
