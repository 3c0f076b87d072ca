// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What operators and their programs do to a gateway while it forwards. All of it runs on the
/// tester's core: what is asked is what it costs the worker, which has a core of its own.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "linerate/process.h"

namespace sluice::bench {

enum class Disturbance : std::uint8_t {
  kWatched,   ///< three consoles that dump the flow table over and over, a scrape every second
  kOperated,  ///< a reload and a scrape every second; the tester opens flows besides
  kCaptured,  ///< a capture of all packets
  kFiltered,  ///< a capture of one pod's packets
};
inline constexpr std::array kDisturbances{Disturbance::kWatched, Disturbance::kOperated,
                                          Disturbance::kCaptured, Disturbance::kFiltered};
[[nodiscard]] const char* name_of(Disturbance kind);

/// How a gateway's console and metrics are reached.
struct Entrances {
  std::string sluice;   ///< the program
  std::string socket;   ///< of its console
  std::string metrics;  ///< ADDRESS:PORT
};

/// Goes on until it is destroyed.
class Disturbers {
 public:
  static Result<std::unique_ptr<Disturbers>> start(Disturbance kind,
                                                   const Entrances& entrances,
                                                   unsigned core,
                                                   const std::string& folder);
  /// An error, with what it said, when one of them could not go on.
  [[nodiscard]] Status all_go_on() const;

 private:
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace sluice::bench
