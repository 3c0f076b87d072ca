// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "config/checks.h"
#include "config/config.h"
#include "config/files.h"
#include "config/sections.h"
#include "config/values.h"

namespace sluice::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{4} << 20;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "sluice";
}

/// Reads every section. The order of the calls is that of the contract.
void read_sections(MapReader& top, Config& config, Surroundings& surroundings) {
  top.read("gateway", config.gateway, read_gateway);
  if (!top.read("pods", config.pods, read_pods)) {
    top.missing("pods.cidrs", "a list of the CIDRs pods have their addresses from");
  }
  top.read("vpc", config.vpc_cidrs, read_vpc);
  top.read("enis", config.enis, list_of(read_eni));
  top.read("pod_ports", config.pod_ports, list_of(read_pod_port));
  top.read("snat", config.snat, [&](const Value& value) { return read_snat(value, surroundings); });
  top.read("flows", config.flows, read_flows);
  if (const auto console = top.find("console")) read_console(*console, surroundings, config);
  top.read("metrics", config.metrics_listen, read_metrics);
  if (const auto log = top.find("log")) read_log(*log, surroundings, config);
  top.finish();
}

/// Defaults that depend on other keys, or on the machine.
void fill_in(Config& config) {
  if (config.gateway.name.empty()) config.gateway.name = host_name();
  if (!config.snat.source.empty()) return;
  for (const EniConfig& eni : config.enis) {
    if (eni.primary && eni.address.address != IpAddr{}) {
      config.snat.source = {eni.address.address.v4()};
      return;
    }
  }
}

void read_document(const Node& document,
                   const Source& source,
                   Surroundings& surroundings,
                   Config& config) {
  MapReader top{Value{source, document, ""}};
  if (document.kind != Node::Kind::kMap && document.kind != Node::Kind::kNull) return;
  read_sections(top, config, surroundings);
  fill_in(config);
  const Draft draft{config, source, document};
  check_devices(draft);
  check_snat(draft);
  if (has_errors(source.problems())) return;
  warn_of_routes(draft);
  warn_of_policy(draft);
}

}  // namespace

Loaded load_text(std::string_view text, const std::string& path, const Files& files) {
  Loaded loaded;
  const Source source{path, loaded.problems};
  if (const auto error = check_characters(text)) {
    source.report(*error);
    return loaded;
  }
  const Parsed parsed = parse_yaml(text, 2);
  if (parsed.error) {
    source.report(*parsed.error);
    return loaded;
  }
  if (parsed.documents.size() > 1) {
    source.report(Severity::kError, parsed.documents[1], "", "a second document", "one document");
  }
  Config config;
  config.path = path;
  Surroundings surroundings{files, std::filesystem::path{path}.parent_path().string(), {path}};
  read_document(parsed.documents.front(), source, surroundings, config);
  config.named_files = std::move(surroundings.named_files);
  sort_by_place(loaded.problems);
  if (!has_errors(loaded.problems)) loaded.config = std::move(config);
  return loaded;
}

Loaded load(const std::string& path) { return load(path, disk()); }

Loaded load(const std::string& path, const Files& files) {
  const auto text = files.read(path, kLargestFile);
  if (text) return load_text(text.value(), path, files);
  Loaded loaded;
  loaded.problems.push_back(
      {Severity::kError, {path, 0, 0}, "", text.error(), "a configuration file that can be read"});
  return loaded;
}

}  // namespace sluice::config
