// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/vpc_cni_env.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "config/values.h"

namespace sluice::config {
namespace {

constexpr std::string_view kExternalSnat = "AWS_VPC_K8S_CNI_EXTERNALSNAT";
constexpr std::string_view kExclude = "AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS";
constexpr std::string_view kRandomize = "AWS_VPC_K8S_CNI_RANDOMIZESNAT";
constexpr std::string_view kExternalServices = "AWS_EXTERNAL_SERVICE_CIDRS";
constexpr std::array<std::string_view, 4> kEffective{kExternalSnat, kExclude, kRandomize,
                                                     kExternalServices};

/// What the rest concerns, for the note that it changes nothing here.
struct Ineffective {
  std::string_view name;
  std::string_view concerns;
};
constexpr std::string_view kNode = "the node's own interfaces and marks";
constexpr std::string_view kIpam = "how the daemon acquires addresses and ENIs";
constexpr std::string_view kFamily = "which address families pods get";
constexpr std::string_view kDaemon = "the daemon's own running";
constexpr Ineffective kIneffective[] = {
    {"ADDITIONAL_ENI_TAGS", kIpam},
    {"ANNOTATE_POD_IP", kDaemon},
    {"AWS_EC2_ENDPOINT", kDaemon},
    {"AWS_MANAGE_ENIS_NON_SCHEDULABLE", kIpam},
    {"AWS_VPC_CNI_NODE_PORT_SUPPORT", kNode},
    {"AWS_VPC_ENI_MTU", kNode},
    {"AWS_VPC_K8S_CNI_CONFIGURE_RPFILTER", kNode},
    {"AWS_VPC_K8S_CNI_CONNMARK", kNode},
    {"AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", kIpam},
    {"AWS_VPC_K8S_CNI_LOGLEVEL", kDaemon},
    {"AWS_VPC_K8S_CNI_LOG_FILE", kDaemon},
    {"AWS_VPC_K8S_CNI_VETHPREFIX", kNode},
    {"AWS_VPC_K8S_PLUGIN_LOG_FILE", kDaemon},
    {"AWS_VPC_K8S_PLUGIN_LOG_LEVEL", kDaemon},
    {"CLUSTER_ENDPOINT", kDaemon},
    {"CLUSTER_NAME", kIpam},
    {"DISABLE_INTROSPECTION", kDaemon},
    {"DISABLE_LEAKED_ENI_CLEANUP", kIpam},
    {"DISABLE_METRICS", kDaemon},
    {"DISABLE_NETWORK_RESOURCE_PROVISIONING", kIpam},
    {"DISABLE_POD_V6", kFamily},
    {"DISABLE_TCP_EARLY_DEMUX", kNode},
    {"ENABLE_BANDWIDTH_PLUGIN", kNode},
    {"ENABLE_IMDS_ONLY_MODE", kIpam},
    {"ENABLE_IPv4", kFamily},
    {"ENABLE_IPv6", kFamily},
    {"ENABLE_MULTI_NIC", kIpam},
    {"ENABLE_NFTABLES", kNode},
    {"ENABLE_POD_ENI", kIpam},
    {"ENABLE_PREFIX_DELEGATION", kIpam},
    {"ENABLE_SUBNET_DISCOVERY", kIpam},
    {"ENABLE_V4_EGRESS", kFamily},
    {"ENABLE_V6_EGRESS", kFamily},
    {"ENI_CONFIG_ANNOTATION_DEF", kIpam},
    {"ENI_CONFIG_LABEL_DEF", kIpam},
    {"INTROSPECTION_BIND_ADDRESS", kDaemon},
    {"IP_COOLDOWN_PERIOD", kIpam},
    {"MAX_ENI", kIpam},
    {"MINIMUM_IP_TARGET", kIpam},
    {"MY_NODE_NAME", kDaemon},
    {"MY_POD_NAME", kDaemon},
    {"NETWORK_POLICY_ENFORCING_MODE", kNode},
    {"POD_MTU", kNode},
    {"POD_SECURITY_GROUP_ENFORCING_MODE", kNode},
    {"VPC_CNI_VERSION", kDaemon},
    {"VPC_ID", kDaemon},
    {"WARM_ENI_TARGET", kIpam},
    {"WARM_IP_TARGET", kIpam},
    {"WARM_PREFIX_TARGET", kIpam},
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// A comma list of IPv4 CIDRs. Host bits are cleared, and what is no IPv4 CIDR is skipped.
MarkedPrefixes read_cidrs(const Value& value) {
  MarkedPrefixes cidrs;
  std::string_view rest = value.node().text;
  if (trim(rest).empty()) return cidrs;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    const std::string_view entry = trim(rest.substr(0, comma));
    rest.remove_prefix(more ? comma + 1 : rest.size());
    const auto prefix = IpPrefix::parse_lenient(entry.substr(0, 64));
    if (prefix && prefix.value().is_v4()) {
      cidrs.push_back({prefix.value(), value.mark()});
    } else if (!value.source().full(Severity::kWarning)) {
      value.warning(fmt::format("\"{}\" is skipped: no IPv4 CIDR", shown(entry)),
                    "IPv4 CIDRs, such as 172.31.0.0/16, with commas between");
    }
  }
  return cidrs;
}

bool read_go_bool(const Value& value, bool unless_readable) {
  const std::string& text = value.node().text;
  if (const auto parsed = parse_go_bool(text)) return *parsed;
  if (!text.empty()) {
    value.warning(fmt::format("{} is no boolean, so the default stands: {}", value.describe(),
                              unless_readable),
                  "true or false (1, t, T, TRUE, True, 0, f, F, FALSE, False)");
  }
  return unless_readable;
}

std::optional<PortSelection> read_randomize(const Value& value) {
  const std::string& text = value.node().text;
  if (text.empty()) return std::nullopt;
  if (text == "none") return PortSelection::kPreserve;
  if (text != "prng" && text != "hashrandom") {
    value.warning(value.describe() + " is taken for prng", "prng, hashrandom or none");
  }
  return PortSelection::kRandom;
}

void read_effective(std::string_view name, const Value& value, VpcCniConfig& vpc_cni) {
  if (name == kExternalSnat) {
    vpc_cni.external_snat = {read_go_bool(value, false), value.mark()};
  } else if (name == kExclude) {
    vpc_cni.exclude_snat_cidrs = read_cidrs(value);
  } else if (name == kRandomize) {
    vpc_cni.port_selection = read_randomize(value);
  } else if (name == kExternalServices) {
    vpc_cni.external_service_cidrs = read_cidrs(value);
    if (!vpc_cni.external_service_cidrs.empty()) {
      value.warning("has no effect: a translated packet leaves by the owner of its source anyway",
                    "");
    }
  }
}

}  // namespace

void read_vpc_cni_env(const Value& env, VpcCniConfig& vpc_cni) {
  MapReader map{env};
  const bool windows = vpc_cni.platform == VpcCniConfig::Platform::kWindows;
  for (const std::string_view name : kEffective) {
    const auto value = map.find(name);
    if (!value || !read_text(*value)) continue;
    if (windows) {
      value->warning("has no effect on platform windows", "excluded_snat_cidrs");
    } else {
      read_effective(name, *value, vpc_cni);
    }
  }
  for (const auto& [name, concerns] : kIneffective) {
    const auto value = map.find(name);
    if (!value || !read_text(*value)) continue;
    value->warning(fmt::format("has no effect on a gateway: it concerns {}", concerns), "");
  }
  const auto exclude = map.find(kExclude);
  if (vpc_cni.external_snat.value && exclude && !vpc_cni.exclude_snat_cidrs.empty()) {
    exclude->warning(fmt::format("has no effect while {} is true", kExternalSnat), "");
  }
  map.finish();
}

}  // namespace sluice::config
