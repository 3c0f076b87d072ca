// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/byte_order.h"
#include "core/result.h"

namespace sluice {

/// An IPv4 address. Ordered and printed as people read it; `wire()` is what headers hold.
class Ipv4Addr {
 public:
  constexpr Ipv4Addr() noexcept = default;
  constexpr explicit Ipv4Addr(std::uint32_t host_order) noexcept : value_(host_order) {}
  constexpr Ipv4Addr(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept
      : value_(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d) {}
  constexpr explicit Ipv4Addr(Be32 wire) noexcept : value_(wire.to_host()) {}

  /// Dotted quad, four decimal octets, no leading zeros (RFC 6943 3.1.1: no octal, no short forms).
  static std::optional<Ipv4Addr> parse(std::string_view text);

  [[nodiscard]] constexpr std::uint32_t value() const noexcept { return value_; }
  [[nodiscard]] constexpr Be32 wire() const noexcept { return Be32::from_host(value_); }
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr bool is_multicast() const noexcept { return value_ >> 28 == 0xe; }
  [[nodiscard]] constexpr bool is_link_local() const noexcept { return value_ >> 16 == 0xa9fe; }
  [[nodiscard]] constexpr bool is_loopback() const noexcept { return value_ >> 24 == 127; }
  [[nodiscard]] constexpr bool is_this_network() const noexcept { return value_ >> 24 == 0; }
  [[nodiscard]] constexpr bool is_limited_broadcast() const noexcept { return value_ == ~0U; }

  friend constexpr auto operator<=>(Ipv4Addr, Ipv4Addr) noexcept = default;

 private:
  std::uint32_t value_ = 0;
};

/// An IPv6 address, bytes as on the wire.
class Ipv6Addr {
 public:
  using Bytes = std::array<std::uint8_t, 16>;
  constexpr Ipv6Addr() noexcept = default;
  constexpr explicit Ipv6Addr(const Bytes& bytes) noexcept : bytes_(bytes) {}

  /// RFC 4291 2.2 text, without a zone.
  static std::optional<Ipv6Addr> parse(std::string_view text);

  [[nodiscard]] constexpr const Bytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string to_string() const;  ///< RFC 5952
  [[nodiscard]] constexpr bool is_multicast() const noexcept { return bytes_[0] == 0xff; }
  [[nodiscard]] constexpr bool is_link_local() const noexcept {
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }
  [[nodiscard]] constexpr bool is_loopback() const noexcept {
    constexpr Bytes kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return bytes_ == kLoopback;
  }
  [[nodiscard]] bool is_v4_mapped() const noexcept;

  friend constexpr auto operator<=>(const Ipv6Addr&, const Ipv6Addr&) noexcept = default;

 private:
  Bytes bytes_{};
};

/// An address of either family.
class IpAddr {
 public:
  constexpr IpAddr() noexcept = default;
  constexpr IpAddr(Ipv4Addr address) noexcept : v4_(address) {}                        // NOLINT
  constexpr IpAddr(const Ipv6Addr& address) noexcept : is_v4_(false), v6_(address) {}  // NOLINT

  static std::optional<IpAddr> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const noexcept { return is_v4_; }
  [[nodiscard]] constexpr Ipv4Addr v4() const noexcept { return v4_; }  ///< valid if is_v4()
  [[nodiscard]] constexpr const Ipv6Addr& v6() const noexcept { return v6_; }
  [[nodiscard]] constexpr unsigned bits() const noexcept { return is_v4_ ? 32 : 128; }
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(const IpAddr&, const IpAddr&) noexcept = default;

 private:
  bool is_v4_ = true;
  Ipv4Addr v4_;
  Ipv6Addr v6_;
};

/// A network: an address whose bits beyond `length` are zero, and that length.
class IpPrefix {
 public:
  constexpr IpPrefix() noexcept = default;  ///< 0.0.0.0/0
  /// Bits of `address` beyond `length` are cleared.
  IpPrefix(const IpAddr& address, unsigned length);

  /// "ADDRESS/LENGTH" without host bits. The error names the aligned network when that is all that
  /// is wrong ("10.0.0.1/8 has host bits; the network is 10.0.0.0/8").
  static Result<IpPrefix> parse(std::string_view text);
  /// The same, but host bits are cleared silently (as Go's net.ParseCIDR callers do).
  static Result<IpPrefix> parse_lenient(std::string_view text);
  /// The prefix that holds one address only.
  static IpPrefix host(const IpAddr& address) { return {address, address.bits()}; }

  [[nodiscard]] constexpr const IpAddr& address() const noexcept { return address_; }
  [[nodiscard]] constexpr unsigned length() const noexcept { return length_; }
  [[nodiscard]] constexpr bool is_v4() const noexcept { return address_.is_v4(); }
  [[nodiscard]] bool contains(const IpAddr& address) const noexcept;
  [[nodiscard]] bool contains(const IpPrefix& other) const noexcept;
  [[nodiscard]] bool overlaps(const IpPrefix& other) const noexcept {
    return contains(other) || other.contains(*this);
  }
  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(const IpPrefix&, const IpPrefix&) noexcept = default;

 private:
  IpAddr address_;
  unsigned length_ = 0;
};

/// An interface's address together with its subnet: "10.0.1.20/24".
struct InterfaceAddress {
  IpAddr address;
  unsigned length = 32;

  static Result<InterfaceAddress> parse(std::string_view text);
  [[nodiscard]] IpPrefix subnet() const { return {address, length}; }
  [[nodiscard]] std::string to_string() const;
  friend constexpr bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

}  // namespace sluice

template <>
struct std::hash<sluice::IpAddr> {
  std::size_t operator()(const sluice::IpAddr& address) const noexcept;
};
