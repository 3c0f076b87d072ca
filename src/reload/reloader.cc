// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "reload/reloader.h"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/known_addresses.h"
#include "reload/difference.h"
#include "telemetry/log.h"

namespace sluice::reload {
namespace {

using telemetry::log;
using Clock = FileWatch::Clock;
using namespace std::chrono_literals;

constexpr std::size_t kMostProblems = 50;
constexpr std::chrono::milliseconds kInterval{60'000};  // where no agent's file says another
constexpr std::chrono::milliseconds kLeastInterval{1'000};

std::vector<std::string> texts_of(const config::Problems& problems, config::Severity severity) {
  std::vector<std::string> lines;
  for (config::Problem problem : problems) {
    if (problem.severity != severity) continue;
    problem.severity = config::Severity::kError;  // the log says itself how grave a line is
    lines.push_back(config::to_text(problem));
  }
  if (lines.size() > kMostProblems) {
    const std::size_t rest = lines.size() - kMostProblems;
    lines.resize(kMostProblems);
    lines.push_back(fmt::format("and {} more problems; sluice check lists all", rest));
  }
  return lines;
}

const char* plural(std::uint64_t count) { return count == 1 ? "" : "s"; }

}  // namespace

config::Loaded Origin::load(const config::Files& files) const {
  config::Loaded loaded = config::load(path, files);
  if (loaded.config && workers) loaded.config->gateway.workers = *workers;
  return loaded;
}

Reloader::Reloader(gateway::Gateway& gateway,
                   telemetry::SessionLog& sessions,
                   Origin origin,
                   ObservedFiles seen)
    : gateway_(gateway), sessions_(sessions), origin_(std::move(origin)), seen_(std::move(seen)) {
  watch();
}

/// Watches what was last looked at. A change between looking and watching would go unseen, so
/// everything is looked at once more, soon.
void Reloader::watch() {
  const Status watching = files_.watch(seen_.paths());
  if (!watching && watching_) {
    log().warning("{}; changed files are noticed every {} ms only", watching.error(),
                  interval().count());
  }
  watching_ = watching.ok();
  next_look_ = Clock::now();
}

std::chrono::milliseconds Reloader::interval() const {
  const config::SnatConfig& snat = gateway_.config().snat;
  const config::IpMasqAgentFile* file = snat.ip_masq_agent ? &snat.ip_masq_agent->file
                                        : snat.gke         ? &snat.gke->file
                                                           : nullptr;
  return std::max(file != nullptr && file->present ? file->resync_interval : kInterval,
                  kLeastInterval);
}

void Reloader::turn() {
  const auto now = Clock::now();
  if (now >= next_look_) {
    next_look_ = now + interval();
    // What is being written may be half of it: wait for quiet here, too.
    if (seen_.changed()) files_.touch(now);
  }
  if (files_.poll(now)) check();
  tell_of_sessions();
}

void Reloader::check() {
  if (seen_.changed()) {
    reload("a file changed");
  } else {
    watch();  // nothing says anything else, but links may lead another way
  }
}

Reloader::Outcome Reloader::refused(std::vector<std::string> problems,
                                    std::string why,
                                    bool again) {
  last_failed_ = true;
  if (again) {
    log().error("{}, as before", why);
  } else {
    for (const std::string& problem : problems) log().error("{}", problem);
    log().error("{}", why);
  }
  problems.push_back(std::move(why));
  return {false, std::move(problems)};
}

Reloader::Outcome Reloader::reload(std::string_view cause) {
  // Asked again about content that was refused already: its problems have been told.
  const bool again = last_failed_ && !seen_.changed();
  ObservedFiles files;
  config::Loaded loaded = origin_.load(files);
  seen_ = std::move(files);
  watch();
  if (!loaded.config) {
    return refused(
        texts_of(loaded.problems, config::Severity::kError),
        fmt::format("{} has errors ({}); the running configuration stays", origin_.path, cause),
        again);
  }
  const auto refused_for = [&](const std::string& why) {
    return refused({}, fmt::format("{}: {} ({})", origin_.path, why, cause), again);
  };
  auto sessions = sessions_.prepare(loaded.config->session_log);
  if (!sessions) return refused_for(sessions.error());
  const config::Config before = gateway_.config();
  const Status done = gateway_.reload(std::move(*loaded.config));
  if (!done) return refused_for(done.error());
  sessions_.use(std::move(sessions).value());

  last_failed_ = false;
  const config::Config& after = gateway_.config();
  log().configure(after.log_level, after.log_format);
  std::vector<std::string> warnings = texts_of(loaded.problems, config::Severity::kWarning);
  for (const std::string& warning : warnings) {
    const bool told = std::find(warnings_.begin(), warnings_.end(), warning) != warnings_.end();
    if (!told) log().warning("{}", warning);
  }
  warnings_ = std::move(warnings);
  const std::vector<std::string> changes = differences(before, after);
  Outcome outcome{
      true,
      {fmt::format("{} is in force ({}): {}", origin_.path, cause,
                   changes.empty() ? "nothing is different" : "new flows see these differences")}};
  for (const std::string& change : changes) outcome.lines.push_back("  " + change);
  for (const std::string& line : outcome.lines) log().info("{}", line);
  return outcome;
}

void Reloader::tell_of_sessions() {
  const auto revised = gateway_.revised();
  if (!revised.complete) return;
  const std::uint64_t ended = revised.ended - told_.ended;
  const std::uint64_t moved = revised.moved - told_.moved;
  told_ = revised;
  if (ended != 0) {
    log().warning("{} session{} ended: no ENI may emit their source address any more", ended,
                  plural(ended));
  }
  if (moved != 0) {
    log().info("{} session{} go on by another ENI, which their source address has moved to", moved,
               plural(moved));
  }
}

}  // namespace sluice::reload
