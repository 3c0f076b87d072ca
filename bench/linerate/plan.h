// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What to measure: a YAML plan, and options that override it.
///
///     dut: sluice                    # sluice | testpmd-macswap | linux-nft | external
///     link: memif                    # memif | vhost | af_packet
///     protocol: udp                  # udp | tcp
///     seconds: 1                     # of a trial that counts
///     precision: 0.01                # of a rate that is searched
///     matrix:
///       sessions: [64512, 1032192]
///       frame: [64, 512]             # bytes with FCS
///       direction: [out, in, both]
///     phases: [establish, establish_rate, verify, maximum, no_drop, partial_drop,
///              latency, disturbance, flood, tear_down]
///     pairs: 10                      # of the phases disturbance and flood
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "linerate/tester.h"

namespace sluice::bench {

struct Plan {
  std::string dut = "sluice";
  std::string link = "memif";
  std::string protocol = "udp";
  double seconds = 1;
  double precision = 0.01;
  double rate = 0;      ///< of verification and establishment; 0: as fast as packets are taken
  unsigned pairs = 10;  ///< of trials with and without a disturbance or a flood
  std::vector<std::uint32_t> sessions{64'512};
  std::vector<std::uint16_t> frames{64};
  std::vector<Ways> ways{Ways::kBoth};
  std::vector<std::string> phases{"establish", "verify", "maximum"};

  // Where and how, from the command line alone.
  std::vector<std::string> devices;           ///< external: uplink and inner
  std::vector<std::string> tester_addresses;  ///< external: as routers on both sides
  std::vector<std::string> dut_addresses;     ///< external: the device's own
  std::string json;                           ///< file for the report
  std::string sluice;                         ///< the program
  unsigned tester_core = 0;
  unsigned worker_core = 1;
  bool quiet = false;
  std::vector<std::string> eal;  ///< what stands after "--"

  [[nodiscard]] bool has(const std::string& phase) const;
  [[nodiscard]] std::uint8_t protocol_number() const;
};

/// The plan, or the exit status after help or a mistake was printed.
[[nodiscard]] std::variant<Plan, int> read_plan(int argc, char** argv);

}  // namespace sluice::bench
