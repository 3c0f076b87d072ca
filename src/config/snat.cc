// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The section `snat` but for its dialects.
#include <fmt/format.h>

#include "config/sections.h"
#include "config/values.h"

namespace sluice::config {
namespace {

constexpr Word<PortSelection> kPortSelections[] = {{"random", PortSelection::kRandom},
                                                   {"preserve", PortSelection::kPreserve}};
constexpr Word<Mapping> kMappings[] = {{"endpoint_dependent", Mapping::kEndpointDependent},
                                       {"endpoint_independent", Mapping::kEndpointIndependent}};
constexpr Word<Action> kActions[] = {
    {"snat", Action::kSnat}, {"preserve", Action::kPreserve}, {"drop", Action::kDrop}};

/// A written list that must not be empty: `[]` could mean "none" as well as "the default".
template <typename T, typename Parse>
void read_non_empty(MapReader& map, std::string_view name, T& out, Parse parse) {
  map.read(name, out, parse);
  const auto list = map.find(name);
  if (list && list->node().kind == Node::Kind::kList && list->node().items.empty()) {
    list->error("an empty list matches nothing", "at least one entry, or no such key");
  }
}

std::optional<RuleConfig> read_rule(const Value& value) {
  RuleConfig rule;
  rule.mark = value.mark();
  MapReader map{value};
  read_non_empty(map, "from", rule.from, list_of(read_marked_prefix));
  read_non_empty(map, "to", rule.to, list_of(read_marked_prefix));
  map.read("except", rule.except, list_of(read_marked_prefix));
  map.require("action", rule.action, word_of(kActions), "one of snat, preserve, drop");
  read_non_empty(map, "source", rule.source, list_of(read_address_v4));
  map.read("mapping", rule.mapping, word_of(kMappings));

  const auto source = map.find("source");
  const auto action = map.find("action");
  if (source && action && rule.action != Action::kSnat && action->node().text != "snat") {
    source->error(
        fmt::format("a rule that says {} translates to no address", shown(action->node().text)),
        "source only with action: snat");
  }
  if (const auto mapping = map.find("mapping"); mapping && !source) {
    mapping->error("the rule has no source of its own, so its mapping is that of snat.mapping",
                   "mapping only together with source");
  }
  map.finish();
  return rule;
}

/// Reads a dialect's section. Left empty it is pointed out: nothing says which one was meant.
template <typename Config, typename Parse>
void read_dialect(MapReader& map, std::string_view name, std::optional<Config>& out, Parse parse) {
  const auto value = map.find_even_null(name);
  if (!value) return;
  if (value->node().kind == Node::Kind::kNull) {
    value->warning("left empty, which puts no dialect in force",
                   fmt::format("{}: {{}} for the dialect with its defaults", name));
    return;
  }
  out = parse(*value);
}

}  // namespace

std::optional<SnatConfig> read_snat(const Value& value, Surroundings& surroundings) {
  SnatConfig snat;
  MapReader map{value};
  read_non_empty(map, "source", snat.source, list_of(read_address_v4));
  map.read("ports", snat.ports, [](const Value& v) { return std::optional{read_port_range(v)}; });
  map.read("port_selection", snat.port_selection,
           [](const Value& v) { return std::optional{word_of(kPortSelections)(v)}; });
  map.read("mapping", snat.mapping, word_of(kMappings));
  map.read("filtering", snat.filtering,
           [](const Value& v) { return std::optional{word_of(kMappings)(v)}; });
  if (snat.filtering == Mapping::kEndpointIndependent &&
      snat.mapping != Mapping::kEndpointIndependent) {
    map.find("filtering")
        ->error("endpoint_independent filtering needs endpoint_independent mapping",
                "filtering: endpoint_dependent, or mapping: endpoint_independent as well");
  }
  map.read("forward_link_local", snat.forward_link_local, read_bool);
  map.read("rules", snat.rules, list_of(read_rule));

  read_dialect(map, "vpc_cni", snat.vpc_cni, read_vpc_cni);
  read_dialect(map, "ip_masq_agent", snat.ip_masq_agent,
               [&](const Value& v) { return read_ip_masq_agent(v, surroundings); });
  read_dialect(map, "gke", snat.gke, [&](const Value& v) { return read_gke(v, surroundings); });
  const int dialects =
      snat.vpc_cni.has_value() + snat.ip_masq_agent.has_value() + snat.gke.has_value();
  if (dialects > 1) {
    value.error(fmt::format("{} dialects at once", dialects),
                "one of vpc_cni, ip_masq_agent, gke, or none");
  }
  map.finish();
  return snat;
}

}  // namespace sluice::config
