// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The sections of sluice.yaml, one reader each. They look at their own section only; what
/// sections say of each other is checked afterwards (checks.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/files.h"
#include "config/reader.h"

namespace sluice::config {

/// What reading shares: where other files come from, and which of them were asked for.
struct Surroundings {
  const Files& files;
  std::string folder;                    ///< of the configuration: paths are relative to it
  std::vector<std::string> named_files;  ///< every file and folder looked at, in that order

  [[nodiscard]] std::string resolve(const std::string& path) const;
};

[[nodiscard]] std::optional<GatewayConfig> read_gateway(const Value& value);
[[nodiscard]] std::optional<PodsConfig> read_pods(const Value& value);
[[nodiscard]] std::optional<MarkedPrefixes> read_vpc(const Value& value);
[[nodiscard]] std::optional<FlowsConfig> read_flows(const Value& value);
void read_console(const Value& value, const Surroundings& surroundings, Config& config);
[[nodiscard]] std::optional<std::string> read_metrics(const Value& value);
void read_log(const Value& value, const Surroundings& surroundings, Config& config);

/// An element of `enis` with its own defaults filled in.
[[nodiscard]] std::optional<EniConfig> read_eni(const Value& value);
[[nodiscard]] std::optional<PodPortConfig> read_pod_port(const Value& value);

[[nodiscard]] std::optional<SnatConfig> read_snat(const Value& value, Surroundings& surroundings);
[[nodiscard]] std::optional<VpcCniConfig> read_vpc_cni(const Value& value);
[[nodiscard]] std::optional<IpMasqAgentConfig> read_ip_masq_agent(const Value& value,
                                                                  Surroundings& surroundings);
[[nodiscard]] std::optional<GkeConfig> read_gke(const Value& value, Surroundings& surroundings);

}  // namespace sluice::config
