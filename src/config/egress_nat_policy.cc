// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/egress_nat_policy.h"

#include <fmt/format.h>

#include <filesystem>
#include <unordered_map>

#include "config/values.h"

namespace sluice::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{16} << 20;
constexpr std::size_t kMostDocuments = 100'000;
constexpr std::string_view kApiVersion = "networking.gke.io/v1";
constexpr std::string_view kKind = "EgressNATPolicy";

std::optional<Marked<IpPrefix>> read_destination(const Value& value) {
  Marked<IpPrefix> cidr;
  MapReader map{value};
  map.require("cidr", cidr, read_marked_prefix, "cidr: a CIDR such as 10.0.0.0/8");
  map.finish();
  return cidr;
}

void read_action(const Value& value) {
  if (value.node().kind == Node::Kind::kScalar && value.node().text == "NoSNAT") return;
  value.error(value.describe() + " is no action there is", "NoSNAT");
}

void read_spec(const Value& value, EgressNatPolicy& policy) {
  MapReader map{value};
  if (const auto action = map.find("action")) {
    read_action(*action);
  } else {
    map.missing("action", "NoSNAT");
  }
  map.read("destinations", policy.destinations, list_of(read_destination));
  map.finish();
}

/// The text of a key that says what an object is; empty when absent.
std::string text_of(MapReader& map, std::string_view name) {
  std::string text;
  map.read(name, text, read_text);
  return text;
}

/// Policies so far, and which names they have.
struct Collected {
  std::vector<EgressNatPolicy> policies;
  std::unordered_map<std::string, SourceMark> names;
};

void read_policy(MapReader& map, Collected& collected) {
  EgressNatPolicy policy;
  policy.mark = map.map().mark();
  const std::string version = text_of(map, "apiVersion");
  if (version.empty()) {
    map.missing("apiVersion", std::string{kApiVersion});
  } else if (version != kApiVersion) {
    map.find("apiVersion")
        ->error(fmt::format("\"{}\" is no version known here", shown(version)),
                std::string{kApiVersion});
  }
  if (const auto metadata = map.find("metadata")) {
    MapReader about{*metadata};  // its other keys are Kubernetes' own affair
    about.require("name", policy.name, read_text, "the policy's name");
  } else {
    map.missing("metadata", "metadata: {name: NAME}");
  }
  if (const auto spec = map.find("spec")) {
    read_spec(*spec, policy);
  } else {
    map.missing("spec", "spec: {action: NoSNAT, destinations: [{cidr: CIDR}]}");
  }
  (void)map.find("status");
  map.finish(Severity::kWarning);
  if (!policy.name.empty()) {
    const auto [first, is_new] = collected.names.emplace(policy.name, policy.mark);
    if (!is_new) {
      map.map().warning(fmt::format("a second policy of the name \"{}\"; the first is in {}:{}. "
                                    "Both count",
                                    shown(policy.name), first->second.file, first->second.line),
                        "each name once");
    }
  }
  collected.policies.push_back(std::move(policy));
}

void read_object(const Value& value, Collected& collected) {
  if (value.node().kind == Node::Kind::kNull) return;  // an empty document says nothing
  MapReader map{value};
  if (value.node().kind != Node::Kind::kMap) return;
  const std::string kind = text_of(map, "kind");
  if (kind == kKind) {
    read_policy(map, collected);
  } else if (kind == "List" || kind == "EgressNATPolicyList") {
    const auto items = map.find("items");
    if (!items) return;
    // Depth is bounded by that of the tree (kMaxDepth).
    read_list(*items, [&](const Value& item) {
      read_object(item, collected);
      return std::optional{true};
    });
  } else if (kind.empty()) {
    map.missing("kind", std::string{kKind});
  } else {
    value.warning(fmt::format("an object of the kind \"{}\" is passed over", shown(kind)),
                  std::string{kKind});
  }
}

void parse_into(std::string_view text, const Source& source, Collected& collected) {
  if (const auto error = check_characters(text)) {
    source.report(*error);
    return;
  }
  const Parsed parsed = parse_yaml_or_json(text, kMostDocuments);
  for (const Node& document : parsed.documents) {
    read_object(Value{source, document, ""}, collected);
  }
  if (parsed.error) source.report(*parsed.error);
}

class PolicyReader {
 public:
  explicit PolicyReader(Surroundings& surroundings) : surroundings_(surroundings) {}

  void read(const Value& named_by, const std::string& path) {
    surroundings_.named_files.push_back(path);
    switch (surroundings_.files.kind(path)) {
      case Files::Kind::kMissing:
        named_by.error(shown(path) + " does not exist",
                       "an existing file or folder of EgressNATPolicy manifests");
        return;
      case Files::Kind::kFolder: read_folder(named_by, path); return;
      case Files::Kind::kFile:
      case Files::Kind::kOther: read_file(named_by, path); return;
    }
  }

  Collected collected;

 private:
  void read_file(const Value& named_by, const std::string& path) {
    const auto text = surroundings_.files.read(path, kLargestFile);
    if (!text) {
      named_by.error(fmt::format("{}: {}", shown(path), text.error()), "a file that can be read");
      return;
    }
    parse_into(text.value(), Source{path, named_by.source().problems()}, collected);
  }

  void read_folder(const Value& named_by, const std::string& folder) {
    const auto names = surroundings_.files.list(folder);
    if (!names) {
      named_by.error(fmt::format("{}: {}", shown(folder), names.error()),
                     "a folder that can be listed");
      return;
    }
    for (const std::string& name : names.value()) {
      const std::filesystem::path path = std::filesystem::path{folder} / name;
      const auto extension = path.extension();
      if (extension != ".yaml" && extension != ".yml" && extension != ".json") continue;
      // A folder of that name is nobody's manifest; nor is what vanished since the listing.
      const auto kind = surroundings_.files.kind(path.string());
      if (kind == Files::Kind::kFolder || kind == Files::Kind::kMissing) continue;
      surroundings_.named_files.push_back(path.string());
      read_file(named_by, path.string());
    }
  }

  Surroundings& surroundings_;
};

}  // namespace

std::vector<EgressNatPolicy> parse_egress_nat_policies(std::string_view text,
                                                       const Source& source) {
  Collected collected;
  parse_into(text, source, collected);
  return std::move(collected.policies);
}

std::vector<EgressNatPolicy> read_egress_nat_policies(const Value& list,
                                                      Surroundings& surroundings,
                                                      std::vector<std::string>& paths) {
  PolicyReader reader{surroundings};
  read_list(list, [&](const Value& entry) -> std::optional<bool> {
    const auto text = read_text(entry);
    if (!text) return std::nullopt;
    if (text->empty()) {
      entry.error("an empty path", "a file or folder of EgressNATPolicy manifests");
      return std::nullopt;
    }
    paths.push_back(surroundings.resolve(*text));
    reader.read(entry, paths.back());
    return true;
  });
  return std::move(reader.collected.policies);
}

}  // namespace sluice::config
