// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The session log as IPFIX messages (RFC 7011) with the records of RFC 8158: NAT44 session create
/// and delete, ports exhausted, quotas exceeded. Records are collected until a message is full or
/// finish() is called.
///
/// Owner: one thread; time is an argument.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "telemetry/session_record.h"

namespace sluice::telemetry {

class IpfixMessages {
 public:
  struct Options {
    std::uint32_t observation_domain = 1;
    std::size_t message_bytes = 1400;  ///< at most
  };
  /// Takes a whole message; `records` of data are in it.
  using Send = std::function<void(std::span<const std::uint8_t> message, unsigned records)>;
  IpfixMessages(const Options& options, Send send);

  /// Sends a message with every template. Over UDP this comes first, and again every so often
  /// (RFC 7011 8.4).
  void send_templates(UtcMs now);
  void add(const SessionRecord& record, UtcMs now);
  /// Nothing for what RFC 8158 has no record of (protocol_in_use).
  void add(const ExhaustionRecord& record, UtcMs now);
  /// Sends the message that was begun, if one was.
  void finish(UtcMs now);

 private:
  struct Template;
  static const Template kSession, kPortsExhausted, kTableFull, kPodLimit;

  void begin_message();
  void begin_record(const Template& of, UtcMs now);
  void begin_set(std::uint16_t id);
  void end_set();
  void put_template(const Template& of);
  void put_event(UtcMs time, std::uint8_t nat_event);
  template <typename T>
  void put(T value) {
    for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
      message_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  template <typename T>
  void put_at(std::size_t place, T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      message_[place + i] = static_cast<std::uint8_t>(value >> 8 * (sizeof value - 1 - i));
    }
  }

  Options options_;
  Send send_;
  std::vector<std::uint8_t> message_;  ///< empty: none was begun
  std::size_t set_begin_ = 0;
  std::uint16_t set_ = 0;       ///< the set that is open; 0: none
  unsigned records_ = 0;        ///< in the message
  std::uint32_t sequence_ = 0;  ///< data records sent, modulo 2^32
};

}  // namespace sluice::telemetry
