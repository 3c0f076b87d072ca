// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Longest-prefix match over a fixed set of prefixes of both families.
///
/// The prefixes cut each family's addresses into at most 2n + 1 intervals, each of which has one
/// most specific prefix. The starts of the intervals lie sorted in one array, so a lookup is a
/// binary search: 12 steps for a thousand prefixes, the last of them in one cache line. Ours and
/// not rte_lpm's or rte_fib's because those take their memory from the EAL, while `check`,
/// `explain` and unit tests ask the same questions without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "core/ip.h"

namespace sluice::eni {

template <typename T>
class PrefixTable {
 public:
  struct Node {
    IpPrefix prefix;
    T value;
  };

  PrefixTable() = default;
  /// A map from prefix to value iterates networks before their parts, which the sweep relies on.
  explicit PrefixTable(const std::map<IpPrefix, T>& entries) {
    for (const auto& [prefix, value] : entries) append(prefix, value);
    while (!open_.empty()) close();
  }

  /// The most specific prefix that holds the address, or null.
  [[nodiscard]] const Node* find(const IpAddr& address) const noexcept {
    return address.is_v4() ? find(address.v4()) : find_in(intervals6_, address.v6());
  }
  [[nodiscard]] const Node* find(Ipv4Addr address) const noexcept {
    return find_in(intervals4_, address);
  }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  template <typename Address>
  struct Intervals {
    std::vector<Address> starts;      ///< sorted, unique
    std::vector<std::uint32_t> node;  ///< the most specific one from that address on
  };

  static Ipv4Addr last_of(const IpPrefix& prefix, Ipv4Addr first) {
    return prefix.length() == 0
               ? Ipv4Addr{~0U}
               : Ipv4Addr{first.value() |
                          static_cast<std::uint32_t>(0xffff'ffffULL >> prefix.length())};
  }
  static Ipv6Addr last_of(const IpPrefix& prefix, const Ipv6Addr& first) {
    Ipv6Addr::Bytes bytes = first.bytes();
    for (unsigned bit = prefix.length(); bit < 128; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80U >> (bit % 8));
    }
    return Ipv6Addr{bytes};
  }
  /// False when there is no next address.
  static bool step(Ipv4Addr& address) {
    address = Ipv4Addr{address.value() + 1};
    return address != Ipv4Addr{};
  }
  static bool step(Ipv6Addr& address) {
    Ipv6Addr::Bytes bytes = address.bytes();
    for (std::size_t i = bytes.size(); i-- > 0;) {
      if (++bytes[i] != 0) break;
    }
    address = Ipv6Addr{bytes};
    return address != Ipv6Addr{};
  }

  template <typename Address>
  static void start(Intervals<Address>& intervals, const Address& address, std::uint32_t node) {
    if (!intervals.starts.empty() && intervals.starts.back() == address) {
      intervals.node.back() = node;  // something more specific begins at the same address
      return;
    }
    intervals.starts.push_back(address);
    intervals.node.push_back(node);
  }

  void append(const IpPrefix& prefix, const T& value) {
    while (!open_.empty() && !nodes_[open_.back()].prefix.contains(prefix)) close();
    const auto index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({prefix, value});
    open_.push_back(index);
    if (prefix.is_v4()) {
      start(intervals4_, prefix.address().v4(), index);
    } else {
      start(intervals6_, prefix.address().v6(), index);
    }
  }

  template <typename Address>
  void close_in(Intervals<Address>& intervals, const IpPrefix& prefix, const Address& first) {
    Address next = last_of(prefix, first);
    if (step(next)) start(intervals, next, open_.empty() ? kNone : open_.back());
  }
  void close() {
    const IpPrefix prefix = nodes_[open_.back()].prefix;
    open_.pop_back();
    if (prefix.is_v4()) {
      close_in(intervals4_, prefix, prefix.address().v4());
    } else {
      close_in(intervals6_, prefix, prefix.address().v6());
    }
  }

  template <typename Address>
  const Node* find_in(const Intervals<Address>& intervals, const Address& address) const noexcept {
    const auto& starts = intervals.starts;
    if (starts.empty() || address < starts.front()) return nullptr;
    // As std::upper_bound, but the only branch is the loop's, which predicts well: whether to go
    // right is a coin toss for the addresses of a burst.
    std::size_t first = 0;
    for (std::size_t left = starts.size(); left > 1;) {
      const std::size_t half = left / 2;
      first += starts[first + half] <= address ? half : 0;
      left -= half;
    }
    return at(intervals.node[first]);
  }
  const Node* at(std::uint32_t index) const noexcept {
    return index == kNone ? nullptr : &nodes_[index];
  }

  std::vector<Node> nodes_;
  Intervals<Ipv4Addr> intervals4_;
  Intervals<Ipv6Addr> intervals6_;
  std::vector<std::uint32_t> open_;  ///< while building: the prefixes around the current one
};

}  // namespace sluice::eni
