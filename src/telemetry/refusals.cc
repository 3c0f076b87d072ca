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

std::vector<std::string> Refusals::due(const gateway::Gateway& gateway, Instant now) {
  constexpr auto kPause = std::chrono::seconds(1);
  std::vector<std::string> lines;
  if (now.since(next_) < 0) return lines;
  next_ = now.plus(kPause);
  const pipeline::Totals totals = gateway.totals();
  for (const DropReason reason : kRefusals) {
    const auto number = static_cast<std::size_t>(reason);
    const std::uint64_t fresh = totals.dropped[number] - told_[number];
    if (fresh == 0) continue;
    told_[number] = totals.dropped[number];
    nat::FlowKey last{};
    for (const auto& worker : gateway.workers()) {
      const auto sample = worker->counters().last_refused(reason);
      if (sample.source.raw() != 0) last = sample;
    }
    lines.push_back(fmt::format("{}: {} refused, the last of pod {} to {} ({}): {}",
                                pipeline::info(reason).metric, fresh,
                                nat::endpoint_text(last.source, last.source_port),
                                nat::endpoint_text(last.destination, last.destination_port),
                                nat::protocol_text(last.protocol), pipeline::info(reason).text));
  }
  return lines;
}

}  // namespace sluice::telemetry
