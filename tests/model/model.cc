// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "model/model.h"

#include <algorithm>
#include <utility>

namespace sluice::test::model {
namespace {

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kUdp = 300 * kSecond;              // RFC 4787 REQ-5
constexpr std::uint64_t kEcho = 60 * kSecond;              // RFC 5508 REQ-2
constexpr std::uint64_t kTcpEstablished = 7440 * kSecond;  // RFC 5382 REQ-5
constexpr std::uint64_t kTcpTransitory = 240 * kSecond;    // RFC 5382 REQ-5
constexpr std::uint64_t kTcpClosed = 120 * kSecond;        // ours: the port rests

/// Serial number arithmetic (RFC 1982).
std::int32_t difference(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

std::uint64_t tcp_limit(const Tcp& tcp) {
  switch (tcp.phase) {
    case Tcp::Phase::kSynSent:
    case Tcp::Phase::kSynBoth: return kTcpTransitory;
    case Tcp::Phase::kOpen: return tcp.pod.fin || tcp.remote.fin ? kTcpTransitory : kTcpEstablished;
    case Tcp::Phase::kClosed:
    case Tcp::Phase::kReset: return kTcpClosed;
  }
  return 0;
}

/// Whether a packet may begin a flow (RFC 5382 REQ-1; RFC 5508 REQ-1).
bool begins(Protocol protocol, const Content& content) {
  switch (protocol) {
    case Protocol::kUdp: return true;
    case Protocol::kTcp: return content.segment.first_syn();
    case Protocol::kEcho: return !content.echo_reply;
  }
  return false;
}

Expected dropped(std::string reason) { return {.drop = std::move(reason), .flow = {}}; }
Expected passed(const Flow& flow) { return {.drop = "", .flow = flow}; }

}  // namespace

// --- TCP -------------------------------------------------------------------------------------

/// The tests send what is clearly inside every window (8 KiB), or clearly outside.
bool Tcp::takes(Side sender, std::uint32_t sequence) const {
  constexpr std::int32_t kWindow = 8192;
  const std::int32_t ahead = difference(sequence, end(sender).next);
  return end(sender).known && ahead <= kWindow && ahead >= -kWindow;
}

Tcp Tcp::opened_by(Side opener, const Segment& syn) {
  Tcp tcp;
  tcp.opener = opener;
  tcp.end(opener).known = true;
  tcp.end(opener).next = syn.end();
  return tcp;
}

void Tcp::see(Side sender, const Segment& segment) {
  End& mine = end(sender);
  End& peers = end(other(sender));
  if (segment.rst) {
    // RFC 9293 3.10.7.3: an RST that answers a SYN counts by what it acknowledges.
    const bool answers_syn = phase == Phase::kSynSent && sender != opener;
    const bool valid = answers_syn ? segment.ack && segment.acknowledgment == peers.next
                                   : takes(sender, segment.sequence);
    if (valid && phase != Phase::kClosed) phase = Phase::kReset;
    return;
  }
  const bool beyond = difference(segment.sequence, mine.next) > 0;
  const bool again = segment.first_syn() && sender == opener && ended() && beyond;
  if (segment.first_syn() && sender == opener && phase != Phase::kSynSent && !again) {
    late_syn = segment.end();
  }
  if (segment.syn && segment.ack && sender != opener && late_syn == segment.acknowledgment) {
    // The remote takes a SYN that was not believed in: another connection.
    Segment syn;
    syn.syn = true;
    syn.sequence = segment.acknowledgment - 1;
    *this = opened_by(opener, syn);
    phase = Phase::kSynBoth;
    end(sender).known = true;
    end(sender).next = segment.end();
    return;
  }
  if (segment.first_syn() && ended()) {
    if (again) *this = opened_by(sender, segment);
    return;
  }
  if (phase == Phase::kSynSent) {
    if (segment.syn && sender != opener) {
      phase = Phase::kSynBoth;
      mine.known = true;
    }
    if (segment.syn) mine.next = segment.end();
  } else if (phase != Phase::kSynBoth && !takes(sender, segment.sequence)) {
    return;
  }
  if (mine.known && difference(segment.end(), mine.next) > 0) mine.next = segment.end();
  const bool plain = !segment.syn && !segment.fin;
  if (phase == Phase::kSynBoth && ((plain && sender == opener) || segment.fin))
    phase = Phase::kOpen;
  if (phase == Phase::kReset && plain) {
    phase = Phase::kOpen;
    pod.fin = pod.acked = remote.fin = remote.acked = false;
  }
  if (phase != Phase::kOpen) return;
  if (segment.fin) mine.fin = true;
  if (peers.fin && segment.ack && difference(segment.acknowledgment, peers.next) >= 0) {
    peers.acked = true;
  }
  if (pod.acked && remote.acked) phase = Phase::kClosed;
}

// --- time ------------------------------------------------------------------------------------

std::uint64_t Model::limit_of(const Entry& entry) const {
  switch (entry.first.protocol) {
    case Protocol::kUdp: return kUdp;
    case Protocol::kEcho: return kEcho;
    case Protocol::kTcp: return tcp_limit(entry.second.tcp);
  }
  return 0;
}

void Model::wait(std::uint64_t ms) {
  now_ += ms;
  std::vector<Flow> over;
  for (const Entry& entry : sessions_) {
    if (now_ - entry.second.last_packet > limit_of(entry)) over.push_back(entry.first);
  }
  for (const Flow& flow : over) forget(flow);
}

// --- who is where ----------------------------------------------------------------------------

const Session* Model::find(const Flow& flow) const {
  const auto found = sessions_.find(flow);
  return found == sessions_.end() ? nullptr : &found->second;
}

const Model::Entry* Model::at_external(const Endpoint& remote,
                                       const Endpoint& external,
                                       Protocol protocol) const {
  const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Entry& entry) {
    return entry.first.remote == remote && entry.second.external == external &&
           entry.first.protocol == protocol;
  });
  return found == sessions_.end() ? nullptr : &*found;
}

const std::pair<const Model::Inner, Model::Mapping>* Model::mapping_at(const Endpoint& external,
                                                                       Protocol protocol) const {
  const auto found = std::find_if(mappings_.begin(), mappings_.end(), [&](const auto& mapping) {
    return mapping.second.external == external && mapping.first.protocol == protocol;
  });
  return found == mappings_.end() ? nullptr : &*found;
}

/// Sessions that have ended are not live.
unsigned Model::live_of(const std::string& pod) const {
  return static_cast<unsigned>(
      std::count_if(sessions_.begin(), sessions_.end(), [&](const Entry& entry) {
        return entry.first.pod.address == pod && !entry.second.held(entry.first.protocol);
      }));
}

// --- external sides --------------------------------------------------------------------------

/// Endpoint-dependent: by a flow with the same remote. Endpoint-independent: by any mapping.
bool Model::taken(const Flow& flow, const Endpoint& external) const {
  if (setup_.independent) return mapping_at(external, flow.protocol) != nullptr;
  return at_external(flow.remote, external, flow.protocol) != nullptr;
}

unsigned Model::free_ports(const Flow& flow, const std::string& address) const {
  unsigned free = 0;
  for (unsigned i = 0; i < setup_.ports; ++i) {
    free += taken(flow, {address, setup_.first_port + i}) ? 0U : 1U;
    if (free > sessions_.size()) break;  // enough to know
  }
  return free;
}

/// Ended sessions whose ports may be had if need be: who ended first, or has been silent longest.
std::vector<const Model::Entry*> Model::resting(const Flow& flow,
                                                const std::string& address) const {
  if (setup_.independent) return {};
  std::vector<const Entry*> held;
  for (const Entry& entry : sessions_) {
    if (entry.first.remote == flow.remote && entry.first.protocol == flow.protocol &&
        entry.second.external.address == address && entry.second.held(entry.first.protocol)) {
      held.push_back(&entry);
    }
  }
  std::vector<const Entry*> oldest;
  for (const Entry* entry : held) {
    const auto is_first = [&](auto measure) {
      return std::all_of(held.begin(), held.end(), [&](const Entry* each) {
        return measure(entry->second) <= measure(each->second);
      });
    };
    if (is_first([](const Session& session) { return session.ended_as; }) ||
        is_first([](const Session& session) { return session.last_packet; })) {
      oldest.push_back(entry);
    }
  }
  return oldest;
}

bool Model::any_port(const Flow& flow) const {
  return std::any_of(setup_.addresses.begin(), setup_.addresses.end(), [&](const auto& address) {
    return free_ports(flow, address) != 0 || !resting(flow, address).empty();
  });
}

/// RFC 4787 REQ-2: a pod keeps its address; another serves only while that has no port left.
std::string Model::wrong_address(const Flow& flow, const std::string& address) const {
  const auto& all = setup_.addresses;
  if (std::find(all.begin(), all.end(), address) == all.end()) {
    return address + " is no SNAT address";
  }
  const auto paired = paired_.find(flow.pod.address);
  if (paired == paired_.end() || paired->second == address) return "";
  const bool none_is_free = std::all_of(
      all.begin(), all.end(), [&](const auto& each) { return free_ports(flow, each) == 0; });
  const bool left =
      none_is_free ? !resting(flow, paired->second).empty() : free_ports(flow, paired->second) != 0;
  if (!left) return "";
  return flow.pod.address + " keeps " + paired->second + ", which has a port left";
}

std::string Model::wrong_external(const Flow& flow, const Endpoint& external) const {
  const std::string side = external.address + ":" + std::to_string(external.port);
  if (const Session* session = find(flow)) {
    return session->external == external ? ""
                                         : "the session has " + session->external.address + ":" +
                                               std::to_string(session->external.port);
  }
  if (const auto mapping = mappings_.find({flow.pod, flow.protocol}); mapping != mappings_.end()) {
    return mapping->second.external == external
               ? ""
               : "the mapping has port " + std::to_string(mapping->second.external.port);
  }
  if (!in_range(external.port)) return side + " is outside snat.ports";
  if (std::string wrong = wrong_address(flow, external.address); !wrong.empty()) return wrong;
  if (!taken(flow, external)) return "";
  const bool none_is_free =
      std::all_of(setup_.addresses.begin(), setup_.addresses.end(),
                  [&](const auto& address) { return free_ports(flow, address) == 0; });
  if (!none_is_free) return side + " is in use";
  const auto oldest = resting(flow, external.address);
  const bool may_be_had = std::any_of(oldest.begin(), oldest.end(), [&](const Entry* entry) {
    return entry->second.external == external;
  });
  return may_be_had ? "" : side + " is in use, or others have rested longer";
}

// --- records ---------------------------------------------------------------------------------

/// Room for one more: at need, the session that ended first goes. A live one never does.
bool Model::take_record() {
  if (records() < setup_.capacity) return true;
  const Entry* oldest = nullptr;
  for (const Entry& entry : sessions_) {
    if (!entry.second.held(entry.first.protocol)) continue;
    if (oldest == nullptr || entry.second.ended_as < oldest->second.ended_as) oldest = &entry;
  }
  if (oldest == nullptr) return false;
  forget(Flow{oldest->first});
  return true;
}

/// For the flow's session, and for its mapping if it has none yet. The mapping stays while room is
/// sought. Leaves it with one session more, for the caller to put there.
bool Model::take_records(const Flow& flow) {
  if (!setup_.independent) return take_record();
  const Inner inner{flow.pod, flow.protocol};
  if (!mappings_.contains(inner) && !take_record()) return false;
  ++mappings_[inner].sessions;
  if (take_record()) return true;
  let_go(inner);
  return false;
}

void Model::had_no_room(const Flow& flow) {
  static_cast<void>(take_records(flow));  // what ended may have gone in vain
}

void Model::let_go(const Inner& inner) {
  const auto mapping = mappings_.find(inner);
  if (mapping != mappings_.end() && --mapping->second.sessions == 0) mappings_.erase(mapping);
}

void Model::forget(const Flow& flow) {
  sessions_.erase(flow);
  if (setup_.independent) let_go({flow.pod, flow.protocol});
}

void Model::open(const Flow& flow, const Content& content, const Endpoint& external, Side opener) {
  // A port that was given although it is taken was one at rest.
  const Entry* before = at_external(flow.remote, external, flow.protocol);
  if (before != nullptr) forget(Flow{before->first});
  static_cast<void>(take_records(flow));
  if (setup_.independent) mappings_[{flow.pod, flow.protocol}].external = external;
  Session& session = sessions_[flow];
  session.external = external;
  session.last_packet = now_;
  if (flow.protocol == Protocol::kTcp) session.tcp = Tcp::opened_by(opener, content.segment);
}

void Model::use(const Flow& flow, Side sender, const Content& content) {
  Session& session = sessions_.at(flow);
  const bool held = session.held(flow.protocol);
  const Tcp::Phase before = session.tcp.phase;
  if (flow.protocol == Protocol::kTcp) session.tcp.see(sender, content.segment);
  // RFC 7857 7.1: an RST is no sign of life, unless it ends the connection.
  const bool idle_reset =
      flow.protocol == Protocol::kTcp && content.segment.rst && session.tcp.phase == before;
  if (!held && session.held(flow.protocol)) session.ended_as = ++ended_;
  const bool keeps =
      sender == Side::kPod || flow.protocol != Protocol::kUdp || !setup_.outbound_refresh;
  if (keeps && !idle_reset) session.last_packet = now_;
}

// --- outbound --------------------------------------------------------------------------------

Expected Model::pod_sends(const Flow& flow, const Content& content) const {
  if (flow.protocol == Protocol::kEcho && content.echo_reply) return dropped("no_session");
  if (find(flow) != nullptr) return passed(flow);
  if (!begins(flow.protocol, content)) return dropped("tcp_mid_stream");
  if (setup_.per_pod != 0 && live_of(flow.pod.address) >= setup_.per_pod) {
    return dropped("pod_limit");
  }
  const bool mapped = mappings_.contains({flow.pod, flow.protocol});
  if (!mapped && !any_port(flow)) return dropped("ports_exhausted");
  const bool port_is_free =
      mapped || std::any_of(setup_.addresses.begin(), setup_.addresses.end(),
                            [&](const auto& address) { return free_ports(flow, address) != 0; });
  if (!port_is_free) return passed(flow);  // an ended session gives way, with its record
  if (!Model{*this}.take_records(flow)) return dropped("flow_table_full");
  return passed(flow);
}

void Model::pod_sent(const Flow& flow, const Content& content, const Endpoint& external) {
  if (find(flow) != nullptr) return use(flow, Side::kPod, content);
  const bool all_have_ports =
      std::all_of(setup_.addresses.begin(), setup_.addresses.end(),
                  [&](const auto& address) { return free_ports(flow, address) != 0; });
  const bool mapped = mappings_.contains({flow.pod, flow.protocol});
  if (all_have_ports && !mapped) paired_.emplace(flow.pod.address, external.address);
  open(flow, content, external, Side::kPod);
}

// --- inbound ---------------------------------------------------------------------------------

Expected Model::remote_sends(const Endpoint& remote,
                             const Endpoint& external,
                             Protocol protocol,
                             const Content& content,
                             bool right_device) const {
  if (protocol == Protocol::kEcho && !content.echo_reply) {
    return {.drop = "", .answered_here = true, .flow = {}};
  }
  if (const Entry* entry = at_external(remote, external, protocol)) {
    return right_device ? passed(entry->first) : dropped("wrong_device");
  }
  const auto* mapping = mapping_at(external, protocol);
  if (mapping == nullptr || setup_.filtered) return dropped("no_session");
  if (!right_device) return dropped("wrong_device");
  if (protocol == Protocol::kEcho || !begins(protocol, content)) return dropped("no_session");
  const Endpoint& pod = mapping->first.pod;
  if (setup_.per_pod != 0 && live_of(pod.address) >= setup_.per_pod) return dropped("pod_limit");
  const Flow flow{pod, remote, protocol};
  if (!Model{*this}.take_records(flow)) return {.drop = "flow_table_full", .flow = flow};
  return passed(flow);
}

void Model::remote_sent(const Flow& flow, const Content& content) {
  if (find(flow) != nullptr) return use(flow, Side::kRemote, content);
  const Endpoint external = mappings_.at({flow.pod, flow.protocol}).external;
  open(flow, content, external, Side::kRemote);
}

// --- ICMP errors -----------------------------------------------------------------------------

Expected Model::error_from_outside(const Endpoint& remote,
                                   const Endpoint& external,
                                   Protocol protocol,
                                   bool right_device) const {
  const Entry* entry = at_external(remote, external, protocol);
  if (entry == nullptr) return dropped("no_session");
  return right_device ? passed(entry->first) : dropped("wrong_device");
}

Expected Model::error_from_pod(const Flow& flow) const {
  return find(flow) == nullptr ? dropped("no_session") : passed(flow);
}

}  // namespace sluice::test::model
