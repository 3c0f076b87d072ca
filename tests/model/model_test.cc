// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Random packets, errors and silences through the packet path and through the model of model.h:
/// what one does the other must do, to the byte.
///
/// A sequence is a configuration and steps. A step names its packet by small numbers, and what they
/// mean is settled when its turn comes ("the next segment of this flow", "to the port this flow
/// has"), so any part of a sequence is a sequence, and a failure shrinks to the few steps it takes.
///
///     SLUICE_MODEL_STEPS=1000000   about as many steps in total; usually 30,000
///     SLUICE_TEST_SEED=7           other dice
#include "model/model.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/harness.h"
#include "support/random.h"

namespace sluice::test {
namespace {

using model::Content;
using model::Endpoint;
using model::Expected;
using model::Flow;
using model::Model;
using model::Protocol;
using model::Segment;
using model::Session;
using model::Side;
using model::Tcp;

// --- what is sent, and when ------------------------------------------------------------------

enum class Op { kPod, kRemote, kWait, kSweep, kErrorFromOutside, kErrorFromPod };
enum class Kind { kNatural, kAck, kData, kFin, kSyn, kSynAck, kRst, kRstAck };
enum class Where { kNext, kOld, kFarAhead, kFarBehind };

// Indices into these are what is drawn and shrunk: what stands first is the plainest, what stands
// more often is drawn more often.
constexpr std::array kOps = {Op::kPod,         Op::kPod,    Op::kPod,
                             Op::kPod,         Op::kPod,    Op::kPod,
                             Op::kPod,         Op::kPod,    Op::kPod,
                             Op::kRemote,      Op::kRemote, Op::kRemote,
                             Op::kRemote,      Op::kRemote, Op::kRemote,
                             Op::kRemote,      Op::kRemote, Op::kWait,
                             Op::kWait,        Op::kSweep,  Op::kErrorFromOutside,
                             Op::kErrorFromPod};
constexpr std::array kKinds = {
    Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural,
    Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural, Kind::kNatural,
    Kind::kAck,     Kind::kData,    Kind::kFin,     Kind::kFin,     Kind::kFin,     Kind::kFin,
    Kind::kSyn,     Kind::kSynAck,  Kind::kRst,     Kind::kRstAck};
constexpr std::array kWheres = {Where::kNext, Where::kNext,     Where::kNext,     Where::kNext,
                                Where::kNext, Where::kNext,     Where::kNext,     Where::kNext,
                                Where::kOld,  Where::kFarAhead, Where::kFarBehind};
constexpr std::array kProtocols = {Protocol::kUdp, Protocol::kUdp, Protocol::kTcp, Protocol::kTcp,
                                   Protocol::kTcp, Protocol::kTcp, Protocol::kEcho};
/// Milliseconds; each of the timeouts and one more.
constexpr std::array<std::uint64_t, 24> kWaits = {
    1,       1,       1'000,   1'000,   1'000,   10'000,    10'000,    30'000,
    30'000,  59'999,  60'000,  60'001,  100'000, 119'999,   120'000,   120'001,
    200'000, 240'000, 240'001, 300'000, 300'001, 3'600'000, 7'440'000, 7'440'001};

struct Pod {
  const char* address;
  const char* device;
};
constexpr std::array kPods = {Pod{"10.10.10.21", "pod-a"}, Pod{"10.10.10.21", "pod-a"},
                              Pod{"10.10.20.21", "pod-b"}, Pod{"10.10.20.33", "pod-c"}};
constexpr std::array<unsigned, 5> kPodPorts = {4000, 4000, 4000, 4001, 4002};
constexpr std::array kRemotes = {"198.51.100.1", "198.51.100.1", "198.51.100.1", "203.0.113.9"};
constexpr std::array<unsigned, 4> kRemotePorts = {443, 443, 443, 53};
constexpr std::array kSnats = {"10.10.10.20", "10.10.20.20"};
constexpr const char* kRouter = "192.0.2.77";

template <typename Range>
auto one_of(const Range& range, unsigned index) {
  return range.at(index % std::size(range));
}

struct Step {
  unsigned op;
  unsigned known;  ///< 0: of the flow named here; else of one of those there are
  unsigned pod, pod_port, remote, remote_port, protocol, kind, where, wait;
  unsigned stranger;  ///< 1: from the other remote, to the same external side
  unsigned stale;     ///< 1: acknowledges all but the last
  unsigned detour;    ///< 1: comes by the wrong ENI
  unsigned worker;
};

struct Dice {
  unsigned mapping;  ///< 0 endpoint-dependent, 1 independent, 2 independent but filtered
  unsigned ports, capacity, per_pod, addresses, workers, refresh, wraps;
  unsigned brief;  ///< 1: only TCP, and connections that end soon
};

struct Sequence {
  Dice dice;
  std::vector<Step> steps;
};

constexpr int kSize = 200;  // steps of a sequence, at most

rc::Gen<unsigned> below(unsigned end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0U, end));
}
/// 1 once in so many times.
rc::Gen<unsigned> seldom(unsigned times) {
  return rc::gen::map(below(times), [=](unsigned drawn) { return drawn == times - 1 ? 1U : 0U; });
}
template <typename Range>
rc::Gen<unsigned> index_of(const Range& range) {
  return below(static_cast<unsigned>(std::size(range)));
}

/// Half of the time 0.
rc::Gen<unsigned> known() {
  constexpr unsigned kFlows = 24;
  return rc::gen::map(below(2 * kFlows),
                      [](unsigned drawn) { return drawn < kFlows ? 0U : drawn - kFlows + 1; });
}

rc::Gen<Step> steps() {
  return rc::gen::construct<Step>(index_of(kOps), known(), index_of(kPods), index_of(kPodPorts),
                                  index_of(kRemotes), index_of(kRemotePorts), index_of(kProtocols),
                                  index_of(kKinds), index_of(kWheres), index_of(kWaits), seldom(10),
                                  seldom(4), seldom(25), below(3));
}
rc::Gen<Dice> dice() {
  return rc::gen::construct<Dice>(below(3), below(5), below(4), below(4), below(2), below(2),
                                  seldom(4), seldom(4), seldom(3));
}
rc::Gen<Sequence> sequences() {
  return rc::gen::construct<Sequence>(
      dice(), rc::gen::resize(kSize, rc::gen::container<std::vector<Step>>(steps())));
}

/// The narrative below says it all, and better.
void showValue(const Sequence& sequence, std::ostream& out) {
  out << sequence.steps.size() << " steps";
}

// --- configurations --------------------------------------------------------------------------

struct Plan {
  model::Setup model;
  unsigned workers = 1;
  bool brief = false;
  std::string yaml;
};

Plan plan_of(const Dice& dice) {
  constexpr unsigned kPlenty = 3000;
  constexpr std::array kPortCounts = {kPlenty, 1U, 2U, 3U, 5U};
  constexpr std::array kCapacities = {kPlenty, 3U, 6U, 12U};
  constexpr std::array kPerPod = {0U, 0U, 2U, 4U};
  Plan plan;
  plan.workers = one_of(std::array{1U, 3U}, dice.workers);
  plan.brief = dice.brief != 0;
  model::Setup& setup = plan.model;
  setup.independent = dice.mapping != 0;
  setup.filtered = dice.mapping != 1;
  setup.addresses.assign(kSnats.begin(), kSnats.begin() + 1 + dice.addresses);
  setup.outbound_refresh = dice.refresh != 0;
  setup.ports = setup.capacity = kPlenty;
  if (plan.workers == 1) {  // several share these, not always alike
    setup.ports = one_of(kPortCounts, dice.ports);
    setup.capacity = one_of(kCapacities, dice.capacity);
    setup.per_pod = one_of(kPerPod, dice.per_pod);
  }
  std::string snat = "  ports: " + std::to_string(setup.first_port) + "-" +
                     std::to_string(setup.first_port + setup.ports - 1) + "\n  source: [" +
                     setup.addresses.front() +
                     (dice.addresses == 0 ? "" : ", " + setup.addresses.back()) + "]";
  if (setup.independent) snat += "\n  mapping: endpoint_independent";
  if (setup.independent && setup.filtered) snat += "\n  filtering: endpoint_dependent";
  const std::string flows = "flows: {capacity: " + std::to_string(setup.capacity * plan.workers) +
                            ", per_pod: " + std::to_string(setup.per_pod) +
                            (setup.outbound_refresh ? ", udp_refresh: outbound}" : "}");
  plan.yaml = node_yaml(flows, snat);
  plan.model = setup;
  return plan;
}

std::string describe(const Plan& plan) {
  const model::Setup& setup = plan.model;
  std::ostringstream out;
  out << (setup.independent ? "endpoint-independent" : "endpoint-dependent") << " mapping, "
      << (setup.filtered ? "" : "un") << "filtered; " << setup.ports << " ports on "
      << setup.addresses.size() << " address(es); capacity " << setup.capacity << ", per_pod "
      << setup.per_pod << ", " << plan.workers << " worker(s)"
      << (setup.outbound_refresh ? ", udp_refresh: outbound" : "")
      << (plan.brief ? "; brief TCP connections" : "");
  return out.str();
}

// --- segments --------------------------------------------------------------------------------

// Far from 0, which stands for numbers not known yet; the pods' soon wrap.
constexpr std::uint32_t kPodBegins = 0xffff'8000;
constexpr std::uint32_t kRemoteBegins = 0x3000'0000;
constexpr std::uint32_t kStray = 0x5000'0000;  // of a connection nobody here knows

std::uint32_t begin_of(Side side) { return side == Side::kPod ? kPodBegins : kRemoteBegins; }

/// What a connection in good health would see next from this side.
Kind natural(const Tcp* tcp, Side side, bool brief) {
  if (tcp == nullptr) return Kind::kSyn;
  const bool opener = side == tcp->opener;
  switch (tcp->phase) {
    case Tcp::Phase::kSynSent:
    case Tcp::Phase::kSynBoth:
      if (!opener) return Kind::kSynAck;
      if (tcp->phase == Tcp::Phase::kSynBoth) return Kind::kAck;
      return brief ? Kind::kRst : Kind::kSyn;
    case Tcp::Phase::kOpen:
      if ((brief || tcp->end(other(side)).fin) && !tcp->end(side).fin) return Kind::kFin;
      return tcp->end(side).fin ? Kind::kAck : Kind::kData;
    case Tcp::Phase::kReset:
      if (!brief) return Kind::kAck;  // it did not take the RST
      [[fallthrough]];
    case Tcp::Phase::kClosed: return opener ? Kind::kSyn : Kind::kAck;
  }
  return Kind::kSyn;
}

Segment flags_of(Kind kind) {
  switch (kind) {
    case Kind::kNatural:
    case Kind::kSyn: return {.syn = true};
    case Kind::kSynAck: return {.syn = true, .ack = true};
    case Kind::kAck: return {.ack = true};
    case Kind::kData: return {.ack = true, .length = 10};
    case Kind::kFin: return {.ack = true, .fin = true};
    case Kind::kRst: return {.rst = true};
    case Kind::kRstAck: return {.ack = true, .rst = true};
  }
  return {};
}

/// Where a segment of this kind stands. Old and far ones only where the windows are known, and what
/// lies outside is far outside: how large a window is exactly is not the model's business.
std::uint32_t sequence_of(const Segment& segment, const Tcp* tcp, Side side, Where where) {
  if (tcp == nullptr) return begin_of(side);
  const Tcp::End& mine = tcp->end(side);
  const bool opening = tcp->phase == Tcp::Phase::kSynSent || tcp->phase == Tcp::Phase::kSynBoth;
  const bool begins = segment.syn && !mine.known;
  if (!mine.known && tcp->phase == Tcp::Phase::kSynSent && !begins && !segment.rst) return kStray;
  const std::uint32_t next = mine.known ? mine.next : begin_of(side);
  if (segment.first_syn() && tcp->ended() && where == Where::kNext) return next + 1000;
  if (segment.fin && mine.fin && where == Where::kNext) return next - 1;              // sent again
  if (where == Where::kOld && opening && segment.syn && mine.known) return next - 1;  // sent again
  const bool both_known = mine.known && tcp->end(other(side)).known;
  if ((opening && !segment.rst) || !both_known) return next;
  switch (where) {
    case Where::kNext: return next;
    case Where::kOld: return next - 100;
    case Where::kFarAhead: return next + 0x1000'0000;
    case Where::kFarBehind: return next - 0x1000'0000;
  }
  return next;
}

Segment segment_of(const Step& step, const Tcp* tcp, Side side, bool brief) {
  const Kind drawn = one_of(kKinds, step.kind);
  Segment segment = flags_of(drawn == Kind::kNatural ? natural(tcp, side, brief) : drawn);
  if (tcp != nullptr && tcp->end(side).fin) segment.length = 0;  // nothing comes after a FIN
  segment.sequence = sequence_of(segment, tcp, side, one_of(kWheres, step.where));
  if (segment.ack) {
    const Side peer = other(side);
    const bool known = tcp != nullptr && tcp->end(peer).known;
    segment.acknowledgment = known ? tcp->end(peer).next : begin_of(peer) + 1;
    segment.acknowledgment -= step.stale;
  }
  return segment;
}

PacketBuilder with_segment(const PacketBuilder& packet, const Segment& segment) {
  unsigned flags = 0;
  if (segment.syn) flags |= net::kSyn;
  if (segment.ack) flags |= net::kAck;
  if (segment.fin) flags |= net::kFin;
  if (segment.rst) flags |= net::kRst;
  return packet.ack(segment.acknowledgment)
      .flags(flags)
      .seq(segment.sequence)
      .payload(std::string(segment.length, 'x'));
}

std::ostream& operator<<(std::ostream& out, const Endpoint& endpoint) {
  return out << endpoint.address << ":" << endpoint.port;
}
std::string describe(Protocol protocol, const Content& content) {
  std::ostringstream out;
  const Segment& segment = content.segment;
  switch (protocol) {
    case Protocol::kUdp: return "UDP";
    case Protocol::kEcho: return content.echo_reply ? "echo reply" : "echo request";
    case Protocol::kTcp: break;
  }
  out << "TCP" << (segment.syn ? " SYN" : "") << (segment.fin ? " FIN" : "")
      << (segment.rst ? " RST" : "") << (segment.ack ? " ACK" : "") << " seq " << segment.sequence;
  if (segment.ack) out << " ack " << segment.acknowledgment;
  if (segment.length != 0) out << ", " << segment.length << " bytes";
  return out.str();
}

// --- both at once ----------------------------------------------------------------------------

/// How often what happened, over all sequences: a test that never fills a table tests little.
std::map<std::string, std::uint64_t> happened;
std::uint64_t steps_done = 0;

class Run {
 public:
  explicit Run(const Dice& dice)
      : plan_(plan_of(dice)),
        model_(plan_.model),
        harness_(plan_.yaml, {.workers = plan_.workers}) {
    story_ << describe(plan_) << "\n";
    if (dice.wraps == 0) return;
    story_ << "the clock soon wraps\n";
    harness_.advance(std::chrono::milliseconds(4'290'000'000));
  }

  /// What is wrong, or nothing.
  std::string take(const Step& step) {
    ++steps_done;
    story_ << "  " << ++number_ << ". ";
    const std::map<Flow, Session> before = model_.sessions();
    const std::string wrong = act(step);
    if (one_of(kOps, step.op) != Op::kWait) count_reclaimed(before);
    story_ << "\n";
    return wrong;
  }
  [[nodiscard]] std::string story() const { return story_.str(); }

 private:
  std::string act(const Step& step) {
    switch (one_of(kOps, step.op)) {
      case Op::kPod: return pod_sends(step);
      case Op::kRemote: return remote_sends(step);
      case Op::kWait: return wait(step);
      case Op::kSweep: return sweep();
      case Op::kErrorFromOutside: return error_from_outside(step);
      case Op::kErrorFromPod: return error_from_pod(step);
    }
    return "";
  }

  [[nodiscard]] Flow flow_of(const Step& step) const {
    const auto& sessions = model_.sessions();
    if (step.known != 0 && !sessions.empty()) {
      const auto at = static_cast<std::ptrdiff_t>(step.known % sessions.size());
      return std::next(sessions.begin(), at)->first;
    }
    Flow flow{{one_of(kPods, step.pod).address, one_of(kPodPorts, step.pod_port)},
              {one_of(kRemotes, step.remote), one_of(kRemotePorts, step.remote_port)},
              one_of(kProtocols, step.protocol)};
    if (plan_.brief) {
      flow.protocol = Protocol::kTcp;
      flow.pod.port += step.wait;  // many of them
    }
    if (flow.protocol == Protocol::kEcho) flow.remote.port = 0;
    return flow;
  }
  static std::string device_of(const std::string& pod) {
    return std::find_if(kPods.begin(), kPods.end(),
                        [&](const Pod& each) { return each.address == pod; })
        ->device;
  }
  static std::string eni_of(const std::string& snat) { return snat == kSnats[0] ? "eni0" : "eni1"; }
  static std::string router_of(const std::string& eni) {
    return eni == "eni0" ? "10.10.10.1" : "10.10.20.1";
  }
  [[nodiscard]] unsigned worker_of(const Step& step) const { return step.worker % plan_.workers; }

  /// The external side of a flow: the one it has, or had; else one that may be nobody's.
  [[nodiscard]] Endpoint external_of(const Flow& flow) const {
    if (const Session* session = model_.find(flow)) return session->external;
    const auto last = last_external_.find(flow);
    if (last != last_external_.end()) return last->second;
    return {plan_.model.addresses.front(), plan_.model.first_port};
  }

  static PacketBuilder outbound(const Flow& flow, const Content& content) {
    const auto packet = eth().ipv4(flow.pod.address, flow.remote.address);
    switch (flow.protocol) {
      case Protocol::kUdp: return packet.udp(flow.pod.port, flow.remote.port).payload("query");
      case Protocol::kEcho:
        return (content.echo_reply ? packet.echo_reply(flow.pod.port) : packet.echo(flow.pod.port))
            .payload("ping");
      case Protocol::kTcp: break;
    }
    return with_segment(packet.tcp(flow.pod.port, flow.remote.port), content.segment);
  }
  static PacketBuilder inbound(const Endpoint& remote,
                               const Endpoint& local,
                               Protocol protocol,
                               const Content& content) {
    const auto packet = eth().ipv4(remote.address, local.address);
    switch (protocol) {
      case Protocol::kUdp: return packet.udp(remote.port, local.port).payload("answer");
      case Protocol::kEcho:
        return (content.echo_reply ? packet.echo_reply(local.port) : packet.echo(local.port))
            .payload("ping");
      case Protocol::kTcp: break;
    }
    return with_segment(packet.tcp(remote.port, local.port), content.segment);
  }

  // --- what became of it ---

  void tell(const Outcome& out) {
    story_ << "  => " << test::describe(out);
    if (out.emitted()) {
      story_ << " as " << source_of(out.frame) << ":" << source_port_of(out.frame) << " > "
             << destination_of(out.frame) << ":" << destination_port_of(out.frame);
    }
  }
  static void count(const std::string& what) { ++happened[what]; }

  /// Whether this was a drop as foretold, and no drop otherwise.
  std::string compare_fate(const Expected& expected, const Outcome& out) {
    tell(out);
    const bool dropped = out.fate == Fate::kDrop || out.fate == Fate::kDropAnswered;
    const std::string reason = dropped ? std::string{info(out.reason).metric} : "";
    count(dropped ? reason : "passed");
    if (expected.drop == reason && (dropped || out.emitted())) return "";
    return expected.drop.empty() ? "it should have passed"
                                 : "it should be dropped: " + expected.drop;
  }
  static std::string compare_frame(const std::string& device,
                                   const Bytes& wanted,
                                   const Outcome& out) {
    if (out.device != device) return "it should leave by " + device;
    const auto same = same_bytes(wanted, out.frame);
    return same ? "" : same.message();
  }
  std::string compare_to_pod(const Flow& flow, const PacketBuilder& wanted, const Outcome& out) {
    const std::string device = device_of(flow.pod.address);
    return compare_frame(device, harness_.as_emitted(device, flow.pod.address, wanted.ttl(63)),
                         out);
  }
  std::string compare_to_remote(const Endpoint& external,
                                const PacketBuilder& wanted,
                                const Outcome& out) {
    const std::string eni = eni_of(external.address);
    return compare_frame(eni, harness_.as_emitted(eni, router_of(eni), wanted.ttl(63)), out);
  }

  // --- steps ---

  std::string pod_sends(const Step& step) {
    const Flow flow = flow_of(step);
    const Session* session = model_.find(flow);
    Content content;
    if (flow.protocol == Protocol::kTcp) {
      content.segment =
          segment_of(step, session == nullptr ? nullptr : &session->tcp, Side::kPod, plan_.brief);
    }
    content.echo_reply = one_of(kKinds, step.kind) == Kind::kSynAck;
    const bool held = session != nullptr && session->held(flow.protocol);

    const auto packet = outbound(flow, content);
    story_ << device_of(flow.pod.address) << ": " << flow.pod << " > " << flow.remote << " "
           << describe(flow.protocol, content);
    const Expected expected = model_.pod_sends(flow, content);
    const Outcome out = harness_.send(device_of(flow.pod.address), packet, worker_of(step));
    if (std::string wrong = compare_fate(expected, out); !wrong.empty()) return wrong;
    if (expected.drop == "flow_table_full") model_.had_no_room(flow);
    if (!expected.drop.empty()) return "";

    const Endpoint external{source_of(out.frame), source_port_of(out.frame)};
    if (std::string wrong = model_.wrong_external(flow, external); !wrong.empty()) return wrong;
    const auto wanted = packet.source(external.address).source_port(external.port);
    if (std::string wrong = compare_to_remote(external, wanted, out); !wrong.empty()) return wrong;
    model_.pod_sent(flow, content, external);
    last_external_[flow] = external;
    note_change(flow, session != nullptr, held);
    return "";
  }

  std::string remote_sends(const Step& step) {
    const Flow named = flow_of(step);
    const Endpoint external = external_of(named);
    Endpoint remote = named.remote;
    if (step.stranger != 0) {
      remote.address = remote.address == kRemotes.front() ? kRemotes.back() : kRemotes.front();
    }
    const std::optional<Flow> flow = flow_at(remote, external, named.protocol);
    const Session* session = flow ? model_.find(*flow) : nullptr;
    Content content;
    if (named.protocol == Protocol::kTcp) {
      content.segment = segment_of(step, session == nullptr ? nullptr : &session->tcp,
                                   Side::kRemote, plan_.brief);
    }
    content.echo_reply = one_of(kKinds, step.kind) != Kind::kSyn;
    const bool held = session != nullptr && session->held(named.protocol);

    const auto packet = inbound(remote, external, named.protocol, content);
    const std::string device = eni_for(external, step);
    story_ << device << ": " << remote << " > " << external << " "
           << describe(named.protocol, content);
    const Expected expected =
        model_.remote_sends(remote, external, named.protocol, content, step.detour == 0);
    const Outcome out = harness_.send(device, packet, worker_of(step));
    if (std::string wrong = compare_fate(expected, out); !wrong.empty()) return wrong;
    if (expected.drop == "flow_table_full") model_.had_no_room(expected.flow);
    if (!expected.drop.empty()) return "";
    if (expected.answered_here) return compare_answer(remote, external, out);

    const Endpoint& pod = expected.flow.pod;
    auto wanted = packet.destination(pod.address);
    wanted = named.protocol == Protocol::kEcho ? wanted.source_port(pod.port)
                                               : wanted.destination_port(pod.port);
    if (std::string wrong = compare_to_pod(expected.flow, wanted, out); !wrong.empty())
      return wrong;
    model_.remote_sent(expected.flow, content);
    last_external_[expected.flow] = external;
    if (session == nullptr) count("opened by a stranger");
    note_change(expected.flow, session != nullptr, held);
    return "";
  }

  std::string wait(const Step& step) {
    constexpr unsigned kShort = 9;  // of the first ones nothing at rest ends
    const std::uint64_t span = one_of(kWaits, plan_.brief ? step.wait % kShort : step.wait);
    story_ << "wait " << span << " ms ";
    const std::size_t before = model_.records();
    harness_.advance(std::chrono::milliseconds(span));
    model_.wait(span);
    if (model_.records() < before) count("timed out");
    // Mappings and the count of a pod's sessions lag until the sweep, which is never far behind.
    return plan_.model.independent || plan_.model.per_pod != 0 ? sweep() : "";
  }

  std::string sweep() {
    story_ << "sweep ";
    std::uint32_t held = 0;
    for (unsigned i = 0; i < plan_.workers; ++i) {
      auto& table = harness_.table(i);
      table.sweep(harness_.now(), table.capacity());
      if (std::string wrong = table.check_invariants(); !wrong.empty()) return wrong;
      held += table.held();
    }
    if (std::string wrong = compare_count("records", harness_.sessions(), model_.records());
        !wrong.empty()) {
      return wrong;
    }
    return compare_count("ended sessions", held, held_in(model_.sessions()));
  }
  static std::string compare_count(const char* what, std::size_t actual, std::size_t wanted) {
    if (actual == wanted) return "";
    return std::to_string(actual) + " " + what + ", and there should be " + std::to_string(wanted);
  }
  static std::size_t held_in(const std::map<Flow, Session>& sessions) {
    return static_cast<std::size_t>(
        std::count_if(sessions.begin(), sessions.end(),
                      [](const auto& entry) { return entry.second.held(entry.first.protocol); }));
  }

  // --- errors ---

  static Bytes quote(const PacketBuilder& packet, const Step& step) {
    constexpr std::ptrdiff_t kEthernet = 14;
    constexpr std::size_t kShortest = 34 + 8;
    const Bytes frame = packet.bytes();
    const std::size_t length = step.stale != 0 ? std::min(kShortest, frame.size()) : frame.size();
    return {frame.begin() + kEthernet, frame.begin() + static_cast<std::ptrdiff_t>(length)};
  }
  static PacketBuilder error(const std::string& from,
                             const std::string& to,
                             const Step& step,
                             const Bytes& quoted) {
    switch (one_of(kKinds, step.kind)) {
      case Kind::kNatural: return eth().ipv4(from, to).icmp(3, 3, 0, 0).payload(quoted);
      case Kind::kFin: return eth().ipv4(from, to).icmp(3, 4, 0, 1400).payload(quoted);
      default: return eth().ipv4(from, to).icmp(11, 0, 0, 0).payload(quoted);
    }
  }
  /// Some packet of a flow, of which nothing but its ends matters.
  static Content any_content() {
    Content content;
    content.segment = {.ack = true, .sequence = 77, .acknowledgment = 88, .length = 5};
    return content;
  }

  std::string error_from_outside(const Step& step) {
    const Flow named = flow_of(step);
    const Endpoint external = external_of(named);
    const std::string device = eni_for(external, step);
    story_ << device << ": " << kRouter << " > " << external.address << " ICMP error about "
           << external << " > " << named.remote;
    const Expected expected =
        model_.error_from_outside(named.remote, external, named.protocol, step.detour == 0);
    const auto quoted = outbound({external, named.remote, named.protocol}, any_content()).ttl(3);
    const Outcome out = harness_.send(
        device, error(kRouter, external.address, step, quote(quoted, step)), worker_of(step));
    if (std::string wrong = compare_fate(expected, out); !wrong.empty()) return wrong;
    if (!expected.drop.empty()) return "";
    count("error to a pod");
    const auto as_sent = outbound(expected.flow, any_content()).ttl(3);
    return compare_to_pod(
        expected.flow, error(kRouter, expected.flow.pod.address, step, quote(as_sent, step)), out);
  }

  std::string error_from_pod(const Step& step) {
    const Flow flow = flow_of(step);
    story_ << device_of(flow.pod.address) << ": " << flow.pod.address << " > "
           << flow.remote.address << " ICMP error about " << flow.remote << " > " << flow.pod;
    const Expected expected = model_.error_from_pod(flow);
    Content content = any_content();
    content.echo_reply = true;
    const auto received = inbound(flow.remote, flow.pod, flow.protocol, content);
    const Outcome out = harness_.send(
        device_of(flow.pod.address),
        error(flow.pod.address, flow.remote.address, step, quote(received, step)), worker_of(step));
    if (std::string wrong = compare_fate(expected, out); !wrong.empty()) return wrong;
    if (!expected.drop.empty()) return "";
    count("error of a pod");
    const Endpoint external = model_.find(flow)->external;
    const auto as_sent = inbound(flow.remote, external, flow.protocol, content);
    return compare_to_remote(
        external, error(external.address, flow.remote.address, step, quote(as_sent, step)), out);
  }

  // --- small change ---

  [[nodiscard]] std::optional<Flow> flow_at(const Endpoint& remote,
                                            const Endpoint& external,
                                            Protocol protocol) const {
    for (const auto& [flow, session] : model_.sessions()) {
      if (flow.remote == remote && flow.protocol == protocol && session.external == external) {
        return flow;
      }
    }
    return std::nullopt;
  }
  static std::string eni_for(const Endpoint& external, const Step& step) {
    const std::string own = eni_of(external.address);
    if (step.detour == 0) return own;
    return own == "eni0" ? "eni1" : "eni0";
  }
  static std::string compare_answer(const Endpoint& remote,
                                    const Endpoint& external,
                                    const Outcome& out) {
    count("answered here");
    const bool right =
        out.device == eni_of(external.address) && source_of(out.frame) == external.address &&
        destination_of(out.frame) == remote.address && wrong_checksums(out.frame).empty();
    return right ? "" : "the gateway should have answered the echo request";
  }
  /// Without a wait only those go that have ended, for want of a port or a record.
  void count_reclaimed(const std::map<Flow, Session>& before) const {
    const std::size_t held = held_in(before);
    for (const auto& [flow, session] : before) {
      if (model_.find(flow) != nullptr) continue;
      count(held > 1 ? "the first of several ended ones gave way" : "an ended one gave way");
    }
  }
  void note_change(const Flow& flow, bool existed, bool was_held) const {
    const Session* session = model_.find(flow);
    if (!existed) return count("opened");
    const bool is_held = session->held(flow.protocol);
    if (is_held && !was_held) {
      count(session->tcp.phase == Tcp::Phase::kClosed ? "closed by FINs" : "closed by RST");
    }
    if (was_held && !is_held) {
      count(session->tcp.phase == Tcp::Phase::kOpen ? "came back after RST" : "reopened");
    }
  }

  Plan plan_;
  Model model_;
  Harness harness_;
  std::map<Flow, Endpoint> last_external_;
  std::ostringstream story_;
  unsigned number_ = 0;
};

// --- the test --------------------------------------------------------------------------------

class Silent : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

void play(const Sequence& sequence) {
  Run run(sequence.dice);
  for (const Step& step : sequence.steps) {
    const std::string wrong = run.take(step);
    if (wrong.empty()) continue;
    RC_LOG() << run.story() << wrong << "\n";
    RC_FAIL("sluice and its model differ in the last step");
  }
}

constexpr std::uint64_t kUsual = 30'000;
std::uint64_t steps_wanted() {
  const char* text = std::getenv("SLUICE_MODEL_STEPS");
  return text == nullptr ? kUsual : std::stoull(text);
}

TEST(Model, WhatTheModelDoesTheGatewayDoes) {
  const Random random;
  rc::detail::TestParams params;
  params.seed = Random{random}.word();
  params.maxSize = kSize;
  params.maxSuccess = static_cast<int>(std::max<std::uint64_t>(steps_wanted() * 2 / kSize, 1));
  const rc::detail::TestMetadata metadata{"model", "sluice against its model"};
  Silent silent;
  const auto result =
      rc::detail::checkTestable([] { play(*sequences()); }, metadata, params, silent,
                                std::unordered_map<std::string, rc::detail::Reproduce>{});
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  std::printf("%llu steps\n", static_cast<unsigned long long>(steps_done));
  for (const auto& [what, count] : happened) {
    std::printf("%10llu %s\n", static_cast<unsigned long long>(count), what.c_str());
  }
  ASSERT_TRUE(result.is<rc::detail::SuccessResult>()) << random.seed() << "\n" << text.str();
  if (steps_wanted() < kUsual) return;
  for (const char* what :
       {"answered here", "came back after RST", "closed by FINs", "closed by RST", "error of a pod",
        "error to a pod", "flow_table_full", "no_session", "opened", "opened by a stranger",
        "the first of several ended ones gave way", "passed", "pod_limit", "ports_exhausted",
        "reopened", "tcp_mid_stream", "timed out", "wrong_device"}) {
    EXPECT_NE(happened[what], 0U) << what << " never happened: the dice are badly made";
  }
}

}  // namespace
}  // namespace sluice::test
