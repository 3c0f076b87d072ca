// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/explain_task.h"

#include <fmt/format.h>

#include "console/samples.h"
#include "console/view.h"
#include "explain/live.h"
#include "nat/session_text.h"

namespace sluice::console {
namespace {

using explain::LiveAnswer;

View verdict_view(const explain::Verdict& verdict, bool json) {
  if (json) return View::parse(explain::to_json(verdict));
  return explain::to_text(verdict);
}

std::string ports_text(const LiveAnswer& answer) {
  return fmt::format("{} of this worker's {} are free towards this remote", *answer.ports_free,
                     *answer.ports);
}

bool link_is_down(const gateway::Gateway& gateway, const std::string& device) {
  const auto infos = gateway.snapshot().enis.devices();
  for (std::size_t i = 0; i < gateway.devices().size(); ++i) {
    if (infos[i].name == device) return !gateway.devices()[i]->link_up();
  }
  return false;
}

/// As `show neighbours` has it: who answered once may be behind a link that is down.
std::string next_hop_text(const gateway::Gateway& gateway, const LiveAnswer& answer) {
  const std::string address = answer.verdict.next_hop->to_string();
  if (link_is_down(gateway, answer.verdict.device)) return address + " cannot answer: link down";
  return address + (answer.next_hop_answers ? " answers" : " has not answered yet");
}

void add_table(View& view, const gateway::Gateway& gateway, const LiveAnswer& answer, bool json) {
  const std::size_t workers = gateway.workers().size();
  if (json) {
    view["table_records"] = answer.sessions;
    view["table_capacity"] = answer.capacity;
    view["table_workers"] = workers;
    return;
  }
  view["table"] = fmt::format("{} of {} sessions", answer.sessions, answer.capacity) +
                  (workers == 1 ? "" : fmt::format(", this worker's share of {}", workers));
}

/// What is in the way although the path itself decides so: no stage sees it.
std::string obstacle(const gateway::Gateway& gateway, const LiveAnswer& answer) {
  if (!gateway.forwards()) return "the gateway is stopped, and receives nothing until `start`";
  const bool leaves = answer.verdict.verdict != "drop";
  if (leaves && link_is_down(gateway, answer.verdict.device)) {
    return fmt::format("the link of {} is down: what is sent there is lost", answer.verdict.device);
  }
  if (answer.reply && link_is_down(gateway, answer.reply->device)) {
    return fmt::format("the link of {} is down: the reply is lost", answer.reply->device);
  }
  return "";
}

View view_of(const gateway::Gateway& gateway, const LiveAnswer& answer, bool json) {
  View view;
  view["verdict"] = verdict_view(answer.verdict, json);
  if (answer.verdict.verdict == "drop")
    view["hint"] = pipeline::info(*reason_named(answer.verdict.reason)).text;
  view["worker"] = answer.worker.value;
  view["session"] = answer.session_found ? "this flow has one" : "none yet";
  if (answer.verdict.next_hop) {
    view["next_hop"] = next_hop_text(gateway, answer);
  }
  if (answer.ports) {
    if (json) {
      view["ports"] = *answer.ports;
      view["ports_free"] = *answer.ports_free;
    } else {
      view["ports"] = ports_text(answer);
    }
  }
  add_table(view, gateway, answer, json);
  // Its line is the word reply, which stands before it already.
  if (answer.reply) {
    view["reply"] = json ? verdict_view(*answer.reply, json) : View(outcome_text(*answer.reply));
  }
  if (const std::string but = obstacle(gateway, answer); !but.empty()) view["but"] = but;
  return view;
}

class ExplainTask : public Task {
 public:
  /// What is known beforehand stands above the explanation.
  ExplainTask(Session& session, const Arguments& arguments, const std::string& line, View above)
      : gateway_(session.gateway),
        explainer_(session.gateway, line),
        arguments_(arguments),
        view_(std::move(above)) {}

  std::optional<Answer> step() override {
    const auto result = explainer_.step();
    if (!result) return std::nullopt;
    if (!*result) return Answer{Answer::Status::kBadUsage, result->error() + "\n"};
    view_.update(view_of(gateway_, result->value(), arguments_.json));
    return shown(view_, arguments_);
  }

 private:
  const gateway::Gateway& gateway_;
  explain::LiveExplainer explainer_;
  Arguments arguments_;
  View view_;
};

/// "[SA]" of a TCP segment whose header was kept.
std::string flags_of(const pipeline::DropSample& sample) {
  constexpr std::size_t kIp = sizeof(net::EthernetHeader);
  if (sample.key.protocol != net::kTcp || sample.captured < kIp + sizeof(net::Ipv4Header))
    return "";
  const std::size_t header = (sample.bytes[kIp] & 0x0fU) * 4U;
  if (sample.captured < kIp + header + sizeof(net::TcpHeader)) return "";
  const std::uint8_t flags =
      net::header_at<net::TcpHeader>(sample.bytes.data() + kIp + header).flags;
  std::string letters;
  for (const auto& [bit, letter] : {std::pair{net::kSyn, 'S'}, std::pair{net::kAck, 'A'},
                                    std::pair{net::kFin, 'F'}, std::pair{net::kRst, 'R'}}) {
    if ((flags & bit) != 0) letters += letter;
  }
  return letters.empty() ? "" : "[" + letters + "]";
}

std::string line_of(const DroppedPacket& dropped) {
  std::string line = dropped.packet;
  if (line.starts_with("tcp ")) line.insert(3, flags_of(dropped.sample));
  if (!dropped.device.empty()) line += " in " + dropped.device;
  return line;
}

/// Of a packet that no flow is known of.
std::string seen(const DroppedPacket& dropped) {
  return dropped.device.empty() ? dropped.packet : dropped.packet + ", in by " + dropped.device;
}

}  // namespace

Reply explain_flow(Session& session, const Arguments& arguments) {
  return std::make_unique<ExplainTask>(session, arguments, arguments.text("flow"), View::object());
}

Reply explain_last_drop(Session& session, const Arguments& arguments) {
  const auto samples = last_dropped(session.gateway, reason_named(arguments.text("reason")));
  if (samples.empty()) return failed("nothing was dropped that is remembered\n");
  const DroppedPacket& last = samples.front();
  const pipeline::DropInfo& info = pipeline::info(last.reason);
  View view;
  view["dropped"] = info.metric;
  view["why"] = info.text;
  view["seconds_ago"] = last.seconds_ago;
  view["packet"] = last.is_flow ? line_of(last) : seen(last);
  view["length"] = last.sample.length;
  if (!last.is_flow) return shown(view, arguments);
  const nat::FlowKey& key = last.sample.key;
  if (key.protocol == net::kIcmp && key.destination_port != Be16{}) {
    view["now"] = "an ICMP reply, which a FLOW cannot say: capture the next one, and replay tells";
    return shown(view, arguments);
  }
  // A FLOW says who sends what to whom. Dropped for anything else, its verdict would be another
  // packet's.
  using pipeline::DropReason;
  const bool by_itself =
      info.kind == pipeline::DropKind::kMalformed || last.reason == DropReason::kTtlExpired ||
      last.reason == DropReason::kTooBig || last.reason == DropReason::kIcmpUnsupported ||
      last.reason == DropReason::kFragmentIncomplete;
  if (by_itself && last.reason != DropReason::kMartianSource &&
      last.reason != DropReason::kMartianDestination) {
    view["now"] = "any such packet meets the same, whatever its flow";
    return shown(view, arguments);
  }
  return std::make_unique<ExplainTask>(session, arguments, line_of(last), std::move(view));
}

}  // namespace sluice::console
