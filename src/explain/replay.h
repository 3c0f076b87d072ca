// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sends captures through the pipeline: one a device, merged by time stamp.
///
/// Unicast frames are taken as addressed to the device they are given for, whatever MAC address
/// they carry: the capture knows the gateway that was, not the one that is asked. Frames that
/// leave carry made-up MAC addresses, the next hop's address in the last four bytes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/capture.h"
#include "explain/simulator.h"
#include "explain/verdict.h"

namespace sluice::explain {

class Replay {
 public:
  struct Input {
    DeviceId device;
    std::string path;
  };
  /// Opens the captures, and one output a device in `out_dir`, which is made if missing.
  static Result<std::unique_ptr<Replay>> open(Simulator& simulator,
                                              const std::vector<Input>& inputs,
                                              const std::string& out_dir);

  /// Runs to the end of all inputs; each packet's verdict goes to `tell`. An error names the file
  /// that broke off; what came before it has been told and written.
  Status run(const std::function<void(const Verdict&)>& tell);

 private:
  explicit Replay(Simulator& simulator) : simulator_(simulator) {}

  struct Source {
    DeviceId device;
    std::unique_ptr<CaptureReader> capture;
  };
  [[nodiscard]] Source* earliest();
  Verdict process(const Source& source);
  void write(const pipeline::Packet& packet, std::uint64_t time_ns);
  void keep_time(std::uint64_t time_ns);

  Simulator& simulator_;
  std::vector<Source> sources_;
  std::vector<std::unique_ptr<CaptureWriter>> outputs_;  ///< by DeviceId
  std::string out_dir_;
  std::optional<std::uint64_t> clock_ns_;  ///< of the capture, where the simulation stands
  std::vector<std::uint8_t> buffer_;
};

}  // namespace sluice::explain
