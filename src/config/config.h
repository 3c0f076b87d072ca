// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The configuration as plain structs: one member per key of sluice.yaml, its default beside it.
/// Filled by load(); const from then on. Every value that later text may cite carries its mark.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/problem.h"
#include "core/ip.h"
#include "core/port_range.h"

namespace sluice::config {

/// A value and where it was written.
template <typename T>
struct Marked {
  T value{};
  SourceMark mark;
};
using MarkedPrefixes = std::vector<Marked<IpPrefix>>;

/// Instance limits of the cloud: how many ENIs, and how many IPv4 addresses on each of them.
struct InstanceLimits {
  unsigned enis = 0;
  unsigned addresses_per_eni = 0;  ///< the primary address included

  /// How many pods find an address when each takes one secondary address: the first address of an
  /// ENI is its own, and two pods (the node's own) need none.
  [[nodiscard]] unsigned max_pods() const;
  /// The same when every slot holds a delegated /28 instead.
  [[nodiscard]] unsigned max_pods_with_prefixes() const;
};

struct GatewayConfig {
  std::string name;      ///< default: the host name
  unsigned workers = 1;  ///< poll-mode workers
  std::optional<InstanceLimits> instance;
};

struct PodsConfig {
  MarkedPrefixes cidrs;  ///< sources that may be translated
  MarkedPrefixes nodes;  ///< node addresses (a bare address is its host prefix): never translated
};

struct RouteConfig {
  IpPrefix to;
  IpAddr via;
};

struct EniConfig {
  SourceMark mark;
  std::string name;
  std::string device;  ///< PCI address or vdev arguments
  bool primary = false;
  InterfaceAddress address;                  ///< IPv4
  std::vector<IpAddr> secondary;             ///< either family
  std::vector<IpPrefix> prefixes;            ///< delegated; either family
  std::vector<IpPrefix> forwards;            ///< other sources it may emit; either family
  Ipv4Addr gateway;                          ///< filled in: subnet base + 1 unless written
  std::optional<InterfaceAddress> address6;  ///< IPv6
  Ipv6Addr gateway6;                         ///< filled in: fe80:ec2::1 unless written
  std::optional<std::uint16_t> mtu;          ///< bytes of IP; the device's own when absent
  std::vector<RouteConfig> routes;
};

struct PodPortConfig {
  SourceMark mark;
  std::string name;
  std::string device;
  std::vector<IpAddr> pods;
  Ipv4Addr gateway{169, 254, 1, 1};  ///< the address pods use as their router
  std::optional<std::uint16_t> mtu;
};

enum class Action { kSnat, kPreserve, kDrop };
enum class Mapping { kEndpointDependent, kEndpointIndependent };
enum class PortSelection { kRandom, kPreserve };

/// An own rule: first match wins, before the dialect.
struct RuleConfig {
  SourceMark mark;
  std::optional<MarkedPrefixes> from;  ///< absent: pods.cidrs
  std::optional<MarkedPrefixes> to;    ///< absent: everything
  MarkedPrefixes except;               ///< destinations excepted from `to`
  Action action = Action::kPreserve;
  std::vector<Ipv4Addr> source;  ///< empty: snat.source
  std::optional<Mapping> mapping;
};

/// The aws-node DaemonSet's variables, read with its own leniency (spec: snat-semantics 1.1).
struct VpcCniConfig {
  enum class Platform { kLinux, kWindows };
  SourceMark mark;
  Platform platform = Platform::kLinux;
  Marked<bool> external_snat;                   ///< AWS_VPC_K8S_CNI_EXTERNALSNAT
  MarkedPrefixes exclude_snat_cidrs;            ///< AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS
  std::optional<PortSelection> port_selection;  ///< AWS_VPC_K8S_CNI_RANDOMIZESNAT, if written
  MarkedPrefixes external_service_cidrs;        ///< AWS_EXTERNAL_SERVICE_CIDRS
  MarkedPrefixes excluded_snat_cidrs;           ///< windows: ExcludedSnatCIDRs
};

/// The agent's own file, after its own validation.
struct IpMasqAgentFile {
  bool present = false;  ///< false: the file is missing, defaults stand
  std::optional<MarkedPrefixes> non_masquerade_cidrs;  ///< absent: the default list
  bool masq_link_local = false;
  bool masq_link_local_ipv6 = false;
  std::chrono::milliseconds resync_interval{60'000};
};

struct IpMasqAgentConfig {
  SourceMark mark;
  std::string path;  ///< as resolved; may name a missing file; empty: none configured
  IpMasqAgentFile file;
  bool nomasq_all_reserved_ranges = false;
  bool enable_ipv6 = false;
  std::vector<PortRange> to_ports;              ///< empty: not written
  std::optional<PortSelection> port_selection;  ///< random_fully, if written
};

/// One EgressNATPolicy manifest; the only action is NoSNAT.
struct EgressNatPolicy {
  SourceMark mark;
  std::string name;
  MarkedPrefixes destinations;
};

struct GkeConfig {
  enum class Cluster { kStandard, kAutopilot };
  SourceMark mark;
  Cluster cluster = Cluster::kStandard;
  bool ip_masq_agent = true;  ///< is the DaemonSet there; always on autopilot
  std::string path;           ///< the agent's file, as above
  IpMasqAgentFile file;
  bool disable_default_snat = false;
  std::vector<std::string> policy_paths;  ///< files and folders, resolved
  std::vector<EgressNatPolicy> policies;
};

struct SnatConfig {
  std::vector<Ipv4Addr> source;    ///< filled in: the primary ENI's address unless written
  std::optional<PortRange> ports;  ///< absent: 1024-65535
  std::optional<PortSelection> port_selection;  ///< absent: random
  Mapping mapping = Mapping::kEndpointDependent;
  std::optional<Mapping> filtering;  ///< absent: as mapping
  bool forward_link_local = false;
  std::vector<RuleConfig> rules;
  // At most one of these.
  std::optional<VpcCniConfig> vpc_cni;
  std::optional<IpMasqAgentConfig> ip_masq_agent;
  std::optional<GkeConfig> gke;

  // What is in force: a dialect's written key wins over `snat`'s own, its unwritten default never.
  [[nodiscard]] PortSelection port_selection_in_force() const;
  /// to_ports for TCP and UDP when the agent's is written; else `ports`.
  [[nodiscard]] std::vector<PortRange> tcp_udp_ports_in_force() const;
  [[nodiscard]] PortRange echo_ports_in_force() const { return ports.value_or(PortRange{}); }
};

struct Timeouts {
  using Seconds = std::chrono::seconds;
  Seconds tcp_established{7440};  ///< RFC 5382 REQ-5: not less than 2 h 4 min
  Seconds tcp_transitory{240};    ///< RFC 5382 REQ-5: opening and closing
  Seconds tcp_closed{120};        ///< a port rests after both FINs or a valid RST
  Seconds udp{300};               ///< RFC 4787 REQ-5
  Seconds icmp{60};               ///< RFC 5508 REQ-2
};

enum class MidStream { kRst, kDrop, kAccept };
enum class UdpRefresh { kBoth, kOutbound };

struct FlowsConfig {
  std::uint32_t capacity = 1'048'576;  ///< sessions, all workers together
  std::uint32_t per_pod = 0;           ///< sessions one pod address may hold; 0: no limit
  MidStream tcp_mid_stream = MidStream::kRst;
  UdpRefresh udp_refresh = UdpRefresh::kBoth;
  Timeouts timeouts;
};

/// Where the sessions' IPFIX messages go (RFC 7011, over UDP).
struct IpfixConfig {
  std::string collector;  ///< ADDRESS:PORT; empty: none
  std::uint32_t observation_domain = 1;
  std::chrono::seconds template_refresh{60};  ///< RFC 7011 8.4: templates are sent again
  std::uint16_t message_bytes = 1400;  ///< RFC 7011 10.3.3: at most; without IP and UDP headers
  friend bool operator==(const IpfixConfig&, const IpfixConfig&) = default;
};

/// The record of who had which address and port; off unless it is told where to go.
struct SessionLogConfig {
  std::string json;              ///< a file; empty: none
  std::uint32_t queue = 65'536;  ///< events a worker may have waiting
  IpfixConfig ipfix;

  [[nodiscard]] bool on() const { return !json.empty() || !ipfix.collector.empty(); }
  friend bool operator==(const SessionLogConfig&, const SessionLogConfig&) = default;
};

enum class LogLevel { kError, kWarning, kInfo, kDebug };
enum class LogFormat { kText, kJson };

struct Config {
  std::string path;  ///< the file itself
  GatewayConfig gateway;
  PodsConfig pods;
  MarkedPrefixes vpc_cidrs;
  std::vector<EniConfig> enis;
  std::vector<PodPortConfig> pod_ports;
  SnatConfig snat;
  FlowsConfig flows;
  std::string console_socket = "/run/sluice/console.sock";
  std::string console_group;  ///< whose members may use the socket too; empty: the owner alone
  std::string metrics_listen = "127.0.0.1:9464";  ///< empty: none
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  SessionLogConfig session_log;
  std::vector<std::string> named_files;  ///< every file and folder read, for reload on change
};

/// What reading a configuration gave: the configuration unless there is an error, and every
/// problem of every file it names.
struct Loaded {
  std::optional<Config> config;
  Problems problems;
};

/// Reads and validates `path` and everything it names. Touches nothing else. Main thread; cold.
[[nodiscard]] Loaded load(const std::string& path);

/// The same through `files`, which sees every file and folder that is looked at.
class Files;
[[nodiscard]] Loaded load(const std::string& path, const Files& files);

/// The same for a text in memory that stands for the file `path`; what it names comes from `files`.
[[nodiscard]] Loaded load_text(std::string_view text, const std::string& path, const Files& files);

}  // namespace sluice::config
