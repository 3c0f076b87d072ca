// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What is measured: started and stopped by the tester, or somebody else's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "linerate/disturbance.h"
#include "linerate/link.h"

namespace sluice::bench {

/// What a device's worker spent on packets: without the turns in which there were none.
struct Busy {
  std::uint64_t cycles = 0;
  std::uint64_t packets = 0;
  std::uint64_t poll_gaps = 0;  ///< turns of more than 50 us, where it counts them
};

/// What a device refused since its start, by reason, and the memory it has.
struct Standing {
  std::map<std::string, std::uint64_t> drops;
  std::uint64_t resident_bytes = 0;
};

/// Thrown where the run was when the device ended by itself, or did not answer what it has to.
struct DeviceFailed {
  std::string why;
};

class DeviceUnderTest {
 public:
  struct Options {
    std::string folder;          ///< for its files
    std::uint32_t sessions = 0;  ///< that it has to hold
    bool short_lived = false;    ///< TCP connections that were not answered end after a second
    std::string sluice;          ///< the program
    unsigned tester_core = 0;    ///< also for its main thread
    unsigned worker_core = 1;
  };

  virtual ~DeviceUnderTest() = default;
  DeviceUnderTest(const DeviceUnderTest&) = delete;
  DeviceUnderTest& operator=(const DeviceUnderTest&) = delete;

  /// "sluice", "testpmd-macswap", "linux-nft" or "external".
  static Result<std::unique_ptr<DeviceUnderTest>> make(const std::string& name,
                                                       const Links& links,
                                                       const Options& options);

  virtual Status start() = 0;
  /// Ends it; it can be started again, and has then forgotten everything.
  virtual void stop() = 0;
  /// How it ended, if it has though nobody stopped it.
  [[nodiscard]] virtual std::optional<std::string> ended() { return std::nullopt; }
  /// Throws DeviceFailed if it has ended; a signal to us, which it may have got too, is said first.
  void require_that_it_runs();
  /// Since the start, where it can tell.
  [[nodiscard]] virtual std::optional<Busy> busy() { return std::nullopt; }
  /// Whether busy() has to have an answer.
  [[nodiscard]] virtual bool tells_busy() const { return false; }
  [[nodiscard]] virtual std::optional<Standing> standing() { return std::nullopt; }
  /// Does this to it from here on, until what is returned is destroyed.
  [[nodiscard]] virtual Result<std::unique_ptr<Disturbers>> disturb(Disturbance) {
    return Error{"there is no way to disturb this device"};
  }
  /// What it said, for when it does not work.
  [[nodiscard]] virtual std::string log() const { return ""; }
  /// Whether it has addresses, and translates.
  [[nodiscard]] virtual bool is_gateway() const { return true; }

 protected:
  DeviceUnderTest() = default;
};

}  // namespace sluice::bench
