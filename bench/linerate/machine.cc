// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/machine.h"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "pipeline/burst.h"

namespace sluice::bench {
namespace {

/// The value of the first line `name : value` of a file in /proc.
std::string value_in(const char* file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    const auto at = line.find_first_not_of(" \t", line.find(':') + 1);
    return at == std::string::npos ? "" : line.substr(at);
  }
  return "";
}

std::string first_line(const char* file) {
  std::string line;
  std::getline(std::ifstream(file) >> std::ws, line);
  return line;
}

/// "L1d 48K, L2 2048K, L3 307200K" of the first core: each as it sees it, so a shared one in full.
std::string caches() {
  std::string text;
  for (int i = 0;; ++i) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", i);
    const std::string level = first_line((folder + "level").c_str());
    if (level.empty()) return text;
    const std::string type = first_line((folder + "type").c_str());
    if (type == "Instruction") continue;
    text += fmt::format("{}L{}{} {}", text.empty() ? "" : ", ", level, type == "Data" ? "d" : "",
                        first_line((folder + "size").c_str()));
  }
}

}  // namespace

nlohmann::ordered_json describe_machine() {
  utsname system{};
  ::uname(&system);
  return {{"cpu", value_in("/proc/cpuinfo", "model name")},
          {"cores", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"caches", caches()},
          {"memory", value_in("/proc/meminfo", "MemTotal")},
          {"tsc_hz", rte_get_tsc_hz()},
          {"kernel", system.release},
          {"dpdk", rte_version()},
          {"compiler", "g++ " __VERSION__},
          {"flags", SLUICE_BENCH_FLAGS},
          {"hugepages", value_in("/proc/meminfo", "HugePages_Total")},
          {"hugepages_free", value_in("/proc/meminfo", "HugePages_Free")},
          {"transparent_hugepages", first_line("/sys/kernel/mm/transparent_hugepage/enabled")},
          {"burst", pipeline::kBurstSize},
          {"descriptors", 1024},
          {"load_average", first_line("/proc/loadavg")}};
}

std::vector<std::string> memory_arguments(unsigned mib) {
  const auto number = [](const char* name) {
    return std::strtoull(value_in("/proc/meminfo", name).c_str(), nullptr, 10);
  };
  const std::string size = std::to_string(mib);
  const std::uint64_t free_kib = number("HugePages_Free") * number("Hugepagesize");
  if (free_kib >= std::uint64_t{mib} * 1024) return {"--in-memory", "-m", size};
  return {"--no-huge", "--no-shconf", "-m", size};
}

}  // namespace sluice::bench
