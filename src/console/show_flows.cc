// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <algorithm>

#include "config/duration.h"
#include "console/session_tasks.h"
#include "console/show.h"
#include "explain/flow_line.h"
#include "nat/session_text.h"

namespace sluice::console {
namespace {

using nat::FlowTable;

constexpr std::size_t kRowsByDefault = 100;
constexpr std::size_t kTopByDefault = 10;

std::uint64_t all_bytes(const FlowTable::Snapshot& flow) {
  return std::uint64_t{flow.bytes[0]} + flow.bytes[1];
}

View row_of(const FlowTable::Snapshot& flow, Instant now) {
  const nat::SessionIdentity& id = flow.identity;
  View row;
  row["protocol"] = nat::protocol_text(id.protocol);
  row["pod"] = nat::endpoint_text(id.pod, id.pod_port);
  row["translated_to"] =
      id.translated() ? View(nat::endpoint_text(id.snat, id.snat_port)) : View(nullptr);
  row["remote"] = nat::endpoint_text(id.remote, id.remote_port);
  row["state"] = nat::state_text(id.state);
  row["idle_s"] = now.since(flow.last_seen) / 1000.0;
  row["packets"] = flow.packets;
  row["bytes_out"] = flow.bytes[0];
  row["bytes_in"] = flow.bytes[1];
  return row;
}

/// A session's record knows in which 16 s it began, no more. It is no younger than its last packet.
void add_age(View& view, std::uint32_t began_ago, std::int32_t idle_ms) {
  constexpr double kUnit = (1U << nat::kStartShift) / 1000.0;
  const double least = began_ago == 0 ? 0 : (began_ago - 1) * kUnit;
  view["age_s_at_least"] = std::max(least, idle_ms / 1000.0);
  view["age_s_at_most"] = (began_ago + 1) * kUnit;
}

/// show flows: counts what matches, and keeps the page or the largest.
class FlowsTask : public Task {
 public:
  FlowsTask(Session& session, const Arguments& arguments)
      : gateway_(session.gateway),
        arguments_(arguments),
        filter_(filter_of(arguments)),
        top_(arguments.has("top")),
        counts_only_(arguments.has("count")),
        limit_(arguments.number("limit", top_ ? kTopByDefault : kRowsByDefault)),
        skip_(top_ ? 0 : limit_ * (arguments.number("page", 1) - 1)) {}

  std::optional<Answer> step() override {
    for (unsigned i = 0; i < kRecordsAStep; ++i) {
      if (worker_ >= gateway_.workers().size()) return answer();
      const FlowTable& table = gateway_.workers()[worker_]->table();
      if (record_ >= table.touched()) {
        ++worker_;
        record_ = 0;
        continue;
      }
      if (const auto flow = table.read(nat::SessionIndex{record_++})) look_at(*flow);
    }
    return std::nullopt;
  }

 private:
  void look_at(const FlowTable::Snapshot& flow) {
    if (!flow.identity.is_session()) return;
    ++all_;
    if (!filter_.matches(flow.identity, gateway_.now().since(flow.last_seen))) return;
    ++matching_;
    if (counts_only_) return;
    if (top_) return keep_if_large(flow);
    if (matching_ > skip_ && rows_.size() < limit_) rows_.push_back(flow);
  }

  /// A heap whose smallest goes first.
  void keep_if_large(const FlowTable::Snapshot& flow) {
    const auto larger = [](const auto& a, const auto& b) { return all_bytes(a) > all_bytes(b); };
    if (rows_.size() == limit_) {
      if (all_bytes(flow) <= all_bytes(rows_.front())) return;
      std::pop_heap(rows_.begin(), rows_.end(), larger);
      rows_.pop_back();
    }
    rows_.push_back(flow);
    std::push_heap(rows_.begin(), rows_.end(), larger);
  }

  [[nodiscard]] Answer answer() {
    if (top_) {
      std::sort(rows_.begin(), rows_.end(),
                [](const auto& a, const auto& b) { return all_bytes(a) > all_bytes(b); });
    }
    View view;
    if (!counts_only_) {
      view["flows"] = View::array();
      for (const auto& flow : rows_) view["flows"].push_back(row_of(flow, gateway_.now()));
      view["shown"] = rows_.size();
    }
    view["matching"] = matching_;
    view["sessions"] = all_;
    std::uint64_t held = 0;
    for (const auto& worker : gateway_.workers()) held += worker->table().held();
    view["ended_whose_ports_rest"] = held;
    return shown(view, arguments_);
  }

  const gateway::Gateway& gateway_;
  Arguments arguments_;
  gateway::SessionFilter filter_;
  bool top_, counts_only_;
  std::size_t limit_, skip_;
  std::size_t worker_ = 0;
  std::uint32_t record_ = 0;
  std::uint64_t all_ = 0, matching_ = 0;
  std::vector<FlowTable::Snapshot> rows_;
};

/// Looks both of a flow's directions up in every worker's table.
struct FindFlow : gateway::Errand {
  explicit FindFlow(const nat::FlowKey& wanted) : key(wanted) {
    step = [](gateway::Errand& self, FlowTable& table, Instant now) noexcept {
      auto& errand = static_cast<FindFlow&>(self);
      nat::Found place = table.peek(errand.key, now);
      if (!place) place = table.peek(errand.key.reversed(), now);
      if (!place || !table.at(place.session).identity.is_session()) return true;
      errand.found = true;
      const nat::Session& session = table.at(place.session);
      errand.flow = {session.identity,
                     Instant{session.last_seen.get()},
                     session.packets.get(),
                     {session.bytes[0].get(), session.bytes[1].get()}};
      errand.began_ago =
          static_cast<std::uint16_t>((now.ms >> nat::kStartShift) - session.identity.start);
      errand.adjacencies = {session.adjacency[0].get(), session.adjacency[1].get()};
      return true;
    };
  }
  nat::FlowKey key;
  bool found = false;
  FlowTable::Snapshot flow;
  std::uint32_t began_ago = 0;  ///< in the unit of SessionIdentity::start
  std::array<std::uint16_t, 2> adjacencies{};
};

/// What explain chooses by itself, and a session cannot be found without.
std::string missing_ports(const explain::FlowLine& flow) {
  const bool ports = flow.protocol == net::kTcp || flow.protocol == net::kUdp;
  const bool query = flow.protocol == net::kIcmp;
  if ((!ports || (flow.source_port && flow.destination_port)) && (!query || flow.source_port)) {
    return "";
  }
  return fmt::format(
      "which one? a session is found by its {}; show flows pod {} remote {} protocol {} lists "
      "them\n",
      query ? "identifier, which stands as the source's port" : "ports", flow.source.to_string(),
      flow.destination.to_string(), nat::protocol_text(flow.protocol));
}

class FlowTask : public Task {
 public:
  FlowTask(Session& session, const Arguments& arguments, const nat::FlowKey& key)
      : gateway_(session.gateway), arguments_(arguments) {
    for (std::uint8_t i = 0; i < gateway_.workers().size(); ++i) {
      errands_.push_back(std::make_shared<FindFlow>(key));
      gateway_.send(WorkerId{i}, errands_.back());
    }
  }

  std::optional<Answer> step() override {
    for (std::size_t i = 0; i < errands_.size(); ++i) {
      if (!errands_[i]->done.load(std::memory_order_acquire)) return std::nullopt;
      if (errands_[i]->found) return answer(*errands_[i], i);
    }
    return failed("no session of this flow\n");
  }

 private:
  [[nodiscard]] Answer answer(const FindFlow& errand, std::size_t worker) const {
    const nat::SessionIdentity& id = errand.flow.identity;
    View view = row_of(errand.flow, gateway_.now());
    add_age(view, errand.began_ago, gateway_.now().since(errand.flow.last_seen));
    view["worker"] = worker;
    view["opened"] = id.opened_inbound() ? "from outside" : "by the pod";
    view["rule"] = id.opened_inbound() ? "opened from outside: policy was not asked"
                                       : gateway_.snapshot().policy->text(id.rule_id());
    view["leaves_by"] = device(errand.adjacencies[0]);
    view["comes_back_by"] = device(errand.adjacencies[1]);
    return shown(view, arguments_);
  }
  [[nodiscard]] View device(std::uint16_t adjacency) const {
    const DeviceId id = gateway_.neighbours().device(nat::AdjacencyId{adjacency});
    if (id == kNoDevice) return nullptr;
    return gateway_.snapshot().enis.devices()[id.value].name;
  }

  gateway::Gateway& gateway_;
  Arguments arguments_;
  std::vector<std::shared_ptr<FindFlow>> errands_;
};

}  // namespace

std::optional<Answer> refused_rows(const Arguments& arguments) {
  constexpr std::uint64_t kMostRows = 10'000;  // an answer lies in memory until it has been read
  const std::uint64_t limit = arguments.number("limit", 1);
  if (limit == 0 || limit > kMostRows) {
    return Answer{Answer::Status::kBadUsage,
                  fmt::format("limit {}: 1 to {} can be shown at a time\n", limit, kMostRows)};
  }
  if (arguments.number("page", 1) != 0) return std::nullopt;
  return Answer{Answer::Status::kBadUsage, "page 0: the first page is 1\n"};
}

gateway::SessionFilter filter_of(const Arguments& arguments) {
  gateway::SessionFilter filter;
  const auto address = [&](const char* name) -> std::optional<Be32> {
    const auto found = arguments.address(name);
    if (!found) return std::nullopt;
    // IPv6 has no sessions, and nobody's address is 0.0.0.0.
    return found->is_v4() ? found->v4().wire() : Be32{};
  };
  filter.pod = address("pod");
  filter.remote = address("remote");
  filter.snat = address("address");
  filter.protocol = nat::parse_protocol(arguments.text("protocol"));
  const auto names = nat::state_names();
  const auto state = std::find(names.begin(), names.end(), arguments.text("state"));
  if (state != names.end()) {
    filter.state = static_cast<nat::SessionState>(state - names.begin());
  }
  if (arguments.has("idle")) {
    filter.idle_ms = static_cast<std::int32_t>(
        std::chrono::milliseconds(config::parse_duration(arguments.text("idle")).value()).count());
  }
  return filter;
}

Reply show_flows(Session& session, const Arguments& arguments) {
  if (const auto no = refused_rows(arguments)) return *no;
  return std::make_unique<FlowsTask>(session, arguments);
}

Reply show_flow(Session& session, const Arguments& arguments) {
  const auto flow_or_not = explain::parse_packet(arguments.text("flow"));
  if (!flow_or_not) return Answer{Answer::Status::kBadUsage, flow_or_not.error() + "\n"};
  const explain::FlowLine* flow = &flow_or_not.value();
  if (!flow->source.is_v4()) {
    return Answer{Answer::Status::kBadUsage,
                  "sessions are of IPv4 flows: PROTO SRC:PORT > DST:PORT\n"};
  }
  if (const std::string missing = missing_ports(*flow); !missing.empty()) {
    return Answer{Answer::Status::kBadUsage, missing};
  }
  const nat::FlowKey key{flow->source.v4().wire(),
                         flow->destination.v4().wire(),
                         Be16::from_host(flow->source_port.value_or(0)),
                         Be16::from_host(flow->destination_port.value_or(0)),
                         flow->protocol,
                         {}};
  return std::make_unique<FlowTask>(session, arguments, key);
}

}  // namespace sluice::console
