// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/explainer.h"

#include <fmt/format.h>

namespace sluice::explain {
namespace {

// What a line that leaves them out means; any would do.
constexpr std::uint16_t kSomeSourcePort = 40000;
constexpr std::uint16_t kSomeDestinationPort = 443;
constexpr std::uint16_t kSomeIdentifier = 1;

constexpr std::uint32_t kFirstSequence = 1000;
constexpr std::uint32_t kLaterIncarnation = 1'000'000;

bool is_query(std::uint8_t protocol) { return protocol == net::kIcmp || protocol == net::kIcmpv6; }

bool has_ports(std::uint8_t protocol) {
  return protocol == net::kTcp || protocol == net::kUdp || protocol == net::kSctp;
}

/// What a packet now says, read back from its frame.
FrameSpec read_spec(const pipeline::Packet& packet) {
  FrameSpec spec;
  if (packet.kind == pipeline::Kind::kIpv6) {
    spec.source = Ipv6Addr{packet.ipv6().source};
    spec.destination = Ipv6Addr{packet.ipv6().destination};
    spec.protocol = packet.ipv6().next_header;
  } else {
    spec.source = Ipv4Addr{packet.ipv4().source};
    spec.destination = Ipv4Addr{packet.ipv4().destination};
    spec.protocol = packet.ipv4().protocol;
  }
  if (has_ports(spec.protocol)) {
    const auto& ports = net::header_at<std::array<Be16, 2>>(packet.l4());
    spec.source_port = ports[0].to_host();
    spec.destination_port = ports[1].to_host();
  } else if (is_query(spec.protocol)) {
    spec.icmp_type = packet.icmp().type;
    spec.icmp_identifier = packet.icmp().identifier.to_host();
  }
  if (spec.protocol == net::kTcp) spec.tcp_flags = packet.tcp().flags;
  return spec;
}

std::uint8_t icmp_answer(std::uint8_t type) {
  switch (type) {
    case net::kIcmpEchoRequest: return net::kIcmpEchoReply;
    case net::kIcmpEchoReply: return net::kIcmpEchoRequest;
    case net::kIcmpv6EchoRequest: return net::kIcmpv6EchoReply;
    case net::kIcmpv6EchoReply: return net::kIcmpv6EchoRequest;
    case net::kIcmpTimestampRequest: return net::kIcmpTimestampReply;
    default: return net::kIcmpTimestampRequest;
  }
}

/// What a receiver answers a segment with; nothing answers an RST.
std::optional<std::uint8_t> tcp_answer(std::uint8_t flags) {
  if ((flags & net::kRst) != 0) return std::nullopt;
  const bool first = (flags & (net::kSyn | net::kAck)) == net::kSyn;
  return static_cast<std::uint8_t>(first ? net::kSyn | net::kAck : net::kAck);
}

nat::FlowKey key_of(const FrameSpec& spec) {
  return {spec.source.v4().wire(),
          spec.destination.v4().wire(),
          Be16::from_host(spec.source_port),
          Be16::from_host(spec.destination_port),
          spec.protocol,
          {}};
}

}  // namespace

std::optional<Verdict> Explainer::answer(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  const auto parsed = parse_line(line);
  std::string text{line.substr(0, kLongestLine)};
  if (!parsed) return not_understood(std::move(text), parsed.error());
  if (const auto* flow = std::get_if<FlowLine>(&parsed.value())) {
    return answer_flow(std::move(text), *flow);
  }
  if (std::holds_alternative<ReplyLine>(parsed.value())) return answer_reply(std::move(text));
  if (const auto* clock = std::get_if<ClockLine>(&parsed.value())) {
    simulator_.forward(clock->forward);
  }
  return std::nullopt;
}

Verdict Explainer::answer_flow(std::string text, const FlowLine& flow) {
  DeviceId in = simulator_.enis().arrival(flow.source, flow.destination);
  if (!flow.device.empty()) {
    in = simulator_.device_named(flow.device);
    if (in == kNoDevice) {
      return not_understood(
          std::move(text),
          fmt::format("there is no device '{}'; enis and pod_ports name them", flow.device));
    }
  }
  FrameSpec spec;
  spec.source = flow.source;
  spec.destination = flow.destination;
  spec.protocol = flow.protocol;
  if (has_ports(flow.protocol)) {
    spec.source_port = flow.source_port.value_or(kSomeSourcePort);
    spec.destination_port = flow.destination_port.value_or(kSomeDestinationPort);
  }
  if (flow.protocol == net::kIcmpv6) spec.icmp_type = net::kIcmpv6EchoRequest;
  spec.icmp_identifier = flow.source_port.value_or(kSomeIdentifier);
  spec.tcp_flags = flow.tcp_flags.value_or(net::kSyn);
  return send(std::move(text), in, spec);
}

Verdict Explainer::answer_reply(std::string text) {
  if (!last_) return not_understood(std::move(text), "nothing has left that could be replied to");
  FrameSpec spec = last_->spec;
  std::swap(spec.source, spec.destination);
  std::swap(spec.source_port, spec.destination_port);
  if (spec.protocol == net::kTcp) {
    const auto flags = tcp_answer(spec.tcp_flags);
    if (!flags) return not_understood(std::move(text), "nobody replies to an RST");
    spec.tcp_flags = *flags;
  } else if (is_query(spec.protocol)) {
    spec.icmp_type = icmp_answer(spec.icmp_type);
  }
  return send(std::move(text), last_->device, spec);
}

/// TCP's numbers go on from what the session has seen, as its end points' would.
void Explainer::fit_sequence_numbers(FrameSpec& spec) {
  spec.sequence = kFirstSequence;
  spec.acknowledgment = kFirstSequence;
  if (spec.protocol != net::kTcp || !spec.source.is_v4()) return;
  const nat::Found found = simulator_.table().find(key_of(spec), simulator_.now());
  if (!found) return;
  const nat::Session& session = simulator_.table().at(found.session);
  const auto end_of = [&](nat::Direction sender) {
    return session.tcp_end[nat::Session::index(sender)].get();
  };
  const std::uint32_t own = end_of(found.direction);
  const bool spoke = own != 0;
  if (spoke) spec.sequence = own;
  spec.acknowledgment = end_of(nat::opposite(found.direction));
  if (spec.tcp_flags == net::kSyn && spoke) {
    // The same SYN again while the connection opens, a new incarnation's once it has.
    const bool opening = session.state() == nat::SessionState::kSynSent;
    spec.sequence = opening ? own - 1 : own + kLaterIncarnation;
  }
  if (spec.tcp_flags == net::kRst && !spoke) {
    spec.tcp_flags = net::kRst | net::kAck;  // an RST that answers a SYN acknowledges it
  }
}

Verdict Explainer::send(std::string text, DeviceId in, FrameSpec spec) {
  spec.to = simulator_.mac(in);
  fit_sequence_numbers(spec);
  Frame buffer = make_frame(spec, Simulator::kHeadroom);
  const std::span frame = std::span(buffer).subspan(Simulator::kHeadroom);
  const pipeline::Packet packet =
      simulator_.process(in, frame, static_cast<std::uint32_t>(frame.size()));
  const bool left =
      packet.fate == pipeline::Fate::kEmit || packet.fate == pipeline::Fate::kAwaitNeighbour;
  if (left) last_ = Sent{read_spec(packet), packet.out};
  return read_verdict(std::move(text), packet, simulator_);
}

}  // namespace sluice::explain
