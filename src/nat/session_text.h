// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sessions in words, for console, log and reports. Not for the data path.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ip.h"
#include "nat/session.h"
#include "net/headers.h"

namespace sluice::nat {

/// Protocols that have a name here; the IANA's names in lower case, as /etc/protocols has them.
inline constexpr std::array<std::pair<std::string_view, std::uint8_t>, 10> kProtocolNames{
    {{"tcp", net::kTcp},
     {"udp", net::kUdp},
     {"icmp", net::kIcmp},
     {"sctp", net::kSctp},
     {"gre", 47},
     {"esp", 50},
     {"ah", 51},
     {"ipip", 4},
     {"igmp", 2},
     {"ospf", 89}}};

/// "tcp", or the protocol's number.
[[nodiscard]] inline std::string protocol_text(std::uint8_t protocol) {
  for (const auto& [name, number] : kProtocolNames) {
    if (number == protocol) return std::string(name);
  }
  return std::to_string(protocol);
}

/// A name of the list, or a number from 0 to 255.
[[nodiscard]] inline std::optional<std::uint8_t> parse_protocol(std::string_view word) {
  for (const auto& [name, number] : kProtocolNames) {
    if (name == word) return number;
  }
  std::uint8_t number = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (word.empty() || code != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

/// By SessionState.
[[nodiscard]] constexpr std::array<std::string_view, kSessionStates> state_names() {
  return {"free",          "syn-sent", "syn-both", "established", "fin-opener",
          "fin-responder", "fin-both", "closed",   "reset"};
}
[[nodiscard]] inline std::string state_text(std::uint8_t state) {
  return std::string(state_names()[state % kSessionStates]);
}

/// "ADDRESS:PORT"; the address alone where there is no port.
[[nodiscard]] inline std::string endpoint_text(Be32 address, Be16 port) {
  const std::string text = Ipv4Addr{address}.to_string();
  return port.raw() == 0 ? text : text + ":" + std::to_string(port.to_host());
}

/// As `explain` takes it: "tcp 10.0.0.1:4000 > 8.8.8.8:443".
[[nodiscard]] inline std::string flow_text(const FlowKey& key) {
  return protocol_text(key.protocol) + " " + endpoint_text(key.source, key.source_port) + " > " +
         endpoint_text(key.destination, key.destination_port);
}

}  // namespace sluice::nat
