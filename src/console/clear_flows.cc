// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include "console/session_tasks.h"
#include "console/show.h"

namespace sluice::console {
namespace {

/// Ends what matches, some records a turn; the worker forwards in between.
struct EndSessions : gateway::Errand {
  explicit EndSessions(const gateway::SessionFilter& which) : filter(which) {
    step = [](gateway::Errand& self, nat::FlowTable& table, Instant now) noexcept {
      constexpr std::uint32_t kRecords = 256;
      auto& errand = static_cast<EndSessions&>(self);
      for (std::uint32_t i = 0; i < kRecords; ++i) {
        if (errand.next >= table.touched()) return true;
        errand.look_at(table, nat::SessionIndex{errand.next++}, now);
      }
      return false;
    };
  }

  void look_at(nat::FlowTable& table, nat::SessionIndex index, Instant now) noexcept {
    const nat::Session& session = table.at(index);
    if (session.state() == nat::SessionState::kFree) return;
    if (!filter.matches(session.identity, now.since(Instant{session.last_seen.get()}))) return;
    table.erase(index, now);
    ++ended;
  }

  gateway::SessionFilter filter;
  std::uint32_t next = 0;
  std::uint64_t ended = 0;
};

class ClearTask : public Task {
 public:
  ClearTask(Session& session, const Arguments& arguments) : arguments_(arguments) {
    for (std::uint8_t i = 0; i < session.gateway.workers().size(); ++i) {
      errands_.push_back(std::make_shared<EndSessions>(filter_of(arguments)));
      session.gateway.send(WorkerId{i}, errands_.back());
    }
  }

  std::optional<Answer> step() override {
    std::uint64_t ended = 0;
    for (const auto& errand : errands_) {
      if (!errand->done.load(std::memory_order_acquire)) return std::nullopt;
      ended += errand->ended;
    }
    return arguments_.json
               ? shown({{"ended", ended}}, arguments_)
               : done(fmt::format("{} session{} ended\n", ended, ended == 1 ? "" : "s"));
  }

 private:
  Arguments arguments_;
  std::vector<std::shared_ptr<EndSessions>> errands_;
};

}  // namespace

Reply clear_flows(Session& session, const Arguments& arguments) {
  if (filter_of(arguments).matches_all() && !arguments.has("all")) {
    return Answer{Answer::Status::kBadUsage,
                  "this would end every session; say which, or `clear flows all`\n"};
  }
  return std::make_unique<ClearTask>(session, arguments);
}

}  // namespace sluice::console
