// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/check_task.h"

#include <fmt/format.h>

#include <filesystem>

#include "config/files.h"
#include "reload/impact.h"

namespace sluice::console {
namespace {

/// About a millisecond: ARP and neighbour discovery wait no longer than that for their turn.
constexpr unsigned kRecordsAStep = 1024;

class CheckTask : public Task {
 public:
  CheckTask(Session& session, std::unique_ptr<reload::Impact> impact, bool json)
      : session_(session), impact_(std::move(impact)), json_(json) {
    session_.busy = true;
  }
  ~CheckTask() override { session_.busy = false; }
  CheckTask(const CheckTask&) = delete;
  CheckTask& operator=(const CheckTask&) = delete;

  std::optional<Answer> step() override {
    if (impact_->step(kRecordsAStep)) return std::nullopt;
    return done(json_ ? impact_->to_json() : impact_->to_text());
  }

 private:
  Session& session_;
  std::unique_ptr<reload::Impact> impact_;
  bool json_;
};

}  // namespace

Reply start_check(Session& session, const Arguments& arguments) {
  const std::string file = std::filesystem::absolute(arguments.text("file")).string();
  if (session.busy) return failed("another check is under way; ask again when it is done\n");
  reload::Origin origin = session.reloader.origin();
  origin.path = file;
  config::Loaded loaded = origin.load(config::disk());
  if (!loaded.config) {
    std::string text;
    for (const auto& problem : loaded.problems) text += config::to_text(problem) + "\n";
    return failed(text);
  }
  auto impact = reload::Impact::begin(session.gateway, std::move(*loaded.config));
  if (!impact) return failed(fmt::format("{}: {}\n", file, impact.error()));
  return std::make_unique<CheckTask>(session, std::move(impact).value(), arguments.json);
}

}  // namespace sluice::console
