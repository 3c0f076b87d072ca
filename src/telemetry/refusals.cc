// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/refusals.h"

#include <fmt/format.h>

#include "nat/session_text.h"

namespace sluice::telemetry {
namespace {

using pipeline::DropReason;

constexpr DropReason kRefusals[] = {DropReason::kPortsExhausted, DropReason::kProtocolInUse,
                                    DropReason::kFlowTableFull, DropReason::kPodLimit};

}  // namespace

std::string to_text(const Refusal& refusal) {
  const pipeline::DropInfo& info = pipeline::info(refusal.reason);
  return fmt::format("{}: {} refused, the last of pod {} to {} ({}): {}", info.metric,
                     refusal.count,
                     nat::endpoint_text(refusal.last.source, refusal.last.source_port),
                     nat::endpoint_text(refusal.last.destination, refusal.last.destination_port),
                     nat::protocol_text(refusal.last.protocol), info.text);
}

std::vector<Refusal> Refusals::due(const gateway::Gateway& gateway, Instant now) {
  constexpr auto kPause = std::chrono::seconds(1);
  std::vector<Refusal> refusals;
  if (now.since(next_) < 0) return refusals;
  next_ = now.plus(kPause);
  const pipeline::Totals totals = gateway.totals();
  for (const DropReason reason : kRefusals) {
    const auto number = static_cast<std::size_t>(reason);
    const std::uint64_t fresh = totals.dropped[number] - told_[number];
    if (fresh == 0) continue;
    told_[number] = totals.dropped[number];
    Refusal refusal{reason, fresh, {}};
    for (const auto& worker : gateway.workers()) {
      const auto sample = worker->counters().last_refused(reason);
      if (sample.source.raw() != 0) refusal.last = sample;
    }
    refusals.push_back(refusal);
  }
  return refusals;
}

}  // namespace sluice::telemetry
