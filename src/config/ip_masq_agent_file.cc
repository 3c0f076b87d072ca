// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/ip_masq_agent_file.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "config/duration.h"
#include "config/values.h"

namespace sluice::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{4} << 20;
constexpr std::int64_t kDefaultLimit = 64;

/// A boolean of YAML 1.1, which the agent's YAML reader speaks; never a quoted one.
std::optional<bool> read_yaml11_bool(const Value& value) {
  constexpr std::array<std::string_view, 11> kTrue{"y",    "Y",    "yes", "Yes", "YES", "true",
                                                   "True", "TRUE", "on",  "On",  "ON"};
  constexpr std::array<std::string_view, 11> kFalse{"n",     "N",     "no",  "No",  "NO", "false",
                                                    "False", "FALSE", "off", "Off", "OFF"};
  const Node& node = value.node();
  if (node.kind == Node::Kind::kScalar && !node.quoted) {
    if (std::find(kTrue.begin(), kTrue.end(), node.text) != kTrue.end()) return true;
    if (std::find(kFalse.begin(), kFalse.end(), node.text) != kFalse.end()) return false;
  }
  value.error(fmt::format("{} is {}", value.describe(),
                          node.quoted ? "a string, as it is quoted" : "no boolean"),
              "true or false, unquoted");
  return std::nullopt;
}

std::optional<std::int64_t> read_limit(const Value& value) {
  const Node& node = value.node();
  std::int64_t limit = 0;
  const char* end = node.text.data() + node.text.size();
  const auto [stop, code] = std::from_chars(node.text.data(), end, limit);
  if (node.kind == Node::Kind::kScalar && !node.quoted && code == std::errc{} && stop == end) {
    return limit;
  }
  value.error(value.describe() + " is no whole number", "how many entries the list may have");
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_interval(const Value& value) {
  constexpr std::string_view kAccepted = "a duration with its unit: 60s, 1m30s, 500ms";
  const Node& node = value.node();
  // A bare number is a number to the agent; "60s" is a string however it is quoted.
  if (node.kind != Node::Kind::kScalar || (!node.quoted && parse_number(node.text))) {
    value.error(value.describe() + " is no duration", std::string{kAccepted});
    return std::nullopt;
  }
  const auto interval = parse_go_duration(node.text);
  if (!interval) {
    value.error(interval.error(), std::string{kAccepted});
    return std::nullopt;
  }
  if (interval.value() <= std::chrono::nanoseconds{0}) {
    // The agent takes it and never sleeps again.
    value.error(value.describe() + " is not greater than zero", std::string{kAccepted});
    return std::nullopt;
  }
  return std::chrono::ceil<std::chrono::milliseconds>(interval.value());
}

std::optional<Marked<IpPrefix>> read_entry(const Value& value, bool enable_ipv6) {
  constexpr std::string_view kAccepted = "a CIDR such as 10.0.0.0/8";
  const Node& node = value.node();
  if (node.kind == Node::Kind::kNull) {
    // The agent would silently put the entry of its default list here that has this position.
    value.error("an entry left empty", std::string{kAccepted});
    return std::nullopt;
  }
  const auto entry = read_marked_prefix(value);
  if (!entry || entry->value.is_v4() || enable_ipv6) return entry;
  value.error(fmt::format("{} is IPv6, and ipv6 is not enabled", value.describe()),
              "an IPv4 CIDR (IPv6 needs the agent's enable_ipv6)");
  return std::nullopt;
}

MarkedPrefixes read_entries(const Value& list, std::int64_t limit, bool enable_ipv6) {
  if (list.node().kind == Node::Kind::kNull) return {};  // null is the empty list
  const std::size_t count = list.node().items.size();
  if (static_cast<std::int64_t>(count) > limit) {
    list.error(fmt::format("{} entries", count),
               fmt::format("up to {}, or a higher cidrLimit", std::max<std::int64_t>(limit, 0)));
  }
  return read_list(list, [&](const Value& entry) { return read_entry(entry, enable_ipv6); });
}

}  // namespace

IpMasqAgentFile parse_ip_masq_agent_file(std::string_view text,
                                         const AgentFileOptions& options,
                                         const Source& source) {
  IpMasqAgentFile file;
  file.present = true;
  if (const auto error = check_characters(text)) {
    source.report(*error);
    return file;
  }
  const Parsed parsed = parse_yaml_or_json(text, 1);  // further documents are ignored
  if (parsed.error) {
    source.report(*parsed.error);
    return file;
  }
  // Keys in any letter case and the last of two: as Go's JSON package reads a struct.
  MapReader map{Value{source, parsed.documents.front(), ""}, Duplicates::kLastCounts,
                KeyCase::kIgnored};
  std::int64_t limit = kDefaultLimit;
  map.read("cidrLimit", limit, read_limit);
  if (const auto list = map.find_even_null("nonMasqueradeCIDRs")) {
    file.non_masquerade_cidrs = read_entries(*list, limit, options.enable_ipv6);
  }
  map.read("masqLinkLocal", file.masq_link_local, read_yaml11_bool);
  map.read("masqLinkLocalIPv6", file.masq_link_local_ipv6, read_yaml11_bool);
  if (const auto interval = map.find_even_null("resyncInterval")) {
    if (const auto parsed_interval = read_interval(*interval)) {
      file.resync_interval = *parsed_interval;
    }
  }
  map.finish(Severity::kWarning);
  return file;
}

IpMasqAgentFile read_ip_masq_agent_file(const Value& named_by,
                                        const std::string& path,
                                        const AgentFileOptions& options,
                                        Surroundings& surroundings) {
  surroundings.named_files.push_back(path);
  if (surroundings.files.kind(path) == Files::Kind::kMissing) {
    named_by.warning(fmt::format("{} does not exist, so the agent's defaults stand", shown(path)),
                     "the agent's file, YAML or JSON");
    return {};
  }
  const auto text = surroundings.files.read(path, kLargestFile);
  if (!text) {
    named_by.error(fmt::format("{}: {}", shown(path), text.error()),
                   "a file that can be read, or none at all");
    return {};
  }
  return parse_ip_masq_agent_file(text.value(), options,
                                  Source{path, named_by.source().problems()});
}

}  // namespace sluice::config
