// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The policy: what the first packet of a flow is judged by.
///
/// Every dialect and the own rules compile into one flat, ordered list of entries. The first entry
/// whose `from` holds the source and whose `to` holds the destination decides; when none does,
/// the packet is preserved. Nothing else of the configuration reaches the decision, so the list
/// can be printed, compared and explained as it stands.
///
/// Immutable once compiled: read by any number of workers, replaced whole (RCU) by a reload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/ids.h"
#include "core/ip.h"
#include "core/result.h"

namespace sluice::policy {

enum class Verdict : std::uint8_t { kPreserve, kSnat, kDrop, kNat66Unsupported };

/// Which addresses a translating entry draws from; index into Policy::pools().
using PoolId = StrongId<struct PoolTag, std::uint16_t>;

/// A set of SNAT addresses that serve the same entries, with how their ports are mapped.
struct SourcePool {
  std::vector<Ipv4Addr> addresses;
  config::Mapping mapping = config::Mapping::kEndpointDependent;
};

/// One entry before flattening: all of its prefixes are of one family, never mixed.
struct Entry {
  std::vector<IpPrefix> from;
  std::vector<IpPrefix> to;
  std::vector<IpPrefix> except;  ///< destinations of `to` that go on to the next entry
  Verdict verdict = Verdict::kPreserve;
  PoolId pool{};
  /// What `explain` shows: "vpc_cni: destination outside the VPC and the exclusions".
  std::string text;
};

/// What the policy says of one flow's first packet.
struct AddressPair {
  Ipv4Addr source, destination;
};

struct Decision {
  Verdict verdict = Verdict::kPreserve;
  PoolId pool{};
  RuleId rule{};  ///< index for Policy::text()
};

/// The ordered entries and pools a configuration stands for; no EAL. The last resort, "preserve",
/// is not among them. compile() matches these with rte_acl; tests compare that with a plain scan.
struct EntryList {
  std::vector<Entry> entries;
  std::vector<SourcePool> pools;  ///< the first is snat.source with snat.mapping
  std::string fallback = "no rule matches: preserved";  ///< text where no entry decides
};
[[nodiscard]] EntryList entries_of(const config::Config& config);

/// Whether the list can be matched: entries count as pairs of prefixes (`from` times what is left
/// of `to` without `except`), of which there may be kMaxPairs. The error names the entry that goes
/// beyond. No EAL: `check` asks this, too.
inline constexpr std::size_t kMaxPairs = 65'536;
[[nodiscard]] Status check_size(const EntryList& list);

class Policy {
 public:
  /// Compiles the configuration's rules and dialect. Needs EAL (rte_acl keeps its tables in
  /// rte_malloc memory). Main thread; cold: half a second for 10,000 rules. Fails for lack of
  /// memory, naming what was asked for, and for what check_size() refuses.
  static Result<std::unique_ptr<const Policy>> compile(const config::Config& config);
  static Result<std::unique_ptr<const Policy>> compile(EntryList list);
  ~Policy();
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;

  // Hot path (first packets): no allocation, no lock, bounded time. Any thread.
  /// Of a burst, at most 64, which costs a fraction of asking for each; as many decisions as pairs.
  void decide(std::span<const AddressPair> pairs, std::span<Decision> decisions) const noexcept;
  [[nodiscard]] Decision decide(Ipv4Addr source, Ipv4Addr destination) const noexcept;
  [[nodiscard]] Decision decide(const Ipv6Addr& source, const Ipv6Addr& destination) const noexcept;
  /// False when no IPv6 entry could say anything but preserve: lets the path skip decide().
  [[nodiscard]] bool judges_ipv6() const noexcept;

  /// What `explain` shows for a decision's rule, also where no entry decided. Any value is safe.
  [[nodiscard]] const std::string& text(RuleId rule) const noexcept;
  [[nodiscard]] std::span<const Entry> entries() const noexcept;
  [[nodiscard]] std::span<const SourcePool> pools() const noexcept;

 private:
  struct Impl;
  explicit Policy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::policy
