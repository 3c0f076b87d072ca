// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/session_json.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "nat/session_text.h"

namespace sluice::telemetry {
namespace {

std::string time_text(UtcMs time) {
  using namespace std::chrono;
  constexpr std::uint64_t kMsPerSecond = 1000;
  const sys_seconds whole{seconds{time.value / kMsPerSecond}};
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", whole, time.value % kMsPerSecond);
}

}  // namespace

Result<std::unique_ptr<SessionJson>> SessionJson::open(const std::string& path) {
  constexpr mode_t kMode = S_IRUSR | S_IWUSR | S_IRGRP;
  // Not blocking: a FIFO that nobody reads is an error at once, and a full one can be waited for.
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, kMode);
  if (descriptor >= 0) return std::unique_ptr<SessionJson>(new SessionJson(path, descriptor));
  return Error{
      fmt::format("log.sessions.json: {} cannot be written ({}); name a file in a folder "
                  "that is there and may be written, or a FIFO that is being read",
                  path, std::strerror(errno))};
}

SessionJson::~SessionJson() { ::close(descriptor_); }

void SessionJson::add(const SessionRecord& record) {
  const nat::SessionEvent& event = record.event;
  fmt::format_to(std::back_inserter(text_),
                 R"({{"time":"{}","event":"{}","protocol":"{}","pod":"{}","pod_port":{},)"
                 R"("snat":"{}","snat_port":{},"remote":"{}","remote_port":{},"opened":"{}"}})"
                 "\n",
                 time_text(record.time),
                 event.what == nat::SessionEvent::What::kCreate ? "create" : "delete",
                 nat::protocol_text(event.protocol), Ipv4Addr{event.pod}.to_string(),
                 event.pod_port.to_host(), Ipv4Addr{event.snat}.to_string(),
                 event.snat_port.to_host(), Ipv4Addr{event.remote}.to_string(),
                 event.remote_port.to_host(), event.opened_inbound ? "inbound" : "outbound");
  ++lines_;
}

void SessionJson::add(const ExhaustionRecord& record) {
  const Refusal& refusal = record.refusal;
  fmt::format_to(std::back_inserter(text_),
                 R"({{"time":"{}","event":"{}","refused":{},"protocol":"{}","pod":"{}",)"
                 R"("pod_port":{},"remote":"{}","remote_port":{}}})"
                 "\n",
                 time_text(record.time), pipeline::info(refusal.reason).metric, refusal.count,
                 nat::protocol_text(refusal.last.protocol),
                 Ipv4Addr{refusal.last.source}.to_string(), refusal.last.source_port.to_host(),
                 Ipv4Addr{refusal.last.destination}.to_string(),
                 refusal.last.destination_port.to_host());
  ++lines_;
}

void SessionJson::add_start(UtcMs time, std::string_view gateway) {
  const std::string name =
      nlohmann::json(gateway).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  fmt::format_to(std::back_inserter(text_),
                 R"({{"time":"{}","event":"start","gateway":{}}})"
                 "\n",
                 time_text(time), name);
  ++lines_;
}

void SessionJson::add_lost(UtcMs time, std::uint64_t events) {
  fmt::format_to(std::back_inserter(text_),
                 R"({{"time":"{}","event":"lost","events":{}}})"
                 "\n",
                 time_text(time), events);
  ++lines_;
}

void SessionJson::flush(const std::atomic<bool>& hurry) {
  if (text_.empty()) return;
  if (torn_) text_.insert(text_.begin(), '\n');  // a line that failed half-way stays alone
  const bool failed_before = error_ != 0;
  if (write_all(hurry)) {
    written_ += lines_;
    error_ = 0;
    if (failed_before) message_ = fmt::format("{}: sessions are written again", path_);
  } else {
    lost_ += lines_;
    if (!failed_before) {
      message_ = fmt::format("{}: sessions are lost, they cannot be written: {}", path_,
                             std::strerror(error_));
    }
  }
  text_.clear();
  lines_ = 0;
}

/// False: something is left, and error_ says why.
bool SessionJson::write_all(const std::atomic<bool>& hurry) {
  std::string_view left = text_;
  while (!left.empty()) {
    const ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count > 0) {
      torn_ = left[static_cast<std::size_t>(count) - 1] != '\n';
      left.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR && (errno != EAGAIN || !wait_for_room(hurry))) {
      error_ = errno;
      return false;
    }
  }
  return true;
}

/// False: there was none in time.
bool SessionJson::wait_for_room(const std::atomic<bool>& hurry) {
  constexpr int kLookMs = 50;
  constexpr int kPatienceMs = 1000;
  for (int hurried = 0; hurried < kPatienceMs && (error_ != EAGAIN || !hurry);
       hurried += hurry ? kLookMs : 0) {
    pollfd file{descriptor_, POLLOUT, 0};
    if (::poll(&file, 1, kLookMs) > 0) return true;
  }
  errno = EAGAIN;
  return false;
}

std::optional<std::string> SessionJson::take_message() {
  return std::exchange(message_, std::nullopt);
}

}  // namespace sluice::telemetry
