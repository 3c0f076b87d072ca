// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// `explain` against a running gateway. The workers say, between two bursts, what their tables
/// hold of the flow; the packet and its reply then go through the pipeline over the
/// gateway's own policy, ENIs and neighbours, with a table of one flow that was copied from its
/// worker's. A flow that would open asks them once more what room they have for it, in the order
/// the packet would, and goes through the pipeline as that says. So nothing of the gateway changes:
/// no session, port, counter or time.
///
/// Owner: the main thread. It takes some turns: step() until there is an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explain/explainer.h"
#include "explain/room.h"
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
  /// Of a flow that would be translated anew: the worker's ports towards this remote, of the
  /// address that serves, else of the first.
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
  struct Opening;

  [[nodiscard]] Result<WorkerId> find_owner();
  [[nodiscard]] Result<LiveAnswer> judge();
  [[nodiscard]] LiveAnswer judge_with(Simulator& over);
  void send(Simulator& over, LiveAnswer& answer);
  void note_opening(Simulator& over, const pipeline::Packet& packet);
  void note_pool(Opening& opening, const pipeline::Packet& packet, bool on_mapping);
  [[nodiscard]] RoomRequest request_to(WorkerId worker) const;
  [[nodiscard]] std::optional<Result<LiveAnswer>> search();
  [[nodiscard]] Result<LiveAnswer> conclude(const Room& room, bool reclaims);
  void refuse(pipeline::DropReason reason);
  [[nodiscard]] Result<LiveAnswer> judge_again(const Room::External& external);
  [[nodiscard]] Simulator::Parts parts(WorkerId self) const;

  gateway::Gateway& gateway_;
  std::string line_;
  WorkerId worker_{};
  std::vector<std::shared_ptr<Holdings>> holdings_;  ///< by worker
  WorkerId home_{};
  std::unique_ptr<Opening> opening_;
  std::vector<std::shared_ptr<Room>> rooms_;  ///< by visit, from the flow's home on
  LiveAnswer answer_;
};

}  // namespace sluice::explain
