// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Readers for single values. Each takes a Value, and either gives what it says or reports what is
/// wrong with it, naming the value, and gives nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/reader.h"
#include "core/ip.h"
#include "core/port_range.h"
#include "core/result.h"

namespace sluice::config {

/// Any scalar, as it was written.
[[nodiscard]] std::optional<std::string> read_text(const Value& value);
[[nodiscard]] std::optional<bool> read_bool(const Value& value);
[[nodiscard]] std::optional<std::chrono::seconds> read_duration(const Value& value);
/// "1024-65535".
[[nodiscard]] std::optional<PortRange> read_port_range(const Value& value);

[[nodiscard]] std::optional<IpAddr> read_address(const Value& value);
[[nodiscard]] std::optional<Ipv4Addr> read_address_v4(const Value& value);
[[nodiscard]] std::optional<Ipv6Addr> read_address_v6(const Value& value);
/// An aligned CIDR of either family.
[[nodiscard]] std::optional<IpPrefix> read_prefix(const Value& value);
/// The same with its place.
[[nodiscard]] std::optional<Marked<IpPrefix>> read_marked_prefix(const Value& value);
/// An aligned CIDR, or an address that stands for itself alone.
[[nodiscard]] std::optional<Marked<IpPrefix>> read_prefix_or_address(const Value& value);
[[nodiscard]] std::optional<InterfaceAddress> read_interface_v4(const Value& value);
[[nodiscard]] std::optional<InterfaceAddress> read_interface_v6(const Value& value);

/// What a device goes by in commands, logs and file names.
[[nodiscard]] std::optional<std::string> read_device_name(const Value& value);
/// A PCI address or vdev arguments.
[[nodiscard]] std::optional<std::string> read_device(const Value& value);
/// "127.0.0.1:9464", "[::1]:9464", or "" for none.
[[nodiscard]] std::optional<std::string> read_listen(const Value& value);
/// "192.0.2.7:4739", "[2001:db8::7]:4739".
[[nodiscard]] std::optional<std::string> read_collector(const Value& value);

/// A whole number of plain digits.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view text);
/// "FIRST-LAST" with ports from 1 to 65535.
[[nodiscard]] Result<PortRange> parse_port_range(std::string_view text);
/// Go's strconv.ParseBool.
[[nodiscard]] std::optional<bool> parse_go_bool(std::string_view text);

[[nodiscard]] std::optional<std::uint64_t> read_number_between(const Value& value,
                                                               std::uint64_t least,
                                                               std::uint64_t most);
/// A reader for whole numbers of a range.
template <typename T>
auto number_between(T least, T most) {
  return [least, most](const Value& value) -> std::optional<T> {
    const auto number = read_number_between(value, least, most);
    if (!number) return std::nullopt;
    return static_cast<T>(*number);
  };
}

/// A word of the configuration and what it stands for.
template <typename Enum>
struct Word {
  std::string_view text;
  Enum value;
};

[[nodiscard]] std::optional<std::size_t> read_choice(const Value& value,
                                                     const std::vector<std::string_view>& words);
/// A reader for one of a few words.
template <typename Enum, std::size_t kCount>
auto word_of(const Word<Enum> (&words)[kCount]) {
  return [&words](const Value& value) -> std::optional<Enum> {
    std::vector<std::string_view> texts;
    for (const auto& word : words) texts.push_back(word.text);
    const auto choice = read_choice(value, texts);
    if (!choice) return std::nullopt;
    return words[*choice].value;
  };
}

}  // namespace sluice::config
