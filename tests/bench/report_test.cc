// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/report.h"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

/// A report of one row, whose latency was measured at a share of that.
Json report_of(const char* of) {
  const Json latency{{"load", 0.9}, {"of", of}, {"latency", {{"p50", 1000.0}}}};
  const Json row{{"frame", 64},
                 {"direction", "both"},
                 {"maximum", {{"received_rate", 2e6}, {"busy_cycles", nullptr}}},
                 {"no_drop", {{"rate", 0.0}}},
                 {"latency", Json::array({latency})}};
  const Json run{{"sessions", 630}, {"trials", Json::array({row})}};
  return {{"dut", "sluice"},
          {"link", "net_memif"},
          {"machine", {{"cpu", "fast"}}},
          {"runs", Json::array({run})}};
}

TEST(Report, SaysWhatTheLoadOfALatencyIsAShareOfWhereNoRateWasWithoutLoss) {
  EXPECT_NE(to_text(report_of("maximum")).find("latency at a share of the maximum"),
            std::string::npos);
  EXPECT_EQ(to_text(report_of("no_drop")).find("share"), std::string::npos);
}

/// What a run that was stopped has.
TEST(Report, ShowsARunThatHasNotFinishedARow) {
  Json report = report_of("no_drop");
  report["runs"] = Json::array({{{"sessions", 630}, {"trials", Json::array()}}});
  EXPECT_NE(to_text(report).find("630 sessions"), std::string::npos);
}

}  // namespace
}  // namespace sluice::bench
