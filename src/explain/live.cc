// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/live.h"

#include <bitset>

namespace sluice::explain {
namespace {

/// A session as it is in its worker's table.
struct Copied {
  nat::SessionIdentity identity{};
  std::array<std::uint16_t, 2> adjacency{};
  std::array<std::uint32_t, 2> tcp_end{};
  std::uint32_t last_seen = 0;
};

Copied copy_of(const nat::Session& session) noexcept {
  return {session.identity,
          {session.adjacency[0].get(), session.adjacency[1].get()},
          {session.tcp_end[0].get(), session.tcp_end[1].get()},
          session.last_seen.get()};
}

/// Puts a copy into another table.
void restore(const Copied& from, nat::FlowTable& table, Instant now) {
  const nat::SessionIdentity& id = from.identity;
  nat::NewSession session{id.pod,         id.remote,    id.snat,    id.pod_port,
                          id.remote_port, id.snat_port, id.protocol};
  session.state = static_cast<nat::SessionState>(id.state);
  session.flags = id.flags;
  session.rule = id.rule_id();
  session.adjacency[0] = nat::AdjacencyId{from.adjacency[0]};
  session.adjacency[1] = nat::AdjacencyId{from.adjacency[1]};
  const nat::SessionIndex index = table.insert(session, now);
  if (index == nat::kNoSession || id.is_mapping()) return;
  nat::Session& record = table.at(index);
  record.last_seen.set(from.last_seen);
  for (const auto sender : {nat::Direction::kOutbound, nat::Direction::kInbound}) {
    const auto number = nat::Session::index(sender);
    record.tcp_end[number].set(from.tcp_end[number]);
    record.set_window_log(sender, id.window_log[number]);
  }
  if (record.held()) table.note_held(index, true);
}

}  // namespace

/// What a worker's table holds of a flow: its session by either direction, and the mappings that
/// its ends may have.
struct LiveExplainer::Holdings : gateway::Errand {
  explicit Holdings(const nat::FlowKey& flow) : key(flow) {
    step = [](gateway::Errand& self, nat::FlowTable& table, Instant now) noexcept {
      auto& errand = static_cast<Holdings&>(self);
      errand.look(table, now);
      return true;
    };
  }

  void look(const nat::FlowTable& table, Instant now) noexcept {
    const nat::FlowKey& k = key;
    add(table, {k.source, {}, k.source_port, {}, k.protocol, {}}, now);
    add(table, {{}, k.destination, {}, k.destination_port, k.protocol, {}}, now);
    session_found = add(table, k, now);
    add(table, k.reversed(), now);
    sessions_of_pod = table.sessions_of(k.source);
    sessions = table.size();
    capacity = table.capacity();
  }

  bool add(const nat::FlowTable& table, const nat::FlowKey& wanted, Instant now) noexcept {
    const nat::Found found = table.peek(wanted, now);
    if (!found) return false;
    const nat::SessionIdentity& id = table.at(found.session).identity;
    if (!id.is_session() && !id.is_mapping()) return false;  // another worker has it
    if ((id.flags & nat::kHasMapping) != 0) {
      add(table, {id.pod, {}, id.pod_port, {}, id.protocol, {}}, now);
    }
    if (count < copies.size()) copies[count++] = copy_of(table.at(found.session));
    return true;
  }

  nat::FlowKey key;
  std::array<Copied, 8> copies;
  std::size_t count = 0;
  bool session_found = false;
  std::uint64_t sessions_of_pod = 0, sessions = 0, capacity = 0;
};

/// How many of a worker's ports are taken towards one remote.
struct LiveExplainer::CountPorts : gateway::Errand {
  CountPorts() {
    step = [](gateway::Errand& self, nat::FlowTable& table, Instant now) noexcept {
      constexpr unsigned kPortsAStep = 256;
      auto& errand = static_cast<CountPorts&>(self);
      for (unsigned i = 0; i < kPortsAStep; ++i) {
        if (errand.next > UINT16_MAX) return true;
        const auto port = static_cast<std::uint16_t>(errand.next++);
        if (!errand.ours[port]) continue;
        errand.reply.destination_port = Be16::from_host(port);
        if (!table.peek(errand.reply, now)) ++errand.free;
      }
      return false;
    };
  }
  nat::FlowKey reply;
  std::bitset<65'536> ours;  ///< a copy: a reload may replace the snapshot meanwhile
  std::uint32_t next = 0;
  std::uint32_t free = 0;
};

LiveExplainer::LiveExplainer(gateway::Gateway& gateway, std::string line)
    : gateway_(gateway), line_(std::move(line)) {}
LiveExplainer::~LiveExplainer() = default;

Simulator::Parts LiveExplainer::parts(WorkerId self) const {
  return {gateway_.owner(), gateway_.snapshot(), gateway_.neighbours(), gateway_.links(), self,
          gateway_.now()};
}

/// Sends the packet on as a worker would that is not asked to take it.
Result<WorkerId> LiveExplainer::find_owner() {
  Simulator::Parts probe = parts(WorkerId{0});
  probe.steers = true;
  auto simulator = Simulator::over(probe);
  if (!simulator) return Error{simulator.error()};
  const auto verdict = Explainer(*simulator.value()).answer(line_);
  if (!verdict) return Error{"a flow is PROTO SRC[:PORT] > DST[:PORT] [in DEVICE]"};
  if (!verdict->error.empty()) return Error{verdict->error};
  const pipeline::Packet& packet = simulator.value()->last();
  for (std::size_t i = 0; i < gateway_.workers().size(); ++i) {
    holdings_.push_back(std::make_shared<Holdings>(packet.key));
  }
  return packet.fate == pipeline::Fate::kToWorker ? packet.owner : WorkerId{0};
}

std::optional<Result<LiveAnswer>> LiveExplainer::step() {
  if (holdings_.empty()) {
    const auto owner = find_owner();
    if (!owner) return Result<LiveAnswer>(Error{owner.error()});
    worker_ = owner.value();
    for (std::uint8_t i = 0; i < holdings_.size(); ++i) gateway_.send(WorkerId{i}, holdings_[i]);
    return std::nullopt;
  }
  for (std::uint8_t i = 0; i < holdings_.size(); ++i) {
    if (!holdings_[i]->done.load(std::memory_order_acquire)) return std::nullopt;
    if (holdings_[i]->session_found) worker_ = WorkerId{i};  // where the owner had no port left
  }
  if (!counting_) {
    auto judged = judge();
    if (!judged) return judged;
    if (!counting_) return judged;
    answer_ = std::move(judged).value();
    return std::nullopt;
  }
  if (!counting_->done.load(std::memory_order_acquire)) return std::nullopt;
  return Result<LiveAnswer>(with_ports());
}

Result<LiveAnswer> LiveExplainer::judge() {
  auto simulator = Simulator::over(parts(worker_));
  if (!simulator) return Error{simulator.error()};
  Simulator& over = *simulator.value();
  const Holdings& held = *holdings_[worker_.value];
  for (std::size_t i = 0; i < held.count; ++i) restore(held.copies[i], over.table(), over.now());
  LiveAnswer answer;
  Explainer explainer(over);
  answer.verdict = *explainer.answer(line_);
  answer.worker = worker_;
  answer.session_found = held.session_found;
  answer.sessions_of_pod = held.sessions_of_pod;
  answer.sessions = held.sessions;
  answer.capacity = held.capacity;
  const pipeline::Packet packet = over.last();
  const bool leaves =
      packet.fate == pipeline::Fate::kEmit || packet.fate == pipeline::Fate::kAwaitNeighbour;
  if (!leaves) return answer;
  answer.next_hop_answers = packet.fate == pipeline::Fate::kEmit;
  ask_for_ports(packet, answer);
  if (answer.verdict.verdict != "local") answer.reply = explainer.answer("reply");
  return answer;
}

/// A flow that is translated anew needs a port that only the worker's table knows to be free.
void LiveExplainer::ask_for_ports(const pipeline::Packet& packet, const LiveAnswer& answer) {
  const bool ports = packet.key.protocol == net::kTcp || packet.key.protocol == net::kUdp ||
                     packet.key.protocol == net::kIcmp;
  if (!packet.first || answer.verdict.verdict != "snat" || !ports) return;
  const pipeline::Snapshot& snapshot = gateway_.snapshot();
  const Ipv4Addr address = answer.verdict.source->v4();
  if (snapshot.is_independent(address)) return;
  counting_ = std::make_shared<CountPorts>();
  counting_->reply = packet.key.reversed();
  counting_->reply.destination = address.wire();
  const nat::PortClasses& classes = snapshot.ports_for(packet.key.protocol);
  for (std::uint32_t port = 0; port <= UINT16_MAX; ++port) {
    const Be16 number = Be16::from_host(static_cast<std::uint16_t>(port));
    counting_->reply.destination_port = number;
    const auto hash = gateway_.owner().hash(counting_->reply);
    counting_->ours[port] = classes.contains(number) && gateway_.owner().owner(hash) == worker_;
  }
  gateway_.send(worker_, counting_);
}

LiveAnswer LiveExplainer::with_ports() {
  answer_.ports = static_cast<std::uint32_t>(counting_->ours.count());
  answer_.ports_free = counting_->free;
  const pipeline::Snapshot& snapshot = gateway_.snapshot();
  const bool nobody_else = snapshot.config.gateway.workers == 1 &&
                           snapshot.policy->pools().size() == 1 &&
                           snapshot.policy->pools().front().addresses.size() == 1;
  if (counting_->free == 0 && nobody_else) {
    Verdict& verdict = answer_.verdict;
    verdict = Verdict{
        .flow = verdict.flow,
        .verdict = "drop",
        .rule = verdict.rule,
        .reason = std::string{pipeline::info(pipeline::DropReason::kPortsExhausted).metric}};
    answer_.reply.reset();
    answer_.next_hop_answers = false;
  }
  return answer_;
}

}  // namespace sluice::explain
