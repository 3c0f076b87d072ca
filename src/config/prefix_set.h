// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <optional>
#include <set>

#include "core/ip.h"

namespace sluice::config {

/// Prefixes of both families, asked which of them hold another. A lookup tries the lengths there
/// are, so the longest lists a configuration may have cost no more than their reading.
class PrefixSet {
 public:
  void add(const IpPrefix& prefix) {
    prefixes_.insert(prefix);
    (prefix.is_v4() ? lengths4_ : lengths6_).insert(prefix.length());
  }
  [[nodiscard]] bool empty() const { return prefixes_.empty(); }

  /// The shortest one that holds `inner`; itself included when it is among them.
  [[nodiscard]] std::optional<IpPrefix> holder_of(const IpPrefix& inner) const {
    for (const unsigned length : inner.is_v4() ? lengths4_ : lengths6_) {
      if (length > inner.length()) break;
      const IpPrefix candidate{inner.address(), length};
      if (prefixes_.count(candidate) != 0) return candidate;
    }
    return std::nullopt;
  }
  [[nodiscard]] bool holds(const IpAddr& address) const {
    return holder_of(IpPrefix::host(address)).has_value();
  }
  /// Whether anything here holds or lies inside `other`.
  [[nodiscard]] bool overlaps(const IpPrefix& other) const {
    if (holder_of(other)) return true;
    const auto next = prefixes_.lower_bound(other);  // ordered by address, then length
    return next != prefixes_.end() && other.contains(*next);
  }
  [[nodiscard]] bool has_family(bool v4) const { return !(v4 ? lengths4_ : lengths6_).empty(); }

 private:
  std::set<IpPrefix> prefixes_;
  std::set<unsigned> lengths4_;
  std::set<unsigned> lengths6_;
};

}  // namespace sluice::config
