// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <rte_eal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>

#include "cli/commands.h"
#include "console/show.h"
#include "console/socket.h"
#include "console/terminal.h"
#include "gateway/eal.h"
#include "gateway/gateway.h"
#include "reload/reloader.h"
#include "telemetry/dpdk_telemetry.h"
#include "telemetry/http_server.h"
#include "telemetry/log.h"
#include "telemetry/refusals.h"
#include "telemetry/session_log.h"
#include "telemetry/telemetry.h"

namespace sluice::cli {
namespace {

using telemetry::log;

/// The configuration, with the log set up by it. Whoever reads the log as JSON finds the warnings
/// there; errors end the program before it has a log.
std::optional<config::Config> configured(config::Loaded loaded) {
  const bool as_lines = !config::has_errors(loaded.problems) && loaded.config &&
                        loaded.config->log_format == config::LogFormat::kJson;
  const config::Problems told = as_lines ? std::exchange(loaded.problems, {}) : config::Problems{};
  auto config = or_problems(std::move(loaded));
  if (config) log().configure(config->log_level, config->log_format);
  for (config::Problem problem : told) {
    problem.severity = config::Severity::kError;  // the log says itself how grave a line is
    log().warning("{}", config::to_text(problem));
  }
  return config;
}

gateway::EalRequest eal_request(const config::Config& config, const Options& options) {
  gateway::EalRequest request;
  request.workers = config.gateway.workers;
  for (const auto& eni : config.enis) request.devices.push_back(eni.device);
  for (const auto& port : config.pod_ports) request.devices.push_back(port.device);
  request.memory_bytes = gateway::Gateway::memory_needed(config);
  request.extra = options.eal;
  return request;
}

/// Signals are read like any other input; blocked before threads start, so that all inherit it.
int block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// Whether a SIGHUP says that the terminal we were started from is gone (termios(3)), and not that
/// somebody wants a reload: the kernel's own, or the one that a shell hands on to its jobs.
bool is_hang_up(const signalfd_siginfo& info) {
  if (info.ssi_code == SI_KERNEL) return true;
  if (static_cast<pid_t>(info.ssi_pid) != ::getsid(0)) return false;
  const int terminal = ::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal >= 0) ::close(terminal);
  return terminal < 0;
}

/// Takes the signals that came; true when one of them ends the gateway.
bool take_signals(int signals, reload::Reloader& reloader, telemetry::SessionLog& sessions) {
  signalfd_siginfo info{};
  while (::read(signals, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo != SIGHUP) return true;
    if (is_hang_up(info)) {
      log().info("the terminal has hung up; the gateway goes on as it is");
      continue;
    }
    // First, and whatever the configuration says by now: the file may have been moved away.
    if (const Status reopened = sessions.reopen(); !reopened) log().error("{}", reopened.error());
    reloader.reload("SIGHUP");
  }
  return false;
}

void serve(gateway::Gateway& gateway,
           console::SocketServer& socket,
           reload::Reloader& reloader,
           telemetry::Telemetry& telemetry,
           telemetry::SessionLog& sessions,
           int signals,
           const Options& options) {
  constexpr int kTurnMs = 1;
  console::Session session{gateway, reloader, telemetry};
  telemetry::Refusals refusals;
  std::optional<console::Terminal> terminal;
  if (options.console) {
    terminal.emplace([&](std::string_view line) { return console::run(line, session); },
                     "this is the gateway's own terminal; quit stops the gateway");
  }
  while (!session.quit) {
    gateway.turn();
    telemetry.turn();
    reloader.turn();
    socket.poll(session);
    for (const telemetry::Refusal& refusal : refusals.due(gateway, gateway.now())) {
      log().warning("{}", to_text(refusal));
      sessions.note(refusal);
    }
    for (const std::string& message : sessions.take_messages()) log().warning("{}", message);
    for (const std::string& line : gateway.steering().take_news()) log().info("{}", line);
    for (const telemetry::Telemetry::News& news : telemetry.take_news()) {
      news.bad ? log().warning("{}", news.text) : log().info("{}", news.text);
    }
    if (terminal && !terminal->poll()) {
      // A session that was cut off is no wish to stop, and standard output went with it.
      terminal.reset();
      if (std::freopen("/dev/null", "w", stdout) == nullptr) log().warning("no /dev/null");
      log().warning("console: its terminal is gone; the gateway goes on, console.socket answers");
    }
    if (take_signals(signals, reloader, sessions)) return;
    pollfd wake{signals, POLLIN, 0};
    ::poll(&wake, 1, kTurnMs);
  }
}

/// Nothing where the configuration wants none.
Result<std::unique_ptr<telemetry::HttpServer>> listen_for_metrics(const config::Config& config) {
  if (config.metrics_listen.empty()) return std::unique_ptr<telemetry::HttpServer>();
  return telemetry::HttpServer::listen(config.metrics_listen);
}

void log_start(const gateway::Gateway& gateway, const gateway::EalChoice& eal) {
  const auto& config = gateway.config();
  log().info("gateway {}: {} worker{}, lcores {}, memory: {}", config.gateway.name,
             config.gateway.workers, config.gateway.workers == 1 ? "" : "s", eal.cores, eal.memory);
  std::size_t number = 0;
  const auto device = [&](const std::string& name) {
    const eni::Device& opened = *gateway.devices()[number++];
    log().info("{}: {}, MTU {}, {} queue{}", name, opened.driver(), opened.mtu(), opened.queues(),
               opened.queues() == 1 ? "" : "s");
  };
  for (const auto& eni : config.enis) device(eni.name);
  for (const auto& port : config.pod_ports) device(port.name);
  const nat::FlowTable& table = gateway.workers().front()->table();
  log().info("flow table: {} sessions in {} pages", config.flows.capacity, table.page_kind());
}

}  // namespace

int run(const Options& options) {
  if (options.workers && (*options.workers < 1 || *options.workers > 128)) {
    fmt::print(stderr, "sluice: --workers {}: 1 to 128 are accepted\n", *options.workers);
    return kBadUsage;
  }
  const reload::Origin origin{options.config, options.workers};
  reload::ObservedFiles files;
  auto config = configured(origin.load(files));
  if (!config) return kBadUsage;
  const int signals = block_signals();
  std::signal(SIGPIPE, SIG_IGN);  // a vhost-user peer that goes away is no reason to go as well

  // First what needs no device: a second gateway must not disturb the one that runs.
  auto socket = console::SocketServer::listen(config->console_socket, config->console_group);
  if (!socket) {
    log().error("{}", socket.error());
    return kFailed;
  }
  auto outlets = telemetry::SessionLog::open(config->session_log);
  if (!outlets) {
    log().error("{}", outlets.error());
    return kFailed;
  }
  const auto eal = gateway::start_eal(eal_request(*config, options));
  if (const auto* error = std::get_if<gateway::EalError>(&eal)) {
    log().error("{}", error->message);
    return error->usage ? kBadUsage : kFailed;
  }
  int status = kDone;
  {
    // Its threads inherit the main thread's core: a scrape never runs on a worker's.
    const auto http = listen_for_metrics(*config);
    auto gateway = http ? gateway::Gateway::start(std::move(*config)) : Error{http.error()};
    if (gateway) {
      log_start(*gateway.value(), std::get<gateway::EalChoice>(eal));
      log().info("ready");
      telemetry::SessionLog sessions(*gateway.value(), std::move(outlets).value());
      reload::Reloader reloader(*gateway.value(), sessions, origin, std::move(files));
      telemetry::Telemetry telemetry(*gateway.value());
      telemetry.watch(sessions);
      const telemetry::DpdkTelemetry dpdk_telemetry(telemetry);
      if (http.value()) http.value()->serve(telemetry);
      serve(*gateway.value(), *socket.value(), reloader, telemetry, sessions, signals, options);
      if (http.value()) http.value()->stop();
      gateway.value()->stop();
      sessions.finish();
      for (const std::string& message : sessions.take_messages()) log().warning("{}", message);
      fmt::print("{}", console::counter_lines(*gateway.value()));
      std::fflush(stdout);
    } else {
      log().error("{}", gateway.error());
      status = kFailed;
    }
  }
  const std::filesystem::path run_time_files = rte_eal_get_runtime_dir();
  rte_eal_cleanup();
  if (std::get<gateway::EalChoice>(eal).own_files) {
    std::error_code ignored;
    std::filesystem::remove_all(run_time_files, ignored);
  }
  ::close(signals);
  return status;
}

}  // namespace sluice::cli
