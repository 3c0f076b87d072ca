// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/impact.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "explain/verdict.h"
#include "gateway/known_addresses.h"
#include "reload/difference.h"

namespace sluice::reload {
namespace {

constexpr std::size_t kExamplesOfAKind = 3;
constexpr std::array<const char*, Impact::kKinds> kNames{"snat_to_preserve", "preserve_to_snat",
                                                         "to_drop", "other_source", "other"};
constexpr std::array<const char*, Impact::kKinds> kMeanings{
    "translated now, would be preserved", "preserved now, would be translated", "would be dropped",
    "would be translated to another address", "would be for the gateway itself"};

/// The packet that would open this flow, as whoever opened it sends it.
explain::FrameSpec opening_packet(const nat::SessionIdentity& flow) {
  const bool inbound = flow.opened_inbound();
  explain::FrameSpec spec;
  spec.source = Ipv4Addr{inbound ? flow.remote : flow.pod};
  spec.destination = Ipv4Addr{inbound ? flow.pod : flow.remote};
  spec.protocol = flow.protocol;
  spec.source_port = (inbound ? flow.remote_port : flow.pod_port).to_host();
  spec.destination_port = (inbound ? flow.pod_port : flow.remote_port).to_host();
  spec.icmp_identifier = spec.source_port;
  spec.tcp_flags = net::kSyn;
  return spec;
}

std::string protocol_word(std::uint8_t protocol) {
  switch (protocol) {
    case net::kTcp: return "tcp";
    case net::kUdp: return "udp";
    case net::kIcmp: return "icmp";
    case net::kSctp: return "sctp";
    default: return fmt::format("{}", protocol);
  }
}

/// The flow as a line of `explain`.
std::string flow_line(const nat::SessionIdentity& flow) {
  const explain::FrameSpec spec = opening_packet(flow);
  const bool ports =
      flow.protocol == net::kTcp || flow.protocol == net::kUdp || flow.protocol == net::kSctp;
  std::string source = spec.source.to_string();
  std::string destination = spec.destination.to_string();
  if (ports || flow.protocol == net::kIcmp) source += fmt::format(":{}", spec.source_port);
  if (ports) destination += fmt::format(":{}", spec.destination_port);
  return fmt::format("{} {} > {}", protocol_word(flow.protocol), source, destination);
}

}  // namespace

Result<std::unique_ptr<Impact>> Impact::begin(const gateway::Gateway& gateway,
                                              config::Config candidate) {
  const auto restart = gateway::needs_restart(gateway.config(), candidate);
  const auto changes = differences(gateway.config(), candidate);
  // One flow at a time is enough of a table, and no pod's limit is meant.
  constexpr std::uint32_t kSmallTable = 64;
  candidate.flows.capacity = kSmallTable;
  candidate.flows.per_pod = 0;
  auto simulator = explain::Simulator::create(std::move(candidate));
  if (!simulator) return Error{simulator.error()};
  auto impact = std::unique_ptr<Impact>(new Impact(gateway, std::move(simulator).value()));
  impact->restart_ = restart;
  impact->differences_ = changes;
  return impact;
}

Impact::Impact(const gateway::Gateway& gateway, std::unique_ptr<explain::Simulator> simulator)
    : gateway_(gateway),
      simulator_(std::move(simulator)),
      path_(simulator_->snapshot().config.path) {}

bool Impact::step(unsigned at_most) {
  for (unsigned i = 0; i < at_most; ++i) {
    if (worker_ >= gateway_.workers().size()) return false;
    const nat::FlowTable& table = gateway_.workers()[worker_]->table();
    if (record_ >= table.touched()) {
      ++worker_;
      record_ = 0;
      continue;
    }
    look_at(table, nat::SessionIndex{record_++});
  }
  return true;
}

/// Devices are known again by their names; one that is gone has none.
DeviceId Impact::same_device(DeviceId running) const {
  if (running == kNoDevice) return kNoDevice;
  return simulator_->device_named(gateway_.snapshot().enis.devices()[running.value].name);
}

void Impact::look_at(const nat::FlowTable& table, nat::SessionIndex index) {
  const auto flow = table.read(index);
  if (!flow || flow->identity.is_mapping()) return;
  const nat::SessionIdentity& id = flow->identity;
  ++sessions_;
  // Where a hairpin ends is another flow's mapping, which an empty table does not have.
  if ((id.flags & nat::kHairpin) != 0) return;
  // It came in where packets back to whoever opened it leave.
  const auto back = id.opened_inbound() ? nat::Direction::kOutbound : nat::Direction::kInbound;
  explain::FrameSpec spec = opening_packet(id);
  DeviceId in = same_device(gateway_.neighbours().device(table.at(index).adjacency_id(back)));
  if (in == kNoDevice) in = simulator_->enis().arrival(spec.source, spec.destination);
  spec.to = simulator_->mac(in);
  explain::Frame buffer = explain::make_frame(spec, explain::Simulator::kHeadroom);
  const std::span frame = std::span(buffer).subspan(explain::Simulator::kHeadroom);
  const pipeline::Packet packet =
      simulator_->process(in, frame, static_cast<std::uint16_t>(frame.size()));

  const bool leaves =
      packet.fate == pipeline::Fate::kEmit || packet.fate == pipeline::Fate::kAwaitNeighbour;
  if (!leaves) {
    count(Kind::kToDrop, id, packet);
  } else if (packet.verdict == pipeline::Verdict::kPreserve) {
    if (id.translated()) count(Kind::kSnatToPreserve, id, packet);
  } else if (packet.verdict != pipeline::Verdict::kSnat) {
    count(Kind::kOther, id, packet);
  } else if (!id.translated()) {
    count(Kind::kPreserveToSnat, id, packet);
  } else if (packet.ipv4().source != id.snat) {
    count(Kind::kOtherSource, id, packet);
  }
  if (packet.found) simulator_->table().erase(packet.found.session, simulator_->now());
  // Whatever else it opened ends by time, which nothing here depends on.
  constexpr std::chrono::hours kLongerThanAnyTimeout{24 * 8};
  if (simulator_->table().size() != 0) simulator_->forward(kLongerThanAnyTimeout);
}

void Impact::count(Kind kind, const nat::SessionIdentity& flow, const pipeline::Packet& packet) {
  const auto place = static_cast<std::size_t>(kind);
  if (counts_[place]++ >= kExamplesOfAKind) return;
  const explain::Verdict verdict = explain::read_verdict("", packet, *simulator_);
  examples_.push_back({kind, flow_line(flow), flow.translated() ? "snat" : "preserve",
                       Ipv4Addr{flow.translated() ? flow.snat : flow.pod}.to_string(),
                       verdict.verdict, verdict.source ? verdict.source->to_string() : "",
                       verdict.rule, verdict.reason});
}

std::string Impact::to_text() const {
  std::string text;
  if (!restart_.empty()) {
    text += fmt::format("{} needs a restart: {}\n", path_, fmt::join(restart_, ", "));
  }
  for (const std::string& difference : differences_) text += difference + "\n";
  const auto changed = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
  text += fmt::format("{} of {} sessions would be decided differently if they began now\n", changed,
                      sessions_);
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (counts_[kind] == 0) continue;
    text += fmt::format("{:>9}  {}\n", counts_[kind], kMeanings[kind]);
    for (const Example& example : examples_) {
      if (static_cast<std::size_t>(example.kind) != kind) continue;
      text += fmt::format("           {}: {} as {}, then {}{}{}{}\n", example.flow, example.now,
                          example.source_now, example.then,
                          example.source_then.empty() ? "" : " as " + example.source_then,
                          example.reason.empty() ? "" : ", " + example.reason,
                          example.rule.empty() ? "" : " [" + example.rule + "]");
    }
  }
  return text;
}

std::string Impact::to_json() const {
  const auto or_null = [](const std::string& word) {
    return word.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(word);
  };
  nlohmann::ordered_json object;
  object["config"] = path_;
  object["needs_restart"] = restart_;
  object["differences"] = differences_;
  object["sessions"] = sessions_;
  object["changed"] = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
  object["by_kind"] = nlohmann::ordered_json::object();
  for (std::size_t kind = 0; kind < kKinds; ++kind) object["by_kind"][kNames[kind]] = counts_[kind];
  object["examples"] = nlohmann::ordered_json::array();
  for (const Example& example : examples_) {
    object["examples"].push_back(
        {{"kind", kNames[static_cast<std::size_t>(example.kind)]},
         {"flow", example.flow},
         {"now", {{"verdict", example.now}, {"source", example.source_now}}},
         {"then",
          {{"verdict", example.then},
           {"source", or_null(example.source_then)},
           {"rule", or_null(example.rule)},
           {"reason", or_null(example.reason)}}}});
  }
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace sluice::reload
