// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/ipfix_exporter.h"

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::telemetry {
namespace {

/// Of "ADDRESS:PORT", which the configuration's reader has checked; false all the same if not.
bool parse_endpoint(const std::string& text, sockaddr_storage& address, socklen_t& bytes) {
  const std::size_t colon = text.rfind(':');
  std::string host = text.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), text.substr(colon + 1).c_str(), &hints, &found) != 0)
    return false;
  std::memcpy(&address, found->ai_addr, found->ai_addrlen);
  bytes = found->ai_addrlen;
  ::freeaddrinfo(found);
  return true;
}

}  // namespace

Result<std::unique_ptr<IpfixExporter>> IpfixExporter::open(const config::IpfixConfig& config) {
  sockaddr_storage address{};
  socklen_t bytes = 0;
  const bool parsed = parse_endpoint(config.collector, address, bytes);
  const int descriptor = parsed ? ::socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  if (descriptor < 0) {
    return Error{
        fmt::format("log.sessions.ipfix.collector: nothing can be sent to {} ({}); name an "
                    "ADDRESS:PORT of a family that this machine has",
                    config.collector, parsed ? std::strerror(errno) : "no address")};
  }
  auto exporter = std::unique_ptr<IpfixExporter>(new IpfixExporter(config, descriptor));
  exporter->address_ = address;
  exporter->address_bytes_ = bytes;
  return exporter;
}

IpfixExporter::IpfixExporter(const config::IpfixConfig& config, int descriptor)
    : config_(config),
      descriptor_(descriptor),
      messages_({config.observation_domain, config.message_bytes},
                [this](std::span<const std::uint8_t> message, unsigned records) {
                  send(message, records);
                }) {}

IpfixExporter::~IpfixExporter() { ::close(descriptor_); }

void IpfixExporter::send_due_templates(UtcMs now) {
  const auto time = Steady::now();
  if (time < next_templates_) return;
  next_templates_ = time + config_.template_refresh;
  messages_.send_templates(now);
}

void IpfixExporter::flush(UtcMs now) { messages_.finish(now); }

void IpfixExporter::send(std::span<const std::uint8_t> message, unsigned records) {
  // Not connected: routes and the collector may come and go.
  const ssize_t sent = ::sendto(descriptor_, message.data(), message.size(), 0,
                                reinterpret_cast<const sockaddr*>(&address_), address_bytes_);
  const bool failed_before = std::exchange(failed_, sent < 0);
  (failed_ ? lost_ : written_) += records;
  if (failed_ && !failed_before) {
    message_ = fmt::format("log.sessions.ipfix: sessions are lost, nothing can be sent to {}: {}",
                           config_.collector, std::strerror(errno));
  } else if (!failed_ && failed_before) {
    message_ = fmt::format("log.sessions.ipfix: sessions are sent to {} again", config_.collector);
  }
}

std::optional<std::string> IpfixExporter::take_message() {
  return std::exchange(message_, std::nullopt);
}

}  // namespace sluice::telemetry
