// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A trace or a capture under way: puts a tap into every worker, reads what they copy out, and
/// turns it into lines or into a pcapng file. A packet that goes from one worker to another is one
/// packet. One recording at a time. Owner: the main thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/tap.h"
#include "telemetry/pcapng.h"

namespace sluice::telemetry {

class Recording {
 public:
  struct Wish {
    gateway::TapFilter filter;
    std::uint32_t packets = 0;
    std::string path;  ///< of a capture; empty: a trace
  };
  static Result<std::unique_ptr<Recording>> start(gateway::Gateway& gateway, const Wish& wish);
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// The main thread's turn; takes the taps away once there is all that was wished for, and what
  /// became of it.
  void turn();
  void stop();

  [[nodiscard]] bool is_capture() const { return file_ != nullptr || closed_; }
  [[nodiscard]] bool running() const { return !taps_.empty(); }
  /// Why the file could not be written, which ended the capture; empty: it could.
  [[nodiscard]] const std::string& file_error() const { return file_error_; }
  [[nodiscard]] std::uint64_t packets_in_file() const { return packets_in_file_; }  ///< once closed
  [[nodiscard]] const Wish& wish() const { return wish_; }
  [[nodiscard]] std::uint32_t packets() const { return packets_; }
  [[nodiscard]] std::uint64_t lost() const;  ///< copies for which the ring had no room

  /// Of a trace: a packet, and what each stage changed about it.
  struct Step {
    std::string stage, change;
  };
  struct Traced {
    std::string packet;
    std::vector<Step> steps;
  };
  [[nodiscard]] const std::vector<Traced>& traced() const { return traced_; }

 private:
  Recording(gateway::Gateway& gateway, const Wish& wish);
  /// How far a packet has come whose end is not known yet.
  struct Known {
    std::size_t place = 0;  ///< in `traced_`
    WorkerId worker{};
    std::vector<std::string> last;
  };

  void read();
  [[nodiscard]] bool comes_early(const gateway::TapRecord& record) const;
  void take_in(const gateway::TapRecord& record);
  [[nodiscard]] bool begin(const gateway::TapRecord& record);
  void write(const gateway::TapRecord& record);
  void note(const gateway::TapRecord& record, Known& known);
  [[nodiscard]] std::string device(DeviceId id) const;
  [[nodiscard]] std::string outcome(const gateway::TapRecord& record) const;

  gateway::Gateway& gateway_;
  Wish wish_;
  std::uint32_t packets_ = 0;
  std::vector<std::unique_ptr<gateway::Tap>> taps_;  ///< by worker; none once it is over
  std::unique_ptr<PcapngWriter> file_;
  bool closed_ = false;
  std::string file_error_;
  std::uint64_t packets_in_file_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t start_cycles_, start_ns_;
  std::vector<Traced> traced_;
  std::unordered_map<std::uint32_t, Known> known_;  ///< by the packet's number
  /// Of packets that another worker handed on, read before what that worker says of them.
  std::vector<gateway::TapRecord> early_;
  std::uint64_t complete_at_ = 0;  ///< cycles; when the last packet wished for came; 0: not yet
};

}  // namespace sluice::telemetry
