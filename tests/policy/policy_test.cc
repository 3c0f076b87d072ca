// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "policy/policy.h"

#include <gtest/gtest.h>

#include <chrono>

#include "policy/scan.h"
#include "support/eal.h"
#include "support/random.h"

namespace sluice::policy {
namespace {

using test::address;
using test::marked;
using test::prefix;

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() { test::start_eal(); }

  static std::unique_ptr<const Policy> compile(EntryList list) {
    auto compiled = Policy::compile(std::move(list));
    EXPECT_TRUE(compiled) << (compiled ? "" : compiled.error());
    return compiled ? std::move(compiled).value() : nullptr;
  }
};

Decision ask(const Policy& policy, const IpAddr& source, const IpAddr& destination) {
  return source.is_v4() ? policy.decide(source.v4(), destination.v4())
                        : policy.decide(source.v6(), destination.v6());
}

bool same(const Decision& a, const Decision& b) {
  return a.verdict == b.verdict && a.pool == b.pool && a.rule == b.rule;
}

Entry entry(Verdict verdict, std::string_view from, std::string_view to, std::string text = {}) {
  return {.from = {prefix(from)},
          .to = {prefix(to)},
          .except = {},
          .verdict = verdict,
          .pool = {},
          .text = std::move(text)};
}

TEST_F(PolicyTest, WithoutEntriesPreservesAndSaysSo) {
  const auto policy = compile({});
  const auto decision = ask(*policy, address("10.0.0.1"), address("8.8.8.8"));
  EXPECT_EQ(decision.verdict, Verdict::kPreserve);
  EXPECT_EQ(policy->text(decision.rule), "no rule matches: preserved");
  EXPECT_FALSE(policy->judges_ipv6());
}

TEST_F(PolicyTest, AnEntryForEverythingMatchesEverything) {
  const auto policy =
      compile({.entries = {entry(Verdict::kDrop, "0.0.0.0/0", "0.0.0.0/0")}, .pools = {}});
  for (const char* text : {"0.0.0.0", "10.0.0.1", "127.255.255.255", "255.255.255.255"}) {
    EXPECT_EQ(ask(*policy, address(text), address(text)).verdict, Verdict::kDrop) << text;
  }
}

TEST_F(PolicyTest, TheFirstEntryThatMatchesDecides) {
  const auto policy = compile({.entries = {entry(Verdict::kPreserve, "10.0.0.0/8", "8.0.0.0/8"),
                                           entry(Verdict::kDrop, "10.1.0.0/16", "8.8.0.0/16"),
                                           entry(Verdict::kSnat, "10.0.0.0/8", "0.0.0.0/0")},
                               .pools = {}});
  EXPECT_EQ(ask(*policy, address("10.1.0.1"), address("8.8.0.1")).rule, RuleId{0});
  EXPECT_EQ(ask(*policy, address("10.1.0.1"), address("9.0.0.0")).rule, RuleId{2});
  EXPECT_EQ(ask(*policy, address("11.0.0.0"), address("9.0.0.0")).rule, RuleId{3});
}

TEST_F(PolicyTest, TellsTheTextOfAnyRuleNumber) {
  const auto policy = compile({.entries = {entry(Verdict::kDrop, "10.0.0.0/8", "8.0.0.0/8", "x")},
                               .pools = {},
                               .fallback = "none"});
  EXPECT_EQ(policy->text(RuleId{0}), "x");
  EXPECT_EQ(policy->text(RuleId{1}), "none");
  EXPECT_EQ(policy->text(RuleId{2}), "IPv6 is forwarded, never translated");
  EXPECT_EQ(policy->text(RuleId{0xffffff}), "none");
}

TEST_F(PolicyTest, JudgesIpv6OnlyWhereAnEntryDoesMoreThanPreserve) {
  const auto preserving =
      compile({.entries = {entry(Verdict::kPreserve, "fd10::/64", "::/0")}, .pools = {}});
  EXPECT_FALSE(preserving->judges_ipv6());
  const auto decision = ask(*preserving, address("fd10::5"), address("2001:db8::1"));
  EXPECT_EQ(decision.verdict, Verdict::kPreserve);
  EXPECT_EQ(preserving->text(decision.rule), "IPv6 is forwarded, never translated");

  const auto judging = compile({.entries = {entry(Verdict::kPreserve, "fd10::/64", "fd10::/64"),
                                            entry(Verdict::kNat66Unsupported, "fd10::/64", "::/0")},
                                .pools = {}});
  EXPECT_TRUE(judging->judges_ipv6());
  EXPECT_EQ(ask(*judging, address("fd10::5"), address("fd10::6")).rule, RuleId{0});
  EXPECT_EQ(ask(*judging, address("fd10::5"), address("fd10:0:0:1::")).rule, RuleId{1});
  EXPECT_EQ(ask(*judging, address("fd11::5"), address("fd10::6")).rule, RuleId{2});
}

TEST_F(PolicyTest, CompilesAConfiguration) {
  config::Config config;
  config.pods.cidrs = marked({"10.10.0.0/16"});
  config.vpc_cidrs = marked({"10.10.0.0/16"});
  config.snat.source = {Ipv4Addr{10, 10, 10, 20}};
  config.snat.vpc_cni.emplace();
  const auto compiled = Policy::compile(config);
  ASSERT_TRUE(compiled) << compiled.error();
  const Policy& policy = *compiled.value();
  const auto decision = ask(policy, address("10.10.20.21"), address("8.8.8.8"));
  EXPECT_EQ(decision.verdict, Verdict::kSnat);
  EXPECT_EQ(decision.pool, PoolId{0});
  EXPECT_EQ(policy.text(decision.rule), "vpc_cni: destination outside the VPC and the exclusions");
  EXPECT_EQ(policy.entries().size(), 2u);
  EXPECT_EQ(policy.pools().size(), 1u);
}

TEST_F(PolicyTest, TwoPoliciesLiveSideBySide) {
  const auto old_one =
      compile({.entries = {entry(Verdict::kDrop, "0.0.0.0/0", "0.0.0.0/0")}, .pools = {}});
  const auto new_one =
      compile({.entries = {entry(Verdict::kSnat, "0.0.0.0/0", "0.0.0.0/0")}, .pools = {}});
  EXPECT_EQ(ask(*old_one, address("10.0.0.1"), address("8.8.8.8")).verdict, Verdict::kDrop);
  EXPECT_EQ(ask(*new_one, address("10.0.0.1"), address("8.8.8.8")).verdict, Verdict::kSnat);
}

TEST_F(PolicyTest, RefusesWhatIsTooLargeByName) {
  Entry large = entry(Verdict::kDrop, "10.0.0.0/8", "0.0.0.0/0", "rules[0]: too much");
  large.from.clear();
  large.to.clear();
  for (std::uint32_t i = 0; i < 300; ++i) {
    large.from.emplace_back(Ipv4Addr{i << 8}, 24);
    large.to.emplace_back(Ipv4Addr{i << 8}, 24);
  }
  const auto refused = Policy::compile(EntryList{.entries = {large}, .pools = {}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("rules[0]"), std::string::npos) << refused.error();
}

// --- against a plain scan -----------------------------------------------------------------------

/// Random entries over few enough networks that most of them overlap.
class RandomPolicy {
 public:
  RandomPolicy(test::Random& random, bool is_v4) : random_(random), is_v4_(is_v4) {}

  EntryList list(unsigned most) {
    EntryList list;
    for (unsigned i = random_.between(1, most); i > 0; --i) {
      list.entries.push_back({.from = prefixes(1, 3),
                              .to = prefixes(1, 3),
                              .except = prefixes(0, 3),
                              .verdict = static_cast<Verdict>(random_.below(4)),
                              .pool = PoolId{static_cast<std::uint16_t>(random_.below(3))},
                              .text = {}});
    }
    // Makes the policy one that judges IPv6, whatever the dice said.
    list.entries.push_back({.from = prefixes(1, 1),
                            .to = prefixes(1, 1),
                            .except = {},
                            .verdict = Verdict::kDrop,
                            .pool = {},
                            .text = {}});
    return list;
  }

  IpAddr any_address() {
    if (is_v4_) return Ipv4Addr{random_.word()};
    Ipv6Addr::Bytes bytes{};
    for (auto& byte : bytes) byte = random_.byte();
    return Ipv6Addr{bytes};
  }

  /// The first or last address of a prefix, or the neighbour just outside.
  IpAddr edge(const IpPrefix& prefix) {
    const bool last = random_.coin();
    const bool outside = random_.coin();
    if (is_v4_) {
      const std::uint32_t first = prefix.address().v4().value();
      const auto host_bits = static_cast<std::uint32_t>(0xffff'ffffULL >> prefix.length());
      return last ? Ipv4Addr{(first | host_bits) + (outside ? 1 : 0)}
                  : Ipv4Addr{first - (outside ? 1 : 0)};
    }
    Ipv6Addr::Bytes bytes = prefix.address().v6().bytes();
    for (unsigned bit = prefix.length(); last && bit < 128; ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] | 0x80U >> (bit % 8));
    }
    for (std::size_t i = bytes.size(); outside && i-- > 0;) {
      bytes[i] = static_cast<std::uint8_t>(bytes[i] + (last ? 1 : -1));
      if (bytes[i] != (last ? 0 : 0xff)) break;
    }
    return Ipv6Addr{bytes};
  }

 private:
  std::vector<IpPrefix> prefixes(unsigned least, unsigned most) {
    std::vector<IpPrefix> result;
    for (unsigned i = random_.between(least, most); i > 0; --i) {
      result.push_back(random_prefix());
    }
    return result;
  }
  IpPrefix random_prefix() {
    IpAddr base = any_address();
    if (is_v4_) {
      base = Ipv4Addr{0x0a000000U | (base.v4().value() & 0x0300'0c0fU)};
      return {base, random_.below(33)};
    }
    Ipv6Addr::Bytes bytes{0xfd};
    bytes[1] = base.v6().bytes()[1] & 1;
    bytes[5] = base.v6().bytes()[5] & 3;
    bytes[15] = base.v6().bytes()[15] & 7;
    return {Ipv6Addr{bytes}, random_.below(129)};
  }

  test::Random& random_;
  bool is_v4_;
};

template <typename T>
const T& one_of(const std::vector<T>& values, test::Random& random) {
  return values[random.below(static_cast<std::uint32_t>(values.size()))];
}

const std::vector<IpPrefix>& some_list(const EntryList& list, test::Random& random, bool from) {
  const Entry& entry = one_of(list.entries, random);
  if (from) return entry.from;
  return entry.except.empty() || random.coin() ? entry.to : entry.except;
}

void compare_with_scan(bool is_v4, int policies, int probes) {
  test::Random random;
  SCOPED_TRACE(random.seed());
  RandomPolicy make{random, is_v4};
  for (int round = 0; round < policies; ++round) {
    const EntryList list = make.list(20);
    const auto policy = Policy::compile(list);
    ASSERT_TRUE(policy) << policy.error();
    const auto probe = [&](bool from) {
      const auto& prefixes = some_list(list, random, from);
      return random.below(8) == 0 ? make.any_address() : make.edge(one_of(prefixes, random));
    };
    for (int i = 0; i < probes; ++i) {
      const IpAddr source = probe(true);
      const IpAddr destination = probe(false);
      const Decision expected = scan(list, source, destination);
      const Decision actual = ask(*policy.value(), source, destination);
      ASSERT_TRUE(same(expected, actual))
          << source.to_string() << " > " << destination.to_string() << ": rule "
          << actual.rule.value << " instead of " << expected.rule.value;
    }
  }
}

TEST_F(PolicyTest, AgreesWithAPlainScanOnRandomIpv4Policies) { compare_with_scan(true, 200, 500); }
TEST_F(PolicyTest, AgreesWithAPlainScanOnRandomIpv6Policies) { compare_with_scan(false, 100, 500); }

TEST_F(PolicyTest, TakesTenThousandRules) {
  test::Random random;
  EntryList list;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const Ipv4Addr pods{0x0a00'0000U | (random.word() & 0x00ff'fff0U)};
    const Ipv4Addr remote{random.word() & 0xffff'ff00U};
    Entry rule = entry(i % 2 == 0 ? Verdict::kSnat : Verdict::kDrop, "0.0.0.0/0", "0.0.0.0/0");
    rule.from = {IpPrefix{pods, 28}};
    rule.to = {IpPrefix{remote, 24}};
    list.entries.push_back(std::move(rule));
  }
  list.entries.push_back(entry(Verdict::kSnat, "10.0.0.0/8", "0.0.0.0/0"));
  const auto begin = std::chrono::steady_clock::now();
  const auto policy = compile(list);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  RecordProperty("build_ms", std::to_string(took.count()));
  for (int i = 0; i < 1000; ++i) {
    const Entry& picked = one_of(list.entries, random);
    const IpAddr source = picked.from.front().address();
    const IpAddr destination = picked.to.front().address();
    ASSERT_TRUE(same(scan(list, source, destination), ask(*policy, source, destination)));
  }
}

}  // namespace
}  // namespace sluice::policy
