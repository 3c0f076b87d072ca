// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The phases of a run, after RFC 9693: first all connections are opened, then packets of the
/// established ones measured, then the connections torn down.
#pragma once

#include "linerate/device_under_test.h"
#include "linerate/plan.h"
#include "linerate/report.h"
#include "linerate/tester.h"

namespace sluice::bench {

class Phases {
 public:
  Phases(const Plan& plan, Tester& tester, DeviceUnderTest& device)
      : plan_(plan), tester_(tester), device_(device) {}

  /// Everything the plan wants of so many sessions; the device has just been started.
  [[nodiscard]] Json run(std::uint32_t sessions);

 private:
  [[nodiscard]] Json establish();
  [[nodiscard]] Json verify(double established_rate);
  [[nodiscard]] Json tear_down();
  [[nodiscard]] Json measure(std::uint16_t frame, Ways ways);
  [[nodiscard]] SearchResult find_rate(const Trial& like, double loss, double highest);
  void progress(const std::string& what) const;

  const Plan& plan_;
  Tester& tester_;
  DeviceUnderTest& device_;
};

}  // namespace sluice::bench
