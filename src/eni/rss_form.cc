// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/rss_form.h"

#include <rte_thash.h>

#include <algorithm>

namespace sluice::eni {
namespace {

constexpr std::uint32_t kCompared = 0xffff;

/// DPDK's own function, in host byte order: slow, and for any key.
std::uint32_t hash_of(const nat::FlowKey& tuple, const nat::ToeplitzKey& key, bool sorted) {
  std::uint32_t addresses[] = {tuple.source.to_host(), tuple.destination.to_host()};
  std::uint32_t ports[] = {tuple.source_port.to_host(), tuple.destination_port.to_host()};
  if (sorted) {
    std::sort(std::begin(addresses), std::end(addresses));
    std::sort(std::begin(ports), std::end(ports));
  }
  std::uint32_t words[] = {addresses[0], addresses[1], ports[0] << 16 | ports[1]};
  alignas(std::uint32_t) const nat::ToeplitzKey aligned = key;  // it is read by words
  return rte_softrss(words, 3, aligned.data());
}

}  // namespace

std::optional<RssForm> explain_hashes(std::span<const HashedPacket> packets,
                                      const nat::ToeplitzKey& key) {
  if (packets.empty()) return std::nullopt;
  nat::ToeplitzKey reversed = key;
  std::reverse(reversed.begin(), reversed.end());
  // The plainest explanation first: under a symmetric key, sorting changes nothing.
  for (const RssForm form : {RssForm{}, RssForm{.key_reversed = true}, RssForm{.sorted = true},
                             RssForm{.key_reversed = true, .sorted = true}}) {
    const auto added = [&](const HashedPacket& packet) {
      return (packet.hash ^
              hash_of(packet.tuple, form.key_reversed ? reversed : key, form.sorted)) &
             kCompared;
    };
    const std::uint32_t initial = added(packets.front());
    const bool all = std::all_of(packets.begin(), packets.end(), [&](const HashedPacket& packet) {
      return added(packet) == initial;
    });
    if (all) return RssForm{form.key_reversed, form.sorted, initial};
  }
  return std::nullopt;
}

}  // namespace sluice::eni
