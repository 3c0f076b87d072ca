// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/flow_line.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "nat/session_text.h"
#include "net/headers.h"

namespace sluice::explain {
namespace {

constexpr const char* kPacket = "PROTO SRC[:PORT] > DST[:PORT] [in DEVICE]";
constexpr const char* kAnyLine = "PROTO SRC[:PORT] > DST[:PORT] [in DEVICE], reply, or at +SECONDS";

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t start = text.find_first_not_of(kBlanks);
    if (start == std::string_view::npos) return words;
    text.remove_prefix(start);
    const std::size_t end = std::min(text.find_first_of(kBlanks), text.size());
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Protocol {
  std::uint8_t number;
  std::optional<std::uint8_t> tcp_flags;
};

Result<std::uint8_t> parse_tcp_flags(std::string_view letters) {
  constexpr std::string_view kLetters = "FSRPAU";  // bit 0 upwards
  std::uint8_t flags = 0;
  for (const char letter : letters) {
    const std::size_t bit = kLetters.find(letter);
    if (bit == std::string_view::npos) {
      return Error{fmt::format("'{}' is no TCP flag; S, A, F, R, P and U are", letter)};
    }
    flags = static_cast<std::uint8_t>(flags | 1U << bit);
  }
  return flags;
}

Result<Protocol> parse_protocol(std::string_view word) {
  if (word.starts_with("tcp[") && word.ends_with("]")) {
    const auto flags = parse_tcp_flags(word.substr(4, word.size() - 5));
    if (!flags) return Error{flags.error()};
    return Protocol{net::kTcp, flags.value()};
  }
  if (const auto value = nat::parse_protocol(word)) return Protocol{*value, std::nullopt};
  return Error{fmt::format("'{}' is no protocol; tcp, udp, icmp, sctp or a number is", word)};
}

struct Endpoint {
  IpAddr address;
  std::optional<std::uint16_t> port;
};

/// ADDRESS, ADDRESS:PORT, or [ADDRESS6]:PORT. An IPv6 address without brackets has no port.
Result<Endpoint> parse_endpoint(std::string_view word) {
  std::string_view address = word;
  std::string_view port;
  const bool bracketed = word.starts_with('[');
  if (bracketed) {
    const std::size_t close = word.find(']');
    if (close == std::string_view::npos) return Error{fmt::format("'{}' lacks its ]", word)};
    address = word.substr(1, close - 1);
    port = word.substr(close + 1);
  } else if (word.find(':') == word.rfind(':')) {
    const std::size_t colon = std::min(word.find(':'), word.size());
    address = word.substr(0, colon);
    port = word.substr(colon);
  }
  const auto parsed = IpAddr::parse(address);
  if (!parsed || (bracketed && parsed->is_v4())) {
    return Error{fmt::format("'{}' is no IP address", address)};
  }
  if (port.empty()) return Endpoint{*parsed, std::nullopt};
  const auto value = number<std::uint16_t>(port.substr(1));
  if (port.front() != ':' || !value) {
    return Error{fmt::format("'{}' has no valid port; 0 to 65535 is", word)};
  }
  return Endpoint{*parsed, value};
}

Result<Line> parse_clock(std::string_view amount) {
  constexpr double kMost = 1e9;  // about 30 years
  double seconds = 0;
  if (amount.starts_with('+')) amount.remove_prefix(1);
  if (amount.ends_with('s')) amount.remove_suffix(1);
  const auto [end, code] = std::from_chars(amount.data(), amount.data() + amount.size(), seconds);
  if (code != std::errc{} || end != amount.data() + amount.size() || !(seconds >= 0) ||
      seconds > kMost) {
    return Error{"the clock is moved by 'at +SECONDS', forward only"};
  }
  return Line{
      ClockLine{std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000 + 0.5))}};
}

Result<FlowLine> parse_flow(const std::vector<std::string_view>& words, const char* grammar) {
  const bool shape =
      (words.size() == 4 || (words.size() == 6 && words[4] == "in")) && words[2] == ">";
  if (!shape) return Error{fmt::format("this is not {}", grammar)};
  const auto protocol = parse_protocol(words[0]);
  if (!protocol) return Error{protocol.error()};
  const auto source = parse_endpoint(words[1]);
  if (!source) return Error{source.error()};
  const auto destination = parse_endpoint(words[3]);
  if (!destination) return Error{destination.error()};
  if (source.value().address.is_v4() != destination.value().address.is_v4()) {
    return Error{"source and destination are of different IP versions"};
  }
  FlowLine flow;
  flow.protocol = protocol.value().number;
  flow.tcp_flags = protocol.value().tcp_flags;
  flow.source = source.value().address;
  flow.source_port = source.value().port;
  flow.destination = destination.value().address;
  flow.destination_port = destination.value().port;
  if (flow.protocol == net::kIcmp && !flow.source.is_v4()) flow.protocol = net::kIcmpv6;
  const bool has_ports =
      flow.protocol == net::kTcp || flow.protocol == net::kUdp || flow.protocol == net::kSctp;
  const bool is_query = flow.protocol == net::kIcmp || flow.protocol == net::kIcmpv6;
  if (flow.destination_port && !has_ports) {
    return Error{fmt::format("protocol {} has no destination port", words[0])};
  }
  if (flow.source_port && !has_ports && !is_query) {
    return Error{fmt::format("protocol {} has no ports", words[0])};
  }
  if (words.size() == 6) flow.device = words[5];
  return flow;
}

}  // namespace

namespace {

Error too_long() { return Error{fmt::format("a line is {} characters at most", kLongestLine)}; }

}  // namespace

Result<Line> parse_line(std::string_view text) {
  if (text.size() > kLongestLine) return too_long();
  const auto words = words_of(text);
  if (words.empty() || words.front().starts_with('#')) return Line{EmptyLine{}};
  if (words.size() == 1 && words.front() == "reply") return Line{ReplyLine{}};
  if (words.front() == "at") {
    if (words.size() != 2) return Error{"the clock is moved by 'at +SECONDS'"};
    return parse_clock(words[1]);
  }
  auto flow = parse_flow(words, kAnyLine);
  if (!flow) return Error{flow.error()};
  return Line{std::move(flow).value()};
}

Result<FlowLine> parse_packet(std::string_view text) {
  if (text.size() > kLongestLine) return too_long();
  return parse_flow(words_of(text), kPacket);
}

}  // namespace sluice::explain
