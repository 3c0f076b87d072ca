// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <tuple>

namespace sluice::bench {
namespace {

namespace po = boost::program_options;

constexpr int kBadUsage = 2;
constexpr std::array kPhases{"establish", "establish_rate", "verify",  "maximum",
                             "no_drop",   "partial_drop",   "latency", "disturbance",
                             "flood",     "tear_down"};
constexpr std::array kKeys{"dut",  "link",  "protocol", "seconds", "precision",
                           "rate", "pairs", "matrix",   "phases"};

using Names = std::vector<const char*>;
const Names kDuts{"sluice", "testpmd-macswap", "linux-nft", "external"};
const Names kLinks{"memif", "vhost", "af_packet"};
const Names kProtocols{"udp", "tcp"};

constexpr std::array kMatrixKeys{"sessions", "frame", "direction"};

struct BadPlan : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Ways ways_of(const std::string& name) {
  for (const Ways ways : {Ways::kOut, Ways::kIn, Ways::kBoth}) {
    if (name == name_of(ways)) return ways;
  }
  throw BadPlan(fmt::format("direction {}: out, in or both are accepted", name));
}

/// Up to an MTU of 1,500.
std::uint16_t frame_of(unsigned bytes) {
  if (bytes >= 64 && bytes <= 1518) return static_cast<std::uint16_t>(bytes);
  throw BadPlan(fmt::format("frame {}: 64 to 1518 bytes, with FCS, are accepted", bytes));
}

void set_ways(Plan& plan, const std::vector<std::string>& names) {
  plan.ways.clear();
  for (const std::string& name : names) plan.ways.push_back(ways_of(name));
}

void set_frames(Plan& plan, const std::vector<unsigned>& frames) {
  plan.frames.clear();
  for (const unsigned bytes : frames) plan.frames.push_back(frame_of(bytes));
}

/// A mapping in a plan, or a part of one; complains with file, line and key.
class Section {
 public:
  template <std::size_t n>
  Section(std::string file, YAML::Node node, const std::array<const char*, n>& keys)
      : file_(std::move(file)), node_(std::move(node)) {
    if (!node_.IsMap()) throw BadPlan(at(node_) + "keys with values are accepted");
    for (const auto& entry : node_) {
      const auto key = entry.first.as<std::string>("");
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      throw BadPlan(fmt::format("{}no such key: {}; there are {}", at(entry.first), key,
                                fmt::join(keys, ", ")));
    }
  }
  [[nodiscard]] YAML::Node operator[](const char* key) const { return node_[key]; }

  /// \p wanted says what would do.
  template <typename T>
  void read(const char* key, const char* wanted, T& into) const {
    const YAML::Node value = node_[key];
    if (!value) return;
    try {
      into = value.as<T>();
    } catch (const YAML::Exception&) {
      throw BadPlan(fmt::format("{}{}: {}: {} wanted", at(value), key, shown(value), wanted));
    }
  }

 private:
  static std::string shown(const YAML::Node& value) {
    YAML::Emitter text;
    text << YAML::Flow << value;
    return text.c_str();
  }
  [[nodiscard]] std::string at(const YAML::Node& node) const {
    return fmt::format("{}:{}: ", file_, node.Mark().line + 1);
  }

  std::string file_;
  YAML::Node node_;
};

YAML::Node load(const std::string& file) {
  try {
    return YAML::LoadFile(file);
  } catch (const YAML::BadFile&) {
    throw BadPlan(file + ": cannot be read");
  } catch (const YAML::ParserException& error) {
    throw BadPlan(fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
}

void read_yaml(Plan& plan, const std::string& file) {
  const Section root(file, load(file), kKeys);
  root.read("dut", "a name", plan.dut);
  root.read("link", "a name", plan.link);
  root.read("protocol", "a name", plan.protocol);
  root.read("seconds", "a number", plan.seconds);
  root.read("precision", "a number", plan.precision);
  root.read("rate", "a number", plan.rate);
  root.read("pairs", "a number above 0", plan.pairs);
  root.read("phases", "a list of names", plan.phases);
  if (!root["matrix"]) return;
  const Section matrix(file, root["matrix"], kMatrixKeys);
  matrix.read("sessions", "a list of numbers", plan.sessions);
  std::vector<unsigned> frames(plan.frames.begin(), plan.frames.end());
  matrix.read("frame", "a list of numbers", frames);
  set_frames(plan, frames);
  std::vector<std::string> ways;
  for (const Ways way : plan.ways) ways.emplace_back(name_of(way));
  matrix.read("direction", "a list of out, in and both", ways);
  set_ways(plan, ways);
}

po::options_description describe(Plan& plan) {
  po::options_description all("linerate [OPTIONS] [-- EAL-ARGS...]");
  auto add = all.add_options();
  add("help,h", "this text");
  add("plan", po::value<std::string>(), "YAML file; options override it (bench/linerate/plan.h)");
  add("dut", po::value(&plan.dut), "sluice, testpmd-macswap, linux-nft or external");
  add("link", po::value(&plan.link), "memif, vhost or af_packet");
  add("device", po::value(&plan.devices)->composing(),
      "external: DPDK device towards the uplink, then towards the pods' side");
  add("tester-address", po::value(&plan.tester_addresses)->composing(),
      "external: the router's address that this program answers for, on either side");
  add("dut-address", po::value(&plan.dut_addresses)->composing(),
      "external: the device's own address, on either side");
  add("protocol", po::value(&plan.protocol), "udp or tcp (SYN)");
  add("sessions", po::value(&plan.sessions)->multitoken(), "how many, e.g. 64512 1032192");
  add("frame", po::value<std::vector<unsigned>>()->multitoken(), "bytes with FCS, e.g. 64 1518");
  add("direction", po::value<std::vector<std::string>>()->multitoken(), "out, in, both");
  add("phases", po::value(&plan.phases)->multitoken(),
      "establish establish_rate verify maximum no_drop partial_drop latency disturbance flood "
      "tear_down");
  add("pairs", po::value(&plan.pairs), "of trials with and without a disturbance or a flood");
  add("seconds", po::value(&plan.seconds), "of a trial that counts");
  add("precision", po::value(&plan.precision), "of a rate that is searched, as a share");
  add("rate", po::value(&plan.rate), "packets a second while sessions are opened and verified");
  add("json", po::value(&plan.json), "file for the report");
  add("sluice", po::value(&plan.sluice), "the program; default: beside this one");
  add("tester-core", po::value(&plan.tester_core), "of this program, and of what is no worker");
  add("worker-core", po::value(&plan.worker_core), "of the device under test");
  add("quiet", po::bool_switch(&plan.quiet), "no progress on standard error");
  return all;
}

void check_numbers(const Plan& plan) {
  const auto require = [](bool holds, const char* key, auto value, const std::string& wanted) {
    if (!holds) throw BadPlan(fmt::format("{} {}: {}", key, value, wanted));
  };
  require(plan.seconds > 0 && plan.seconds <= 3600, "seconds", plan.seconds,
          "more than 0, up to 3600, are accepted");
  require(plan.precision >= 0.0001 && plan.precision <= 0.5, "precision", plan.precision,
          "0.0001 to 0.5 are accepted");
  require(plan.rate >= 0 && plan.rate <= 1e9, "rate", plan.rate,
          "0, which is as fast as packets are taken, to 1e9 are accepted");
  require(plan.pairs >= 1 && plan.pairs <= 10'000, "pairs", plan.pairs, "1 to 10000 are accepted");
}

void check_cores(const Plan& plan) {
  const auto cores = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF));
  cpu_set_t ours;
  const bool known = ::sched_getaffinity(0, sizeof ours, &ours) == 0;
  for (const auto& [key, core] :
       {std::pair{"tester-core", plan.tester_core}, {"worker-core", plan.worker_core}}) {
    if (core < cores && (!known || CPU_ISSET(core, &ours))) continue;
    throw BadPlan(
        fmt::format("{} {}: not a core that this program may run on, of {}", key, core, cores));
  }
  const bool has_more = known ? CPU_COUNT(&ours) > 1 : cores > 1;
  if (plan.dut != "external" && plan.tester_core == plan.worker_core && has_more) {
    throw BadPlan(fmt::format("worker-core {}: the tester's; name another one than tester-core",
                              plan.worker_core));
  }
}

void check_names(const Plan& plan) {
  for (const auto& [key, name, names] : {std::tuple{"dut", plan.dut, kDuts},
                                         {"link", plan.link, kLinks},
                                         {"protocol", plan.protocol, kProtocols}}) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    throw BadPlan(fmt::format("{} {}: {} are accepted", key, name, fmt::join(names, ", ")));
  }
}

void check_lists(const Plan& plan) {
  for (const auto& [key, size] : {std::pair{"sessions", plan.sessions.size()},
                                  {"frame", plan.frames.size()},
                                  {"direction", plan.ways.size()}}) {
    if (size == 0) throw BadPlan(fmt::format("{}: an empty list; name at least one", key));
  }
}

void check(const Plan& plan) {
  check_names(plan);
  check_numbers(plan);
  check_cores(plan);
  check_lists(plan);
  for (const std::string& phase : plan.phases) {
    if (std::find(kPhases.begin(), kPhases.end(), phase) == kPhases.end()) {
      throw BadPlan("no such phase: " + phase);
    }
  }
  if (plan.has("tear_down") && plan.protocol != "tcp") {
    throw BadPlan("tear_down resets connections: it needs protocol tcp");
  }
  if (plan.has("disturbance") &&
      (plan.dut != "sluice" || plan.protocol != "udp" || plan.link == "af_packet")) {
    // Over af_packet the gateway is in another network namespace, its metrics out of reach.
    throw BadPlan("disturbance needs dut sluice, protocol udp, and link memif or vhost");
  }
  if (plan.has("flood") && (plan.dut != "sluice" || plan.protocol != "udp")) {
    throw BadPlan("flood needs dut sluice and protocol udp");
  }
  if (plan.dut == "sluice" && ::access(plan.sluice.c_str(), X_OK) != 0) {
    throw BadPlan(fmt::format("sluice {}: {}; name the program with --sluice", plan.sluice,
                              std::strerror(errno)));
  }
  if (plan.dut == "external" && plan.devices.size() != 2) {
    throw BadPlan("dut external needs --device twice: uplink, then inner");
  }
  for (const auto* addresses : {&plan.tester_addresses, &plan.dut_addresses}) {
    if (!addresses->empty() && addresses->size() != 2) {
      throw BadPlan("addresses are given twice: uplink, then inner");
    }
    for (const std::string& address : *addresses) {
      if (!Ipv4Addr::parse(address)) throw BadPlan(address + " is no IPv4 address");
    }
  }
  constexpr std::uint32_t kMost = 1U << 24;
  for (const std::uint32_t sessions : plan.sessions) {
    if (sessions == 0 || sessions > kMost) {
      throw BadPlan(fmt::format("sessions {}: 1 to {} are accepted", sessions, kMost));
    }
  }
}

void refuse_what_is_no_option(const std::vector<po::option>& options) {
  for (const po::option& option : options) {
    if (!option.string_key.empty()) continue;
    const std::string& word = option.value.front();
    throw BadPlan(fmt::format("{}: no option; a plan is named by --plan {}", word, word));
  }
}

/// Before anything is measured that could not be kept.
void check_report(const std::string& file) {
  if (file.empty() || std::ofstream(file, std::ios::app)) return;
  throw BadPlan(
      fmt::format("json {}: {}; name a file that can be written", file, std::strerror(errno)));
}

std::string beside_this_program() {
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  return self.parent_path().parent_path() / "sluice";
}

}  // namespace

bool Plan::has(const std::string& phase) const {
  return std::find(phases.begin(), phases.end(), phase) != phases.end();
}

std::uint8_t Plan::protocol_number() const { return protocol == "tcp" ? net::kTcp : net::kUdp; }

std::variant<Plan, int> read_plan(int argc, char** argv) {
  Plan plan;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes != arguments.end()) {
    plan.eal.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
  }
  const po::options_description known = describe(plan);
  try {
    po::variables_map values;
    const auto parsed = po::command_line_parser(arguments).options(known).run();
    refuse_what_is_no_option(parsed.options);
    po::store(parsed, values);
    if (values.count("help") != 0) {
      std::cout << known;
      return 0;
    }
    if (values.count("plan") != 0) read_yaml(plan, values["plan"].as<std::string>());
    po::notify(values);
    if (values.count("frame") != 0) set_frames(plan, values["frame"].as<std::vector<unsigned>>());
    if (values.count("direction") != 0) {
      set_ways(plan, values["direction"].as<std::vector<std::string>>());
    }
    if (plan.sluice.empty()) plan.sluice = beside_this_program();
    check(plan);
    check_report(plan.json);
  } catch (const std::exception& error) {
    std::cerr << "linerate: " << error.what() << "\n";
    return kBadUsage;
  }
  return plan;
}

}  // namespace sluice::bench
