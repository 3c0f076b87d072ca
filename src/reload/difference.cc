// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/difference.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

namespace sluice::reload {
namespace {

constexpr std::size_t kMostLines = 40;
constexpr std::size_t kMostValues = 8;  // of a list, before "and N more"

using Values = std::set<std::string>;

// --- lists -----------------------------------------------------------------------------------

template <typename List>
Values values_of(const List& list) {
  Values values;
  for (const auto& item : list) {
    if constexpr (requires { item.mark; }) {
      values.insert(item.value.to_string());
    } else {
      values.insert(item.to_string());
    }
  }
  return values;
}

std::string signed_values(char sign, const Values& from, const Values& without) {
  std::vector<std::string> words;
  for (const std::string& value : from) {
    if (without.count(value) == 0) words.push_back(sign + value);
  }
  if (words.empty()) return "";
  const std::size_t shown = std::min(words.size(), kMostValues);
  std::string text = fmt::format(
      " {}", fmt::join(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(shown), " "));
  if (shown < words.size()) text += fmt::format(" and {} more {}", words.size() - shown, sign);
  return text;
}

/// " -10.0.0.0/8 +10.1.0.0/16", or "" where they are the same set.
std::string list_difference(const Values& before, const Values& after) {
  return signed_values('-', before, after) + signed_values('+', after, before);
}

// --- policy ----------------------------------------------------------------------------------

/// An entry as it decides, whatever its text and wherever it was written.
struct Said {
  Values from, to, except;
  std::string action;
  friend auto operator<=>(const Said&, const Said&) = default;
};

std::string action_of(const policy::Entry& entry, const policy::EntryList& list) {
  switch (entry.verdict) {
    case policy::Verdict::kPreserve: return "preserve";
    case policy::Verdict::kDrop: return "drop";
    case policy::Verdict::kNat66Unsupported: return "drop as nat66_unsupported";
    case policy::Verdict::kSnat: break;
  }
  const policy::SourcePool& pool = list.pools[entry.pool.value];
  std::vector<std::string> words;  // in order: the order says which pod gets which
  for (const Ipv4Addr address : pool.addresses) words.push_back(address.to_string());
  return fmt::format(
      "snat to {}{}", fmt::join(words, " "),
      pool.mapping == config::Mapping::kEndpointIndependent ? ", endpoint_independent" : "");
}

struct Rule {
  Said said;
  const std::string* text;
};

std::vector<Rule> rules_of(const policy::EntryList& list) {
  std::vector<Rule> rules;
  for (const policy::Entry& entry : list.entries) {
    rules.push_back({{values_of(entry.from), values_of(entry.to), values_of(entry.except),
                      action_of(entry, list)},
                     &entry.text});
  }
  return rules;
}

/// The rules of one list that say what none of the other says; one each for repetitions.
std::vector<Rule> without(const std::vector<Rule>& rules, const std::vector<Rule>& others) {
  std::map<Said, std::size_t> counts;
  for (const Rule& rule : others) ++counts[rule.said];
  std::vector<Rule> left;
  for (const Rule& rule : rules) {
    const auto found = counts.find(rule.said);
    if (found == counts.end() || found->second == 0) {
      left.push_back(rule);
    } else {
      --found->second;
    }
  }
  return left;
}

/// The two say different things under one text: what differs.
std::string rule_difference(const Said& before, const Said& after) {
  std::string text;
  const auto add = [&](const char* what, const std::string& difference) {
    if (!difference.empty()) text += fmt::format(" {}{};", what, difference);
  };
  add("from", list_difference(before.from, after.from));
  add("to", list_difference(before.to, after.to));
  add("except", list_difference(before.except, after.except));
  if (before.action != after.action) {
    text += fmt::format(" {} instead of {};", after.action, before.action);
  }
  text.pop_back();
  return text;
}

void compare_policies(const config::Config& before,
                      const config::Config& after,
                      std::vector<std::string>& lines) {
  const policy::EntryList old_list = policy::entries_of(before);
  const policy::EntryList new_list = policy::entries_of(after);
  const std::vector<Rule> old_rules = rules_of(old_list);
  const std::vector<Rule> new_rules = rules_of(new_list);
  std::vector<Rule> removed = without(old_rules, new_rules);
  const std::vector<Rule> added = without(new_rules, old_rules);
  if (removed.empty() && added.empty()) {
    const bool same_order =
        std::equal(old_rules.begin(), old_rules.end(), new_rules.begin(), new_rules.end(),
                   [](const Rule& a, const Rule& b) { return a.said == b.said; });
    if (!same_order) lines.emplace_back("policy: the same entries in another order");
    return;
  }
  std::vector<std::string> plus;
  for (const Rule& rule : added) {
    const auto same_text = std::find_if(removed.begin(), removed.end(), [&](const Rule& other) {
      return *other.text == *rule.text;
    });
    if (same_text == removed.end()) {
      plus.push_back("policy: + " + *rule.text);
    } else {
      plus.push_back(
          fmt::format("policy: {}:{}", *rule.text, rule_difference(same_text->said, rule.said)));
      removed.erase(same_text);
    }
  }
  for (const Rule& rule : removed) lines.push_back("policy: - " + *rule.text);
  lines.insert(lines.end(), plus.begin(), plus.end());
}

// --- all other keys --------------------------------------------------------------------------

/// The keys outside the policy, by name. A set is compared as one; all else is a set of one value.
class Keys {
 public:
  template <typename T>
  void value(std::string key, const T& value) {
    keys_[std::move(key)] = {fmt::format("{}", value)};
  }
  template <typename List>
  void list(std::string key, const List& list) {
    keys_[std::move(key)] = values_of(list);
  }
  [[nodiscard]] const std::map<std::string, Values>& all() const { return keys_; }

 private:
  std::map<std::string, Values> keys_;
};

/// What a path names, however it was written: two spellings of one file are no difference.
std::string path_text(const std::string& path) {
  return path.empty() ? "none" : std::filesystem::absolute(path).lexically_normal().string();
}

std::string route_text(const config::RouteConfig& route) {
  return fmt::format("{} via {}", route.to.to_string(), route.via.to_string());
}

std::string mtu_text(const std::optional<std::uint16_t>& mtu) {
  return mtu ? fmt::format("{}", *mtu) : "the device's";
}

void add_devices(Keys& keys, const config::Config& config) {
  for (const auto& eni : config.enis) {
    const std::string at = fmt::format("enis[{}].", eni.name);
    keys.value(at + "device", eni.device);
    keys.value(at + "primary", eni.primary);
    keys.value(at + "address", eni.address.to_string());
    keys.list(at + "secondary", eni.secondary);
    keys.list(at + "prefixes", eni.prefixes);
    keys.list(at + "forwards", eni.forwards);
    keys.value(at + "gateway", eni.gateway.to_string());
    keys.value(at + "address6", eni.address6 ? eni.address6->to_string() : "none");
    keys.value(at + "gateway6", eni.gateway6.to_string());
    keys.value(at + "mtu", mtu_text(eni.mtu));
    Values routes;
    for (const auto& route : eni.routes) routes.insert(route_text(route));
    keys.value(at + "routes", fmt::format("{}", fmt::join(routes, ", ")));
  }
  for (const auto& port : config.pod_ports) {
    const std::string at = fmt::format("pod_ports[{}].", port.name);
    keys.value(at + "device", port.device);
    keys.list(at + "pods", port.pods);
    keys.value(at + "gateway", port.gateway.to_string());
    keys.value(at + "mtu", mtu_text(port.mtu));
  }
}

const char* word(config::Mapping mapping) {
  return mapping == config::Mapping::kEndpointIndependent ? "endpoint_independent"
                                                          : "endpoint_dependent";
}

void add_snat(Keys& keys, const config::SnatConfig& snat) {
  Values ranges;
  for (const PortRange& range : snat.tcp_udp_ports_in_force()) {
    ranges.insert(fmt::format("{}-{}", range.first, range.last));
  }
  keys.value("snat.ports (tcp, udp)", fmt::format("{}", fmt::join(ranges, ", ")));
  const PortRange echo = snat.echo_ports_in_force();
  keys.value("snat.ports (icmp)", fmt::format("{}-{}", echo.first, echo.last));
  keys.value(
      "snat.port_selection",
      snat.port_selection_in_force() == config::PortSelection::kPreserve ? "preserve" : "random");
  keys.list("snat.source", snat.source);
  keys.value("snat.mapping", word(snat.mapping));
  keys.value("snat.filtering", word(snat.filtering.value_or(snat.mapping)));
  keys.value("snat.forward_link_local", snat.forward_link_local);
  if (snat.ip_masq_agent) {
    keys.value("resyncInterval",
               fmt::format("{} ms", snat.ip_masq_agent->file.resync_interval.count()));
  }
  if (snat.gke) {
    keys.value("resyncInterval", fmt::format("{} ms", snat.gke->file.resync_interval.count()));
  }
}

void add_flows(Keys& keys, const config::FlowsConfig& flows) {
  constexpr const char* kMidStream[] = {"rst", "drop", "accept"};
  keys.value("flows.capacity", flows.capacity);
  keys.value("flows.per_pod", flows.per_pod);
  keys.value("flows.tcp_mid_stream", kMidStream[static_cast<unsigned>(flows.tcp_mid_stream)]);
  keys.value("flows.udp_refresh",
             flows.udp_refresh == config::UdpRefresh::kBoth ? "both" : "outbound");
  const auto timeout = [&](const char* name, std::chrono::seconds span) {
    keys.value(std::string("flows.timeouts.") + name, fmt::format("{}s", span.count()));
  };
  timeout("tcp_established", flows.timeouts.tcp_established);
  timeout("tcp_transitory", flows.timeouts.tcp_transitory);
  timeout("tcp_closed", flows.timeouts.tcp_closed);
  timeout("udp", flows.timeouts.udp);
  timeout("icmp", flows.timeouts.icmp);
}

Keys keys_of(const config::Config& config) {
  constexpr const char* kLevels[] = {"error", "warning", "info", "debug"};
  Keys keys;
  keys.value("gateway.name", config.gateway.name);
  keys.value("gateway.workers", config.gateway.workers);
  keys.list("pods.cidrs", config.pods.cidrs);
  keys.list("pods.nodes", config.pods.nodes);
  keys.list("vpc.cidrs", config.vpc_cidrs);
  add_devices(keys, config);
  add_snat(keys, config.snat);
  add_flows(keys, config.flows);
  keys.value("console.socket", path_text(config.console_socket));
  keys.value("console.group", config.console_group);
  keys.value("metrics.listen", config.metrics_listen);
  keys.value("log.level", kLevels[static_cast<unsigned>(config.log_level)]);
  keys.value("log.format", config.log_format == config::LogFormat::kJson ? "json" : "text");
  const config::SessionLogConfig& sessions = config.session_log;
  const auto or_none = [](const std::string& text) { return text.empty() ? "none" : text; };
  keys.value("log.sessions.json", path_text(sessions.json));
  keys.value("log.sessions.ipfix.collector", or_none(sessions.ipfix.collector));
  keys.value("log.sessions.ipfix.observation_domain", sessions.ipfix.observation_domain);
  keys.value("log.sessions.ipfix.template_refresh",
             fmt::format("{}s", sessions.ipfix.template_refresh.count()));
  keys.value("log.sessions.ipfix.message_bytes", sessions.ipfix.message_bytes);
  return keys;
}

std::string key_line(const std::string& key, const Values& before, const Values& after) {
  if (before.size() == 1 && after.size() == 1) {
    return fmt::format("{}: {} instead of {}", key, config::shown(*after.begin()),
                       config::shown(*before.begin()));
  }
  return fmt::format("{}:{}", key, list_difference(before, after));
}

void compare_keys(const config::Config& before,
                  const config::Config& after,
                  std::vector<std::string>& lines) {
  const Keys old_keys = keys_of(before);
  const Keys new_keys = keys_of(after);
  std::set<std::string> names;
  for (const auto& [key, values] : old_keys.all()) names.insert(key);
  for (const auto& [key, values] : new_keys.all()) names.insert(key);
  const auto in = [](const Keys& keys, const std::string& key) {
    const auto found = keys.all().find(key);
    return found == keys.all().end() ? Values{} : found->second;
  };
  for (const std::string& key : names) {
    const Values was = in(old_keys, key);
    const Values is = in(new_keys, key);
    if (was != is) lines.push_back(key_line(key, was, is));
  }
}

}  // namespace

std::vector<std::string> differences(const config::Config& before, const config::Config& after) {
  std::vector<std::string> lines;
  compare_policies(before, after, lines);
  compare_keys(before, after, lines);
  if (lines.size() > kMostLines) {
    const std::size_t rest = lines.size() - kMostLines;
    lines.resize(kMostLines);
    lines.push_back(fmt::format("and {} more differences", rest));
  }
  return lines;
}

}  // namespace sluice::reload
