// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What another configuration would change for the flows that are open now, if they began now:
/// each flow's first packet is sent through the pipeline itself, with that configuration and a
/// table of its own. Nothing of the running gateway is changed.
///
/// In slices: a step looks at some records, so that the main thread can turn in between. Flows that
/// come and go meanwhile are looked at or not.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "explain/simulator.h"
#include "gateway/gateway.h"

namespace sluice::reload {

class Impact {
 public:
  /// Compiles `candidate`. Cold: as long as a reload. Fails as a reload does for lack of memory.
  static Result<std::unique_ptr<Impact>> begin(const gateway::Gateway& gateway,
                                               config::Config candidate);

  /// Looks at the next `at_most` records; false once all have been looked at.
  bool step(unsigned at_most);

  [[nodiscard]] std::string to_text() const;
  [[nodiscard]] std::string to_json() const;  ///< one object, one line

  /// How a flow would be decided differently.
  enum class Kind { kSnatToPreserve, kPreserveToSnat, kToDrop, kOtherSource, kOther };
  static constexpr std::size_t kKinds = 5;

 private:
  struct Example {
    Kind kind;
    std::string flow, now, source_now, then, source_then, rule, reason;
  };

  Impact(const gateway::Gateway& gateway, std::unique_ptr<explain::Simulator> simulator);
  void look_at(const nat::FlowTable& table, nat::SessionIndex index);
  [[nodiscard]] DeviceId same_device(DeviceId running) const;
  void count(Kind kind, const nat::SessionIdentity& flow, const pipeline::Packet& packet);

  const gateway::Gateway& gateway_;
  std::unique_ptr<explain::Simulator> simulator_;
  std::string path_;
  std::vector<std::string> restart_;  ///< keys that only a restart would change
  std::vector<std::string> differences_;
  std::size_t worker_ = 0;
  std::uint32_t record_ = 0;
  std::uint64_t sessions_ = 0;
  std::array<std::uint64_t, kKinds> counts_{};
  std::vector<Example> examples_;
};

}  // namespace sluice::reload
