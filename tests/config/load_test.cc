// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Every key by itself: what is accepted, what is refused and how that is said.
#include <gtest/gtest.h>

#include "config_testing.h"

namespace sluice::config {
namespace {

TEST(Load, FillsInDefaults) {
  const Loaded loaded = load_with(kBase);
  ASSERT_TRUE(loaded.config) << all_of(loaded.problems);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.path, kFile);
  EXPECT_FALSE(config.gateway.name.empty());
  EXPECT_EQ(config.gateway.workers, 1U);
  EXPECT_EQ(config.enis[0].gateway, Ipv4Addr(10, 10, 10, 1));
  EXPECT_EQ(config.enis[1].gateway, Ipv4Addr(10, 10, 20, 1));
  EXPECT_EQ(config.enis[1].gateway6.to_string(), "fe80:ec2::1");
  EXPECT_EQ(config.pod_ports[0].gateway, Ipv4Addr(169, 254, 1, 1));
  EXPECT_EQ(config.snat.source, std::vector<Ipv4Addr>{Ipv4Addr(10, 10, 10, 20)});
  EXPECT_EQ(config.snat.echo_ports_in_force(), PortRange{});
  EXPECT_EQ(config.snat.port_selection_in_force(), PortSelection::kRandom);
  EXPECT_EQ(config.flows.capacity, 1'048'576U);
  EXPECT_EQ(config.console_socket, "/run/sluice/console.sock");
  EXPECT_EQ(config.metrics_listen, "127.0.0.1:9464");
}

TEST(Load, ReadsWhatIsWritten) {
  const Loaded loaded = load_with(R"(
gateway: {name: gw-1, workers: 4, instance: {enis: 3, addresses_per_eni: 10}}
pods: {cidrs: [10.10.0.0/16, "fd10::/64"], nodes: [10.10.0.4, 10.10.1.0/28]}
vpc: {cidrs: [10.10.0.0/16, "fd10::/56"]}
enis:
  - name: eni0
    device: "00:06.0"
    primary: true
    address: 10.10.10.20/24
    secondary: [10.10.10.21, "fd10::21"]
    prefixes: [10.10.10.32/28, "fd10:0:0:0:1::/80"]
    forwards: [0.0.0.0/0, "::/0"]
    gateway: 10.10.10.2
    address6: fd10::20/64
    gateway6: fd10::1
    mtu: 9001
    routes: [{to: 10.10.64.0/18, via: 10.10.10.7}, {to: "fd11::/64", via: "fe80::1"}]
pod_ports:
  - {name: pod0, device: net_null1, pods: [10.10.10.21, "fd10::21"], gateway: 169.254.1.2, mtu: 1500}
snat:
  source: [10.10.10.20, 10.10.10.33]
  ports: 2000-60000
  port_selection: preserve
  mapping: endpoint_independent
  filtering: endpoint_dependent
  forward_link_local: true
  rules:
    - {from: [10.10.9.0/24], to: [8.0.0.0/8], except: [8.8.8.0/24], action: snat, source: [10.10.10.34], mapping: endpoint_dependent}
    - {to: [9.0.0.0/8], action: drop}
    - {action: preserve}
flows:
  capacity: 1000
  per_pod: 10
  tcp_mid_stream: accept
  udp_refresh: outbound
  timeouts: {tcp_established: 3h, tcp_transitory: 5m, tcp_closed: 3s, udp: 2m5s, icmp: 90s}
console: {socket: run/console.sock, group: root}
metrics: {listen: "[::1]:9000"}
log:
  level: debug
  format: json
  sessions:
    json: run/sessions.json
    queue: 100
    ipfix: {collector: "[2001:db8::7]:4739", observation_domain: 9, template_refresh: 5m, message_bytes: 512}
)");
  ASSERT_TRUE(loaded.config) << all_of(loaded.problems);
  const Config& config = *loaded.config;
  EXPECT_EQ(config.gateway.name, "gw-1");
  EXPECT_EQ(config.gateway.workers, 4U);
  EXPECT_EQ(config.gateway.instance->max_pods(), 29U);
  EXPECT_EQ(config.gateway.instance->max_pods_with_prefixes(), 434U);
  EXPECT_EQ(config.pods.nodes[0].value.to_string(), "10.10.0.4/32");
  EXPECT_EQ(config.pods.cidrs[1].mark.line, 3);
  const EniConfig& eni = config.enis[0];
  EXPECT_EQ(eni.secondary[1].to_string(), "fd10::21");
  EXPECT_EQ(eni.prefixes[0].to_string(), "10.10.10.32/28");
  EXPECT_EQ(eni.gateway, Ipv4Addr(10, 10, 10, 2));
  EXPECT_EQ(eni.address6->to_string(), "fd10::20/64");
  EXPECT_EQ(eni.gateway6.to_string(), "fd10::1");
  EXPECT_EQ(eni.mtu, 9001);
  EXPECT_EQ(eni.routes[0].via.to_string(), "10.10.10.7");
  EXPECT_EQ(eni.mark.line, 6);
  EXPECT_EQ(config.pod_ports[0].mtu, 1500);
  EXPECT_EQ(config.snat.source.size(), 2U);
  EXPECT_EQ(config.snat.ports, (PortRange{2000, 60000}));
  EXPECT_EQ(config.snat.mapping, Mapping::kEndpointIndependent);
  EXPECT_EQ(config.snat.filtering, Mapping::kEndpointDependent);
  EXPECT_TRUE(config.snat.forward_link_local);
  ASSERT_EQ(config.snat.rules.size(), 3U);
  EXPECT_EQ(config.snat.rules[0].mapping, Mapping::kEndpointDependent);
  EXPECT_EQ(config.snat.rules[1].action, Action::kDrop);
  EXPECT_FALSE(config.snat.rules[2].to);
  EXPECT_EQ(config.flows.timeouts.udp, std::chrono::seconds{125});
  EXPECT_EQ(config.flows.tcp_mid_stream, MidStream::kAccept);
  EXPECT_EQ(config.console_socket, "conf/run/console.sock");
  EXPECT_EQ(config.console_group, "root");
  EXPECT_EQ(config.metrics_listen, "[::1]:9000");
  EXPECT_EQ(config.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.log_format, LogFormat::kJson);
  EXPECT_TRUE(config.session_log.on());
  EXPECT_EQ(config.session_log.json, "conf/run/sessions.json");
  EXPECT_EQ(config.session_log.queue, 100U);
  EXPECT_EQ(config.session_log.ipfix.collector, "[2001:db8::7]:4739");
  EXPECT_EQ(config.session_log.ipfix.observation_domain, 9U);
  EXPECT_EQ(config.session_log.ipfix.template_refresh, std::chrono::minutes{5});
  EXPECT_EQ(config.session_log.ipfix.message_bytes, 512);
}

/// Sections added to kBase (whose text ends before line 10), and what must be wrong with them.
struct BadValue {
  const char* added;
  Expected expected;
};

void PrintTo(const BadValue& value, std::ostream* out) { *out << value.added; }

class BadValues : public ::testing::TestWithParam<BadValue> {};

TEST_P(BadValues, AreNamed) {
  const Loaded loaded = load_with(kBase + GetParam().added);
  EXPECT_FALSE(loaded.config) << GetParam().added;
  expect_problem(loaded, GetParam().expected);
  EXPECT_EQ(count_errors(loaded), 1U) << all_of(loaded.problems);
}

const BadValue kBadValues[] = {
    // Keys and kinds.
    {"gatewy: {workers: 1}\n", {"gatewy", "gateway", 10}},
    {"gateway:\n  worker: 1\n", {"gateway.worker", "workers", 11}},
    {"gateway: 3\n", {"gateway", "map", 10}},
    {"gateway: [a]\n", {"gateway", "map", 10}},
    {"gateway: {workers: 1, workers: 2}\n", {"gateway.workers", "second time", 10}},
    {"vpc: {cidrs: [10.10.0.0/16]}\n", {"vpc", "second time", 10}},
    {"flows: {timeouts: {upd: 5m}}\n", {"flows.timeouts.upd", "udp", 10}},
    {"snat: {vpc_cny: {}}\n", {"snat.vpc_cny", "vpc_cni", 10}},
    {"log: {levle: info}\n", {"log.levle", "level", 10}},
    {"log: {sessions: {jsn: a}}\n", {"log.sessions.jsn", "json", 10}},
    {"log: {sessions: {ipfix: {colector: \"192.0.2.7:1\"}}}\n",
     {"log.sessions.ipfix.colector", "collector", 10}},
    {"? [a, b]\n: c\n", {"", "key", 10}},
    {"---\na: b\n", {"", "second document"}},
    // Whole numbers.
    {"gateway: {workers: 0}\n", {"gateway.workers", "1 to 128", 10}},
    {"gateway: {workers: 129}\n", {"gateway.workers", "129", 10}},
    {"gateway: {workers: -1}\n", {"gateway.workers", "\"-1\"", 10}},
    {"gateway: {workers: two}\n", {"gateway.workers", "two", 10}},
    {"gateway: {workers: 1.5}\n", {"gateway.workers", "1.5", 10}},
    {"gateway: {workers: [1]}\n", {"gateway.workers", "a list", 10}},
    {"gateway: {workers: 99999999999999999999}\n", {"gateway.workers", "99999", 10}},
    {"flows: {capacity: 0}\n", {"flows.capacity", "0", 10}},
    {"flows: {capacity: 4294967296}\n", {"flows.capacity", "4294967296", 10}},
    {"flows: {capacity: 3}\ngateway: {workers: 4}\n", {"flows.capacity", "workers", 10}},
    {"flows: {per_pod: -1}\n", {"flows.per_pod", "-1", 10}},
    {"gateway: {instance: {enis: 3}}\n", {"gateway.instance.addresses_per_eni", "missing", 10}},
    {"gateway: {instance: {enis: 1, addresses_per_eni: 10}}\n", {"enis", "2 ENIs"}},
    // Words.
    {"snat: {port_selection: sequential}\n", {"snat.port_selection", "preserve", 10}},
    {"snat: {mapping: cone}\n", {"snat.mapping", "endpoint_independent", 10}},
    {"snat: {filtering: none}\n", {"snat.filtering", "endpoint_dependent", 10}},
    {"snat: {filtering: endpoint_independent}\n", {"snat.filtering", "mapping", 10}},
    {"snat: {forward_link_local: yes}\n", {"snat.forward_link_local", "true or false", 10}},
    {"snat: {forward_link_local: \"true\"}\n", {"snat.forward_link_local", "quoted", 10}},
    {"flows: {tcp_mid_stream: reset}\n", {"flows.tcp_mid_stream", "rst, drop, accept", 10}},
    {"flows: {udp_refresh: inbound}\n", {"flows.udp_refresh", "outbound", 10}},
    {"log: {level: verbose}\n", {"log.level", "debug", 10}},
    {"log: {format: xml}\n", {"log.format", "json", 10}},
    // The session log.
    {"log: {sessions: {json: \"\"}}\n", {"log.sessions.json", "null", 10}},
    {"log: {sessions: {json: [a]}}\n", {"log.sessions.json", "a list", 10}},
    {"log: {sessions: {queue: 0}}\n", {"log.sessions.queue", "1 to 1048576", 10}},
    {"log: {sessions: {ipfix: {collector: localhost}}}\n",
     {"log.sessions.ipfix.collector", "192.0.2.7:4739", 10}},
    {"log: {sessions: {ipfix: {collector: \"192.0.2.7:0\"}}}\n",
     {"log.sessions.ipfix.collector", "192.0.2.7:0", 10}},
    {"log: {sessions: {ipfix: {message_bytes: 511}}}\n",
     {"log.sessions.ipfix.message_bytes", "512 to 65000", 10}},
    {"log: {sessions: {ipfix: {template_refresh: 60}}}\n",
     {"log.sessions.ipfix.template_refresh", "unit", 10}},
    // Times.
    {"flows: {timeouts: {udp: 300}}\n", {"flows.timeouts.udp", "\"300\" has no unit", 10}},
    {"flows: {timeouts: {udp: 5d}}\n", {"flows.timeouts.udp", "5d", 10}},
    {"flows: {timeouts: {udp: 0s}}\n", {"flows.timeouts.udp", "0s", 10}},
    {"flows: {timeouts: {icmp: 169h}}\n", {"flows.timeouts.icmp", "169h", 10}},
    {"flows: {timeouts: {icmp: [60s]}}\n", {"flows.timeouts.icmp", "a list", 10}},
    // Ports and addresses to listen on.
    {"snat: {ports: 65535-1024}\n", {"snat.ports", "65535-1024", 10}},
    {"snat: {ports: 1024-65536}\n", {"snat.ports", "1024-65536", 10}},
    {"snat: {ports: 0-65535}\n", {"snat.ports", "0-65535", 10}},
    {"snat: {ports: 1024}\n", {"snat.ports", "1024", 10}},
    {"snat: {ports: 1024 - 65535}\n", {"snat.ports", "1024 - 65535", 10}},
    {"snat: {ports: 1-2-3}\n", {"snat.ports", "1-2-3", 10}},
    {"metrics: {listen: 9464}\n", {"metrics.listen", "9464", 10}},
    {"metrics: {listen: localhost:9464}\n", {"metrics.listen", "localhost:9464", 10}},
    {"metrics: {listen: 127.0.0.1:0}\n", {"metrics.listen", "127.0.0.1:0", 10}},
    {"metrics: {listen: 127.0.0.1:65536}\n", {"metrics.listen", "65536", 10}},
    {"metrics: {listen: \"::1:9464\"}\n", {"metrics.listen", "[::1]:9464", 10}},
    {"console: {socket: \"\"}\n", {"console.socket", "path", 10}},
    {"console: {group: no-such-group}\n", {"console.group", "getent group", 10}},
    {"console: {group: \"\"}\n", {"console.group", "getent group", 10}},
    // Sources and rules.
    {"snat: {source: 10.10.10.20}\n", {"snat.source", "[10.10.10.20]", 10}},
    {"snat: {source: []}\n", {"snat.source", "empty", 10}},
    {"snat: {source: [10.10.10.20/32]}\n", {"snat.source[0]", "10.10.10.20/32", 10}},
    {"snat: {source: [\"fd00::1\"]}\n", {"snat.source[0]", "IPv6", 10}},
    {"snat: {source: [10.10.10.20, 10.10.30.9]}\n", {"snat.source[1]", "10.10.30.9", 10}},
    {"snat: {source: [10.10.10.20, 10.10.10.20]}\n", {"snat.source[1]", "twice", 10}},
    {"snat: {source: [10.10.20.33]}\n", {"snat.source[0]", "pod", 10}},
    {"snat: {rules: {action: drop}}\n", {"snat.rules", "a list", 10}},
    {"snat: {rules: [drop]}\n", {"snat.rules[0]", "map", 10}},
    {"snat: {rules: [{to: [8.0.0.0/8]}]}\n", {"snat.rules[0].action", "missing", 10}},
    {"snat: {rules: [{action: deny}]}\n", {"snat.rules[0].action", "drop", 10}},
    {"snat: {rules: [{to: [8.8.8.8/24], action: snat}]}\n",
     {"snat.rules[0].to[0]", "8.8.8.0/24", 10}},
    {"snat: {rules: [{to: [], action: snat}]}\n", {"snat.rules[0].to", "empty", 10}},
    {"snat: {rules: [{from: [10.10.0.0/33], action: snat}]}\n",
     {"snat.rules[0].from[0]", "10.10.0.0/33", 10}},
    {"snat: {rules: [{exept: [8.0.0.0/8], action: snat}]}\n",
     {"snat.rules[0].exept", "except", 10}},
    {"snat: {rules: [{action: snat, source: [10.9.9.9]}]}\n",
     {"snat.rules[0].source[0]", "10.9.9.9", 10}},
    {"snat: {rules: [{action: drop, source: [10.10.10.20]}]}\n",
     {"snat.rules[0].source", "action: snat", 10}},
    {"snat: {rules: [{action: snat, mapping: endpoint_independent}]}\n",
     {"snat.rules[0].mapping", "source", 10}},
    {"snat: {rules: [{action: snat}, {action: snat, source: [10.10.10.20], "
     "mapping: endpoint_independent}]}\n",
     {"snat.rules[1].source[0]", "10.10.10.20", 10}},
    // Dialects.
    {"snat: {vpc_cni: {}, ip_masq_agent: {}}\n", {"snat", "one of", 10}},
    {"snat: {vpc_cni: {platform: darwin}}\n", {"snat.vpc_cni.platform", "windows", 10}},
    {"snat: {gke: {cluster: zonal}}\n", {"snat.gke.cluster", "autopilot", 10}},
    {"snat: {ip_masq_agent: {to_ports: 29999-1024}}\n",
     {"snat.ip_masq_agent.to_ports", "29999-1024", 10}},
    {"snat: {ip_masq_agent: {to_ports: \"1024-29999, 40000\"}}\n",
     {"snat.ip_masq_agent.to_ports", "no spaces", 10}},
    {"snat: {ip_masq_agent: {to_ports: \"1-2-3\"}}\n", {"snat.ip_masq_agent.to_ports", "1-2-3"}},
    {"snat: {ip_masq_agent: {to_ports: \"1024,\"}}\n", {"snat.ip_masq_agent.to_ports", ""}},
    {"snat: {ip_masq_agent: {to_ports: \"65536\"}}\n", {"snat.ip_masq_agent.to_ports", "65536"}},
    {"snat: {ip_masq_agent: {to_ports: \"1-9,5-20\"}}\n", {"snat.ip_masq_agent.to_ports", "twice"}},
    {"snat: {vpc_cni: {platform: windows, excluded_snat_cidrs: [172.31.0.1/16]}}\n",
     {"snat.vpc_cni.excluded_snat_cidrs[0]", "172.31.0.0/16", 10}},
};

INSTANTIATE_TEST_SUITE_P(Load, BadValues, ::testing::ValuesIn(kBadValues));

TEST(Load, RefusesABrokenText) {
  const std::pair<const char*, int> cases[] = {
      {"pods:\n  cidrs: [10.0.0.0/8\nvpc: {}\n", 0}, {"pods: \x04{}\n", 1}, {"a: \xff\n", 1}};
  for (const auto& [text, line] : cases) {
    const Loaded loaded = load_with(text);
    EXPECT_FALSE(loaded.config);
    ASSERT_EQ(loaded.problems.size(), 1U) << all_of(loaded.problems);
    if (line != 0) {
      EXPECT_EQ(loaded.problems[0].mark.line, line);
    }
  }
}

TEST(Load, SaysWhatIsMissing) {
  for (const char* text : {"", "{}", "gateway: {workers: 2}\n", "pods:\nenis:\n"}) {
    const Loaded loaded = load_with(text);
    EXPECT_FALSE(loaded.config);
    expect_problem(loaded, {"pods.cidrs", "missing"});
    expect_problem(loaded, {"enis", "no ENI"});
  }
  for (const char* text : {"just words", "[a]"}) {
    EXPECT_FALSE(load_with(text).config);
    expect_problem(load_with(text), {"", "map"});
  }
}

TEST(Load, NamesEveryProblemInTheOrderOfTheFile) {
  const Loaded loaded = load_with(R"(pods:
  cidrs: [10.10.1.0/16, 10.11.0.0/33]
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20, secondry: []}
  - {name: eni0, device: net_null0, primary: true, address: 10.10.20.20/24, mtu: 10}
snat:
  source: [10.10.30.300]
flows:
  timeouts: {icmp: 60}
  capacty: 9
)");
  expect_problem(loaded, {"pods.cidrs[0]", "10.10.0.0/16", 2});
  expect_problem(loaded, {"pods.cidrs[1]", "10.11.0.0/33", 2});
  expect_problem(loaded, {"enis[0].address", "10.10.10.20", 4});
  expect_problem(loaded, {"enis[0].secondry", "secondary", 4});
  expect_problem(loaded, {"enis[1].name", "eni0", 5});
  expect_problem(loaded, {"enis[1].device", "net_null0", 5});
  expect_problem(loaded, {"enis[1].primary", "primary", 5});
  expect_problem(loaded, {"enis[1].mtu", "10", 5});
  expect_problem(loaded, {"snat.source[0]", "10.10.30.300", 7});
  expect_problem(loaded, {"flows.timeouts.icmp", "60", 9});
  expect_problem(loaded, {"flows.capacty", "capacity", 10});
  EXPECT_EQ(count_errors(loaded), 11U) << all_of(loaded.problems);
  for (std::size_t i = 1; i < loaded.problems.size(); ++i) {
    EXPECT_LE(loaded.problems[i - 1].mark.line, loaded.problems[i].mark.line);
  }
}

TEST(Load, WarningsNeverCrowdOutAnError) {
  std::string excluded = "x";
  for (int i = 0; i < 20'000; ++i) excluded += ",x";
  const Loaded loaded =
      load_with(kBase + "snat: {vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: \"" + excluded +
                "\"}}}\nlog: {level: loud}\n");
  EXPECT_FALSE(loaded.config);
  EXPECT_LE(loaded.problems.size(), 20'000U);
  expect_problem(loaded, {"log.level", "loud", 11});
}

TEST(Load, PointsOutADialectLeftEmpty) {
  const Loaded loaded = load_with(kBase + "snat:\n  vpc_cni:\n");
  EXPECT_TRUE(loaded.config);
  expect_problem(loaded,
                 {"snat.vpc_cni", "vpc_cni: {}", 11, std::string{kFile}, Severity::kWarning});
}

TEST(Load, WhatADialectWritesWinsOverSnatsOwn) {
  const auto snat = [](const std::string& text) {
    const Loaded loaded = load_with(kBase + "snat: {" + text + "}\n");
    EXPECT_TRUE(loaded.config) << all_of(loaded.problems);
    return loaded.config.value_or(Config{}).snat;
  };
  using enum PortSelection;
  EXPECT_EQ(snat("port_selection: preserve, vpc_cni: {}").port_selection_in_force(), kPreserve);
  EXPECT_EQ(snat("port_selection: preserve, vpc_cni: {env: {AWS_VPC_K8S_CNI_RANDOMIZESNAT: prng}}")
                .port_selection_in_force(),
            kRandom);
  EXPECT_EQ(snat("vpc_cni: {env: {AWS_VPC_K8S_CNI_RANDOMIZESNAT: none}}").port_selection_in_force(),
            kPreserve);
  EXPECT_EQ(snat("port_selection: preserve, ip_masq_agent: {}").port_selection_in_force(),
            kPreserve);
  EXPECT_EQ(snat("port_selection: preserve, ip_masq_agent: {random_fully: true}")
                .port_selection_in_force(),
            kRandom);
  EXPECT_EQ(snat("ip_masq_agent: {random_fully: false}").port_selection_in_force(), kPreserve);
  const SnatConfig ports = snat("ports: 2000-3000, ip_masq_agent: {to_ports: \"5000,6000-6001\"}");
  EXPECT_EQ(ports.tcp_udp_ports_in_force(), (std::vector<PortRange>{{5000, 5000}, {6000, 6001}}));
  EXPECT_EQ(ports.echo_ports_in_force(), (PortRange{2000, 3000}));
  EXPECT_EQ(snat("ports: 2000-3000, ip_masq_agent: {}").tcp_udp_ports_in_force(),
            (std::vector<PortRange>{{2000, 3000}}));
}

}  // namespace
}  // namespace sluice::config
