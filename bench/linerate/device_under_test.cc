// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/device_under_test.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "linerate/machine.h"
#include "linerate/stop.h"

namespace sluice::bench {
namespace {

std::string lcores(const DeviceUnderTest::Options& options) {
  return fmt::format("--lcores=0@{},1@{}", options.tester_core, options.worker_core);
}

std::vector<std::string> joined(std::vector<std::string> words, std::vector<std::string> more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// The number behind the last `name` in a text.
std::uint64_t number_after(const std::string& text, const std::string& name) {
  const auto at = text.rfind(name);
  std::uint64_t number = 0;
  if (at != std::string::npos) std::sscanf(text.c_str() + at + name.size(), "%lu", &number);
  return number;
}

std::optional<std::string> end_of(const std::unique_ptr<Process>& process) {
  if (!process || process->runs()) return std::nullopt;
  return process->how_it_ended();
}

/// It did not say that it was ready; why, as far as it said.
Error does_not_start(const std::string& name, const std::unique_ptr<Process>& process) {
  const std::string how = end_of(process).value_or("it is not ready, and goes on");
  return Error{fmt::format("{} does not start: {}\n{}", name, how, process->output())};
}

// --- sluice ----------------------------------------------------------------------------------

class Sluice : public DeviceUnderTest {
 public:
  Sluice(const Links& links, const Options& options) : links_(links), options_(options) {}

  Status start() override {
    std::ofstream(file("sluice.yaml")) << configuration();
    auto started =
        Process::start({joined(links_.far_side(), {options_.sluice, "run", "--config",
                                                   file("sluice.yaml"), "--", lcores(options_)}),
                        file("sluice.log")});
    if (!started) return Error{started.error()};
    process_ = std::move(started).value();
    if (process_->wait_for("ready", 1, std::chrono::seconds(60))) return success();
    return does_not_start("sluice", process_);
  }
  void stop() override { process_.reset(); }
  std::optional<std::string> ended() override { return end_of(process_); }
  bool tells_busy() const override { return true; }

  std::optional<Busy> busy() override {
    const auto counters = ask("show counters --json");
    if (!counters) return std::nullopt;
    const auto workers = ask("show workers --json");
    if (!workers) return std::nullopt;
    return Busy{number_after(counters.value(), "\"busy_cycles\":"),
                number_after(counters.value(), "\"received\":"),
                number_after(workers.value(), "\"poll_gaps\":")};
  }
  std::optional<Standing> standing() override {
    const auto told = ask("show drops --json");
    if (!told) return std::nullopt;
    Standing standing;
    const auto shown = nlohmann::json::parse(told.value());
    for (const auto& drop : shown["drops"]) {
      standing.drops[drop["reason"]] = drop["packets"];
    }
    std::uint64_t total = 0;
    std::uint64_t resident = 0;
    std::ifstream(fmt::format("/proc/{}/statm", process_->pid())) >> total >> resident;
    standing.resident_bytes = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return standing;
  }
  Result<std::unique_ptr<Disturbers>> disturb(Disturbance kind) override {
    return Disturbers::start(kind, {options_.sluice, file("console.sock"), metrics()},
                             options_.tester_core, options_.folder);
  }
  std::string log() const override { return process_ ? process_->output() : ""; }

 private:
  std::string file(const char* name) const { return options_.folder + "/" + name; }

  Result<std::string> ask(const char* command) const {
    return run_command(
        fmt::format("{} console --socket {} {}", options_.sluice, file("console.sock"), command));
  }
  /// A port of this process's own among those that the system gives to nobody by itself.
  static std::string metrics() { return fmt::format("127.0.0.1:{}", 20'000 + ::getpid() % 10'000); }

  /// Sessions outlive the run: UDP's are kept for a day.
  std::string configuration() const {
    constexpr const char* kText = R"(gateway: {{name: linerate, workers: 1}}
pods: {{cidrs: [10.0.0.0/8]}}
vpc: {{cidrs: [192.168.0.0/16]}}
enis:
  - {{name: uplink, device: "{}", primary: true, address: {}/24}}
  - {{name: inner, device: "{}", address: {}/24, forwards: [0.0.0.0/0],
     routes: [{{to: 10.0.0.0/8, via: {}}}]}}
snat:
  rules: [{{to: [0.0.0.0/0], action: snat}}]
flows:
  capacity: {}
  timeouts: {{udp: 24h, tcp_transitory: {}}}
console: {{socket: console.sock}}
metrics: {{listen: "{}"}}
)";
    const auto inner = addresses_of(Side::kInner);
    return fmt::format(kText, links_.device_under_test(Side::kUplink),
                       addresses_of(Side::kUplink).device.to_string(),
                       links_.device_under_test(Side::kInner), inner.device.to_string(),
                       inner.router.to_string(), std::bit_ceil(options_.sessions),
                       options_.short_lived ? "1s" : "24h", metrics());
  }

  const Links& links_;
  Options options_;
  std::unique_ptr<Process> process_;
};

// --- testpmd ---------------------------------------------------------------------------------

/// Carries frames from either side to the other and swaps their MAC addresses: what a gateway that
/// does nothing would cost.
class Testpmd : public DeviceUnderTest {
 public:
  Testpmd(const Links& links, const Options& options) : links_(links), options_(options) {}

  Status start() override {
    std::vector<std::string> command = joined(
        links_.far_side(), {"stdbuf", "--output=L", "dpdk-testpmd", lcores(options_), "--no-pci",
                            fmt::format("--file-prefix=linerate-{}", ::getpid())});
    command = joined(command, memory_arguments(512));
    for (const Side side : kSides) {
      command.push_back("--vdev=" + links_.device_under_test(side));
    }
    command = joined(command, {"--", "-i", "--forward-mode=macswap", "--nb-cores=1",
                               "--total-num-mbufs=16384", "--no-lsc-interrupt"});
    auto started = Process::start({command, options_.folder + "/testpmd.log"});
    if (!started) return Error{started.error()};
    process_ = std::move(started).value();
    reports_ = 0;
    process_->say("set record-core-cycles on");
    process_->say("start");
    if (process_->wait_for("macswap packet forwarding - ports", 1, std::chrono::seconds(60))) {
      return success();
    }
    return does_not_start("dpdk-testpmd", process_);
  }
  void stop() override {
    if (process_) process_->say("quit");
    process_.reset();
  }
  std::optional<std::string> ended() override { return end_of(process_); }
  bool tells_busy() const override { return true; }

  std::optional<Busy> busy() override {
    process_->say("show fwd stats all");
    ++reports_;
    constexpr auto kPatience = std::chrono::seconds(10);
    if (!process_->wait_for("Accumulated forward statistics", reports_, kPatience) ||
        !process_->wait_for_end("testpmd> ", kPatience)) {
      return std::nullopt;
    }
    const std::string text = process_->output();
    return Busy{number_after(text, "total cycles="), number_after(text, " packets=")};
  }
  std::string log() const override { return process_ ? process_->output() : ""; }
  bool is_gateway() const override { return false; }

 private:
  const Links& links_;
  Options options_;
  std::unique_ptr<Process> process_;
  unsigned reports_ = 0;
};

// --- the kernel ------------------------------------------------------------------------------

/// The Linux kernel between two veth interfaces, with one masquerading rule; its work is kept off
/// the tester's core by receive packet steering.
class LinuxNft : public DeviceUnderTest {
 public:
  LinuxNft(const Links& links, const Options& options) : links_(links), options_(options) {}
  ~LinuxNft() override { restore_limit(); }

  Status start() override {
    if (Status raised = raise_limit(); !raised) return raised;
    const auto uplink = addresses_of(Side::kUplink);
    const auto inner = addresses_of(Side::kInner);
    const std::string cpus = fmt::format("{:x}", 1U << options_.worker_core);
    return links_.configure_far_side(
        fmt::format("ip addr replace {0}/24 dev d0; ip addr replace {1}/24 dev d1; "
                    "ip route replace default via {2}; ip route replace 10.0.0.0/8 via {3}; "
                    "sysctl -qw net.ipv4.ip_forward=1 net.netfilter.nf_conntrack_udp_timeout=86400 "
                    "net.netfilter.nf_conntrack_udp_timeout_stream=86400; "
                    "for d in d0 d1; do echo {4} > /sys/class/net/$d/queues/rx-0/rps_cpus; done; "
                    "nft flush ruleset; nft add table ip nat; "
                    "nft \"add chain ip nat out {{ type nat hook postrouting priority 100; }}\"; "
                    "nft add rule ip nat out oifname d0 masquerade",
                    uplink.device.to_string(), inner.device.to_string(), uplink.router.to_string(),
                    inner.router.to_string(), cpus));
  }
  /// Connections stay: those of a smaller run are part of a larger one's.
  void stop() override {}

 private:
  static constexpr const char* kLimit = "net.netfilter.nf_conntrack_max";

  /// How many connections there may be can be said for the whole machine only.
  Status raise_limit() {
    const auto now = links_.in_first_namespace(fmt::format("sysctl -n {}", kLimit));
    if (!now) return Error{now.error()};
    const std::uint64_t wanted = options_.sessions * std::uint64_t{5} / 4;
    if (std::stoull(now.value()) >= wanted) return success();
    limit_before_ = std::stoull(now.value());
    const auto set = links_.in_first_namespace(fmt::format("sysctl -qw {}={}", kLimit, wanted));
    if (!set) return Error{set.error()};
    return success();
  }
  void restore_limit() {
    if (limit_before_ == 0) return;
    static_cast<void>(
        links_.in_first_namespace(fmt::format("sysctl -qw {}={}", kLimit, limit_before_)));
  }

  const Links& links_;
  Options options_;
  std::uint64_t limit_before_ = 0;
};

/// Runs already, wherever it is.
class External : public DeviceUnderTest {
 public:
  Status start() override { return success(); }
  void stop() override {}
};

/// The last line of a text that is not empty.
std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);  // npos + 1: all of it
}

}  // namespace

void DeviceUnderTest::require_that_it_runs() {
  throw_if_stopped();
  const auto how = ended();
  if (!how) return;
  const std::string words = last_line(log());
  throw DeviceFailed{fmt::format("the device under test ended: {}{}", *how,
                                 words.empty() ? "" : "; it last said: " + words)};
}

Result<std::unique_ptr<DeviceUnderTest>> DeviceUnderTest::make(const std::string& name,
                                                               const Links& links,
                                                               const Options& options) {
  std::unique_ptr<DeviceUnderTest> device;
  if (name == "sluice") device = std::make_unique<Sluice>(links, options);
  if (name == "testpmd-macswap") device = std::make_unique<Testpmd>(links, options);
  if (name == "linux-nft") device = std::make_unique<LinuxNft>(links, options);
  if (name == "external") device = std::make_unique<External>();
  if (device) return device;
  return Error{
      fmt::format("dut {}: sluice, testpmd-macswap, linux-nft or external are accepted", name)};
}

}  // namespace sluice::bench
