// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "net/partial_checksum.h"

namespace sluice::explain {
namespace {

constexpr std::uint64_t kNsPerMs = 1'000'000;

std::string endpoint(const IpAddr& address, std::optional<std::uint16_t> port) {
  if (!port) return address.to_string();
  return address.is_v4() ? fmt::format("{}:{}", address.to_string(), *port)
                         : fmt::format("[{}]:{}", address.to_string(), *port);
}

std::string tcp_word(std::uint8_t flags) {
  constexpr std::string_view kLetters = "FSRPAU";
  std::string letters;
  for (std::size_t bit = 0; bit < kLetters.size(); ++bit) {
    if ((flags & (1U << bit)) != 0) letters += kLetters[bit];
  }
  return fmt::format("tcp[{}]", letters);
}

/// The packet in the words of a flow line, as far as it can be read.
std::string describe(const pipeline::Packet& before, const std::string& device) {
  if (before.kind == pipeline::Kind::kArp) return fmt::format("arp in {}", device);
  const PacketWords words = words_of(before);
  if (!words.source) return fmt::format("unreadable in {}", device);
  std::string protocol = fmt::format("{}", words.protocol);
  if (words.protocol == net::kTcp && before.l4_length >= sizeof(net::TcpHeader)) {
    protocol = tcp_word(before.tcp().flags);
  } else if (words.protocol == net::kTcp) {
    protocol = "tcp";
  } else if (words.protocol == net::kUdp) {
    protocol = "udp";
  } else if (words.protocol == net::kIcmp || words.protocol == net::kIcmpv6) {
    protocol = "icmp";
  } else if (words.protocol == net::kSctp) {
    protocol = "sctp";
  }
  return fmt::format("{} {} > {} in {}", protocol, endpoint(*words.source, words.source_port),
                     endpoint(*words.destination, words.destination_port), device);
}

/// A MAC address that shows the next hop: 02:00 and the last four bytes of its address.
net::MacAddress made_up_mac(const IpAddr& next_hop) {
  if (!next_hop.is_v4()) {
    const auto& bytes = next_hop.v6().bytes();
    return {0x02, 0x06, bytes[12], bytes[13], bytes[14], bytes[15]};
  }
  const std::uint32_t value = next_hop.v4().value();
  return {0x02,
          0x04,
          static_cast<std::uint8_t>(value >> 24),
          static_cast<std::uint8_t>(value >> 16),
          static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value)};
}

}  // namespace

Result<std::unique_ptr<Replay>> Replay::open(Simulator& simulator,
                                             const std::vector<Input>& inputs,
                                             const std::string& out_dir) {
  auto replay = std::unique_ptr<Replay>(new Replay(simulator));
  replay->out_dir_ = out_dir;
  for (const Input& input : inputs) {
    auto capture = CaptureReader::open(input.path);
    if (!capture) return Error{capture.error()};
    replay->sources_.push_back({input.device, std::move(capture).value()});
  }
  std::error_code code;
  std::filesystem::create_directories(out_dir, code);
  if (code) return Error{fmt::format("{}: cannot be made: {}", out_dir, code.message())};
  for (const auto& device : simulator.enis().devices()) {
    const std::string path = fmt::format("{}/{}.pcap", out_dir, device.name);
    for (const Input& input : inputs) {
      if (std::filesystem::equivalent(input.path, path, code)) {
        return Error{
            fmt::format("--out-dir {}: {} would be written over the input {}; another "
                        "folder is wanted",
                        out_dir, path, input.path)};
      }
    }
  }
  for (const auto& device : simulator.enis().devices()) {
    auto output = CaptureWriter::create(fmt::format("{}/{}.pcap", out_dir, device.name));
    if (!output) return Error{output.error()};
    replay->outputs_.push_back(std::move(output).value());
  }
  return replay;
}

Replay::Source* Replay::earliest() {
  Source* first = nullptr;
  for (Source& source : sources_) {
    const auto& packet = source.capture->current();
    if (!packet) continue;
    if (first == nullptr || packet->time_ns < first->capture->current()->time_ns) first = &source;
  }
  return first;
}

/// Stamps that run backwards hold the clock still.
void Replay::keep_time(std::uint64_t time_ns) {
  if (!clock_ns_) clock_ns_ = time_ns;
  if (time_ns <= *clock_ns_) return;
  const std::uint64_t ms = (time_ns - *clock_ns_) / kNsPerMs;
  simulator_.forward(std::chrono::milliseconds(ms));
  *clock_ns_ += ms * kNsPerMs;
}

Verdict Replay::process(const Source& source) {
  const CapturedPacket& captured = *source.capture->current();
  keep_time(captured.time_ns);
  buffer_.assign(Simulator::kHeadroom, 0);
  buffer_.insert(buffer_.end(), captured.bytes.begin(), captured.bytes.end());
  std::uint8_t* frame = buffer_.data() + Simulator::kHeadroom;
  const std::size_t length = std::min<std::size_t>(captured.bytes.size(), UINT16_MAX);
  if (length >= sizeof(net::EthernetHeader)) {
    auto& ethernet = net::header_at<net::EthernetHeader>(frame);
    if ((ethernet.destination[0] & 1) == 0) ethernet.destination = simulator_.mac(source.device);
  }
  net::complete_partial_checksum({frame, length});
  const std::string& device = simulator_.name(source.device);
  if (captured.wire_length > UINT16_MAX) {
    return not_understood(fmt::format("frame of {} bytes in {}", captured.wire_length, device),
                          "longer than any frame a device takes");
  }
  pipeline::Packet before;
  before.frame = frame;
  before.contiguous = static_cast<std::uint32_t>(length);
  before.length = captured.wire_length;
  before.in = source.device;
  pipeline::parse(before, {simulator_.mac(source.device), UINT16_MAX}, simulator_.enis());
  const std::string flow = describe(before, device);

  const pipeline::Packet packet =
      simulator_.process(source.device, {frame, length}, captured.wire_length);
  const Verdict verdict = read_verdict(flow, packet, simulator_);
  const bool left =
      packet.fate == pipeline::Fate::kEmit || packet.fate == pipeline::Fate::kAwaitNeighbour;
  if (left) packet.ethernet().destination = made_up_mac(*verdict.next_hop);
  if (left || packet.fate == pipeline::Fate::kDropAnswered) write(packet, captured.time_ns);
  return verdict;
}

/// What left, in the pieces it left in; of a packet captured in part, that part.
void Replay::write(const pipeline::Packet& packet, std::uint64_t time_ns) {
  CaptureWriter& output = *outputs_[packet.out.value];
  const bool answered = packet.fate == pipeline::Fate::kDropAnswered;
  if (!packet.cut || answered) {
    const std::uint32_t bytes =
        answered ? packet.length : std::min(packet.contiguous, packet.length);
    return output.write({time_ns, packet.length, {packet.frame, bytes}});
  }
  pipeline::Pieces pieces(packet, simulator_.mtu(packet.out));
  std::vector<std::uint8_t> piece;
  while (const std::uint16_t size = pieces.size()) {
    piece.resize(size);
    pieces.write(piece.data());
    output.write({time_ns, size, piece});
  }
}

Status Replay::run(const std::function<void(const Verdict&)>& tell) {
  Status status = success();
  while (Source* source = earliest()) {
    tell(process(*source));
    if (Status read = source->capture->advance(); !read && status) status = Error{read.error()};
  }
  for (const auto& output : outputs_) {
    if (!output->close() && status) {
      status =
          Error{fmt::format("{}: not everything could be written; is the disk full?", out_dir_)};
    }
  }
  return status;
}

}  // namespace sluice::explain
