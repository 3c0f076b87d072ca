// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "policy/policy.h"

#include <algorithm>

#include "policy/acl_table.h"
#include "policy/flatten.h"

namespace sluice::policy {

struct Policy::Impl {
  EntryList list;
  AclTable v4;
  AclTable v6;  ///< empty unless some IPv6 entry does more than preserve
  std::string ipv6_text = "IPv6 is forwarded, never translated";
  /// By what AclTable::match() answers: the fallback first, then the entries in order.
  std::vector<Decision> decisions;

  [[nodiscard]] RuleId fallback() const noexcept {
    return RuleId{static_cast<std::uint32_t>(list.entries.size())};
  }
  [[nodiscard]] RuleId unjudged_ipv6() const noexcept { return RuleId{fallback().value + 1}; }
};

namespace {

bool is_v6(const Entry& entry) { return !entry.from.empty() && !entry.from.front().is_v4(); }

bool judges_v6(const EntryList& list) {
  return std::any_of(list.entries.begin(), list.entries.end(), [](const Entry& entry) {
    return is_v6(entry) && entry.verdict != Verdict::kPreserve;
  });
}

std::vector<Decision> decisions_of(const EntryList& list) {
  const auto count = static_cast<std::uint32_t>(list.entries.size());
  std::vector<Decision> decisions{
      {.verdict = Verdict::kPreserve, .pool = {}, .rule = RuleId{count}}};
  for (std::uint32_t i = 0; i < count; ++i) {
    const Entry& entry = list.entries[i];
    decisions.push_back({.verdict = entry.verdict, .pool = entry.pool, .rule = RuleId{i}});
  }
  return decisions;
}

}  // namespace

Policy::Policy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Policy::~Policy() = default;

Result<std::unique_ptr<const Policy>> Policy::compile(const config::Config& config) {
  return compile(entries_of(config));
}

Result<std::unique_ptr<const Policy>> Policy::compile(EntryList list) {
  const auto pairs = flatten(list);
  if (!pairs) return Error{pairs.error()};
  auto v4 = AclTable::build(pairs.value(), true);
  if (!v4) return Error{v4.error()};
  auto v6 = judges_v6(list) ? AclTable::build(pairs.value(), false) : Result{AclTable{}};
  if (!v6) return Error{v6.error()};
  auto impl = std::make_unique<Impl>();
  impl->v4 = std::move(v4).value();
  impl->v6 = std::move(v6).value();
  impl->decisions = decisions_of(list);
  impl->list = std::move(list);
  return std::unique_ptr<const Policy>{new Policy{std::move(impl)}};
}

Decision Policy::decide(Ipv4Addr source, Ipv4Addr destination) const noexcept {
  return impl_->decisions[impl_->v4.match(source, destination)];
}

void Policy::decide(std::span<const AddressPair> pairs,
                    std::span<Decision> decisions) const noexcept {
  std::uint32_t matches[AclTable::kMostAtOnce];
  impl_->v4.match(pairs, {matches, pairs.size()});
  for (std::size_t i = 0; i < pairs.size(); ++i) decisions[i] = impl_->decisions[matches[i]];
}

Decision Policy::decide(const Ipv6Addr& source, const Ipv6Addr& destination) const noexcept {
  if (!judges_ipv6()) {
    return {.verdict = Verdict::kPreserve, .pool = {}, .rule = impl_->unjudged_ipv6()};
  }
  return impl_->decisions[impl_->v6.match(source, destination)];
}

bool Policy::judges_ipv6() const noexcept { return !impl_->v6.empty(); }

const std::string& Policy::text(RuleId rule) const noexcept {
  if (rule == impl_->unjudged_ipv6()) return impl_->ipv6_text;
  if (rule >= impl_->fallback()) return impl_->list.fallback;
  return impl_->list.entries[rule.value].text;
}

std::span<const Entry> Policy::entries() const noexcept { return impl_->list.entries; }
std::span<const SourcePool> Policy::pools() const noexcept { return impl_->list.pools; }

}  // namespace sluice::policy
