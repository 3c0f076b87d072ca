// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sessions in words, for console, log and reports. Not for the data path.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "core/ip.h"
#include "nat/session.h"
#include "net/headers.h"

namespace sluice::nat {

/// "tcp", or the protocol's number.
[[nodiscard]] inline std::string protocol_text(std::uint8_t protocol) {
  switch (protocol) {
    case net::kTcp: return "tcp";
    case net::kUdp: return "udp";
    case net::kIcmp: return "icmp";
    case net::kSctp: return "sctp";
    default: return std::to_string(protocol);
  }
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
