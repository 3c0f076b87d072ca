// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "console/actions.h"
#include "console/check_task.h"
#include "console/explain_task.h"
#include "console/grammar.h"
#include "console/recording_commands.h"
#include "console/session_tasks.h"
#include "console/show.h"

namespace sluice::console {
namespace {

Reply help(Session&, const Arguments&) {
  std::size_t width = 0;
  constexpr std::size_t kWidest = 38;  // longer ones get a line of their own
  for (const Command& command : commands()) {
    if (command.syntax.size() <= kWidest) width = std::max(width, command.syntax.size());
  }
  std::string text;
  for (const Command& command : commands()) {
    if (command.syntax.size() > kWidest) {
      text += fmt::format("  {}\n  {:<{}}  {}\n", command.syntax, "", width, command.help);
    } else {
      text += fmt::format("  {:<{}}  {}\n", command.syntax, width, command.help);
    }
  }
  return done(text + "Every show takes --json. At a terminal, ? and Tab say what may follow.\n");
}

template <View (*kShow)(Session&, const Arguments&)>
Reply show(Session& session, const Arguments& arguments) {
  return shown(kShow(session, arguments), arguments);
}

/// Of commands that answer with text whatever is asked for: who asked for JSON reads JSON.
void make_json(Reply& reply) {
  auto* answer = std::get_if<Answer>(&reply);
  if (answer == nullptr || answer->status != Answer::Status::kOk || answer->text.starts_with('{')) {
    return;
  }
  View lines = View::array();
  std::istringstream text(answer->text);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  answer->text = to_json({{"answer", lines}});
}

constexpr std::array kCommands{
    Command{"help", "this overview", "help", help},
    Command{"show config", "what is in force", "show config", show<show_config>},
    Command{"show counters", "packets by fate, since the start or clear counters",
            "show counters --json", show<show_counters>},
    Command{"show drops [reason REASON]",
            "drops by reason and what to look at, the equation, the NICs; of one reason, the last "
            "packets as they came in, with their first bytes when they were dropped",
            "show drops reason no_session", show<show_drops>},
    Command{"show eni", "ENIs and pod ports: addresses, links, queues", "show eni", show<show_eni>},
    Command{"show flow FLOW",
            "one session, by either direction's tuple; its age is known to 16 s, up to 12 days",
            "show flow udp 10.10.20.21:4000 > 8.8.8.8:53", show_flow},
    Command{"show flows [pod ADDRESS] [remote ADDRESS] [address ADDRESS] [protocol PROTOCOL] "
            "[state STATE] [idle DURATION] [limit N] [page N] [top] [count]",
            "sessions: 100 at a time, those with the most bytes (top), or how many (count)",
            "show flows pod 10.10.20.21 limit 5", show_flows},
    Command{"show latency",
            "how long packets were in the gateway, and how long queues went unasked, since clear "
            "counters",
            "show latency", show<show_latency>},
    Command{"show log", "the last lines of the gateway's log", "show log", show<show_log>},
    Command{"show memory", "DPDK's heaps, flow tables, packet buffers", "show memory",
            show<show_memory>},
    Command{"show neighbours", "next hops, and whether they answer or their link is down",
            "show neighbours", show<show_neighbours>},
    Command{"show pods [limit N]", "who has the sessions, the most first", "show pods limit 10",
            show_pods},
    Command{"show policy", "the compiled rules in order", "show policy", show<show_policy>},
    Command{"show port", "what the devices count, and the VPC's allowances", "show port",
            show<show_port>},
    Command{"show ports [limit N]",
            "external ports in use by address and by busiest remote, the most there ever were, and "
            "when there will be none if use grows on as in the last two minutes",
            "show ports limit 5", show_ports},
    Command{"show rates", "packets, bits, drops and load of the last second", "show rates --json",
            show<show_rates>},
    Command{"show steering", "which worker owns what, and who moves the packets", "show steering",
            show<show_steering>},
    Command{"show version", "version of sluice and DPDK", "show version", show<show_version>},
    Command{"show workers", "load, burst fill, longest turn, cycles by stage", "show workers",
            show<show_workers>},
    Command{"explain last drop [REASON]", "the last packet dropped, and what it would meet now",
            "explain last drop no_session", explain_last_drop},
    Command{"explain FLOW",
            "what would become of a packet and its reply now: rule, session, ports, next hop",
            "explain tcp 10.10.20.21:40000 > 8.8.8.8:443", explain_flow},
    Command{"trace add N [address ADDRESS] [protocol PROTOCOL]",
            "trace the next N packets through the stages; by address and protocol as capture start",
            "trace add 5 protocol udp", trace_add},
    Command{"trace show", "how far the trace is, and what each stage changed about its packets",
            "trace show", trace_show},
    Command{"trace stop", "end the trace, which stays to be shown", "trace stop", trace_stop},
    Command{"trace clear", "end the trace and forget it", "trace clear", trace_clear},
    Command{
        "capture start PATH [address ADDRESS] [protocol PROTOCOL] [count N]",
        "write the next 1000 or N packets to a pcapng file, before and after, with the reason; an "
        "address is looked for on both sides of the translation and in what an ICMP error is "
        "about, a protocol is the packet's own",
        "capture start sluice.pcapng address 10.10.20.21 count 100", capture_start},
    Command{"capture show", "the capture under way or the last one: file, packets so far, filter",
            "capture show", capture_show},
    Command{"capture stop", "end the capture", "capture stop", capture_stop},
    Command{"check FILE", "what FILE would change for the flows there are now", "check lab.yaml",
            start_check},
    Command{"reload", "read the configuration again and put it into force", "reload", reload},
    Command{"set log level LEVEL", "log more or less", "set log level debug", set_log_level},
    Command{"set steering STEERING",
            "who moves packets to their workers: software alone, or NICs too (auto), tried anew",
            "set steering auto", set_steering},
    Command{"set timeout TIMEOUT DURATION", "how long sessions may be idle, open ones too",
            "set timeout udp 5m", set_timeout},
    Command{"clear counters", "show counters, drops and latency from now on", "clear counters",
            clear_counters},
    Command{"clear flows [pod ADDRESS] [remote ADDRESS] [address ADDRESS] [protocol PROTOCOL] "
            "[state STATE] [idle DURATION] [all]",
            "end sessions", "clear flows pod 10.10.20.21 protocol udp", clear_flows},
    Command{"drain ADDRESS", "give no new flows to an egress address", "drain 10.10.10.21", drain},
    Command{
        "stop",
        "receive nothing more: what is under way is sent, sessions stay, /readyz says no, and the "
        "console answers; packets wait in the devices' queues or are missed there",
        "stop", stop},
    Command{"start", "receive again; what waited in the queues comes first", "start", start},
    Command{"watch COMMAND [SECONDS]", "repeat a command every 2 or SECONDS seconds, until a key",
            "watch show rates 1", nullptr},
    Command{"top", "watch show rates 1", "top", nullptr},
    Command{"exit", "leave an attached console, as Ctrl-D does; the gateway goes on", "exit",
            nullptr},
    Command{"quit", "stop the gateway", "quit", quit},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

Reply run(std::string_view line, Session& session) {
  if (split_words(line).empty()) return Answer{};
  const auto typed = read_line(line);
  if (!typed) return Answer{Answer::Status::kBadUsage, typed.error() + "\n"};
  const Command& command = *typed.value().command;
  if (command.run == nullptr) {
    return Answer{Answer::Status::kBadUsage,
                  fmt::format("{}: only at a terminal\n", command.syntax)};
  }
  Reply reply = command.run(session, typed.value().arguments);
  if (typed.value().arguments.json) make_json(reply);
  return reply;
}

}  // namespace sluice::console
