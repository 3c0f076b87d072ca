// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sluice::explain {
namespace {

std::string word(pipeline::Verdict verdict) {
  switch (verdict) {
    case pipeline::Verdict::kSnat: return "snat";
    case pipeline::Verdict::kPreserve: return "preserve";
    case pipeline::Verdict::kUnsnat: return "unsnat";
    case pipeline::Verdict::kLocal:
    case pipeline::Verdict::kNone: break;
  }
  return "local";
}

std::string answer_word(pipeline::AnswerKind answer) {
  switch (answer) {
    case pipeline::AnswerKind::kTcpRst: return "tcp_rst";
    case pipeline::AnswerKind::kIcmpTimeExceeded: return "icmp_time_exceeded";
    case pipeline::AnswerKind::kIcmpFragmentationNeeded: return "icmp_fragmentation_needed";
    case pipeline::AnswerKind::kIcmpAdminProhibited: return "icmp_admin_prohibited";
    case pipeline::AnswerKind::kNone: break;
  }
  return "";
}

struct Ports {
  std::optional<std::uint16_t> source, destination;
};

/// The ports as the packet now carries them; a query's identifier stands on the requester's side.
Ports ports_of(std::uint8_t protocol, const std::uint8_t* l4, std::size_t length) {
  if (protocol == net::kTcp || protocol == net::kUdp || protocol == net::kSctp) {
    if (length < 4) return {};
    const auto& ports = net::header_at<std::array<Be16, 2>>(l4);
    return {ports[0].to_host(), ports[1].to_host()};
  }
  if (length < sizeof(net::IcmpHeader)) return {};
  const auto& icmp = net::header_at<net::IcmpHeader>(l4);
  const std::uint16_t identifier = icmp.identifier.to_host();
  const bool v4 = protocol == net::kIcmp;
  const bool v6 = protocol == net::kIcmpv6;
  if ((v4 && (icmp.type == net::kIcmpEchoRequest || icmp.type == net::kIcmpTimestampRequest)) ||
      (v6 && icmp.type == net::kIcmpv6EchoRequest)) {
    return {identifier, std::nullopt};
  }
  if ((v4 && (icmp.type == net::kIcmpEchoReply || icmp.type == net::kIcmpTimestampReply)) ||
      (v6 && icmp.type == net::kIcmpv6EchoReply)) {
    return {std::nullopt, identifier};
  }
  return {};
}

std::string rule_text(const pipeline::Packet& packet, const Simulator& simulator) {
  if (packet.decision.rule == pipeline::kOpenedFromOutside) {
    return "opened from outside: the pod's answers leave as they are";
  }
  return simulator.snapshot().policy->text(packet.decision.rule);
}

template <typename T>
nlohmann::ordered_json or_null(const std::optional<T>& value) {
  return value ? nlohmann::ordered_json(*value) : nullptr;
}
nlohmann::ordered_json or_null(const std::optional<IpAddr>& value) {
  return value ? nlohmann::ordered_json(value->to_string()) : nullptr;
}
nlohmann::ordered_json or_null(const std::string& value) {
  return value.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(value);
}

std::string endpoint(const std::optional<IpAddr>& address,
                     const std::optional<std::uint16_t>& port) {
  if (!address) return "-";
  if (!port) return address->to_string();
  return address->is_v4() ? fmt::format("{}:{}", address->to_string(), *port)
                          : fmt::format("[{}]:{}", address->to_string(), *port);
}

}  // namespace

PacketWords words_of(const pipeline::Packet& packet) {
  PacketWords words;
  if (packet.l4_offset == 0) return words;  // parse did not get that far
  if (packet.kind == pipeline::Kind::kIpv6) {
    words.source = Ipv6Addr{packet.ipv6().source};
    words.destination = Ipv6Addr{packet.ipv6().destination};
    words.protocol = packet.ipv6().next_header;
  } else {
    words.source = Ipv4Addr{packet.ipv4().source};
    words.destination = Ipv4Addr{packet.ipv4().destination};
    words.protocol = packet.ipv4().protocol;
  }
  if (packet.kind == pipeline::Kind::kFragment) return words;
  const std::size_t captured =
      packet.contiguous > packet.l4_offset ? packet.contiguous - packet.l4_offset : 0U;
  const Ports ports =
      ports_of(words.protocol, packet.l4(), std::min<std::size_t>(captured, packet.l4_length));
  words.source_port = ports.source;
  words.destination_port = ports.destination;
  return words;
}

Verdict read_verdict(std::string flow, const pipeline::Packet& packet, const Simulator& simulator) {
  Verdict verdict;
  verdict.flow = std::move(flow);
  const bool judged = packet.verdict == pipeline::Verdict::kSnat ||
                      packet.verdict == pipeline::Verdict::kPreserve ||
                      packet.verdict == pipeline::Verdict::kUnsnat ||
                      packet.reason == pipeline::DropReason::kPolicyDrop ||
                      packet.reason == pipeline::DropReason::kNat66Unsupported;
  if (judged) verdict.rule = rule_text(packet, simulator);
  if (packet.fate == pipeline::Fate::kDrop || packet.fate == pipeline::Fate::kDropAnswered) {
    verdict.verdict = "drop";
    verdict.reason = pipeline::info(packet.reason).metric;
    if (packet.fate == pipeline::Fate::kDropAnswered) verdict.answer = answer_word(packet.answer);
    return verdict;
  }
  if (packet.fate == pipeline::Fate::kHeld) {
    verdict.held = true;
    return verdict;
  }
  verdict.verdict = word(packet.verdict);
  const PacketWords words = words_of(packet);
  verdict.source = words.source;
  verdict.source_port = words.source_port;
  verdict.destination = words.destination;
  verdict.destination_port = words.destination_port;
  if (packet.out != kNoDevice) {
    verdict.device = simulator.name(packet.out);
    verdict.next_hop = simulator.enis().next_hop(packet.out, packet.destination());
  } else {
    verdict.device = simulator.name(packet.in);
  }
  return verdict;
}

Verdict not_understood(std::string flow, std::string error) {
  Verdict verdict;
  verdict.flow = std::move(flow);
  verdict.error = std::move(error);
  return verdict;
}

std::string to_json(const Verdict& verdict) {
  nlohmann::ordered_json object;
  object["flow"] = verdict.flow;
  object["verdict"] = or_null(verdict.verdict);
  if (verdict.held) {
    object["held"] = true;
  } else if (!verdict.error.empty()) {
    object["error"] = verdict.error;
  } else {
    object["source"] = or_null(verdict.source);
    object["source_port"] = or_null(verdict.source_port);
    object["destination"] = or_null(verdict.destination);
    object["destination_port"] = or_null(verdict.destination_port);
    object["device"] = or_null(verdict.device);
    object["next_hop"] = or_null(verdict.next_hop);
    object["rule"] = or_null(verdict.rule);
    object["reason"] = or_null(verdict.reason);
    if (!verdict.answer.empty()) object["answer"] = verdict.answer;
  }
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string outcome_text(const Verdict& verdict) {
  if (!verdict.error.empty()) return fmt::format("error: {}", verdict.error);
  if (verdict.held) return "held until its datagram is whole";
  const std::string rule = verdict.rule.empty() ? "" : " [" + verdict.rule + "]";
  if (verdict.verdict == "drop") {
    return fmt::format("drop, {}{}{}", verdict.reason,
                       verdict.answer.empty() ? "" : ", answered with " + verdict.answer, rule);
  }
  return fmt::format("{} {} > {} by {}{}{}", verdict.verdict,
                     endpoint(verdict.source, verdict.source_port),
                     endpoint(verdict.destination, verdict.destination_port), verdict.device,
                     verdict.next_hop ? " to " + verdict.next_hop->to_string() : "", rule);
}

std::string to_text(const Verdict& verdict) {
  return fmt::format("{}: {}", verdict.flow, outcome_text(verdict));
}

}  // namespace sluice::explain
