// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <array>

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Judges first packets, and all that has no session: who it is from, whether it is for the gateway
/// itself, whether it may be forwarded, and what policy says. Drops, answers, or leaves the verdict
/// and, for a preserved packet, its egress device. Policy is asked once a burst, for all. Reads:
/// ENI map, policy.
class Classify {
 public:
  explicit Classify(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  /// Settles the packet, or puts it among those that policy decides about.
  void ask(Packet& packet) noexcept;
  void hear(Packet& packet, const policy::Decision& decision) noexcept;

  Context& context_;
  // Of the burst under way; here so that they need not be cleared for each.
  std::array<Packet*, kBurstSize> packets_{};
  std::array<policy::AddressPair, kBurstSize> pairs_{};
  std::array<policy::Decision, kBurstSize> decisions_{};
  unsigned asked_ = 0;
};

/// RFC 1812 5.3.7 and 4.2.3.1: sources that no packet can honestly have.
[[nodiscard]] bool is_martian(Ipv4Addr source,
                              Ipv4Addr destination,
                              const eni::EniMap& enis) noexcept;

}  // namespace sluice::pipeline
