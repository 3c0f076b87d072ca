// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/plan.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <boost/program_options.hpp>
#include <filesystem>
#include <iostream>

namespace sluice::bench {
namespace {

namespace po = boost::program_options;

constexpr int kBadUsage = 2;
constexpr std::array kPhases{"establish", "establish_rate", "verify",  "maximum",
                             "no_drop",   "partial_drop",   "latency", "disturbance",
                             "flood",     "tear_down"};
constexpr std::array kKeys{"dut",  "link",  "protocol", "seconds", "precision",
                           "rate", "pairs", "matrix",   "phases"};

struct BadPlan : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Ways ways_of(const std::string& name) {
  for (const Ways ways : {Ways::kOut, Ways::kIn, Ways::kBoth}) {
    if (name == name_of(ways)) return ways;
  }
  throw BadPlan(fmt::format("direction {}: out, in or both are accepted", name));
}

std::uint16_t frame_of(unsigned bytes) {
  if (bytes >= 64 && bytes <= 2000) return static_cast<std::uint16_t>(bytes);
  throw BadPlan(fmt::format("frame {}: 64 to 2000 bytes are accepted", bytes));
}

void set_ways(Plan& plan, const std::vector<std::string>& names) {
  plan.ways.clear();
  for (const std::string& name : names) plan.ways.push_back(ways_of(name));
}

void set_frames(Plan& plan, const std::vector<unsigned>& frames) {
  plan.frames.clear();
  for (const unsigned bytes : frames) plan.frames.push_back(frame_of(bytes));
}

void read_yaml(Plan& plan, const std::string& file) {
  const YAML::Node root = YAML::LoadFile(file);
  for (const auto& entry : root) {
    const auto key = entry.first.as<std::string>();
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      throw BadPlan(fmt::format("{}: no such key: {}", file, key));
    }
  }
  const auto read = [](const YAML::Node& from, const char* key, auto& into) {
    if (from[key]) into = from[key].as<std::decay_t<decltype(into)>>();
  };
  read(root, "dut", plan.dut);
  read(root, "link", plan.link);
  read(root, "protocol", plan.protocol);
  read(root, "seconds", plan.seconds);
  read(root, "precision", plan.precision);
  read(root, "rate", plan.rate);
  read(root, "pairs", plan.pairs);
  read(root, "phases", plan.phases);
  const YAML::Node matrix = root["matrix"];
  if (!matrix) return;
  read(matrix, "sessions", plan.sessions);
  if (matrix["frame"]) set_frames(plan, matrix["frame"].as<std::vector<unsigned>>());
  if (matrix["direction"]) set_ways(plan, matrix["direction"].as<std::vector<std::string>>());
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

void check(const Plan& plan) {
  for (const std::string& phase : plan.phases) {
    if (std::find(kPhases.begin(), kPhases.end(), phase) == kPhases.end()) {
      throw BadPlan("no such phase: " + phase);
    }
  }
  if (plan.protocol != "udp" && plan.protocol != "tcp") {
    throw BadPlan(fmt::format("protocol {}: udp or tcp are accepted", plan.protocol));
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
    po::store(po::command_line_parser(arguments).options(known).run(), values);
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
    check(plan);
  } catch (const std::exception& error) {
    std::cerr << "linerate: " << error.what() << "\n";
    return kBadUsage;
  }
  if (plan.sluice.empty()) plan.sluice = beside_this_program();
  return plan;
}

}  // namespace sluice::bench
