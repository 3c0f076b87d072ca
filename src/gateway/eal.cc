// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/eal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "eni/device.h"

namespace sluice::gateway {
namespace {

bool given(std::span<const std::string> arguments, std::initializer_list<const char*> names) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return argument == name || argument.starts_with(name + "=");
    });
  });
}

std::size_t free_hugepage_bytes() {
  namespace fs = std::filesystem;
  std::size_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
    // hugepages-2048kB
    const std::string name = entry.path().filename();
    std::size_t kib = 0;
    std::size_t pages = 0;
    if (std::sscanf(name.c_str(), "hugepages-%zukB", &kib) != 1) continue;
    std::ifstream(entry.path() / "free_hugepages") >> pages;
    bytes += kib * 1024 * pages;
  }
  return bytes;
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  ::sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
  }
  return cores;
}

/// The main thread on the first core, workers on the others, doubled up when there are too few.
std::string compose_lcores(unsigned workers) {
  const std::vector<int> cores = usable_cores();
  std::string text = fmt::format("0@{}", cores.front());
  for (unsigned i = 0; i < workers; ++i) {
    const std::size_t others = cores.size() - 1;
    const int core = others == 0 ? cores.front() : cores[1 + i % others];
    text += fmt::format(",{}@{}", i + 1, core);
  }
  return text;
}

int initialise(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return rte_eal_init(static_cast<int>(arguments.size()), argv.data());
}

}  // namespace

std::variant<EalChoice, EalError> start_eal(const EalRequest& request) {
  EalChoice choice;
  std::vector<std::string> arguments{"sluice"};
  if (!given(request.extra, {"--log-level"})) arguments.emplace_back("--log-level=lib.eal:warning");
  if (!given(request.extra, {"--file-prefix"})) {
    arguments.push_back(fmt::format("--file-prefix=sluice-{}", ::getpid()));
    choice.own_files = true;
  }

  if (!given(request.extra, {"-l", "--lcores", "-c"})) {
    choice.cores = compose_lcores(request.workers);
    arguments.push_back("--lcores=" + choice.cores);
  } else {
    choice.cores = "as given";
  }

  const bool memory_given = given(request.extra, {"--no-huge", "-m", "--socket-mem", "--in-memory",
                                                  "--huge-dir", "--legacy-mem"});
  if (memory_given) {
    choice.memory = "as given";
  } else if (free_hugepage_bytes() >= request.memory_bytes) {
    choice.memory = "hugepages";
    arguments.insert(arguments.end(), {"--in-memory", "--single-file-segments"});
  } else {
    choice.memory = "ordinary pages (too few free hugepages)";
    const std::size_t mib = (request.memory_bytes >> 20) + 1;
    arguments.insert(arguments.end(), {"--no-huge", "--no-shconf", "-m", std::to_string(mib)});
  }

  bool pci = false;
  for (const std::string& device : request.devices) {
    if (!eni::Device::is_pci(device)) continue;
    pci = true;
    arguments.insert(arguments.end(), {"-a", device});
  }
  if (!pci && !given(request.extra, {"--no-pci", "-a", "--allow"})) {
    arguments.emplace_back("--no-pci");
  }

  arguments.insert(arguments.end(), request.extra.begin(), request.extra.end());
  if (initialise(arguments) < 0) {
    return EalError{fmt::format("DPDK's environment does not start ({}); it was given: {}",
                                rte_strerror(rte_errno), fmt::join(arguments, " ")),
                    !request.extra.empty()};
  }
  const std::size_t lcores = worker_lcores().size();
  if (lcores != request.workers) {
    return EalError{
        fmt::format("EAL arguments give {} cores, but gateway.workers is {}; give {} (the first is "
                    "the main thread's) or none",
                    lcores + 1, request.workers, request.workers + 1),
        true};
  }
  return choice;
}

Status start_bare_eal(std::size_t memory_mib) {
  const int code = initialise({"sluice", "--log-level=lib.eal:error", "--no-huge", "--no-pci",
                               "--no-shconf", "--no-telemetry", "-m", std::to_string(memory_mib),
                               "--lcores=0@" + std::to_string(usable_cores().front())});
  if (code < 0) {
    return Error{fmt::format("DPDK's environment does not start: {}", rte_strerror(rte_errno))};
  }
  return success();
}

std::vector<unsigned> worker_lcores() {
  std::vector<unsigned> lcores;
  unsigned lcore = 0;
  RTE_LCORE_FOREACH_WORKER(lcore) { lcores.push_back(lcore); }
  return lcores;
}

}  // namespace sluice::gateway
