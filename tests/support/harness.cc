// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/harness.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "config/files.h"
#include "pipeline/stages/steer.h"
#include "support/config_parts.h"
#include "support/eal.h"

namespace sluice::test {
namespace {

config::Config load(std::string_view yaml) {
  auto loaded = config::load_text(yaml, "test.yaml", config::MemoryFiles{{}});
  if (loaded.config) return std::move(*loaded.config);
  std::string text;
  for (const auto& problem : loaded.problems) text += config::to_text(problem) + "\n";
  throw std::invalid_argument(text);
}

std::unique_ptr<const pipeline::Snapshot> build(config::Config config,
                                                const nat::OwnerFunction& owner) {
  start_eal();
  auto built = pipeline::Snapshot::build(std::move(config), owner);
  if (!built) throw std::runtime_error(built.error());
  return std::move(built).value();
}

constexpr net::MacAddress kStranger{0x02, 0x0f, 0, 0, 0, 1};
constexpr std::uint16_t kHeadroom = 128;  // as DPDK's buffers have

}  // namespace

net::MacAddress neighbour_mac(std::string_view text) {
  const IpAddr who = address(text);
  if (!who.is_v4()) {
    const auto& bytes = who.v6().bytes();
    return {0x02, 0x06, bytes[12], bytes[13], bytes[14], bytes[15]};
  }
  const std::uint32_t value = who.v4().value();
  const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(value >> shift); };
  return {0x02, 0x01, byte(24), byte(16), byte(8), byte(0)};
}

net::MacAddress device_mac(unsigned device) {
  return {0x02, 0, 0, 0, 0, static_cast<std::uint8_t>(device)};
}

// --- outcomes --------------------------------------------------------------------------------

std::string describe(const Outcome& outcome) {
  switch (outcome.fate) {
    case Fate::kEmit: return "emitted by " + outcome.device;
    case Fate::kAwaitNeighbour: return "waits for " + outcome.next_hop + " on " + outcome.device;
    case Fate::kDrop: return "dropped: " + std::string{info(outcome.reason).metric};
    case Fate::kDropAnswered:
      return "dropped: " + std::string{info(outcome.reason).metric} + ", answered by " +
             outcome.device;
    case Fate::kHeld: return "held until its datagram is whole";
    case Fate::kToControl: return "to control";
    case Fate::kToWorker: return "to worker " + std::to_string(outcome.worker);
    case Fate::kLive: return "forgotten by every stage";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << describe(outcome) << "\n" << hex(outcome.frame);
}

testing::AssertionResult dropped(const Outcome& outcome, DropReason reason) {
  const bool is_drop = outcome.fate == Fate::kDrop || outcome.fate == Fate::kDropAnswered;
  if (is_drop && outcome.reason == reason) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << "expected dropped: " << info(reason).metric << ", but " << describe(outcome);
}

unsigned workers_from_environment() {
  const char* text = std::getenv("SLUICE_TEST_WORKERS");
  return text == nullptr ? 1 : static_cast<unsigned>(std::stoul(text));
}

bool nic_lies() {
  const char* text = std::getenv("SLUICE_TEST_NIC");
  return text != nullptr && std::string_view(text) == "lies";
}

// --- the harness -----------------------------------------------------------------------------

struct Harness::Worker {
  Worker(WorkerId self,
         const nat::OwnerFunction& owner,
         std::span<const pipeline::Link> links,
         const eni::NeighbourTable& neighbours,
         std::unique_ptr<nat::FlowTable> flows,
         std::uint64_t seed)
      : table(std::move(flows)),
        ports(owner, self, *table, seed),
        fragments(counters, seed),
        context{self, owner, links, neighbours, *table, ports, counters, fragments, outbox},
        pipeline(context),
        devices(links.size()) {}

  /// Has this worker trust all of its queues, whatever it has learnt of them.
  void trust_nics() {
    if (queues.empty()) queues = std::vector<pipeline::NicQueue>(devices);
    context.nic_queues = queues;
    const nat::OwnerFunction& owner = context.owner;
    nat::FlowKey ours{};
    for (std::uint16_t port = 1; owner.owner(owner.hash(ours)) != context.self; ++port) {
      ours.source_port = Be16::from_host(port);
    }
    for (pipeline::NicQueue& queue : queues) {
      queue.allow(false);
      queue.check({ours, 0}, context.self, owner);  // what it knew is forgotten
      queue.allow(true);
      for (unsigned i = 0; i < pipeline::NicQueue::kEnough; ++i) {
        queue.check({ours, owner.hash(ours)}, context.self, owner);
      }
      ASSERT_TRUE(queue.trusted());
    }
  }

  std::unique_ptr<nat::FlowTable> table;
  nat::PortAllocator ports;
  pipeline::Counters counters;
  pipeline::Reassembly fragments;
  nat::Outbox outbox;
  pipeline::Context context;
  pipeline::EgressPipeline pipeline;
  pipeline::Burst burst;
  std::size_t devices;
  std::vector<pipeline::NicQueue> queues;  ///< by DeviceId; none unless the NIC lies
};

Harness::Harness(std::string_view yaml, const Options& options)
    : owner_(options.key, options.workers),
      snapshot_(build(load(yaml), owner_)),
      lying_nic_(options.lying_nic && options.workers > 1) {
  const auto& devices = snapshot_->enis.devices();
  for (unsigned i = 0; i < devices.size(); ++i) {
    pipeline::Link link{device_mac(i), options.mtu};
    const std::size_t enis = config().enis.size();
    link.mtu =
        (i < enis ? config().enis[i].mtu : config().pod_ports[i - enis].mtu).value_or(options.mtu);
    links_.push_back(link);
  }
  auto neighbours = eni::NeighbourTable::create(static_cast<unsigned>(devices.size()), 1024);
  if (!neighbours) throw std::runtime_error(neighbours.error());
  neighbours_ = std::move(neighbours).value();
  const std::uint32_t capacity = std::max(config().flows.capacity / options.workers, 1U);
  for (unsigned i = 0; i < options.workers; ++i) {
    auto table = nat::FlowTable::create({capacity, options.seed});
    if (!table) throw std::runtime_error(table.error());
    if (config().flows.per_pod != 0) table.value()->count_pods();
    workers_.push_back(std::make_unique<Worker>(WorkerId{static_cast<std::uint8_t>(i)}, owner_,
                                                links_, *neighbours_, std::move(table).value(),
                                                options.seed + i));
  }
  use(std::move(snapshot_));
  if (options.resolved) resolve_known();
}

Harness::~Harness() = default;

void Harness::use(std::unique_ptr<const pipeline::Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  for (const auto& worker : workers_) {
    worker->context.snapshot = snapshot_.get();
    worker->table->set_limits(snapshot_->limits);
  }
}

void Harness::reload(std::string_view yaml) { use(build(load(yaml), owner_)); }

void Harness::resolve_known() {
  for (const auto& eni : config().enis) {
    resolve(eni.name, eni.gateway.to_string());
    if (eni.address6) resolve(eni.name, eni.gateway6.to_string());
    for (const auto& route : eni.routes) resolve(eni.name, route.via.to_string());
  }
  for (const auto& port : config().pod_ports) {
    for (const IpAddr& pod : port.pods) resolve(port.name, pod.to_string());
  }
}

void Harness::resolve(std::string_view name, std::string_view neighbour) {
  if (!neighbours_->set(device(name), address(neighbour), neighbour_mac(neighbour))) {
    throw std::runtime_error("the neighbour table is full");
  }
}
void Harness::forget(std::string_view name, std::string_view neighbour) {
  neighbours_->clear(device(name), address(neighbour));
}

DeviceId Harness::device(std::string_view name) const {
  const auto& devices = snapshot_->enis.devices();
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].name == name) return {static_cast<std::uint8_t>(i)};
  }
  throw std::invalid_argument("no device " + std::string{name});
}
std::string Harness::name_of(DeviceId id) const {
  return id == kNoDevice ? "none" : snapshot_->enis.devices()[id.value].name;
}

nat::FlowTable& Harness::table(unsigned worker) { return *workers_.at(worker)->table; }
const pipeline::Counters& Harness::counters(unsigned worker) const {
  return workers_.at(worker)->counters;
}
pipeline::Context& Harness::context(unsigned worker) { return workers_.at(worker)->context; }
pipeline::EgressPipeline& Harness::pipeline(unsigned worker) {
  return workers_.at(worker)->pipeline;
}
std::uint32_t Harness::sessions() const {
  std::uint32_t count = 0;
  for (const auto& worker : workers_) {
    const nat::FlowTable& table = *worker->table;
    for (std::uint32_t i = 0; i < table.touched(); ++i) count += table.read({i}) ? 1 : 0;
  }
  return count;
}

// --- frames ----------------------------------------------------------------------------------

Bytes Harness::completed(DeviceId in, const PacketBuilder& packet) const {
  PacketBuilder whole = packet;
  if (!packet.has_to_mac()) whole = whole.to_mac(links_.at(in.value).mac);
  if (!packet.has_from_mac()) whole = whole.from_mac(kStranger);
  return whole.bytes();
}

Bytes Harness::as_emitted(std::string_view name,
                          std::string_view next_hop,
                          const PacketBuilder& packet) const {
  return packet.from_mac(links_.at(device(name).value).mac).to_mac(neighbour_mac(next_hop)).bytes();
}

std::vector<Outcome> Harness::run(const std::vector<Frame>& frames, unsigned number) {
  Worker& worker = *workers_.at(number);
  if (lying_nic_) worker.trust_nics();
  std::vector<Bytes> buffers;  // each ends where its frame does, so that sanitizers see more
  worker.burst.begin(now_);
  for (const Frame& frame : frames) {
    Bytes& buffer = buffers.emplace_back(kHeadroom + frame.bytes.size());
    std::copy(frame.bytes.begin(), frame.bytes.end(), buffer.begin() + kHeadroom);
    pipeline::Packet& packet = worker.burst.add();
    packet.frame = buffer.data() + kHeadroom;
    packet.headroom = kHeadroom;
    packet.length = static_cast<std::uint32_t>(frame.bytes.size());
    packet.contiguous = frame.contiguous.value_or(packet.length);
    packet.vlan_stripped = frame.vlan_stripped;
    packet.steered = frame.steered;
    packet.redirected = frame.redirected;
    packet.hops = frame.hops;
    packet.in = frame.in;
    packet.hashed = lying_nic_;
    packet.nic_hash = 0x5eed;
  }
  worker.pipeline.process(worker.burst);
  deliver_notices();
  std::vector<Outcome> outcomes;
  for (unsigned i = 0; i < worker.burst.size(); ++i) {
    const pipeline::Packet& packet = worker.burst[i];
    Outcome outcome{packet.fate, packet.reason, packet.verdict, "", frames[i].bytes, {},
                    "",          number,        packet.first};
    if (packet.fate == Fate::kEmit || packet.fate == Fate::kAwaitNeighbour ||
        packet.fate == Fate::kDropAnswered) {
      outcome.device = name_of(packet.out);
      outcome.frame.assign(packet.frame, packet.frame + packet.length);
      check_source(outcome);
    }
    if (packet.cut && packet.fate != Fate::kDrop && packet.fate != Fate::kDropAnswered) {
      const bool leaves = packet.fate != Fate::kToWorker;
      pipeline::Pieces pieces(packet, leaves ? links_.at(packet.out.value).mtu : UINT16_MAX);
      while (const auto size = pieces.size()) {
        outcome.pieces.emplace_back(size);
        pieces.write(outcome.pieces.back().data());
      }
    }
    if (packet.fate == Fate::kDropAnswered) outcome.answer = packet.answer;
    if (packet.fate == Fate::kAwaitNeighbour) outcome.next_hop = packet.next_hop.to_string();
    if (packet.fate == Fate::kToWorker) {
      outcome.worker = packet.owner.value;
      outcome.redirected = packet.redirected;
      outcome.hops = packet.hops;
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

/// What workers tell each other by rings.
void Harness::deliver_notices() {
  const auto heed = [&](const nat::Notice& notice) {
    nat::heed(*workers_.at(notice.to.value)->table, notice, now_);
  };
  for (const auto& worker : workers_) {
    for (const nat::Notice& notice : worker->outbox.notices()) heed(notice);
    worker->outbox.clear();
    for (const nat::FlowKey& flow : worker->table->take_departed()) {
      const WorkerId home = pipeline::owner_of(flow, worker->context);
      heed({flow, home, worker->context.self, nat::Notice::What::kEnded});
    }
  }
}

Outcome Harness::send(std::string_view name, const Bytes& frame, unsigned worker) {
  const DeviceId in = device(name);
  Outcome outcome = run({{in, frame}}, worker).front();
  while (outcome.fate == Fate::kToWorker) {
    const Outcome sent = std::exchange(outcome, {});
    // A datagram travels in its pieces.
    for (const Bytes& bytes : sent.pieces.empty() ? std::vector<Bytes>{frame} : sent.pieces) {
      outcome = run({{.in = in,
                      .bytes = bytes,
                      .steered = true,
                      .redirected = sent.redirected,
                      .hops = sent.hops,
                      .contiguous = {}}},
                    sent.worker)
                    .front();
    }
  }
  return outcome;
}

Outcome Harness::send(std::string_view name, const PacketBuilder& packet, unsigned worker) {
  return send(name, completed(device(name), packet), worker);
}

std::vector<Outcome> Harness::send_burst(const std::vector<In>& packets, unsigned worker) {
  std::vector<Frame> frames;
  for (const auto& [name, packet] : packets) {
    frames.push_back({device(name), completed(device(name), packet)});
  }
  return run(frames, worker);
}

// --- the invariant ---------------------------------------------------------------------------

bool Harness::may_emit(std::string_view name, std::string_view source) const {
  const IpAddr from = address(source);
  for (const auto& eni : config().enis) {
    if (eni.name != name) continue;
    const auto holds = [&](const IpPrefix& prefix) { return prefix.contains(from); };
    return eni.address.address == from || (eni.address6 && eni.address6->address == from) ||
           std::find(eni.secondary.begin(), eni.secondary.end(), from) != eni.secondary.end() ||
           std::any_of(eni.prefixes.begin(), eni.prefixes.end(), holds) ||
           std::any_of(eni.forwards.begin(), eni.forwards.end(), holds);
  }
  return true;  // a pod port
}

void Harness::check_source(const Outcome& outcome) const {
  EXPECT_TRUE(may_emit(outcome.device, source_of(outcome.frame)))
      << outcome.device << " may not emit " << source_of(outcome.frame) << ":\n"
      << hex(outcome.frame);
}

std::uint64_t drops(const Harness& harness, DropReason reason) {
  return harness.counters().dropped[static_cast<std::size_t>(reason)].get();
}

// --- configurations --------------------------------------------------------------------------

std::string node_yaml(std::string_view more, std::string_view snat) {
  return R"(
pods: {cidrs: [10.10.0.0/16, "2001:db8:a::/48"]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24,
     secondary: [10.10.10.21, 10.10.10.22, "2001:db8:a:1::21"], address6: "2001:db8:a:1::20/64"}
  - {name: eni1, device: net_null1, address: 10.10.20.20/24, secondary: [10.10.20.21],
     prefixes: [10.10.20.32/28]}
pod_ports:
  - {name: pod-a, device: net_null2, pods: [10.10.10.21, "2001:db8:a:1::21"]}
  - {name: pod-b, device: net_null3, pods: [10.10.20.21]}
  - {name: pod-c, device: net_null4, pods: [10.10.20.33]}
snat:
  vpc_cni:
    env: {AWS_VPC_K8S_CNI_EXTERNALSNAT: "false", AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: 192.168.0.0/16}
)" + std::string{snat} +
         "\n" + std::string{more} + "\n";
}

std::string dedicated_yaml(std::string_view more, std::string_view snat) {
  return R"(
pods: {cidrs: [100.64.0.0/16]}
vpc: {cidrs: [10.20.0.0/16, 100.64.0.0/16]}
enis:
  - {name: uplink, device: net_null0, primary: true, address: 10.20.0.20/24}
  - {name: inner, device: net_null1, address: 10.20.1.20/24, forwards: [0.0.0.0/0],
     routes: [{to: 100.64.0.0/16, via: 10.20.1.1}]}
snat:
  vpc_cni: {env: {AWS_VPC_K8S_CNI_EXTERNALSNAT: "false"}}
)" + std::string{snat} +
         "\n" + std::string{more} + "\n";
}

}  // namespace sluice::test
