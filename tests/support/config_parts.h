// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Configurations by hand, for tests that need no file.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "config/config.h"

namespace sluice::test {

inline IpPrefix prefix(std::string_view text) {
  const auto parsed = IpPrefix::parse(text);
  if (!parsed) throw std::invalid_argument(parsed.error());
  return parsed.value();
}

inline IpAddr address(std::string_view text) {
  const auto parsed = IpAddr::parse(text);
  if (!parsed) throw std::invalid_argument(std::string{text});
  return *parsed;
}

inline InterfaceAddress interface_address(std::string_view text) {
  const auto parsed = InterfaceAddress::parse(text);
  if (!parsed) throw std::invalid_argument(parsed.error());
  return parsed.value();
}

/// The prefixes as if written one a line, the first on `line` of `file`.
inline config::MarkedPrefixes marked(std::initializer_list<std::string_view> prefixes,
                                     int line = 0,
                                     const std::string& file = "") {
  config::MarkedPrefixes result;
  for (const std::string_view text : prefixes) {
    result.push_back({prefix(text), {file, line, 1}});
    if (line > 0) ++line;
  }
  return result;
}

/// An ENI as load() leaves it: routers filled in.
inline config::EniConfig eni(std::string_view name, std::string_view with_subnet) {
  config::EniConfig result;
  result.name = name;
  result.address = interface_address(with_subnet);
  result.gateway = Ipv4Addr{result.address.subnet().address().v4().value() + 1};
  result.gateway6 = address("fe80:ec2::1").v6();
  return result;
}

inline config::PodPortConfig pod_port(std::string_view name,
                                      std::initializer_list<std::string_view> pods) {
  config::PodPortConfig result;
  result.name = name;
  for (const std::string_view pod : pods) result.pods.push_back(address(pod));
  return result;
}

}  // namespace sluice::test
