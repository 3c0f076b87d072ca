// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Answers flow lines, in order, against one simulated gateway whose table starts empty.
#pragma once

#include <optional>
#include <string_view>

#include "explain/flow_line.h"
#include "explain/simulator.h"
#include "explain/verdict.h"

namespace sluice::explain {

class Explainer {
 public:
  explicit Explainer(Simulator& simulator) : simulator_(simulator) {}

  /// The verdict on one line; nothing for lines that ask for none.
  [[nodiscard]] std::optional<Verdict> answer(std::string_view line);

 private:
  [[nodiscard]] Verdict answer_flow(std::string text, const FlowLine& flow);
  [[nodiscard]] Verdict answer_reply(std::string text);
  [[nodiscard]] Verdict send(std::string text, DeviceId in, FrameSpec spec);
  void fit_sequence_numbers(FrameSpec& spec);

  /// The packet that last left, from which a reply is made.
  struct Sent {
    FrameSpec spec;
    DeviceId device;
  };

  Simulator& simulator_;
  std::optional<Sent> last_;
};

}  // namespace sluice::explain
