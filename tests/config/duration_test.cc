// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "config/duration.h"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsNumbersWithUnits) {
  EXPECT_EQ(parse_duration("1s").value(), 1s);
  EXPECT_EQ(parse_duration("300s").value(), 300s);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("2h4m").value(), 7440s);
  EXPECT_EQ(parse_duration("168h").value(), kLongestDuration);
}

TEST(Duration, NeedsAUnitAndASensibleSize) {
  for (const char* text : {"",
                           "300",
                           "s",
                           "0s",
                           "-1s",
                           "+1s",
                           "1.5s",
                           "5 m",
                           "5m ",
                           "5d",
                           "5M",
                           "1m2h",
                           "1s1s",
                           "604801s",
                           "169h",
                           "99999999999999999999s",
                           "9223372036854775807h",
                           "5m3",
                           "ms",
                           "500ms"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_NE(duration.error().find(text), std::string::npos) << duration.error();
  }
}

TEST(GoDuration, IsWhatGoReads) {
  EXPECT_EQ(parse_go_duration("60s").value(), 60s);
  EXPECT_EQ(parse_go_duration("1h2m3s").value(), 3723s);
  EXPECT_EQ(parse_go_duration("1.5s").value(), 1500ms);
  EXPECT_EQ(parse_go_duration(".5s").value(), 500ms);
  EXPECT_EQ(parse_go_duration("1.s").value(), 1s);
  EXPECT_EQ(parse_go_duration("300ms").value(), 300ms);
  EXPECT_EQ(parse_go_duration("2us").value(), 2us);
  EXPECT_EQ(parse_go_duration("2\u00b5s").value(), 2us);
  EXPECT_EQ(parse_go_duration("7ns").value(), 7ns);
  EXPECT_EQ(parse_go_duration("-1m").value(), -60s);
  EXPECT_EQ(parse_go_duration("+1m").value(), 60s);
  EXPECT_EQ(parse_go_duration("0").value(), 0s);
  EXPECT_EQ(parse_go_duration("1m1m").value(), 120s);
}

TEST(GoDuration, RefusesWhatGoRefuses) {
  for (const char* text : {"", "60", "5x", "s", ".s", "-", "1d", " 1s", "1s ", "1 s", "1.5",
                           "9999999h", "--1s", "1..5s", "00"}) {
    EXPECT_FALSE(parse_go_duration(text)) << text;
  }
}

}  // namespace
}  // namespace sluice::config
