// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the dialects share while they turn a configuration into entries: pod sources by family,
/// pools without duplicates, and the words of `explain`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace sluice::policy {

enum class Family { kV4, kV6 };

[[nodiscard]] constexpr Family family_of(const IpPrefix& prefix) {
  return prefix.is_v4() ? Family::kV4 : Family::kV6;
}

/// Those of `prefixes` that are of `family`, in their order.
[[nodiscard]] std::vector<IpPrefix> of_family(const config::MarkedPrefixes& prefixes,
                                              Family family);
/// 0.0.0.0/0 or ::/0.
[[nodiscard]] IpPrefix everything(Family family);
/// Addresses that lie in a prefix of both lists.
[[nodiscard]] std::vector<IpPrefix> intersection(std::span<const IpPrefix> a,
                                                 std::span<const IpPrefix> b);
/// " (sluice.yaml:23)": folders left out; empty when the place is unknown.
[[nodiscard]] std::string place(const config::SourceMark& mark);

class EntryBuilder {
 public:
  explicit EntryBuilder(const config::Config& config);

  /// Appends an entry, unless it could never match (no source or no destination).
  void add(Entry entry);
  /// Appends "a pod to this destination is preserved".
  void preserve(const IpPrefix& to, std::string text);
  /// Appends "any other IPv4 destination of a pod is translated", out of snat.source.
  void translate_rest(std::string text);

  /// The pool of these addresses, made on first use. Order and repetition make no other pool.
  PoolId pool(std::span<const Ipv4Addr> addresses, config::Mapping mapping);

  /// pods.cidrs of one family.
  [[nodiscard]] const std::vector<IpPrefix>& pods(Family family) const {
    return family == Family::kV4 ? pods4_ : pods6_;
  }
  void set_fallback(std::string text) { list_.fallback = std::move(text); }
  [[nodiscard]] EntryList take() { return std::move(list_); }

 private:
  EntryList list_;
  std::vector<IpPrefix> pods4_;
  std::vector<IpPrefix> pods6_;
};

// Each appends the entries of one part of the configuration.
void add_nodes(EntryBuilder& builder, const config::PodsConfig& pods);
void add_own_rules(EntryBuilder& builder, const config::SnatConfig& snat);
void add_vpc_cni(EntryBuilder& builder,
                 const config::VpcCniConfig& vpc_cni,
                 const config::MarkedPrefixes& vpc_cidrs);
void add_ip_masq_agent(EntryBuilder& builder, const config::IpMasqAgentConfig& agent);
void add_gke(EntryBuilder& builder, const config::GkeConfig& gke);

}  // namespace sluice::policy
