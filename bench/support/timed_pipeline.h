// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_cycles.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "pipeline/pipeline.h"

namespace sluice::bench {

/// "Lookup" of sluice::pipeline::Lookup.
template <typename Stage>
[[nodiscard]] std::string stage_name() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t from = text.find("Stage = ") + 8;
  const std::string_view type = text.substr(from, text.find_first_of(";]", from) - from);
  return std::string{type.substr(type.rfind(':') + 1)};
}

/// A pipeline that reads the TSC between its stages: `TimedPipeline<EgressPipeline>`. The reading
/// itself costs about a cycle a packet and stage in full bursts.
template <typename Pipeline>
class TimedPipeline;

template <typename... Stages>
class TimedPipeline<pipeline::Pipeline<Stages...>> {
 public:
  static constexpr std::size_t kStages = sizeof...(Stages);

  explicit TimedPipeline(pipeline::Context& context) : stages_(Stages(context)...) {}

  void process(pipeline::Burst& burst) noexcept {
    process(burst, std::make_index_sequence<kStages>{});
  }
  [[nodiscard]] static std::array<std::string, kStages> names() {
    return {stage_name<Stages>()...};
  }
  [[nodiscard]] const std::array<std::uint64_t, kStages>& cycles() const { return cycles_; }

 private:
  template <std::size_t... kAt>
  void process(pipeline::Burst& burst, std::index_sequence<kAt...>) noexcept {
    std::uint64_t before = rte_rdtsc();
    const auto lap = [&](std::size_t stage) {
      const std::uint64_t after = rte_rdtsc();
      cycles_[stage] += after - before;
      before = after;
    };
    ((std::get<kAt>(stages_).process(burst), lap(kAt)), ...);
  }

  std::tuple<Stages...> stages_;
  std::array<std::uint64_t, kStages> cycles_{};
};

}  // namespace sluice::bench
