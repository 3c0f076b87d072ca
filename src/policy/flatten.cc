// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "policy/flatten.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::policy {
namespace {

/// The address of `prefix` with the first bit behind its length set: where its upper half begins.
IpAddr upper_half(const IpPrefix& prefix) {
  const unsigned bit = prefix.length();
  if (prefix.is_v4()) return Ipv4Addr{prefix.address().v4().value() | 1U << (31 - bit)};
  Ipv6Addr::Bytes bytes = prefix.address().v6().bytes();
  bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80U >> (bit % 8));
  return Ipv6Addr{bytes};
}

void subtract_into(std::vector<IpPrefix>& result,
                   const IpPrefix& prefix,
                   std::span<const IpPrefix> except) {
  std::vector<IpPrefix> inside;
  for (const IpPrefix& hole : except) {
    if (hole.contains(prefix)) return;
    if (prefix.contains(hole)) inside.push_back(hole);
  }
  if (inside.empty()) {
    result.push_back(prefix);
    return;
  }
  subtract_into(result, {prefix.address(), prefix.length() + 1}, inside);
  subtract_into(result, {upper_half(prefix), prefix.length() + 1}, inside);
}

/// The same addresses without prefixes that lie inside others of the list.
std::vector<IpPrefix> without_nested(std::vector<IpPrefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());  // a network before its parts
  std::vector<IpPrefix> result;
  for (const IpPrefix& prefix : prefixes) {
    if (result.empty() || !result.back().contains(prefix)) result.push_back(prefix);
  }
  return result;
}

Error too_many(const Entry& entry) {
  return Error{
      fmt::format("{}: more than {} pairs of source and destination prefixes up to this "
                  "rule; fewer or wider CIDRs in 'from', 'to' and 'except' would do",
                  entry.text, kMaxPairs)};
}

}  // namespace

std::vector<IpPrefix> subtract(const IpPrefix& prefix, std::span<const IpPrefix> except) {
  std::vector<IpPrefix> result;
  subtract_into(result, prefix, except);
  return result;
}

Result<std::vector<Pair>> flatten(const EntryList& list) {
  std::vector<Pair> pairs;
  for (std::uint32_t index = 0; index < list.entries.size(); ++index) {
    const Entry& entry = list.entries[index];
    const std::vector<IpPrefix> except = without_nested(entry.except);
    std::vector<IpPrefix> to;
    for (const IpPrefix& prefix : without_nested(entry.to)) subtract_into(to, prefix, except);
    const std::vector<IpPrefix> from = without_nested(entry.from);
    if (pairs.size() + from.size() * to.size() > kMaxPairs) return too_many(entry);
    for (const IpPrefix& source : from) {
      for (const IpPrefix& destination : to) pairs.push_back({source, destination, index});
    }
  }
  return pairs;
}

Status check_size(const EntryList& list) {
  const auto pairs = flatten(list);
  return pairs ? success() : Status{Error{pairs.error()}};
}

}  // namespace sluice::policy
