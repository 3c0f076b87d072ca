// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/worker.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "gateway/awaited_flow.h"
#include "gateway/tap.h"
#include "net/partial_checksum.h"
#include "pipeline/stages/steer.h"

namespace sluice::gateway {

using pipeline::DropReason;
using pipeline::Fate;
using pipeline::FrameForm;
using pipeline::kBurstSize;

namespace {

/// Ethernet padding ends here, also where it fills more than the last buffer of a chain.
void cut_padding(rte_mbuf* frame, std::uint32_t length) noexcept {
  rte_mbuf* last = frame;
  std::uint32_t in_last = length;
  std::uint16_t buffers = 1;
  while (in_last > last->data_len) {
    in_last -= last->data_len;
    last = last->next;
    ++buffers;
  }
  rte_pktmbuf_free(std::exchange(last->next, nullptr));
  last->data_len = static_cast<std::uint16_t>(in_last);
  frame->nb_segs = buffers;
  frame->pkt_len = length;
}

/// Of a frame on its way to another thread.
FrameForm form_of(rte_mbuf* frame) noexcept {
  const FrameTag::What what = tag(frame).what;
  const bool ready = what == FrameTag::What::kTransmit || what == FrameTag::What::kAwait;
  return ready ? FrameForm::kAsItWasToLeave : FrameForm::kAsItCameIn;
}

/// A virtio peer may leave its checksums to us, and so may a pod behind a veth; no device that
/// sends for us would complete them.
bool may_be_unfinished(const rte_mbuf& frame, const PortView& port) noexcept {
  switch (frame.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
    case RTE_MBUF_F_RX_L4_CKSUM_NONE: return true;
    case RTE_MBUF_F_RX_L4_CKSUM_UNKNOWN: return port.hides_partial_checksums;
    default: return false;
  }
}

/// All of a burst's headers are on their way before the first is read.
void fetch_frames(std::span<rte_mbuf* const> frames) noexcept {
  for (rte_mbuf* frame : frames) rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));
}

}  // namespace

Worker::Worker(WorkerId self,
               Shared& shared,
               std::unique_ptr<nat::FlowTable> table,
               std::uint64_t seed)
    : self_(self),
      shared_(shared),
      table_(std::move(table)),
      ports_(*shared.owner, self, *table_, seed),
      fragments_(counters_, seed),
      nic_queues_(shared.links.size()),
      context_{self,      *shared.owner, shared.links, *shared.neighbours, *table_, ports_,
               counters_, fragments_,    outbox_},
      revision_(*table_, *shared.neighbours),
      pipeline_(context_),
      begun_(rte_rdtsc()),
      transmit_(shared.links.size()) {
  context_.nic_queues = nic_queues_;
  context_.samples = &samples_;
}

void Worker::run() noexcept {
  rte_rcu_qsbr_thread_online(shared_.readers, self_.value);
  begun_ = rte_rdtsc();
  while (!shared_.stop.load(std::memory_order_relaxed)) {
    step();
    rte_rcu_qsbr_quiescent(shared_.readers, self_.value);
  }
  rte_rcu_qsbr_thread_offline(shared_.readers, self_.value);
}

void Worker::step() noexcept {
  const std::uint64_t frames = load_.burst_frames.get();
  const std::uint64_t received = counters_.received.get();
  const Instant now = clock_.at(begun_);
  turn(now);
  Errand* errand = errand_.load(std::memory_order_acquire);
  if (errand != nullptr) [[unlikely]]
    run_errand(*errand, now);
  const std::uint64_t end = rte_rdtsc();
  load_.add_turn(load_.burst_frames.get() - frames, end - begun_);
  if (counters_.received.get() != received) {  // an idle turn says nothing of a packet's cost
    counters_.busy_cycles.add(end - begun_);
    counters_.busy_turns.add(1);
  }
  begun_ = end;
}

void Worker::turn(Instant now) noexcept {
  const std::uint64_t opened = counters_.sessions_opened.get();
  counters_.clock.set(now.ms);
  take_snapshot();
  if (shared_.receives.load(std::memory_order_relaxed)) [[likely]]
    receive_all(now);
  // Others bring as many bursts a turn as there are devices, and any of their packets may be ours.
  for (std::size_t i = 0; i < shared_.ports.size() && receive_ring(now); ++i) {
  }
  if (shared_.owner->workers() > 1) exchange_notices(now);
  for (std::uint8_t i = 0; i < transmit_.size(); ++i) flush(DeviceId{i});
  fragments_.release(now);
  const auto opened_now = static_cast<unsigned>(counters_.sessions_opened.get() - opened);
  table_->sweep(now, nat::FlowTable::records_a_turn(opened_now));
  counters_.sessions_ended.set(table_->ended());  // lookups end sessions as well
  if (table_->events() != nullptr) [[unlikely]] {
    counters_.session_events_dropped.set(table_->events()->dropped());
  }
  if (revised_for_.load(std::memory_order_relaxed) != sources_) [[unlikely]]
    revise(now);
}

void Worker::receive_all(Instant now) noexcept {
  for (std::uint8_t i = 0; i < shared_.ports.size(); ++i) {
    if (self_.value < shared_.ports[i].queues) receive(DeviceId{i}, now);
  }
}

void Worker::take_snapshot() noexcept {
  const Published& current = *shared_.published.load(std::memory_order_acquire);
  if (current.number == snapshot_number_) return;
  snapshot_number_ = current.number;
  context_.snapshot = current.snapshot.get();
  table_->set_limits(context_.snapshot->limits);
  table_->log_to(context_.snapshot->config.session_log.on() ? events_.get() : nullptr);
  ports_.note_other_classes();
  if (current.sources == sources_) return;
  sources_ = current.sources;
  revision_.begin();
}

/// Some sessions a turn: a million are looked at within a second, and no burst waits noticeably.
void Worker::revise(Instant now) noexcept {
  constexpr unsigned kRecords = 32;
  revision_.step(context_.enis(), now, kRecords);
  if (!revision_.active()) revised_for_.store(sources_, std::memory_order_release);
}

void Worker::receive(DeviceId device, Instant now) noexcept {
  rte_mbuf* frames[kBurstSize];
  const std::uint16_t count =
      rte_eth_rx_burst(shared_.ports[device.value].port, self_.value, frames, kBurstSize);
  if (count == 0) return;
  fetch_frames({frames, count});
  burst_.begin(now);
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    bytes += frames[i]->pkt_len;
    add(frames[i], device);
  }
  counters_.received.add(count);
  counters_.received_bytes.add(bytes);
  nic_queues_[device.value].frames.add(count);
  process();
}

/// A burst of what other workers have sent; whether there may be more.
bool Worker::receive_ring(Instant now) noexcept {
  void* frames[kBurstSize];
  const unsigned count =
      rte_ring_sc_dequeue_burst(shared_.to_worker[self_.value], frames, kBurstSize, nullptr);
  if (count == 0) return false;
  burst_.begin(now);
  for (unsigned i = 0; i < count; ++i) {
    auto* frame = static_cast<rte_mbuf*>(frames[i]);
    if (tag(frame).what == FrameTag::What::kTransmit) {
      transmit(frame, tag(frame).out);
    } else if (pipeline::Packet* packet = add(frame, tag(frame).in)) {
      packet->steered = true;
      packet->redirected = tag(frame).redirected;
      packet->hops = tag(frame).hops;
    }
  }
  process();
  return count == kBurstSize;
}

/// What other workers say about flows whose home we are, and the other way round.
void Worker::exchange_notices(Instant now) noexcept {
  rte_ring* ring = shared_.notices[self_.value];
  nat::Notice notice;
  for (unsigned i = 0; i < kBurstSize; ++i) {
    if (rte_ring_sc_dequeue_elem(ring, &notice, sizeof notice) != 0) break;
    nat::heed(*table_, notice, now);
  }
  for (const nat::FlowKey& flow : table_->take_departed()) {
    const WorkerId home = pipeline::owner_of(flow, context_);
    outbox_.push({flow, home, self_, nat::Notice::What::kEnded});
    if (outbox_.full()) post();
  }
  post();
}

void Worker::post() noexcept {
  for (const nat::Notice& notice : outbox_.notices()) {
    // Where the ring is full the notice is lost; notice.h says why that does no harm.
    static_cast<void>(rte_ring_mp_enqueue_elem(shared_.notices[notice.to.value],
                                               const_cast<nat::Notice*>(&notice), sizeof notice));
  }
  outbox_.clear();
}

/// Null: it was dropped.
pipeline::Packet* Worker::add(rte_mbuf* frame, DeviceId in) noexcept {
  constexpr std::uint64_t kTagged = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  if (frame->pkt_len > UINT16_MAX) {
    drop(frame, DropReason::kTooBig, FrameForm::kAsItCameIn);
    return nullptr;
  }
  // Headers have to lie together. Where the frame does not fit one buffer they do so anyway, in the
  // first segment of every driver; parse refuses a frame in which they do not.
  if (frame->nb_segs > 1) static_cast<void>(rte_pktmbuf_linearize(frame));
  if (may_be_unfinished(*frame, shared_.ports[in.value])) {
    net::complete_partial_checksum({rte_pktmbuf_mtod(frame, std::uint8_t*), frame->data_len});
    // It needs no more of a sender, which is what net_vhost's legacy flags ask for.
    frame->ol_flags &= ~RTE_MBUF_F_TX_OFFLOAD_MASK;
  }
  pipeline::Packet& packet = burst_.add();
  packet.buffer = frame;
  packet.frame = rte_pktmbuf_mtod(frame, std::uint8_t*);
  packet.contiguous = frame->data_len;
  packet.length = frame->pkt_len;
  packet.headroom = rte_pktmbuf_headroom(frame);
  packet.vlan_stripped = (frame->ol_flags & kTagged) != 0;
  packet.hashed = (frame->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0;
  packet.nic_hash = frame->hash.rss;
  packet.in = in;
  return &packet;
}

void Worker::process() noexcept {
  if (burst_.size() != 0) take_path();  // frames of a ring may only have to be sent
  post();
  for (pipeline::Packet& packet : burst_) settle(packet);
}

/// The path; every so often with a look at the clock between stages, or for somebody who looks on.
void Worker::take_path() noexcept {
  load_.add_burst(burst_.size());
  burst_tap_ = tap_.load(std::memory_order_acquire);
  if (burst_tap_ != nullptr) [[unlikely]] {
    pipeline_.process(burst_, [&](unsigned stage, pipeline::Burst& burst) {
      burst_tap_->after(stage, burst, context_.table);
    });
  } else if (load_.bursts.get() % Load::kSampled == 0) [[unlikely]] {
    process_timed();
  } else {
    pipeline_.process(burst_);
  }
}

void Worker::process_timed() noexcept {
  std::uint64_t before = rte_rdtsc();
  pipeline_.process(burst_, [&](unsigned stage, const pipeline::Burst&) {
    const std::uint64_t after = rte_rdtsc();
    load_.stage_cycles[stage].add(after - before);
    before = after;
  });
  load_.sampled_frames.add(burst_.size());
}

/// Does what the path decided.
void Worker::settle(pipeline::Packet& packet) noexcept {
  rte_mbuf* frame = packet.buffer;
  switch (packet.fate) {
    case Fate::kEmit:
    case Fate::kAwaitNeighbour:
      if (revision_.active() && !revision_.may_leave(packet, context_.enis(), burst_.now()))
          [[unlikely]] {
        return drop(frame, DropReason::kNoOwner, FrameForm::kAsItWasToLeave);
      }
      if (packet.cut) [[unlikely]]
        return settle_in_pieces(packet);
      if (frame->pkt_len > packet.length) cut_padding(frame, packet.length);
      return hand_on(frame, packet);
    case Fate::kToControl:
      tag(frame) = {.what = FrameTag::What::kControl, .in = packet.in};
      return pass(frame, shared_.to_control);
    case Fate::kToWorker:
      counters_.handed_over.add(1);
      if (!packet.steered) nic_queues_[packet.in.value].moved.add(1);
      if (packet.cut) [[unlikely]]
        return settle_in_pieces(packet);
      return hand_on(frame, packet);
    case Fate::kHeld: return rte_pktmbuf_free(frame);  // its bytes are kept elsewhere
    case Fate::kDropAnswered:
      note_refusal(packet);
      counters_.drop(packet.reason, packet.dropped_length);
      counters_.originated.add(1);
      reshape(packet);
      return transmit(frame, packet.out);
    case Fate::kDrop:
    case Fate::kLive:
      note_refusal(packet);
      // One that wanted an answer was noted by the stage that gives them.
      if (packet.answer == pipeline::AnswerKind::kNone)
        samples_.note(packet.reason, packet, burst_.now());
      if (packet.fragmentation == nullptr) return count_drop(frame, packet.reason);
      counters_.drop(packet.reason, packet.length);
      return rte_pktmbuf_free(frame);
  }
}

/// The main thread tells the log.
void Worker::note_refusal(const pipeline::Packet& packet) noexcept {
  if (packet.kind != pipeline::Kind::kFlow) return;
  if (info(packet.reason).kind != pipeline::DropKind::kResource) return;
  counters_.note_refused(packet.reason, packet.key);
}

/// A frame of a packet that leaves, whole or a piece of it.
void Worker::hand_on(rte_mbuf* frame, const pipeline::Packet& packet) noexcept {
  switch (packet.fate) {
    case Fate::kAwaitNeighbour:
      tag(frame) = {.what = FrameTag::What::kAwait,
                    .in = packet.in,
                    .out = packet.out,
                    .next_hop = packet.next_hop};
      awaited_flow(frame) = packet.kind == pipeline::Kind::kIpv6 ? nat::FlowKey{} : packet.key;
      return pass(frame, shared_.to_control);
    case Fate::kToWorker:
      tag(frame) = {.what = FrameTag::What::kSteered,
                    .in = packet.in,
                    .redirected = packet.redirected,
                    .hops = packet.hops,
                    .recorded = burst_tap_ == nullptr ? 0 : burst_tap_->number(place_of(packet))};
      return pass(frame, shared_.to_worker[packet.owner.value]);
    default: return transmit(frame, packet.out);
  }
}

/// Cuts a datagram into new frames; between workers, into those it came in.
void Worker::settle_in_pieces(pipeline::Packet& packet) noexcept {
  const bool leaves = packet.fate != Fate::kToWorker;
  pipeline::Pieces pieces(packet, leaves ? shared_.links[packet.out.value].mtu : UINT16_MAX);
  std::uint32_t count = 0;
  while (const std::uint16_t size = pieces.size()) {
    rte_mbuf* frame = rte_pktmbuf_alloc(shared_.pool);
    char* room = frame == nullptr ? nullptr : rte_pktmbuf_append(frame, size);
    if (room == nullptr) {  // without a buffer for this piece the others are of no use
      counters_.drop(DropReason::kNoBuffer, packet.length);
      rte_pktmbuf_free(frame);
      ++count;
      break;
    }
    pieces.write(reinterpret_cast<std::uint8_t*>(room));
    ++count;
    hand_on(frame, packet);
  }
  counters_.split.add(count - 1);
  rte_pktmbuf_free(packet.buffer);
}

/// Gives a buffer the frame that an answer made of it: it may begin in the headroom, and lies in
/// one piece. An answer to a datagram of fragments lies elsewhere, and is far smaller than a
/// buffer.
void Worker::reshape(const pipeline::Packet& packet) noexcept {
  rte_mbuf* frame = packet.buffer;
  rte_pktmbuf_free(std::exchange(frame->next, nullptr));
  frame->nb_segs = 1;
  if (packet.fragmentation != nullptr) {
    rte_pktmbuf_reset(frame);
    char* room = rte_pktmbuf_append(frame, static_cast<std::uint16_t>(packet.length));
    std::copy_n(packet.frame, packet.length, reinterpret_cast<std::uint8_t*>(room));
    return;
  }
  frame->data_off =
      static_cast<std::uint16_t>(packet.frame - static_cast<std::uint8_t*>(frame->buf_addr));
  frame->data_len = static_cast<std::uint16_t>(packet.length);
  frame->pkt_len = packet.length;
}

void Worker::pass(rte_mbuf* frame, rte_ring* ring) noexcept {
  if (rte_ring_mp_enqueue(ring, frame) != 0)
    drop(frame, DropReason::kWorkerRingFull, form_of(frame));
}

void Worker::transmit(rte_mbuf* frame, DeviceId out) noexcept {
  const unsigned queues = shared_.ports[out.value].queues;
  if (self_.value >= queues) {  // no queue of ours on this device: one of the first workers sends
    tag(frame) = {.what = FrameTag::What::kTransmit, .out = out};
    return pass(frame, shared_.to_worker[self_.value % queues]);
  }
  TransmitQueue& queue = transmit_[out.value];
  queue.frames[queue.count++] = frame;
  if (queue.count == kBurstSize) flush(out);
}

void Worker::flush(DeviceId out) noexcept {
  // A device that is briefly full gets a few more chances before frames are lost.
  constexpr int kTries = 8;
  TransmitQueue& queue = transmit_[out.value];
  if (queue.count == 0) return;
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < queue.count; ++i) bytes += queue.frames[i]->pkt_len;
  std::uint16_t sent = 0;
  for (int attempt = 0; attempt < kTries && sent < queue.count; ++attempt) {
    sent = static_cast<std::uint16_t>(
        sent + rte_eth_tx_burst(shared_.ports[out.value].port, self_.value,
                                queue.frames.data() + sent,
                                static_cast<std::uint16_t>(queue.count - sent)));
  }
  for (std::uint16_t i = sent; i < queue.count; ++i) {
    bytes -= queue.frames[i]->pkt_len;
    drop(queue.frames[i], DropReason::kTransmitFull, FrameForm::kAsItWasToLeave);
  }
  counters_.sent.add(sent);
  counters_.sent_bytes.add(bytes);
  queue.count = 0;
}

void Worker::drop(rte_mbuf* frame, DropReason reason, FrameForm form) noexcept {
  samples_.note(reason, {rte_pktmbuf_mtod(frame, const std::uint8_t*), frame->data_len},
                frame->pkt_len, form, Instant{counters_.clock.get()});
  count_drop(frame, reason);
}

void Worker::count_drop(rte_mbuf* frame, DropReason reason) noexcept {
  counters_.drop(reason, frame->pkt_len);
  rte_pktmbuf_free(frame);
}

}  // namespace sluice::gateway
