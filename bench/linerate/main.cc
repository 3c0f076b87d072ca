// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The line-rate tool: a generator and receiver on two DPDK ports, and a device under test between
/// them that it brings up by itself or finds there.
#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "linerate/machine.h"
#include "linerate/phases.h"
#include "linerate/stop.h"

namespace sluice::bench {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the run.
class Folder {
 public:
  Folder() {
    std::string name = fs::temp_directory_path() / "linerate-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Status start_eal(const Plan& plan) {
  std::vector<std::string> arguments{"linerate", "--log-level=error", "--no-telemetry",
                                     fmt::format("--lcores=0@{}", plan.tester_core),
                                     fmt::format("--file-prefix=linerate-{}-tester", ::getpid())};
  if (plan.eal.empty()) {
    const auto memory = memory_arguments(512);
    arguments.insert(arguments.end(), memory.begin(), memory.end());
    arguments.emplace_back("--no-pci");
  }
  arguments.insert(arguments.end(), plan.eal.begin(), plan.eal.end());
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  if (rte_eal_init(static_cast<int>(arguments.size()), argv.data()) >= 0) return success();
  return Error{fmt::format("DPDK's environment does not start: {}", rte_strerror(rte_errno))};
}

Result<std::unique_ptr<Links>> make_links(const Plan& plan, const std::string& folder) {
  if (plan.dut == "external") return Links::given({plan.devices[0], plan.devices[1]});
  const auto kind = Links::kind_of(plan.dut == "linux-nft" ? "af_packet" : plan.link);
  if (!kind) return Error{kind.error()};
  return Links::make(kind.value(), folder);
}

SideAddresses addresses_in(const Plan& plan, Side side) {
  const SideAddresses addresses = addresses_of(side);
  const auto given = [side](const std::vector<std::string>& texts, Ipv4Addr otherwise) {
    return texts.empty() ? otherwise : Ipv4Addr::parse(texts[index(side)]).value_or(otherwise);
  };
  return {given(plan.tester_addresses, addresses.router),
          given(plan.dut_addresses, addresses.device)};
}

Result<std::unique_ptr<Wire>> open_wire(const Plan& plan,
                                        const Links& links,
                                        Side side,
                                        rte_mempool* pool) {
  const SideAddresses addresses = addresses_in(plan, side);
  return Wire::open({links.tester_device(side), addresses.router, addresses.device, pool});
}

/// The device answers on both sides, or needs no addresses.
Status wait_until_ready(DeviceUnderTest& device, Wire& uplink, Wire& inner) {
  constexpr auto kPatience = std::chrono::seconds(1);
  constexpr int kTries = 20;
  for (Wire* wire : {&uplink, &inner}) {
    if (!device.is_gateway()) {
      wire->use_peer({2, 0, 0, 0, 1, 0});
      continue;
    }
    for (int tried = 1; !wire->find_peer(kPatience); ++tried) {
      device.require_that_it_runs();
      if (tried == kTries) {
        return Error{"the device under test does not answer ARP\n" + device.log()};
      }
    }
  }
  // Links of virtual devices come up when both ends have met.
  for (int i = 0; i < 200 && !(uplink.link_up() && inner.link_up()); ++i) ::usleep(20'000);
  return success();
}

/// What is finished stands in the report, whatever ends it.
Status measure(const Plan& plan, const Links& links, const std::string& folder, Json& report) {
  constexpr unsigned kBuffers = 32767;
  rte_mempool* pool =
      rte_pktmbuf_pool_create("frames", kBuffers, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
  if (pool == nullptr) return Error{"no memory for packet buffers"};
  auto uplink = open_wire(plan, links, Side::kUplink, pool);
  if (!uplink) return Error{uplink.error()};
  auto inner = open_wire(plan, links, Side::kInner, pool);
  if (!inner) return Error{inner.error()};
  DeviceUnderTest::Options options{folder,
                                   *std::max_element(plan.sessions.begin(), plan.sessions.end()),
                                   plan.has("disturbance"),
                                   plan.sluice,
                                   plan.tester_core,
                                   plan.worker_core};
  if (plan.has("disturbance")) options.sessions += Phases::kFreshAtOnce;
  auto device = DeviceUnderTest::make(plan.dut, links, options);
  if (!device) return Error{device.error()};
  DeviceUnderTest& under_test = *device.value();
  Tester tester(*inner.value(), *uplink.value(), pool, under_test.is_gateway());
  Phases phases(plan, tester, under_test, [&]() -> Status {
    under_test.stop();
    if (Status started = under_test.start(); !started) return started;
    return wait_until_ready(under_test, *uplink.value(), *inner.value());
  });

  report["link"] = uplink.value()->driver();
  report["machine"] = describe_machine();
  for (const std::uint32_t sessions : plan.sessions) {
    report["runs"].push_back(Json::object());
    if (Status run = phases.run(sessions, report["runs"].back()); !run) return run;
    under_test.stop();
  }
  return success();
}

/// Whether everything that was verified is as it should be.
bool all_clean(const Json& report) {
  return std::all_of(report["runs"].begin(), report["runs"].end(), [](const Json& run) {
    if (run.contains("error")) return false;
    const auto clean = [&](const char* phase) {
      return !run.contains(phase) || run[phase]["clean"];
    };
    return clean("verify") && clean("verify_disturbed") && clean("verify_flooded");
  });
}

/// What a signal ends leaves nothing behind.
Status measure_until_stopped(const Plan& plan,
                             const Links& links,
                             const std::string& folder,
                             Json& report) {
  try {
    return measure(plan, links, folder, report);
  } catch (const Stopped&) {
    return Error{"stopped by a signal"};
  } catch (const DeviceFailed& failed) {
    return Error{failed.why};
  }
}

bool write_report(const std::string& file, const Json& report) {
  std::ofstream out(file);
  out << report.dump(1, ' ', false, Json::error_handler_t::replace) << "\n";
  out.close();
  return !out.fail();
}

/// Reports what there is, however it ended; the exit status.
int conclude(const Plan& plan, Json& report, const Status& done) {
  int status = EXIT_SUCCESS;
  const auto failed = [&](const std::string& why) {
    fmt::print(stderr, "linerate: {}\n", why);
    status = EXIT_FAILURE;
  };
  report["clean"] = done && all_clean(report);
  if (!done) report["stopped"] = done.error();
  if (report.contains("machine")) fmt::print("{}", to_text(report));
  std::fflush(stdout);  // what went wrong is the last word
  if (!plan.json.empty() && !write_report(plan.json, report)) {
    failed(fmt::format("json {}: the report could not be written", plan.json));
  }
  if (!done) {
    failed(done.error());
  } else if (!report["clean"]) {
    failed("packets did not come back as they should");
  }
  return status;
}

int run(const Plan& plan) {
  stop_on_signals();
  const Folder folder;
  // Where EAL keeps its files, this program's and testpmd's.
  ::setenv("RUNTIME_DIRECTORY", folder.path().c_str(), 1);
  // Before EAL starts threads: the links may need a network namespace of this process's own.
  const auto links = make_links(plan, folder.path());
  Json report{{"dut", plan.dut},
              {"protocol", plan.protocol},
              {"seconds", plan.seconds},
              {"precision", plan.precision},
              {"runs", Json::array()}};
  if (!links) return conclude(plan, report, Error{links.error()});
  if (Status started = start_eal(plan); !started) return conclude(plan, report, started);
  const Status done = measure_until_stopped(plan, *links.value(), folder.path(), report);
  const int status = conclude(plan, report, done);
  rte_eal_cleanup();
  return status;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  const auto plan = sluice::bench::read_plan(argc, argv);
  if (const int* status = std::get_if<int>(&plan)) return *status;
  return sluice::bench::run(std::get<sluice::bench::Plan>(plan));
}
