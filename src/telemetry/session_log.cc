// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/session_log.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace sluice::telemetry {
namespace {

constexpr auto kPause = std::chrono::milliseconds(10);
constexpr std::size_t kBatch = 1024;

UtcMs utc_now() {
  using namespace std::chrono;
  const auto now = system_clock::now().time_since_epoch();
  return {static_cast<std::uint64_t>(duration_cast<milliseconds>(now).count())};
}

std::uint32_t limit_of(pipeline::DropReason reason, const config::FlowsConfig& flows) {
  if (reason == pipeline::DropReason::kFlowTableFull) return flows.capacity;
  return reason == pipeline::DropReason::kPodLimit ? flows.per_pod : 0;
}

/// A pod is refused for lack of ports only when no address of its pool has one.
std::vector<Ipv4Addr> exhausted_addresses(const Refusal& refusal, const policy::Policy& policy) {
  if (refusal.reason != pipeline::DropReason::kPortsExhausted) return {};
  const policy::Decision decision =
      policy.decide(Ipv4Addr{refusal.last.source}, Ipv4Addr{refusal.last.destination});
  if (decision.verdict != policy::Verdict::kSnat) return {};  // a reload was faster
  return policy.pools()[decision.pool.value].addresses;
}

}  // namespace

Result<Outlets> SessionLog::open(const config::SessionLogConfig& config) {
  Outlets outlets;
  if (!config.json.empty()) {
    auto json = SessionJson::open(config.json);
    if (!json) return Error{json.error()};
    outlets.json = std::move(json).value();
  }
  if (!config.ipfix.collector.empty()) {
    auto ipfix = IpfixExporter::open(config.ipfix);
    if (!ipfix) return Error{ipfix.error()};
    outlets.ipfix = std::move(ipfix).value();
  }
  return outlets;
}

SessionLog::SessionLog(gateway::Gateway& gateway, Outlets outlets)
    : gateway_(gateway), utc_(utc_now(), clock_.now()) {
  if (outlets.json) outlets.json->add_start(utc_now(), gateway.config().gateway.name);
  if (gateway.config().session_log.on()) send({true, true, std::move(outlets), {}});
}

SessionLog::~SessionLog() { stop_thread(); }

// --- the main thread -------------------------------------------------------------------------

Result<SessionLog::Change> SessionLog::prepare(const config::SessionLogConfig& next) const {
  const config::SessionLogConfig& current = gateway_.config().session_log;
  Change change;
  change.json = next.json != current.json;
  change.ipfix = next.ipfix != current.ipfix;
  config::SessionLogConfig wanted;
  if (change.json) wanted.json = next.json;
  if (change.ipfix) wanted.ipfix = next.ipfix;
  auto outlets = open(wanted);
  if (!outlets) return Error{outlets.error()};
  change.outlets = std::move(outlets).value();
  return change;
}

void SessionLog::use(Change change) {
  if (change.json || change.ipfix) send(std::move(change));
}

Status SessionLog::reopen() {
  config::SessionLogConfig wanted;
  wanted.json = gateway_.config().session_log.json;
  if (wanted.json.empty()) return success();
  auto outlets = open(wanted);
  if (!outlets) return Error{outlets.error() + "; the file that was open stays in use"};
  send({true, false, std::move(outlets).value(), {}});
  return success();
}

void SessionLog::send(Change change) {
  for (const auto& worker : gateway_.workers()) {
    if (worker->session_events() != nullptr) change.sources.push_back(worker->session_events());
  }
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
    hurry_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) return;
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "session-log");
}

void SessionLog::note(const Refusal& refusal) {
  if (!thread_.joinable()) return;
  ExhaustionRecord record{utc_now(), refusal,
                          exhausted_addresses(refusal, *gateway_.snapshot().policy),
                          limit_of(refusal.reason, gateway_.config().flows)};
  const std::lock_guard lock(mutex_);
  exhaustions_.push_back(std::move(record));
}

std::vector<std::string> SessionLog::take_messages() {
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

void SessionLog::stop_thread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    hurry_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void SessionLog::finish() {
  stop_thread();
  if (!gateway_.config().session_log.on()) return;
  // No more at a time than the queue takes: nothing is lost of what is ended here.
  const std::uint32_t records =
      std::min<std::uint32_t>(kBatch / 2, gateway_.config().session_log.queue);
  for (std::uint8_t i = 0; i < sources_.size(); ++i) {
    while (gateway_.end_sessions(WorkerId{i}, records)) drain();
  }
  drain();
}

// --- its own thread --------------------------------------------------------------------------

void SessionLog::run() {
  for (bool stop = false; !stop;) {
    const bool more = drain();
    std::unique_lock lock(mutex_);
    const auto called = [this] { return stop_ || !changes_.empty(); };
    if (!more) wake_.wait_for(lock, kPause, called);
    stop = stop_;
    std::vector<Change> changes = std::exchange(changes_, {});
    const std::vector<ExhaustionRecord> exhaustions = std::exchange(exhaustions_, {});
    lock.unlock();
    for (const ExhaustionRecord& record : exhaustions) write(record, utc_now());
    for (Change& change : changes) take_over(std::move(change));
    lock.lock();
    hurry_ = stop_ || !changes_.empty();
  }
  while (drain()) {
  }
}

/// What happened before goes where it went before.
void SessionLog::take_over(Change change) {
  constexpr unsigned kWholeQueue = (1U << 20) / kBatch;
  for (unsigned i = 0; i <= kWholeQueue && drain(); ++i) {
  }
  const auto replace = [this](auto& outlet, auto&& next) {
    if (outlet) written_before_ += outlet->written(), lost_before_ += outlet->lost();
    outlet = std::move(next);
  };
  if (change.json) replace(outlets_.json, std::move(change.outlets.json));
  if (change.ipfix) replace(outlets_.ipfix, std::move(change.outlets.ipfix));
  if (!sources_.empty()) return;
  for (nat::SessionEvents* events : change.sources) sources_.push_back({events});
}

/// Takes some of each worker's events, the oldest first, and writes them; true when there are more.
bool SessionLog::drain() {
  std::array<nat::SessionEvent, kBatch> batch;
  const UtcMs now = utc_now();
  utc_.note(now, clock_.now());
  if (outlets_.ipfix) outlets_.ipfix->send_due_templates(now);
  bool more = false;
  for (const Source& source : sources_) {
    const auto events = source.events->take(batch);
    more = more || events.size() == batch.size();
    for (const nat::SessionEvent& event : events) {
      write(SessionRecord{utc_.of(event.time), event}, now);
    }
  }
  tell_of_dropped(now);
  flush(now);
  return more;
}

template <typename Record>
void SessionLog::write(const Record& record, UtcMs now) {
  if (outlets_.json) outlets_.json->add(record);
  if (outlets_.ipfix) outlets_.ipfix->add(record, now);
}

void SessionLog::tell_of_dropped(UtcMs now) {
  std::uint64_t fresh = 0;
  for (Source& source : sources_) {
    const std::uint64_t dropped = source.events->dropped();
    fresh += dropped - std::exchange(source.dropped_told, dropped);
  }
  if (fresh != 0 && outlets_.json) outlets_.json->add_lost(now, fresh);
}

void SessionLog::flush(UtcMs now) {
  std::uint64_t written = written_before_, lost = lost_before_;
  const auto finished = [&](const auto& outlet) {
    written += outlet->written();
    lost += outlet->lost();
    if (auto message = outlet->take_message()) {
      const std::lock_guard lock(mutex_);
      messages_.push_back(std::move(*message));
    }
  };
  if (outlets_.json) {
    outlets_.json->flush(hurry_);
    finished(outlets_.json);
  }
  if (outlets_.ipfix) {
    outlets_.ipfix->flush(now);
    finished(outlets_.ipfix);
  }
  written_ = written;
  lost_ = lost;
}

}  // namespace sluice::telemetry
