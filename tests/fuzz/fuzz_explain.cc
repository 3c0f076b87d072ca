// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Any lines to `explain`, with one configuration that has a bit of everything: what packets a line
/// can describe, in any order, go through the whole path.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/config.h"
#include "config/files.h"
#include "explain/explainer.h"
#include "support/eal.h"

namespace {

using namespace sluice;

constexpr std::string_view kConfig = R"(
pods: {cidrs: [10.10.0.0/16, 100.64.0.0/16], nodes: [10.10.10.5]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24,
     secondary: [10.10.10.21, 10.10.10.22], address6: 2001:db8::20/64}
  - {name: eni1, device: net_null1, address: 10.10.20.20/24, prefixes: [10.10.20.32/28],
     forwards: [0.0.0.0/0, "::/0"], routes: [{to: 100.64.0.0/16, via: 10.10.20.1}]}
pod_ports:
  - {name: pod0, device: net_null2, pods: [10.10.10.21, "2001:db8::21"]}
  - {name: pod1, device: net_null3, pods: [10.10.20.33]}
snat:
  source: [10.10.10.20, 10.10.10.22]
  ports: 1024-1151
  rules:
    - {to: [198.51.100.0/24], action: drop}
    - {to: [203.0.113.0/24], action: snat, source: [10.10.20.40], mapping: endpoint_independent}
  vpc_cni: {env: {AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: "192.168.0.0/16"}}
flows: {capacity: 64, per_pod: 48}
)";

explain::Simulator& simulator() {
  static const auto instance = [] {
    test::start_eal();
    config::Loaded loaded = config::load_text(kConfig, "fuzz.yaml", config::MemoryFiles{{}});
    for (const auto& problem : loaded.problems) {
      std::fprintf(stderr, "%s\n", config::to_text(problem).c_str());
    }
    if (!loaded.config) std::abort();
    auto made = explain::Simulator::create(std::move(*loaded.config));
    if (!made) std::abort();
    return std::move(made).value();
  }();
  return *instance;
}

void check(const explain::Verdict& verdict) {
  const auto object = nlohmann::json::parse(explain::to_json(verdict));
  if (explain::to_text(verdict).empty()) std::abort();
  if (!verdict.error.empty()) {
    if (!object.at("verdict").is_null()) std::abort();
    return;
  }
  if (verdict.verdict == "drop") {
    if (verdict.reason.empty() || verdict.source) std::abort();
    return;
  }
  if (!verdict.reason.empty() || !verdict.source || !verdict.destination) std::abort();
  // The one invariant: what leaves an ENI has a source that this ENI may emit.
  const DeviceId out = simulator().device_named(verdict.device);
  if (out == kNoDevice) std::abort();
  if (verdict.next_hop && !simulator().enis().may_emit(out, *verdict.source)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One gateway for all inputs; what the last one left in its table has gone by its time.
  simulator().forward(std::chrono::hours(24 * 8));
  if (simulator().table().size() != 0) std::abort();
  explain::Explainer explainer(simulator());
  std::string_view text{reinterpret_cast<const char*>(data), size};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto verdict = explainer.answer(text.substr(0, end))) check(*verdict);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!simulator().table().check_invariants().empty()) std::abort();
  return 0;
}
