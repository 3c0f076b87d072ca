// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <rte_prefetch.h>

#include <array>
#include <span>
#include <tuple>
#include <type_traits>

#include "pipeline/pipeline.h"
#include "support/hash_index.h"

namespace sluice::bench {

/// The stage Lookup over rte_hash in place of the flow table's own index; sessions lie in the same
/// records, which it fetches ahead as well.
class HashLookup {
 public:
  HashLookup(pipeline::Context& context, const HashIndex& index) noexcept
      : context_(context), index_(index) {}

  void process(pipeline::Burst& burst) noexcept {
    std::array<pipeline::Packet*, pipeline::kBurstSize> wanting;
    std::array<nat::FlowKey, pipeline::kBurstSize> keys;
    std::array<nat::Found, pipeline::kBurstSize> found;
    std::size_t count = 0;
    for (pipeline::Packet& packet : burst) {
      if (!packet.live() || packet.kind != pipeline::Kind::kFlow) continue;
      keys[count] = packet.key;
      wanting[count++] = &packet;
    }
    if (count == 0) return;
    index_.find({keys.data(), count}, {found.data(), count});
    for (std::size_t i = 0; i < count; ++i) {
      if (found[i]) rte_prefetch0(&context_.table.at(found[i].session));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!found[i] || context_.table.expired(context_.table.at(found[i].session), burst.now())) {
        continue;
      }
      wanting[i]->found = found[i];
    }
    pipeline::admit({wanting.data(), count}, burst, context_);
  }

 private:
  pipeline::Context& context_;
  const HashIndex& index_;
};

/// A pipeline with HashLookup in Lookup's place: `HashPipeline<EgressPipeline>`.
template <typename Pipeline>
class HashPipeline;

template <typename... Stages>
class HashPipeline<pipeline::Pipeline<Stages...>> {
 public:
  HashPipeline(pipeline::Context& context, const HashIndex& index)
      : stages_(make<Stages>(context, index)...) {}

  void process(pipeline::Burst& burst) noexcept {
    std::apply([&burst](auto&... stage) { (stage.process(burst), ...); }, stages_);
  }

 private:
  template <typename Stage>
  using Replaced = std::conditional_t<std::is_same_v<Stage, pipeline::Lookup>, HashLookup, Stage>;

  template <typename Stage>
  static Replaced<Stage> make(pipeline::Context& context, const HashIndex& index) {
    if constexpr (std::is_same_v<Stage, pipeline::Lookup>)
      return HashLookup(context, index);
    else
      return Stage(context);
  }

  std::tuple<Replaced<Stages>...> stages_;
};

}  // namespace sluice::bench
