// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// snat.rules: first match wins, before the dialect.
#include <fmt/format.h>

#include <algorithm>

#include "policy/entry_builder.h"

namespace sluice::policy {
namespace {

constexpr std::size_t kNamed = 3;  // CIDRs of a list that explain writes out

std::string names(std::string_view word, const config::MarkedPrefixes& prefixes) {
  std::string text{word};
  for (std::size_t i = 0; i < std::min(kNamed, prefixes.size()); ++i) {
    text += (i == 0 ? " " : ", ") + prefixes[i].value.to_string();
  }
  if (prefixes.size() > kNamed) text += fmt::format(" and {} more", prefixes.size() - kNamed);
  return text;
}

std::string action_of(const config::RuleConfig& rule) {
  if (rule.action == config::Action::kPreserve) return "preserve";
  if (rule.action == config::Action::kDrop) return "drop";
  if (rule.source.empty()) return "snat";
  std::string text = "snat to " + rule.source.front().to_string();
  if (rule.source.size() > 1) text += fmt::format(" and {} more", rule.source.size() - 1);
  return text;
}

/// "rules[0]: to 198.51.100.0/24, snat (sluice.yaml:23)"
std::string text_of(const config::RuleConfig& rule, std::size_t index) {
  std::string match = rule.from ? names("from", *rule.from) : std::string{};
  if (rule.to) match += (match.empty() ? "" : " ") + names("to", *rule.to);
  if (match.empty()) match = "to everything";
  if (!rule.except.empty()) match += names(" except", rule.except);
  return fmt::format("rules[{}]: {}, {}{}", index, match, action_of(rule), place(rule.mark));
}

bool names_ipv6(const config::MarkedPrefixes& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [](const auto& prefix) { return !prefix.value.is_v4(); });
}

/// Translation is IPv4's, so a rule that names no family means IPv4. One that says snat and names
/// IPv6 asks for what sluice cannot do: to let its packets out untranslated would be the wrong way
/// to disappoint.
bool asks_for_nat66(const config::RuleConfig& rule) {
  if (rule.to) return names_ipv6(*rule.to);
  return rule.from && names_ipv6(*rule.from);
}

Entry entry_of(EntryBuilder& builder,
               const config::SnatConfig& snat,
               const config::RuleConfig& rule,
               Family family) {
  Entry entry;
  entry.from = rule.from ? of_family(*rule.from, family) : builder.pods(family);
  entry.to = rule.to ? of_family(*rule.to, family) : std::vector{everything(family)};
  entry.except = of_family(rule.except, family);
  if (rule.action != config::Action::kSnat) {
    entry.verdict = rule.action == config::Action::kDrop ? Verdict::kDrop : Verdict::kPreserve;
    return entry;
  }
  entry.from = intersection(entry.from, builder.pods(family));
  if (family == Family::kV6) {
    entry.verdict = Verdict::kNat66Unsupported;
    if (!asks_for_nat66(rule)) entry.to.clear();
    return entry;
  }
  entry.verdict = Verdict::kSnat;
  if (!rule.source.empty() && !entry.from.empty()) {
    entry.pool = builder.pool(rule.source, rule.mapping.value_or(snat.mapping));
  }
  return entry;
}

}  // namespace

void add_own_rules(EntryBuilder& builder, const config::SnatConfig& snat) {
  for (std::size_t i = 0; i < snat.rules.size(); ++i) {
    for (const Family family : {Family::kV4, Family::kV6}) {
      Entry entry = entry_of(builder, snat, snat.rules[i], family);
      entry.text = text_of(snat.rules[i], i);
      builder.add(std::move(entry));
    }
  }
}

}  // namespace sluice::policy
