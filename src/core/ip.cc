// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "core/ip.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace sluice {
namespace {

/// inet_pton wants a terminated string; anything longer than the longest address is none.
template <int kFamily, typename Bytes>
bool parse_address(std::string_view text, Bytes& out) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  return ::inet_pton(kFamily, buffer, &out) == 1;
}

struct ParsedPrefix {
  IpAddr address;
  unsigned length;
};

Result<ParsedPrefix> parse_address_and_length(std::string_view text) {
  const std::string quoted{text};
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const auto address = IpAddr::parse(text);
    if (!address) return Error{quoted + " is not ADDRESS/LENGTH"};
    return Error{quoted + " has no prefix length; did you mean " + quoted +
                 (address->is_v4() ? "/32?" : "/128?")};
  }
  const auto address = IpAddr::parse(text.substr(0, slash));
  if (!address) return Error{quoted + " does not begin with an IP address"};
  const std::string_view digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  if (code != std::errc{} || end != digits.data() + digits.size() || leading_zero) {
    return Error{quoted + " has no valid prefix length"};
  }
  if (length > address->bits()) {
    return Error{quoted + " has a prefix length over " + std::to_string(address->bits())};
  }
  return ParsedPrefix{*address, length};
}

}  // namespace

std::optional<Ipv4Addr> Ipv4Addr::parse(std::string_view text) {
  in_addr parsed{};
  if (!parse_address<AF_INET>(text, parsed)) return std::nullopt;
  return Ipv4Addr{Be32::from_raw(parsed.s_addr)};
}

std::string Ipv4Addr::to_string() const {
  char buffer[INET_ADDRSTRLEN];
  const in_addr address{wire().raw()};
  return ::inet_ntop(AF_INET, &address, buffer, sizeof buffer);
}

std::optional<Ipv6Addr> Ipv6Addr::parse(std::string_view text) {
  Bytes parsed{};
  if (!parse_address<AF_INET6>(text, parsed)) return std::nullopt;
  return Ipv6Addr{parsed};
}

std::string Ipv6Addr::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, bytes_.data(), buffer, sizeof buffer);
}

bool Ipv6Addr::is_v4_mapped() const noexcept {
  static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::optional<IpAddr> IpAddr::parse(std::string_view text) {
  if (const auto v4 = Ipv4Addr::parse(text)) return IpAddr{*v4};
  if (const auto v6 = Ipv6Addr::parse(text)) return IpAddr{*v6};
  return std::nullopt;
}

std::string IpAddr::to_string() const { return is_v4_ ? v4_.to_string() : v6_.to_string(); }

IpPrefix::IpPrefix(const IpAddr& address, unsigned length) : length_(length) {
  if (address.is_v4()) {
    const std::uint32_t mask = length == 0 ? 0 : ~0U << (32 - length);
    address_ = Ipv4Addr{address.v4().value() & mask};
    return;
  }
  Ipv6Addr::Bytes bytes = address.v6().bytes();
  for (unsigned bit = length; bit < 128; ++bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  }
  address_ = Ipv6Addr{bytes};
}

Result<IpPrefix> IpPrefix::parse_lenient(std::string_view text) {
  const auto parsed = parse_address_and_length(text);
  if (!parsed) return Error{parsed.error()};
  return IpPrefix{parsed.value().address, parsed.value().length};
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto parsed = parse_address_and_length(text);
  if (!parsed) return Error{parsed.error()};
  const IpPrefix network{parsed.value().address, parsed.value().length};
  if (network.address() != parsed.value().address) {
    return Error{std::string{text} + " has host bits; the network is " + network.to_string()};
  }
  return network;
}

bool IpPrefix::contains(const IpAddr& address) const noexcept {
  if (address.is_v4() != is_v4()) return false;
  return IpPrefix{address, length_}.address_ == address_;
}

bool IpPrefix::contains(const IpPrefix& other) const noexcept {
  return length_ <= other.length_ && contains(other.address_);
}

std::string IpPrefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

Result<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const auto parsed = parse_address_and_length(text);
  if (!parsed) return Error{parsed.error()};
  return InterfaceAddress{parsed.value().address, parsed.value().length};
}

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

}  // namespace sluice

std::size_t std::hash<sluice::IpAddr>::operator()(const sluice::IpAddr& address) const noexcept {
  if (address.is_v4()) return std::hash<std::uint32_t>{}(address.v4().value());
  const auto& bytes = address.v6().bytes();
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}
