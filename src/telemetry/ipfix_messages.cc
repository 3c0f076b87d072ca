// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/ipfix_messages.h"

#include <utility>

namespace sluice::telemetry {
namespace {

constexpr std::uint16_t kVersion = 10;
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kSetHeaderBytes = 4;
constexpr std::uint16_t kTemplateSet = 2;

/// An information element of IANA's registry, and how long it is here.
struct Field {
  std::uint16_t element, bytes;
};
constexpr Field kObservationTimeMilliseconds{323, 8};
constexpr Field kNatEvent{230, 1};
constexpr Field kNatOriginatingAddressRealm{229, 1};
constexpr Field kProtocolIdentifier{4, 1};
constexpr Field kSourceIpv4Address{8, 4};
constexpr Field kSourceTransportPort{7, 2};
constexpr Field kPostNatSourceIpv4Address{225, 4};
constexpr Field kPostNaptSourceTransportPort{227, 2};
constexpr Field kDestinationIpv4Address{12, 4};
constexpr Field kDestinationTransportPort{11, 2};
constexpr Field kNatQuotaExceededEvent{466, 4};
constexpr Field kMaxSessionEntries{471, 4};
constexpr Field kMaxEntriesPerUser{473, 4};

// RFC 8158 5.6.1
constexpr Field kSessionFields[] = {kObservationTimeMilliseconds, kNatEvent,
                                    kNatOriginatingAddressRealm,  kProtocolIdentifier,
                                    kSourceIpv4Address,           kSourceTransportPort,
                                    kPostNatSourceIpv4Address,    kPostNaptSourceTransportPort,
                                    kDestinationIpv4Address,      kDestinationTransportPort};
constexpr Field kPortsExhaustedFields[] = {kObservationTimeMilliseconds, kNatEvent,
                                           kPostNatSourceIpv4Address, kProtocolIdentifier};
constexpr Field kTableFullFields[] = {kObservationTimeMilliseconds, kNatEvent,
                                      kNatQuotaExceededEvent, kMaxSessionEntries};
constexpr Field kPodLimitFields[] = {kObservationTimeMilliseconds, kNatEvent,
                                     kNatQuotaExceededEvent, kMaxEntriesPerUser,
                                     kSourceIpv4Address};

// Values of natEvent, of natOriginatingAddressRealm and of natQuotaExceededEvent.
constexpr std::uint8_t kNat44SessionCreate = 4;
constexpr std::uint8_t kNat44SessionDelete = 5;
constexpr std::uint8_t kNatPortsExhausted = 12;
constexpr std::uint8_t kQuotaExceeded = 13;
constexpr std::uint8_t kPrivateRealm = 1;
constexpr std::uint8_t kPublicRealm = 2;
constexpr std::uint32_t kQuotaSessionEntries = 1;
constexpr std::uint32_t kQuotaEntriesPerUser = 3;

}  // namespace

struct IpfixMessages::Template {
  std::uint16_t id;
  std::span<const Field> fields;

  [[nodiscard]] std::size_t record_bytes() const {
    std::size_t sum = 0;
    for (const Field& field : fields) sum += field.bytes;
    return sum;
  }
};
const IpfixMessages::Template IpfixMessages::kSession{256, kSessionFields};
const IpfixMessages::Template IpfixMessages::kPortsExhausted{257, kPortsExhaustedFields};
const IpfixMessages::Template IpfixMessages::kTableFull{258, kTableFullFields};
const IpfixMessages::Template IpfixMessages::kPodLimit{259, kPodLimitFields};

IpfixMessages::IpfixMessages(const Options& options, Send send)
    : options_(options), send_(std::move(send)) {
  message_.reserve(options_.message_bytes);
}

void IpfixMessages::send_templates(UtcMs now) {
  finish(now);
  begin_message();
  begin_set(kTemplateSet);
  for (const Template* of : {&kSession, &kPortsExhausted, &kTableFull, &kPodLimit}) {
    put_template(*of);
  }
  finish(now);
}

void IpfixMessages::put_template(const Template& of) {
  put(of.id);
  put(static_cast<std::uint16_t>(of.fields.size()));
  for (const Field& field : of.fields) {
    put(field.element);
    put(field.bytes);
  }
}

void IpfixMessages::add(const SessionRecord& record, UtcMs now) {
  const nat::SessionEvent& event = record.event;
  begin_record(kSession, now);
  put_event(record.time, event.what == nat::SessionEvent::What::kCreate ? kNat44SessionCreate
                                                                        : kNat44SessionDelete);
  put(event.opened_inbound ? kPublicRealm : kPrivateRealm);
  put(event.protocol);
  put(event.pod.to_host());
  put(event.pod_port.to_host());
  put(event.snat.to_host());
  put(event.snat_port.to_host());
  put(event.remote.to_host());
  put(event.remote_port.to_host());
}

void IpfixMessages::add(const ExhaustionRecord& record, UtcMs now) {
  const nat::FlowKey& last = record.refusal.last;
  switch (record.refusal.reason) {
    case pipeline::DropReason::kPortsExhausted:
      for (const Ipv4Addr address : record.addresses) {
        begin_record(kPortsExhausted, now);
        put_event(record.time, kNatPortsExhausted);
        put(address.value());
        put(last.protocol);
      }
      return;
    case pipeline::DropReason::kFlowTableFull:
      begin_record(kTableFull, now);
      put_event(record.time, kQuotaExceeded);
      put(kQuotaSessionEntries);
      return put(record.limit);
    case pipeline::DropReason::kPodLimit:
      begin_record(kPodLimit, now);
      put_event(record.time, kQuotaExceeded);
      put(kQuotaEntriesPerUser);
      put(record.limit);
      return put(last.source.to_host());
    default: return;
  }
}

void IpfixMessages::put_event(UtcMs time, std::uint8_t nat_event) {
  put(time.value);
  put(nat_event);
}

/// A record follows: in the open set if it is of this template, in a new message if this one is
/// full.
void IpfixMessages::begin_record(const Template& of, UtcMs now) {
  const auto needed = [&] { return of.record_bytes() + (set_ == of.id ? 0 : kSetHeaderBytes); };
  if (message_.size() + needed() > options_.message_bytes) finish(now);
  if (message_.empty()) begin_message();
  if (set_ != of.id) begin_set(of.id);
  ++records_;
}

void IpfixMessages::begin_message() { message_.resize(kHeaderBytes); }

void IpfixMessages::begin_set(std::uint16_t id) {
  end_set();
  set_ = id;
  set_begin_ = message_.size();
  put(id);
  put(std::uint16_t{0});  // its length, once that is known
}

void IpfixMessages::end_set() {
  if (set_ == 0) return;
  put_at(set_begin_ + 2, static_cast<std::uint16_t>(message_.size() - set_begin_));
  set_ = 0;
}

void IpfixMessages::finish(UtcMs now) {
  constexpr std::uint64_t kMsPerSecond = 1000;
  if (message_.empty()) return;
  end_set();
  put_at(0, kVersion);
  put_at(2, static_cast<std::uint16_t>(message_.size()));
  put_at(4, static_cast<std::uint32_t>(now.value / kMsPerSecond));
  put_at(8, sequence_);
  put_at(12, options_.observation_domain);
  send_(message_, records_);
  // Also where it could not be sent: the gap tells the collector (RFC 7011 3.1).
  sequence_ += records_;
  records_ = 0;
  message_.clear();
}

}  // namespace sluice::telemetry
