// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The phases of a run, after RFC 9693: first all connections are opened, then packets of the
/// established ones measured, then the connections torn down.
#pragma once

#include <functional>
#include <utility>

#include "linerate/device_under_test.h"
#include "linerate/plan.h"
#include "linerate/report.h"
#include "linerate/tester.h"

namespace sluice::bench {

class Phases {
 public:
  /// \p restart starts the device, with an empty table, and returns when it answers.
  Phases(const Plan& plan, Tester& tester, DeviceUnderTest& device, std::function<Status()> restart)
      : plan_(plan), tester_(tester), device_(device), restart_(std::move(restart)) {
    tester_.watch_by([this] { device_.require_that_it_runs(); });
  }

  /// Room for the connections that the phase "disturbance" opens besides the sessions.
  static constexpr std::uint32_t kFreshAtOnce = 1U << 18;

  /// Everything the plan wants of so many sessions. What is finished stands in \p json, whatever
  /// ends the run: an error, Stopped or DeviceFailed.
  [[nodiscard]] Status run(std::uint32_t sessions, Json& json);

 private:
  [[nodiscard]] SearchResult find_establishment_rate(std::uint32_t sessions);
  [[nodiscard]] std::optional<Busy> busy();
  void warm_up();
  [[nodiscard]] Json establish();
  [[nodiscard]] Json verify(double established_rate);
  [[nodiscard]] Json tear_down();
  [[nodiscard]] Result<Json> disturbance();
  [[nodiscard]] Result<Json> flood();
  [[nodiscard]] Result<Json> flooded(const Trial& trial);
  [[nodiscard]] Result<Json> pair(Disturbance kind, const Trial& trial, bool disturbed_first);
  [[nodiscard]] Result<Json> under(std::optional<Disturbance> kind, const Trial& trial);
  [[nodiscard]] Json measure(std::uint16_t frame, Ways ways);
  [[nodiscard]] SearchResult find_rate(const Trial& like,
                                       double loss,
                                       double start,
                                       const SearchResult& stricter = {});
  void progress(const std::string& what) const;

  const Plan& plan_;
  Tester& tester_;
  DeviceUnderTest& device_;
  std::function<Status()> restart_;
};

}  // namespace sluice::bench
