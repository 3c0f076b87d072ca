// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/actions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/duration.h"
#include "console/session_tasks.h"
#include "telemetry/log.h"
#include "telemetry/telemetry.h"

namespace sluice::console {
namespace {

/// A worker's longest turns, which only it may write.
struct ForgetLongest : gateway::Errand {
  explicit ForgetLongest(gateway::Worker& of) : worker(of) {
    step = [](gateway::Errand& self, nat::FlowTable&, Instant) noexcept {
      gateway::Load& load = static_cast<ForgetLongest&>(self).worker.load();
      load.longest_since_cleared.set(0);
      load.longest_busy_since_cleared.set(0);
      return true;
    };
  }
  gateway::Worker& worker;
};

/// What the console changes holds until the configuration is read again.
constexpr std::string_view kUntil = "until the next reload";

Reply in_force(Session& session, config::Config changed, const std::string& what) {
  const Status status = session.gateway.reload(std::move(changed));
  if (!status) return failed(status.error() + "\n");
  telemetry::log().info("console: {}", what);
  return done(what + "\n");
}

std::chrono::seconds* timeout_named(config::Timeouts& timeouts, std::string_view name) {
  if (name == "tcp_established") return &timeouts.tcp_established;
  if (name == "tcp_transitory") return &timeouts.tcp_transitory;
  if (name == "tcp_closed") return &timeouts.tcp_closed;
  return name == "udp" ? &timeouts.udp : &timeouts.icmp;
}

config::LogLevel level_named(std::string_view name) {
  for (const auto level :
       {config::LogLevel::kError, config::LogLevel::kWarning, config::LogLevel::kInfo}) {
    if (telemetry::word(level) == name) return level;
  }
  return config::LogLevel::kDebug;
}

/// Takes an address out of a pool; false if that would leave none.
bool take_out(std::vector<Ipv4Addr>& pool, Ipv4Addr address) {
  if (pool.size() == 1 && pool.front() == address) return false;
  std::erase(pool, address);
  return true;
}

View drained_view(const telemetry::Census& census, Ipv4Addr address) {
  const auto use = census.addresses().find(address);
  const bool any = use != census.addresses().end();
  return {{"address", address.to_string()},
          {"state", "draining: it gets no new flows"},
          {"sessions_left", any ? use->second.sessions : 0},
          {"mappings_left", any ? use->second.mappings : 0}};
}

}  // namespace

Reply clear_counters(Session& session, const Arguments&) {
  session.telemetry.clear_counters();
  for (std::uint8_t i = 0; i < session.gateway.workers().size(); ++i) {
    session.gateway.send(WorkerId{i},
                         std::make_shared<ForgetLongest>(*session.gateway.workers()[i]));
  }
  return done("counters, drops and latency are shown from now on; metrics go on as they were\n");
}

Reply start(Session& session, const Arguments&) {
  if (session.gateway.forwards()) return failed("the gateway forwards already\n");
  session.gateway.resume();
  telemetry::log().info("console: started");
  return done("forwarding; what waited in the devices' queues comes first\n");
}

Reply stop(Session& session, const Arguments&) {
  if (!session.gateway.forwards()) return failed("the gateway is stopped already; start resumes\n");
  session.gateway.halt();
  telemetry::log().info("console: stopped");
  return done("stopped: nothing more is received, sessions stay; start resumes\n");
}

Reply drain(Session& session, const Arguments& arguments) {
  const auto asked = arguments.address("address");
  const std::string text = arguments.text("address");
  const bool in_use = asked->is_v4() && session.gateway.snapshot().enis.about(asked->v4()).snat;
  if (!in_use && asked->is_v4() && session.drained.contains(asked->v4())) {
    return std::make_unique<CensusTask>(
        session, arguments,
        [address = asked->v4()](const auto& census) { return drained_view(census, address); });
  }
  if (!in_use) {
    return failed(
        fmt::format("{} is no address that flows are translated to; show ports lists "
                    "them\n",
                    text));
  }
  config::Config changed = session.gateway.config();
  bool left = take_out(changed.snat.source, asked->v4());
  for (auto& rule : changed.snat.rules) left = left && take_out(rule.source, asked->v4());
  if (!left) {
    return failed(
        fmt::format("{} is the last address of its pool: new flows would find none\n", text));
  }
  session.drained.insert(asked->v4());
  return in_force(session, std::move(changed),
                  fmt::format("{} gets no new flows {}; drain {} again says how many are left",
                              text, kUntil, text));
}

Reply quit(Session& session, const Arguments&) {
  session.quit = true;
  return done("stopping\n");
}

Reply reload(Session& session, const Arguments&) {
  const auto outcome = session.reloader.reload("console");
  const std::string text = fmt::format("{}\n", fmt::join(outcome.lines, "\n"));
  return outcome.ok ? done(text) : failed(text);
}

Reply set_log_level(Session& session, const Arguments& arguments) {
  const config::LogLevel before = telemetry::log().level();
  const config::LogLevel wanted = level_named(arguments.text("level"));
  config::Config changed = session.gateway.config();
  changed.log_level = wanted;
  // The change is written as long as either of both levels lets it through.
  telemetry::log().set_level(std::max(before, wanted));
  Reply reply = in_force(session, std::move(changed),
                         fmt::format("log.level: {} {}", telemetry::word(wanted), kUntil));
  telemetry::log().set_level(session.gateway.config().log_level);
  return reply;
}

Reply set_steering(Session& session, const Arguments& arguments) {
  using Mode = gateway::Steering::Mode;
  const bool software = arguments.text("steering") == "software";
  session.gateway.steering().set_mode(software ? Mode::kSoftware : Mode::kAuto);
  const std::string what =
      software ? "software moves packets to their workers until set steering auto"
               : "NICs are set up and tried anew; show steering tells what came of it";
  telemetry::log().info("console: {}", what);
  return done(what + "\n");
}

Reply set_timeout(Session& session, const Arguments& arguments) {
  const std::string name = arguments.text("timeout");
  config::Config changed = session.gateway.config();
  const auto span = config::parse_duration(arguments.text("duration")).value();
  *timeout_named(changed.flows.timeouts, name) = span;
  return in_force(
      session, std::move(changed),
      fmt::format("flows.timeouts.{}: {}s {}, for open flows too", name, span.count(), kUntil));
}

}  // namespace sluice::console
