// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "policy/acl_table.h"

#include <fmt/format.h>
#include <rte_acl.h>
#include <rte_errno.h>
#include <rte_memory.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace sluice::policy {
namespace {

/// What rte_acl reads, in network byte order. Its first field has to be one byte and everything
/// else lies on multiples of four, so a byte that no rule looks at comes first.
template <std::size_t kWords>
struct Key {
  std::array<std::uint8_t, 4> unused{};
  std::array<std::uint32_t, kWords> source{};
  std::array<std::uint32_t, kWords> destination{};
};
static_assert(sizeof(Key<1>) == 12 && sizeof(Key<4>) == 36);

template <std::size_t kWords>
using Words = std::array<std::uint32_t, kWords>;

constexpr std::size_t kV4Words = 1;
constexpr std::size_t kV6Words = 4;

template <std::size_t kWords>
RTE_ACL_RULE_DEF(AclRule, 1 + 2 * kWords);

/// The address as rte_acl wants it in rules: words in host byte order.
template <std::size_t kWords>
Words<kWords> host_words(const IpAddr& address) {
  if constexpr (kWords == kV4Words) return {address.v4().value()};
  Words<kWords> words{};
  const Ipv6Addr::Bytes& bytes = address.v6().bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) words[i / 4] = words[i / 4] << 8 | bytes[i];
  return words;
}

/// Writes a prefix as one field per word, each with its part of the length.
template <std::size_t kWords>
void set_fields(rte_acl_field* fields, const IpPrefix& prefix) {
  const Words<kWords> words = host_words<kWords>(prefix.address());
  unsigned left = prefix.length();
  for (std::size_t i = 0; i < kWords; ++i) {
    const unsigned bits = std::min(left, 32U);
    fields[i].value.u32 = words[i];
    fields[i].mask_range.u32 = bits;
    left -= bits;
  }
}

template <std::size_t kWords>
rte_acl_config layout() {
  rte_acl_config config{};
  config.num_categories = 1;
  config.num_fields = 1 + 2 * kWords;
  // max_size stays 0: the smallest tables rte_acl can make, at the price of more of them.
  config.defs[0] = {RTE_ACL_FIELD_TYPE_BITMASK, sizeof(std::uint8_t), 0, 0, 0};
  for (std::uint8_t i = 1; i < config.num_fields; ++i) {
    config.defs[i] = {RTE_ACL_FIELD_TYPE_MASK, sizeof(std::uint32_t), i, i, 4U * i};
  }
  return config;
}

/// rte_acl_create() hands out the existing context of a name, so no two may share one: during a
/// reload the old policy and the new one live at the same time.
std::string fresh_name() {
  static std::atomic<std::uint64_t> next{0};
  return fmt::format("policy{}", next++);
}

Error out_of_memory(std::size_t pairs, int code) {
  return Error{
      fmt::format("no memory to match {} pairs of prefixes (rte_acl: {}); give the EAL "
                  "more with -m, or use fewer rules",
                  pairs, rte_strerror(code))};
}

template <std::size_t kWords>
std::vector<AclRule<kWords>> rules_of(std::span<const Pair> pairs) {
  std::vector<AclRule<kWords>> rules;
  for (const Pair& pair : pairs) {
    if (pair.from.is_v4() != (kWords == kV4Words)) continue;
    AclRule<kWords> rule{};
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - pair.entry);
    rule.data.userdata = pair.entry + 1;
    set_fields<kWords>(rule.field + 1, pair.from);
    set_fields<kWords>(rule.field + 1 + kWords, pair.to);
    rules.push_back(rule);
  }
  return rules;
}

using Context = std::unique_ptr<rte_acl_ctx, FreeAcl>;

template <std::size_t kWords>
Result<Context> build_context(std::span<const Pair> pairs) {
  const auto rules = rules_of<kWords>(pairs);
  if (rules.empty()) return Context{};
  const auto count = static_cast<std::uint32_t>(rules.size());
  const std::string name = fresh_name();
  rte_acl_param parameters{};
  parameters.name = name.c_str();
  parameters.socket_id = SOCKET_ID_ANY;
  parameters.rule_size = sizeof(AclRule<kWords>);
  parameters.max_rule_num = count;
  Context context{rte_acl_create(&parameters)};
  if (!context) return out_of_memory(count, rte_errno);
  const auto* first = reinterpret_cast<const rte_acl_rule*>(rules.data());
  int code = rte_acl_add_rules(context.get(), first, count);
  const rte_acl_config config = layout<kWords>();
  if (code == 0) code = rte_acl_build(context.get(), &config);
  if (code != 0) return out_of_memory(count, -code);
  return context;
}

template <std::size_t kWords>
std::uint32_t classify(const rte_acl_ctx* context, const Key<kWords>& key) noexcept {
  const auto* data = reinterpret_cast<const std::uint8_t*>(&key);
  std::uint32_t result = AclTable::kNoMatch;
  // Fails only for a number of categories that is no power of two; there is one.
  (void)rte_acl_classify(context, &data, &result, 1, 1);
  return result;
}

}  // namespace

void FreeAcl::operator()(rte_acl_ctx* context) const noexcept { rte_acl_free(context); }

Result<AclTable> AclTable::build(std::span<const Pair> pairs, bool is_v4) {
  auto built = is_v4 ? build_context<kV4Words>(pairs) : build_context<kV6Words>(pairs);
  if (!built) return Error{built.error()};
  AclTable table;
  table.context_ = std::move(built).value();
  return table;
}

std::uint32_t AclTable::match(Ipv4Addr source, Ipv4Addr destination) const noexcept {
  if (empty()) return kNoMatch;
  return classify<kV4Words>(
      context_.get(),
      {.unused = {}, .source = {source.wire().raw()}, .destination = {destination.wire().raw()}});
}

void AclTable::match(std::span<const AddressPair> pairs,
                     std::span<std::uint32_t> matches) const noexcept {
  if (empty()) return std::fill(matches.begin(), matches.end(), kNoMatch);
  if (pairs.empty()) return;
  Key<kV4Words> keys[kMostAtOnce];
  const std::uint8_t* data[kMostAtOnce];
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    keys[i].source[0] = pairs[i].source.wire().raw();
    keys[i].destination[0] = pairs[i].destination.wire().raw();
    data[i] = reinterpret_cast<const std::uint8_t*>(&keys[i]);
  }
  (void)rte_acl_classify(context_.get(), data, matches.data(),
                         static_cast<std::uint32_t>(pairs.size()), 1);
}

std::uint32_t AclTable::match(const Ipv6Addr& source, const Ipv6Addr& destination) const noexcept {
  if (empty()) return kNoMatch;
  Key<kV6Words> key;
  std::memcpy(key.source.data(), source.bytes().data(), source.bytes().size());
  std::memcpy(key.destination.data(), destination.bytes().data(), destination.bytes().size());
  return classify<kV6Words>(context_.get(), key);
}

}  // namespace sluice::policy
