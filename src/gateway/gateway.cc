// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/gateway.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <sys/random.h>

#include <algorithm>

#include "eni/af_packet.h"
#include "gateway/awaited_flow.h"
#include "gateway/eal.h"
#include "gateway/known_addresses.h"

namespace sluice::gateway {
namespace {

using pipeline::DropReason;

constexpr unsigned kRingSize = 4096;
constexpr unsigned kNeighbours = 32768;
constexpr unsigned kBuffersPerQueue = 4096;         // both descriptor rings, and bursts under way
constexpr unsigned kBuffersPerCopyingQueue = 1024;  // of a driver that keeps none in its rings
constexpr std::uint16_t kUsualBuffer = 2048;

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = rte_rdtsc();
  return seed;
}

std::uint16_t largest_mtu(const config::Config& config) {
  std::uint16_t mtu = 1500;
  for (const auto& eni : config.enis) mtu = std::max(mtu, eni.mtu.value_or(0));
  for (const auto& port : config.pod_ports) mtu = std::max(mtu, port.mtu.value_or(0));
  return mtu;
}

struct PoolSize {
  unsigned buffers;
  std::uint16_t buffer_bytes;
};

PoolSize pool_size(const config::Config& config) {
  const unsigned rings = (config.gateway.workers + 1) * kRingSize;
  unsigned in_devices = 0;
  std::uint32_t frame = std::max<std::uint32_t>(kUsualBuffer, largest_mtu(config) + 18U);
  const auto add = [&](const std::string& device) {
    const bool copies = eni::is_af_packet(device);
    in_devices += config.gateway.workers * (copies ? kBuffersPerCopyingQueue : kBuffersPerQueue);
    if (!copies) return;
    const auto completed = eni::complete_af_packet(device, eni::interface_mtu(device));
    frame = std::max<std::uint32_t>(frame, completed.frame_bytes);
  };
  for (const auto& eni : config.enis) add(eni.device);
  for (const auto& port : config.pod_ports) add(port.device);
  return {in_devices + rings, static_cast<std::uint16_t>(std::min<std::uint32_t>(
                                  frame + RTE_PKTMBUF_HEADROOM, UINT16_MAX))};
}

/// A frame that waited for its next hop, with the flow as it came in: what its sample is to say.
pipeline::Packet awaited_packet(rte_mbuf* frame) {
  pipeline::Packet packet;
  packet.frame = rte_pktmbuf_mtod(frame, std::uint8_t*);
  packet.contiguous = frame->data_len;
  packet.length = frame->pkt_len;
  packet.in = tag(frame).in;
  packet.key = awaited_flow(frame);
  packet.fate = pipeline::Fate::kAwaitNeighbour;
  return packet;
}

}  // namespace

std::size_t Gateway::memory_needed(const config::Config& config) {
  const PoolSize size = pool_size(config);
  constexpr std::size_t kPerBuffer = sizeof(rte_mbuf) + kTagRoom + 128;
  constexpr std::size_t kRest = std::size_t{96} << 20;  // policy, neighbours, rings, drivers
  return size.buffers * (size.buffer_bytes + kPerBuffer) + kRest;
}

Result<std::unique_ptr<Gateway>> Gateway::start(config::Config config, Options options) {
  auto gateway = std::unique_ptr<Gateway>(new Gateway());
  const Status opened = gateway->open(std::move(config), options);
  if (!opened) return Error{opened.error()};
  if (options.threads) gateway->launch_workers();
  return gateway;
}

Status Gateway::open(config::Config config, const Options& options) {
  const unsigned workers = config.gateway.workers;
  const PoolSize size = pool_size(config);
  pool_ = rte_pktmbuf_pool_create("frames", size.buffers, 256, kTagRoom, size.buffer_bytes,
                                  static_cast<int>(rte_socket_id()));
  if (pool_ == nullptr) {
    const std::uint64_t bytes = std::uint64_t{size.buffers} * (size.buffer_bytes + 512);
    return Error{
        fmt::format("no memory for {} packet buffers of {} bytes: {}; EAL needs {} MiB or "
                    "more, as free hugepages, or with --no-huge as -m",
                    size.buffers, size.buffer_bytes, rte_strerror(rte_errno), (bytes >> 20) + 64)};
  }
  if (Status opened = open_devices(config); !opened) return opened;
  if (Status made = make_rings(workers); !made) return made;

  auto neighbours =
      eni::NeighbourTable::create(static_cast<unsigned>(devices_.size()), kNeighbours);
  if (!neighbours) return Error{neighbours.error()};
  neighbours_ = std::move(neighbours).value();
  std::vector<const eni::Rss*> rss;
  for (const auto& device : devices_) rss.push_back(&device->rss());
  owner_ =
      std::make_unique<nat::OwnerFunction>(options.key.value_or(eni::choose_key(rss)), workers);
  auto snapshot = pipeline::Snapshot::build(std::move(config), *owner_);
  if (!snapshot) return Error{snapshot.error()};
  published_ = std::make_unique<const Published>(Published{std::move(snapshot).value()});

  shared_.owner = owner_.get();
  shared_.pool = pool_;
  shared_.neighbours = neighbours_.get();
  shared_.published = published_.get();
  for (const auto& device : devices_) {
    shared_.links.push_back({device->mac(), device->mtu()});
    shared_.ports.push_back({device->port(), device->queues(), device->hides_partial_checksums()});
  }
  if (Status made = make_workers(); !made) return made;
  start_steering();
  start_resolver();
  return success();
}

Status Gateway::open_devices(const config::Config& config) {
  const auto open = [&](std::string key, const std::string& device,
                        std::optional<std::uint16_t> mtu) -> Status {
    auto opened = eni::Device::open({std::move(key), device, config.gateway.workers, mtu, pool_});
    if (!opened) return Error{opened.error()};
    devices_.push_back(std::move(opened).value());
    return success();
  };
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    const auto& eni = config.enis[i];
    Status opened = open(fmt::format("enis[{}].device", i), eni.device, eni.mtu);
    if (!opened) return opened;
  }
  for (std::size_t i = 0; i < config.pod_ports.size(); ++i) {
    const auto& port = config.pod_ports[i];
    Status opened = open(fmt::format("pod_ports[{}].device", i), port.device, port.mtu);
    if (!opened) return opened;
  }
  return success();
}

Status Gateway::make_rings(unsigned workers) {
  const auto make = [](const std::string& name) {
    return rte_ring_create(name.c_str(), kRingSize, static_cast<int>(rte_socket_id()),
                           RING_F_SC_DEQ);
  };
  shared_.to_control = make("to_control");
  for (unsigned i = 0; i < workers; ++i) {
    shared_.to_worker.push_back(make(fmt::format("to_worker{}", i)));
    shared_.notices.push_back(
        rte_ring_create_elem(fmt::format("notices{}", i).c_str(), sizeof(nat::Notice), kRingSize,
                             static_cast<int>(rte_socket_id()), RING_F_SC_DEQ));
  }
  const std::size_t bytes = rte_rcu_qsbr_get_memsize(workers);
  shared_.readers = static_cast<rte_rcu_qsbr*>(rte_zmalloc("readers", bytes, RTE_CACHE_LINE_SIZE));
  const auto made = [](const std::vector<rte_ring*>& rings) {
    return std::find(rings.begin(), rings.end(), nullptr) == rings.end();
  };
  const bool all = shared_.to_control != nullptr && shared_.readers != nullptr &&
                   made(shared_.to_worker) && made(shared_.notices);
  if (!all) return Error{"no memory for the rings between threads"};
  rte_rcu_qsbr_init(shared_.readers, workers);
  return success();
}

Status Gateway::make_workers() {
  const unsigned count = config().gateway.workers;
  const std::uint64_t hash_seed = random_seed();
  for (unsigned i = 0; i < count; ++i) {
    // An even share; the first ones take what does not divide.
    const std::uint32_t capacity =
        config().flows.capacity / count + (i < config().flows.capacity % count ? 1 : 0);
    auto table = nat::FlowTable::create({std::max(capacity, 1U), hash_seed, true});
    if (!table) return Error{"flows.capacity: " + table.error()};
    if (config().flows.per_pod != 0) table.value()->count_pods();
    workers_.push_back(std::make_unique<Worker>(WorkerId{static_cast<std::uint8_t>(i)}, shared_,
                                                std::move(table).value(), random_seed()));
    if (config().session_log.on()) workers_.back()->make_session_events(config().session_log.queue);
  }
  errands_.resize(count);
  return success();
}

void Gateway::launch_workers() {
  const auto lcores = worker_lcores();
  for (unsigned i = 0; i < workers_.size(); ++i) {
    rte_rcu_qsbr_thread_register(shared_.readers, i);
    const auto run = [](void* worker) {
      static_cast<Worker*>(worker)->run();
      return 0;
    };
    rte_eal_remote_launch(run, workers_[i].get(), lcores[i]);
  }
  running_ = true;
}

void Gateway::start_steering() {
  std::vector<Steering::Device> devices;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    Steering::Device device{
        snapshot().enis.devices()[i].name, devices_[i]->port(), &devices_[i]->rss(), {}};
    for (unsigned queue = 0; queue < devices_[i]->queues(); ++queue) {
      device.queues.push_back(&workers_[queue]->nic_queues()[i]);
    }
    devices.push_back(std::move(device));
  }
  steering_.emplace(*owner_, std::move(devices));
  steering_->set_mappings(!snapshot().independent.empty());
}

void Gateway::start_resolver() {
  std::vector<net::MacAddress> macs;
  for (const auto& device : devices_) macs.push_back(device->mac());
  eni::Resolver::Actions actions;
  actions.send = [this](DeviceId out, std::span<const std::uint8_t> bytes) { send(out, bytes); };
  actions.ready = [this](rte_mbuf* frame, DeviceId out, const net::MacAddress& mac) {
    if (!may_leave(frame, out)) return give_up(frame, DropReason::kNoOwner);
    rte_pktmbuf_mtod(frame, net::EthernetHeader*)->destination = mac;
    send_by_worker(frame, out);
  };
  actions.give_up = [this](rte_mbuf* frame, eni::Resolver::Actions::Why why) {
    const DropReason reason = why == eni::Resolver::Actions::Why::kUnresolved
                                  ? DropReason::kNeighbourUnresolved
                                  : DropReason::kNeighbourQueueFull;
    samples_.note(reason, awaited_packet(frame), now());
    counters_.drop(reason, frame->pkt_len);
    rte_pktmbuf_free(frame);
  };
  resolver_ = std::make_unique<eni::Resolver>(this->snapshot().enis, macs, *neighbours_,
                                              std::move(actions));
  const KnownAddresses known = known_addresses(config());
  resolver_->start(known.ours, known.neighbours, now());
}

/// A frame may have waited for its next hop while a reload took its source away.
bool Gateway::may_leave(rte_mbuf* frame, DeviceId out) const {
  const auto* data = rte_pktmbuf_mtod(frame, const std::uint8_t*);
  const auto type = net::header_at<net::EthernetHeader>(data).type.to_host();
  if (type != net::kEtherTypeIpv4) return true;
  const auto& ip = net::header_at<net::Ipv4Header>(data + sizeof(net::EthernetHeader));
  return snapshot().enis.may_emit(out, Ipv4Addr{ip.source});
}

Gateway::~Gateway() {
  stop();
  if (resolver_) resolver_->flush();
  workers_.clear();
  void* frame = nullptr;
  const auto drain = [&](rte_ring* ring) {
    if (ring == nullptr) return;
    while (rte_ring_dequeue(ring, &frame) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
    rte_ring_free(ring);
  };
  drain(shared_.to_control);
  for (rte_ring* ring : shared_.to_worker) drain(ring);
  for (rte_ring* ring : shared_.notices) rte_ring_free(ring);
  devices_.clear();
  rte_free(shared_.readers);
  rte_mempool_free(pool_);
}

void Gateway::halt() {
  shared_.receives = false;
  if (running_) rte_rcu_qsbr_synchronize(shared_.readers, RTE_QSBR_THRID_INVALID);
}

void Gateway::resume() {
  if (forwards()) return;
  // Switches may have forgotten us meanwhile, and neighbours may have gone unasked.
  const KnownAddresses known = known_addresses(config());
  resolver_->start(known.ours, known.neighbours, now());
  shared_.receives = true;
}

void Gateway::stop() {
  if (!running_) return;
  running_ = false;
  shared_.stop = true;
  for (const unsigned lcore : worker_lcores()) rte_eal_wait_lcore(lcore);
}

// --- the main thread's turn ------------------------------------------------------------------

void Gateway::turn() {
  constexpr unsigned kAtMost = 256;
  constexpr auto kTick = std::chrono::milliseconds(100);
  void* frame = nullptr;
  for (unsigned i = 0; i < kAtMost && rte_ring_sc_dequeue(shared_.to_control, &frame) == 0; ++i) {
    take(static_cast<rte_mbuf*>(frame));
  }
  run_errands();
  const Instant time = now();
  counters_.clock.set(time.ms);
  if (time.since(next_tick_) >= 0) {
    next_tick_ = time.plus(kTick);
    resolver_->tick(time);
  }
  steering_->turn(time);
}

void Gateway::send(WorkerId worker, std::shared_ptr<Errand> errand) {
  auto& queue = errands_[worker.value];
  queue.push_back(std::move(errand));
  if (queue.size() == 1) static_cast<void>(workers_[worker.value]->take(*queue.front()));
}

void Gateway::remove_taps() {
  for (const auto& worker : workers_) worker->set_tap(nullptr);
  if (running_) rte_rcu_qsbr_synchronize(shared_.readers, RTE_QSBR_THRID_INVALID);
}

/// What is first in a worker's queue is with the worker.
void Gateway::run_errands() {
  for (std::size_t i = 0; i < errands_.size(); ++i) {
    auto& queue = errands_[i];
    if (queue.empty() || !queue.front()->done.load(std::memory_order_acquire)) continue;
    queue.pop_front();
    if (!queue.empty()) static_cast<void>(workers_[i]->take(*queue.front()));
  }
}

void Gateway::take(rte_mbuf* frame) {
  const FrameTag& what = tag(frame);
  if (what.what == FrameTag::What::kAwait) {
    return resolver_->await(frame, what.out, what.next_hop, now());
  }
  counters_.consumed.add(1);
  if (frame->nb_segs == 1) {
    resolver_->receive(what.in, {rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len},
                       now());
  }
  rte_pktmbuf_free(frame);
}

void Gateway::give_up(rte_mbuf* frame, DropReason reason) {
  samples_.note(reason, {rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len},
                frame->pkt_len, pipeline::FrameForm::kAsItWasToLeave, now());
  counters_.drop(reason, frame->pkt_len);
  rte_pktmbuf_free(frame);
}

void Gateway::send(DeviceId out, std::span<const std::uint8_t> bytes) {
  rte_mbuf* frame = rte_pktmbuf_alloc(pool_);
  if (frame == nullptr) return;  // it never existed: the protocol asks again
  counters_.originated.add(1);
  char* data = rte_pktmbuf_append(frame, static_cast<std::uint16_t>(bytes.size()));
  if (data == nullptr) return give_up(frame, DropReason::kNoBuffer);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::uint8_t*>(data));
  send_by_worker(frame, out);
}

void Gateway::send_by_worker(rte_mbuf* frame, DeviceId out) {
  tag(frame) = {.what = FrameTag::What::kTransmit, .out = out};
  if (rte_ring_mp_enqueue(shared_.to_worker[0], frame) != 0) {
    give_up(frame, DropReason::kWorkerRingFull);
  }
}

// --- reload and reading ----------------------------------------------------------------------

Status Gateway::reload(config::Config config) {
  if (Status allowed = may_reload(this->config(), config); !allowed) return allowed;
  auto built = pipeline::Snapshot::build(std::move(config), *owner_);
  if (!built) return Error{built.error()};
  Published next{std::move(built).value(), published_->number + 1, published_->sources};
  if (!same_sources(this->config(), next.snapshot->config)) ++next.sources;
  const KnownAddresses fresh =
      added(known_addresses(this->config()), known_addresses(next.snapshot->config));
  if (const auto& log = next.snapshot->config.session_log; log.on()) {
    for (const auto& worker : workers_) worker->make_session_events(log.queue);
  }
  const auto old = std::exchange(published_, std::make_unique<const Published>(std::move(next)));
  shared_.published.store(published_.get(), std::memory_order_release);
  resolver_->use(snapshot().enis);
  steering_->set_mappings(!snapshot().independent.empty());
  resolver_->start(fresh.ours, fresh.neighbours, now());
  // Once every worker has passed a quiescent point, none can still hold the old one.
  if (running_) rte_rcu_qsbr_synchronize(shared_.readers, RTE_QSBR_THRID_INVALID);
  return success();
}

Gateway::Revised Gateway::revised() const {
  Revised sum{.complete = true};
  for (const auto& worker : workers_) {
    sum.complete = sum.complete && worker->revised_for() == published_->sources;
    sum.ended += worker->revision().ended();
    sum.moved += worker->revision().moved();
  }
  return sum;
}

const config::Config& Gateway::config() const { return snapshot().config; }
const pipeline::Snapshot& Gateway::snapshot() const { return *published_->snapshot; }

pipeline::Totals Gateway::totals() const {
  pipeline::Totals totals;
  totals.add(counters_);
  for (const auto& worker : workers_) totals.add(worker->counters());
  return totals;
}

std::uint64_t Gateway::waiting() const {
  std::uint64_t count = resolver_->waiting() + rte_ring_count(shared_.to_control);
  for (const rte_ring* ring : shared_.to_worker) count += rte_ring_count(ring);
  for (const auto& worker : workers_) count += worker->fragments_held();
  return count;
}

}  // namespace sluice::gateway
