// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `explain` against a running gateway. The workers say, between two bursts, what their tables
/// hold of the flow; the packet and its reply then go through the pipeline over the
/// gateway's own policy, ENIs and neighbours, with a table of one flow that was copied from its
/// worker's. So nothing of the gateway changes: no session, port, counter or time.
///
/// Owner: the main thread. It takes some turns: step() until there is an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/explainer.h"
#include "gateway/gateway.h"

namespace sluice::explain {

/// What is said of one flow line.
struct LiveAnswer {
  Verdict verdict;
  std::optional<Verdict> reply;  ///< what the answer to it would meet
  WorkerId worker{};
  bool session_found = false;
  std::uint64_t sessions_of_pod = 0;         ///< counted only under flows.per_pod
  std::uint64_t sessions = 0, capacity = 0;  ///< of this worker
  bool next_hop_answers = false;
  /// Of a flow that would be translated anew: the worker's ports towards this remote.
  std::optional<std::uint32_t> ports, ports_free;
};

class LiveExplainer {
 public:
  LiveExplainer(gateway::Gateway& gateway, std::string line);
  ~LiveExplainer();
  LiveExplainer(const LiveExplainer&) = delete;
  LiveExplainer& operator=(const LiveExplainer&) = delete;

  /// Nothing yet, the answer, or what is wrong with the line.
  [[nodiscard]] std::optional<Result<LiveAnswer>> step();

 private:
  struct Holdings;
  struct CountPorts;

  [[nodiscard]] Result<WorkerId> find_owner();
  [[nodiscard]] Result<LiveAnswer> judge();
  void ask_for_ports(const pipeline::Packet& packet, const LiveAnswer& answer);
  [[nodiscard]] Simulator::Parts parts(WorkerId self) const;
  [[nodiscard]] LiveAnswer with_ports();

  gateway::Gateway& gateway_;
  std::string line_;
  WorkerId worker_{};
  std::vector<std::shared_ptr<Holdings>> holdings_;  ///< by worker
  std::shared_ptr<CountPorts> counting_;
  LiveAnswer answer_;
};

}  // namespace sluice::explain
