// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Loading configurations from text, and looking for problems among those found.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/files.h"

namespace sluice::config {

inline constexpr std::string_view kFile = "conf/sluice.yaml";

/// Two ENIs and a pod port, nothing wrong; line numbers of what follows start at 10.
inline const std::string kBase = R"(pods:
  cidrs: [10.10.0.0/16]
vpc:
  cidrs: [10.10.0.0/16]
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24, secondary: [10.10.10.21]}
  - {name: eni1, device: net_null1, address: 10.10.20.20/24, prefixes: [10.10.20.32/28]}
pod_ports:
  - {name: pod0, device: net_null2, pods: [10.10.20.33]}
)";
/// The same without its `enis`, for tests that bring their own from line 7 on.
inline const std::string kNoEnis = R"(pods:
  cidrs: [10.10.0.0/16]
vpc:
  cidrs: [10.10.0.0/16]
pod_ports:
  - {name: pod0, device: net_null9, pods: [10.10.20.33]}
)";

inline Loaded load_with(std::string_view text, std::map<std::string, std::string> files = {}) {
  return load_text(text, std::string{kFile}, MemoryFiles{std::move(files)});
}

/// What a problem must be like; empty and 0 fit everything.
struct Expected {
  std::string key;
  std::string contains;  ///< in what is wrong or in what would be accepted
  int line = 0;
  std::string file = std::string{kFile};
  Severity severity = Severity::kError;
};

inline bool fits(const Expected& expected, const Problem& problem) {
  return (expected.key.empty() || expected.key == problem.key) &&
         (problem.problem + "; " + problem.accepted).find(expected.contains) != std::string::npos &&
         (expected.line == 0 || expected.line == problem.mark.line) &&
         expected.file == problem.mark.file && expected.severity == problem.severity;
}

inline std::string all_of(const Problems& problems) {
  std::string text;
  for (const Problem& problem : problems) text += to_text(problem) + "\n";
  return text.empty() ? "no problem" : text;
}

inline void expect_problem(const Loaded& loaded, const Expected& expected) {
  EXPECT_TRUE(std::any_of(loaded.problems.begin(), loaded.problems.end(),
                          [&](const Problem& problem) { return fits(expected, problem); }))
      << "no problem of key \"" << expected.key << "\" with \"" << expected.contains
      << "\" in line " << expected.line << " among\n"
      << all_of(loaded.problems);
}

inline std::size_t count_errors(const Loaded& loaded) {
  return static_cast<std::size_t>(
      std::count_if(loaded.problems.begin(), loaded.problems.end(),
                    [](const Problem& p) { return p.severity == Severity::kError; }));
}

}  // namespace sluice::config
