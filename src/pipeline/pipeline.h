// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The life of a packet, in order. A packet meets nothing that is not on the list at the end.
#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "pipeline/burst.h"
#include "pipeline/context.h"
#include "pipeline/stages/allocate.h"
#include "pipeline/stages/answer.h"
#include "pipeline/stages/classify.h"
#include "pipeline/stages/egress.h"
#include "pipeline/stages/emit.h"
#include "pipeline/stages/lookup.h"
#include "pipeline/stages/parse.h"
#include "pipeline/stages/reassemble.h"
#include "pipeline/stages/steer.h"
#include "pipeline/stages/translate.h"

namespace sluice::pipeline {

/// A stage works on the live packets of a burst, and gives each that ends here its fate.
template <typename T>
concept Stage = requires(T stage, Burst& burst, Context& context) {
  T(context);
  { stage.process(burst) }
  noexcept;
};

/// Stages folded into one run-to-completion path at compile time.
template <Stage... Stages>
class Pipeline {
 public:
  static constexpr std::size_t kCount = sizeof...(Stages);

  explicit Pipeline(Context& context) : stages_(Stages(context)...) {}

  void process(Burst& burst) noexcept {
    std::apply([&burst](auto&... stage) { (stage.process(burst), ...); }, stages_);
  }

  /// The same, with a look at the burst after each stage: `after(number of the stage, burst)`.
  template <typename After>
  void process(Burst& burst, After&& after) noexcept {
    unsigned number = 0;
    std::apply([&](auto&... stage) { ((stage.process(burst), after(number++, burst)), ...); },
               stages_);
  }

 private:
  std::tuple<Stages...> stages_;
};

using EgressPipeline =
    Pipeline<Parse, Reassemble, Steer, Lookup, Classify, Allocate, Translate, Egress, Emit, Answer>;

/// The stages' names, in the same order.
inline constexpr std::array<std::string_view, 10> kStageNames{
    "parse",    "reassemble", "steer",  "lookup", "classify",
    "allocate", "translate",  "egress", "emit",   "answer"};
inline constexpr std::size_t kStages = kStageNames.size();
static_assert(kStages == EgressPipeline::kCount);

}  // namespace sluice::pipeline
