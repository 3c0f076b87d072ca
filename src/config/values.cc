// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "config/duration.h"

namespace sluice::config {
namespace {

constexpr std::string_view kCidr = "a CIDR such as 10.0.0.0/8";
constexpr std::size_t kLongestCidr = 64;  // more than any; keeps messages short

/// The text of a scalar that `what` could be read from; an error otherwise.
const std::string* scalar(const Value& value, std::string_view accepted) {
  if (value.node().kind == Node::Kind::kScalar) return &value.node().text;
  value.error(value.describe() + " stands where one value belongs", std::string{accepted});
  return nullptr;
}

/// Runs a parser of text and reports what it says is wrong.
template <typename T>
std::optional<T> read_parsed(const Value& value,
                             Result<T> (*parse)(std::string_view),
                             std::string_view accepted) {
  const std::string* text = scalar(value, accepted);
  if (text == nullptr) return std::nullopt;
  if (text->size() > kLongestCidr) {
    value.error(value.describe() + " is too long", std::string{accepted});
    return std::nullopt;
  }
  Result<T> parsed = parse(*text);
  if (parsed) return std::move(parsed).value();
  value.error(shown(parsed.error()), std::string{accepted});
  return std::nullopt;
}

bool is_unicast(const IpAddr& address) {
  if (address.is_v4()) {
    const Ipv4Addr v4 = address.v4();
    return !v4.is_multicast() && !v4.is_loopback() && !v4.is_this_network() &&
           v4.value() >> 28 != 0xf;
  }
  const Ipv6Addr& v6 = address.v6();
  Ipv6Addr::Bytes one{};
  one[15] = 1;
  return !v6.is_multicast() && !v6.is_v4_mapped() && v6 != Ipv6Addr{} && v6 != Ipv6Addr{one};
}

std::optional<IpAddr> read_unicast(const Value& value, std::string_view accepted) {
  const std::string* text = scalar(value, accepted);
  if (text == nullptr) return std::nullopt;
  const auto address = IpAddr::parse(*text);
  if (!address) {
    value.error(fmt::format("{} is no IP address", value.describe()), std::string{accepted});
    return std::nullopt;
  }
  if (!is_unicast(*address)) {
    value.error(fmt::format("{} is no address a host can have", value.describe()),
                std::string{accepted});
    return std::nullopt;
  }
  return address;
}

std::optional<InterfaceAddress> read_interface(const Value& value,
                                               bool v4,
                                               std::string_view accepted) {
  auto address = read_parsed(value, &InterfaceAddress::parse, accepted);
  if (!address) return std::nullopt;
  if (address->address.is_v4() != v4) {
    value.error(fmt::format("{} is no {} address", value.describe(), v4 ? "IPv4" : "IPv6"),
                std::string{accepted});
    return std::nullopt;
  }
  if (!is_unicast(address->address)) {
    value.error(fmt::format("{} is no address a host can have", value.describe()),
                std::string{accepted});
    return std::nullopt;
  }
  return address;
}

bool all_of(std::string_view text, bool (*test)(char)) {
  return std::all_of(text.begin(), text.end(), test);
}
bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

/// "0000:00:06.0" or, with the domain left out, "00:06.0".
bool is_pci_address(std::string_view text) {
  std::string_view rest = text;
  const auto take = [&](std::size_t digits, char end) {
    const bool fits =
        rest.size() > digits && rest[digits] == end && all_of(rest.substr(0, digits), is_hex);
    if (fits) rest.remove_prefix(digits + 1);
    return fits;
  };
  take(4, ':');
  return take(2, ':') && take(2, '.') && rest.size() == 1 && rest[0] >= '0' && rest[0] <= '7';
}

/// "net_af_packet0,iface=gw0": a driver with its number, then arguments.
bool is_vdev(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(','));
  const auto plain = [](char c) { return is_name_character(c) && c != '.'; };
  const auto printable = [](char c) { return c > ' ' && c != 0x7f; };
  return !name.empty() && std::isalpha(static_cast<unsigned char>(name.front())) != 0 &&
         all_of(name, plain) && all_of(text, printable);
}

}  // namespace

std::optional<std::string> read_text(const Value& value) {
  const std::string* text = scalar(value, "one value");
  if (text == nullptr) return std::nullopt;
  return *text;
}

std::optional<bool> read_bool(const Value& value) {
  constexpr std::string_view kAccepted = "true or false";
  const std::string* text = scalar(value, kAccepted);
  if (text == nullptr) return std::nullopt;
  if (!value.node().quoted) {  // the three spellings of YAML 1.2's core schema
    if (*text == "true" || *text == "True" || *text == "TRUE") return true;
    if (*text == "false" || *text == "False" || *text == "FALSE") return false;
  }
  value.error(fmt::format("{} is {}", value.describe(),
                          value.node().quoted ? "a string, as it is quoted" : "no boolean"),
              std::string{kAccepted});
  return std::nullopt;
}

std::optional<std::chrono::seconds> read_duration(const Value& value) {
  return read_parsed(value, &parse_duration,
                     "a whole number with its unit, s, m or h, from 1s to 168h: 300s, 5m, 2h4m");
}

Result<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) {
    return Error{fmt::format("\"{}\" is no whole number", shown(text))};
  }
  return number;
}

std::optional<std::uint64_t> read_number_between(const Value& value,
                                                 std::uint64_t least,
                                                 std::uint64_t most) {
  const std::string accepted = fmt::format("a whole number from {} to {}", least, most);
  const auto number = read_parsed(value, &parse_number, accepted);
  if (!number) return std::nullopt;
  if (*number >= least && *number <= most) return number;
  value.error(fmt::format("{} is out of range", *number), accepted);
  return std::nullopt;
}

std::optional<std::size_t> read_choice(const Value& value,
                                       const std::vector<std::string_view>& words) {
  const std::string accepted = fmt::format("{}", fmt::join(words, ", "));
  const std::string* text = scalar(value, accepted);
  if (text == nullptr) return std::nullopt;
  const auto word = std::find(words.begin(), words.end(), *text);
  if (word != words.end()) return static_cast<std::size_t>(word - words.begin());
  value.error(fmt::format("{} is none of the words known here", value.describe()),
              "one of " + accepted);
  return std::nullopt;
}

Result<PortRange> parse_port_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) {
    return Error{fmt::format("\"{}\" is no range of ports", shown(text))};
  }
  const auto first = parse_number(text.substr(0, dash));
  const auto last = parse_number(text.substr(dash + 1));
  if (!first || !last) return Error{fmt::format("\"{}\" is no range of ports", shown(text))};
  if (first.value() < 1 || first.value() > 65535 || last.value() > 65535) {
    return Error{fmt::format("\"{}\" names ports that there are not", shown(text))};
  }
  if (first.value() > last.value()) {
    return Error{fmt::format("\"{}\" ends before it begins", shown(text))};
  }
  return PortRange{static_cast<std::uint16_t>(first.value()),
                   static_cast<std::uint16_t>(last.value())};
}

std::optional<PortRange> read_port_range(const Value& value) {
  return read_parsed(value, &parse_port_range,
                     "FIRST-LAST, both from 1 to 65535, such as 1024-65535");
}

std::optional<bool> parse_go_bool(std::string_view text) {
  for (const std::string_view word : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == word) return true;
  }
  for (const std::string_view word : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

std::optional<IpAddr> read_address(const Value& value) {
  return read_unicast(value, "an IP address such as 10.0.0.5");
}

std::optional<Ipv4Addr> read_address_v4(const Value& value) {
  constexpr std::string_view kAccepted = "an IPv4 address such as 10.0.0.5";
  const auto address = read_unicast(value, kAccepted);
  if (!address) return std::nullopt;
  if (address->is_v4()) return address->v4();
  value.error(value.describe() + " is an IPv6 address", std::string{kAccepted});
  return std::nullopt;
}

std::optional<Ipv6Addr> read_address_v6(const Value& value) {
  constexpr std::string_view kAccepted = "an IPv6 address such as fe80:ec2::1";
  const auto address = read_unicast(value, kAccepted);
  if (!address) return std::nullopt;
  if (!address->is_v4()) return address->v6();
  value.error(value.describe() + " is an IPv4 address", std::string{kAccepted});
  return std::nullopt;
}

std::optional<IpPrefix> read_prefix(const Value& value) {
  auto prefix = read_parsed(
      value, static_cast<Result<IpPrefix> (*)(std::string_view)>(&IpPrefix::parse), kCidr);
  if (prefix && !prefix->is_v4() && prefix->address().v6().is_v4_mapped()) {
    value.error(value.describe() + " is an IPv4 network written as IPv6", std::string{kCidr});
    return std::nullopt;
  }
  return prefix;
}

std::optional<Marked<IpPrefix>> read_marked_prefix(const Value& value) {
  const auto prefix = read_prefix(value);
  if (!prefix) return std::nullopt;
  return Marked<IpPrefix>{*prefix, value.mark()};
}

std::optional<Marked<IpPrefix>> read_prefix_or_address(const Value& value) {
  if (value.node().kind == Node::Kind::kScalar) {
    if (const auto address = IpAddr::parse(value.node().text)) {
      return Marked<IpPrefix>{IpPrefix::host(*address), value.mark()};
    }
  }
  return read_marked_prefix(value);
}

std::optional<InterfaceAddress> read_interface_v4(const Value& value) {
  return read_interface(value, true, "an IPv4 address with its subnet, such as 10.0.1.20/24");
}

std::optional<InterfaceAddress> read_interface_v6(const Value& value) {
  return read_interface(value, false, "an IPv6 address with its subnet, such as 2001:db8::5/64");
}

std::optional<std::string> read_device_name(const Value& value) {
  constexpr std::string_view kAccepted =
      "a name of up to 63 letters, digits, '_', '-' and '.', beginning with a letter or digit";
  constexpr std::size_t kLongest = 63;
  const std::string* text = scalar(value, kAccepted);
  if (text == nullptr) return std::nullopt;
  // It becomes part of file names and of command lines ("in DEVICE", DIR/DEVICE.pcap).
  if (!text->empty() && text->size() <= kLongest && all_of(*text, is_name_character) &&
      std::isalnum(static_cast<unsigned char>(text->front())) != 0) {
    return *text;
  }
  value.error(value.describe() + " is no name", std::string{kAccepted});
  return std::nullopt;
}

std::optional<std::string> read_device(const Value& value) {
  constexpr std::string_view kAccepted =
      "a PCI address such as 0000:00:06.0, or a vdev such as net_af_packet0,iface=gw0";
  const std::string* text = scalar(value, kAccepted);
  if (text == nullptr) return std::nullopt;
  if (is_pci_address(*text) || is_vdev(*text)) return *text;
  value.error(value.describe() + " is no device", std::string{kAccepted});
  return std::nullopt;
}

namespace {

/// ADDRESS:PORT of either family.
bool is_endpoint(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  const std::string_view host = std::string_view{text}.substr(0, colon);
  const auto port = parse_number(std::string_view{text}.substr(colon + 1));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const bool address = bracketed ? Ipv6Addr::parse(host.substr(1, host.size() - 2)).has_value()
                                 : Ipv4Addr::parse(host).has_value();
  return address && port && port.value() >= 1 && port.value() <= 65535;
}

}  // namespace

std::optional<std::string> read_listen(const Value& value) {
  constexpr std::string_view kAccepted =
      "ADDRESS:PORT such as 127.0.0.1:9464 or [::1]:9464, or \"\" for none";
  const std::string* text = scalar(value, kAccepted);
  if (text == nullptr) return std::nullopt;
  if (text->empty() || is_endpoint(*text)) return *text;
  value.error(value.describe() + " is no address to listen on", std::string{kAccepted});
  return std::nullopt;
}

std::optional<std::string> read_collector(const Value& value) {
  constexpr std::string_view kAccepted =
      "ADDRESS:PORT such as 192.0.2.7:4739 or [2001:db8::7]:4739, or null for none";
  const std::string* text = scalar(value, kAccepted);
  if (text == nullptr) return std::nullopt;
  if (is_endpoint(*text)) return *text;
  value.error(value.describe() + " is no collector's address", std::string{kAccepted});
  return std::nullopt;
}

}  // namespace sluice::config
