// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/live.h"

#include <algorithm>

#include "explain/flow_line.h"
#include "explain/room.h"

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

bool chooses_port(std::uint8_t protocol) noexcept {
  return protocol == net::kTcp || protocol == net::kUdp || protocol == net::kIcmp;
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

  [[nodiscard]] bool has_mapping(const nat::SessionIdentity& of) const noexcept {
    return std::any_of(copies.begin(), copies.begin() + count, [&](const Copied& copy) {
      const nat::SessionIdentity& id = copy.identity;
      return id.is_mapping() && id.pod == of.pod && id.pod_port == of.pod_port &&
             id.protocol == of.protocol;
    });
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

/// What the simulation opened: the gateway's own session would be the same but for its address and
/// port, and for the worker that has room for it.
struct LiveExplainer::Opening {
  Copied session;
  std::optional<Copied> mapping;  ///< opened with it
  std::vector<Ipv4Addr> addresses;
  Be32 pod;
  bool independent = false;
  bool inbound = false;
  unsigned visits = 1;  ///< of workers, the first round's and the second's (pipeline/elsewhere.h)
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
  if (const auto packet = parse_packet(line_); !packet) return Error{packet.error()};
  Simulator::Parts probe = parts(WorkerId{0});
  probe.steers = true;
  auto simulator = Simulator::over(probe);
  if (!simulator) return Error{simulator.error()};
  const auto verdict = Explainer(*simulator.value()).answer(line_);
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
  if (!opening_) {
    auto judged = judge();
    if (!judged) return judged;
    answer_ = std::move(judged).value();
    if (!opening_) return Result<LiveAnswer>(answer_);
  }
  return search();
}

/// Where the worker would pass the packet on, the next one is asked.
Result<LiveAnswer> LiveExplainer::judge() {
  for (std::size_t visit = 1;; ++visit) {
    auto simulator = Simulator::over(parts(worker_));
    if (!simulator) return Error{simulator.error()};
    LiveAnswer answer = judge_with(*simulator.value());
    const pipeline::Packet& packet = simulator.value()->last();
    if (packet.fate != pipeline::Fate::kToWorker || visit >= holdings_.size()) return answer;
    worker_ = packet.owner;
  }
}

LiveAnswer LiveExplainer::judge_with(Simulator& over) {
  const Holdings& held = *holdings_[worker_.value];
  for (std::size_t i = 0; i < held.count; ++i) restore(held.copies[i], over.table(), over.now());
  LiveAnswer answer;
  answer.worker = worker_;
  answer.session_found = held.session_found;
  answer.sessions_of_pod = held.sessions_of_pod;
  answer.sessions = held.sessions;
  answer.capacity = held.capacity;
  send(over, answer);
  return answer;
}

/// The packet, and what would answer it.
void LiveExplainer::send(Simulator& over, LiveAnswer& answer) {
  Explainer explainer(over);
  answer.verdict = *explainer.answer(line_);
  const pipeline::Packet packet = over.last();
  const bool leaves =
      packet.fate == pipeline::Fate::kEmit || packet.fate == pipeline::Fate::kAwaitNeighbour;
  answer.reply.reset();
  answer.next_hop_answers = packet.fate == pipeline::Fate::kEmit;
  if (!leaves) return;
  if (!opening_) note_opening(over, packet);
  if (answer.verdict.verdict != "local") answer.reply = explainer.answer("reply");
}

/// A flow that is translated anew needs a record, and a port, that only the worker's table knows to
/// be free.
void LiveExplainer::note_opening(Simulator& over, const pipeline::Packet& packet) {
  using pipeline::Verdict;
  const bool inbound = packet.verdict == Verdict::kUnsnat;
  if (!packet.first || !packet.found || (packet.verdict != Verdict::kSnat && !inbound)) return;
  auto opening = std::make_unique<Opening>();
  const nat::SessionIdentity id = over.table().at(packet.found.session).identity;
  opening->session = copy_of(over.table().at(packet.found.session));
  opening->pod = id.pod;
  opening->inbound = inbound;
  const bool mapped = (id.flags & nat::kHasMapping) != 0;
  const bool mapping_held = holdings_[worker_.value]->has_mapping(id);
  if (mapped && !mapping_held) {
    opening->mapping =
        copy_of(over.table().at(over.table().find_mapping_of(id.pod, id.pod_port, id.protocol)));
  }
  if (!inbound) note_pool(*opening, packet, mapped && mapping_held);
  opening_ = std::move(opening);
  home_ = worker_;
}

void LiveExplainer::note_pool(Opening& opening, const pipeline::Packet& packet, bool on_mapping) {
  const pipeline::Snapshot& snapshot = gateway_.snapshot();
  const policy::SourcePool& pool = snapshot.policy->pools()[packet.decision.pool.value];
  const std::uint8_t protocol = packet.key.protocol;
  opening.independent =
      pool.mapping == config::Mapping::kEndpointIndependent && chooses_port(protocol);
  const auto workers = static_cast<unsigned>(holdings_.size());
  if (!opening.independent) opening.visits = workers * (protocol == net::kTcp ? 2 : 1);
  if (on_mapping) return;  // whose address and port are settled
  opening.addresses = pool.addresses;
  const auto first = std::find(opening.addresses.begin(), opening.addresses.end(),
                               Ipv4Addr{opening.session.identity.snat});
  std::rotate(opening.addresses.begin(), first, opening.addresses.end());
  std::erase_if(opening.addresses, [&](Ipv4Addr address) {
    return snapshot.enis.egress(address, Ipv4Addr{packet.key.destination}) == kNoDevice;
  });
}

RoomRequest LiveExplainer::request_to(WorkerId worker) const {
  const nat::SessionIdentity& id = opening_->session.identity;
  RoomRequest request;
  request.reply = id.inbound_key();
  request.reply.destination = {};
  request.reply.destination_port = {};
  request.addresses = opening_->addresses;
  request.wanted = id.snat_port;
  request.independent = opening_->independent;
  request.records = opening_->mapping ? 2 : 1;
  request.pod = opening_->pod;
  const pipeline::Snapshot& snapshot = gateway_.snapshot();
  request.ports[0] = !chooses_port(id.protocol);
  const nat::PortClasses& classes = snapshot.ports_for(id.protocol);
  for (std::uint32_t i = 0; chooses_port(id.protocol) && i <= UINT16_MAX; ++i) {
    const Be16 port = Be16::from_host(static_cast<std::uint16_t>(i));
    const bool mine = !opening_->independent || classes.owner_of(port) == worker;
    request.ports[i] = mine && classes.contains(port);
  }
  if (const std::uint32_t limit = snapshot.config.flows.per_pod; limit != 0) {
    const auto workers = static_cast<std::uint32_t>(holdings_.size());
    request.pod_limit = limit / workers + (worker.value < limit % workers ? 1 : 0);
  }
  return request;
}

/// Visits the workers as the packet would (pipeline/elsewhere.h).
std::optional<Result<LiveAnswer>> LiveExplainer::search() {
  const std::size_t workers = holdings_.size();
  for (unsigned visit = 0;; ++visit) {
    if (visit < workers && visit == rooms_.size()) {
      const WorkerId worker{static_cast<std::uint8_t>((home_.value + visit) % workers)};
      rooms_.push_back(std::make_shared<Room>(gateway_.owner(), worker, request_to(worker)));
      gateway_.send(worker, rooms_.back());
    }
    const Room& room = *rooms_[visit % workers];
    if (!room.done.load(std::memory_order_acquire)) return std::nullopt;
    const bool reclaims = visit >= workers;
    const auto refused = room.finding(reclaims).refused;
    // Its home keeps a redirect to whoever takes it, and there is none without a record.
    const bool stays = workers > 1 && !rooms_.front()->has_record();
    const bool last = visit + 1 >= opening_->visits || stays;
    if (refused && *refused != pipeline::DropReason::kFlowTableFull && !last) continue;
    return conclude(room, reclaims);
  }
}

Result<LiveAnswer> LiveExplainer::conclude(const Room& room, bool reclaims) {
  const Room::Finding finding = room.finding(reclaims);
  const nat::SessionIdentity& id = opening_->session.identity;
  answer_.worker = room.worker();
  answer_.sessions = room.sessions();
  answer_.capacity = room.capacity();
  if (room.chooses() && chooses_port(id.protocol)) {
    answer_.ports = room.ports(reclaims);
    answer_.ports_free = room.ports_free(reclaims);
  }
  if (finding.refused) {
    refuse(*finding.refused);
  } else if (finding.external && (finding.external->address != Ipv4Addr{id.snat} ||
                                  finding.external->port != id.snat_port)) {
    return judge_again(*finding.external);
  }
  return answer_;
}

void LiveExplainer::refuse(pipeline::DropReason reason) {
  Verdict& verdict = answer_.verdict;
  verdict = Verdict{.flow = verdict.flow,
                    .verdict = "drop",
                    .rule = verdict.rule,
                    .reason = std::string{pipeline::info(reason).metric},
                    .answer = opening_->inbound ? "" : "icmp_admin_prohibited"};
  answer_.reply.reset();
  answer_.next_hop_answers = false;
}

/// Once more, with the session as its worker would open it: the simulation had chosen from ports
/// that it took for free.
Result<LiveAnswer> LiveExplainer::judge_again(const Room::External& external) {
  auto simulator = Simulator::over(parts(answer_.worker));
  if (!simulator) return Error{simulator.error()};
  Simulator& over = *simulator.value();
  const auto move = [&](Copied& copy) {
    copy.identity.snat = external.address.wire();
    copy.identity.snat_port = external.port;
  };
  if (opening_->mapping) {
    move(*opening_->mapping);
    restore(*opening_->mapping, over.table(), over.now());
  }
  Copied& session = opening_->session;
  move(session);
  const eni::EniMap& enis = gateway_.snapshot().enis;
  const Ipv4Addr remote{session.identity.remote};
  const DeviceId out = enis.egress(external.address, remote);
  if (out == kNoDevice) return Error{"the configuration was reloaded meanwhile: ask again"};
  session.adjacency[0] = gateway_.neighbours().find(out, enis.next_hop(out, remote)).value;
  restore(session, over.table(), over.now());
  send(over, answer_);
  return answer_;
}

}  // namespace sluice::explain
