// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What lies between the tester and a device under test on the same machine.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/ip.h"
#include "linerate/process.h"

namespace sluice::bench {

/// The two sides a gateway stands between; also the order of its devices.
enum class Side : unsigned { kUplink = 0, kInner = 1 };
inline constexpr std::array kSides{Side::kUplink, Side::kInner};

/// Addresses on both sides, the same for every device under test.
struct SideAddresses {
  Ipv4Addr router;  ///< the tester
  Ipv4Addr device;  ///< the device under test
};
[[nodiscard]] constexpr SideAddresses addresses_of(Side side) {
  const auto net = static_cast<std::uint8_t>(1 + static_cast<unsigned>(side));
  return {Ipv4Addr{192, 168, net, 1}, Ipv4Addr{192, 168, net, 10}};
}
[[nodiscard]] constexpr unsigned index(Side side) { return static_cast<unsigned>(side); }

/// Two links. Both ends are named as DPDK device arguments.
class Links {
 public:
  enum class Kind { kMemif, kVhost, kAfPacket, kGiven };
  [[nodiscard]] static Result<Kind> kind_of(const std::string& name);

  /// Makes what the links need in `folder`. For kAfPacket the process enters a network namespace of
  /// its own, so this comes before EAL starts; the device's is another one.
  static Result<std::unique_ptr<Links>> make(Kind kind, const std::string& folder);
  /// Devices that lead somewhere else: the user says which, and what answers there.
  static std::unique_ptr<Links> given(const std::array<std::string, 2>& devices);

  [[nodiscard]] const std::string& tester_device(Side side) const { return tester_[index(side)]; }
  [[nodiscard]] const std::string& device_under_test(Side side) const {
    return under_[index(side)];
  }
  /// What runs a command on the far side: nothing, or `nsenter …` and its arguments.
  [[nodiscard]] std::vector<std::string> far_side() const;
  /// Runs `ip`, `nft`, `sysctl` there.
  [[nodiscard]] Status configure_far_side(const std::string& command) const;
  /// The same in the namespace the tester was started in.
  [[nodiscard]] Result<std::string> in_first_namespace(const std::string& command) const;

 private:
  Links() = default;
  Status make_namespaces(const std::string& folder);

  std::array<std::string, 2> tester_;
  std::array<std::string, 2> under_;
  std::unique_ptr<Process> far_;  ///< keeps the far namespace
  int first_namespace_ = -1;
};

}  // namespace sluice::bench
