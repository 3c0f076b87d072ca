// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <dirent.h>
#include <fmt/format.h>
#include <rte_version.h>

#include <filesystem>
#include <set>

#include "cli/commands.h"

namespace sluice::cli {
namespace {

/// The driver libraries DPDK would load: librte_net_*.so in its plugin folder.
std::set<std::string> drivers() {
  std::set<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(SLUICE_PMD_DIR, ignored)) {
    const std::string file = entry.path().filename();
    constexpr std::string_view kPrefix = "librte_net_";
    if (!file.starts_with(kPrefix)) continue;
    names.insert(file.substr(7, file.find('.') - 7));
  }
  return names;
}

}  // namespace

int version() {
  fmt::print("sluice {}\n{}\n", SLUICE_VERSION, rte_version());
  const auto found = drivers();
  fmt::print("drivers ({}):", found.size());
  for (const std::string& name : found) fmt::print(" {}", name);
  fmt::print("\n");
  return kDone;
}

}  // namespace sluice::cli
