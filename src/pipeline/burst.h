// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Packets on their way through the stages: a burst of them, and what is known of each.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "core/ids.h"
#include "core/ip.h"
#include "core/time.h"
#include "nat/flow_key.h"
#include "nat/session.h"
#include "net/headers.h"
#include "pipeline/drop_reason.h"
#include "policy/policy.h"

struct rte_mbuf;

namespace sluice::pipeline {

/// What parse found.
enum class Kind : std::uint8_t {
  kArp,
  kFlow,       ///< IPv4 with a tuple: TCP, UDP, ICMP query, or another protocol by address
  kIcmpError,  ///< IPv4 ICMP that quotes a packet: the tuple is the quoted one's, reversed
  kFragment,   ///< IPv4, not whole
  kIpv6,
};

/// What becomes of a packet; every stage works on those still kLive.
enum class Fate : std::uint8_t {
  kLive,
  kEmit,            ///< ready for its egress device
  kDrop,            ///< with a reason
  kDropAnswered,    ///< dropped, and its buffer now holds the answer to its sender
  kToControl,       ///< for the gateway itself: the main thread takes it
  kToWorker,        ///< another worker owns it
  kHeld,            ///< a fragment, copied; the rest of its datagram is awaited
  kAwaitNeighbour,  ///< rewritten and routed; the main thread keeps it until its next hop answers
};

/// What was decided; the words of `explain`.
enum class Verdict : std::uint8_t { kNone, kSnat, kPreserve, kUnsnat, kLocal };

/// What a dropped packet's sender is told.
enum class AnswerKind : std::uint8_t {
  kNone,
  kTcpRst,
  kIcmpTimeExceeded,
  kIcmpFragmentationNeeded,
  kIcmpAdminProhibited,
};

/// In place of a policy's rule: the flow was opened from outside, and nothing was asked.
inline constexpr RuleId kOpenedFromOutside{0xffffff};

struct Fragmentation;

/// The first line is what every packet needs, the second what only some do.
struct alignas(64) Packet {
  rte_mbuf* buffer = nullptr;  ///< whoever fills the burst owns it; stages only carry it
  std::uint8_t* frame = nullptr;
  std::uint32_t contiguous = 0;  ///< bytes at `frame`; more may follow in chained buffers
  std::uint32_t length = 0;      ///< of the whole frame; parse cuts Ethernet padding off
  nat::FlowKey key;
  nat::Found found;
  nat::AdjacencyId adjacency;
  std::uint16_t l4_offset = 0;  ///< from `frame`
  std::uint16_t l4_length = 0;
  DeviceId in = kNoDevice;
  DeviceId out = kNoDevice;
  Kind kind = Kind::kFlow;
  Fate fate = Fate::kLive;
  Verdict verdict = Verdict::kNone;
  bool first = false;       ///< this packet opened its session
  bool cut = false;         ///< leaves in pieces (class Pieces)
  bool steered = false;     ///< came by ring: this worker is its owner
  bool redirected = false;  ///< another worker than its owner holds its flow, or is to (notice.h)
  std::uint8_t hops = 0;    ///< workers that had no room for its flow

  policy::Decision decision;  ///< first packets; the rule for all
  /// Of a datagram put together from fragments, which then does not lie in its buffer.
  const Fragmentation* fragmentation = nullptr;
  std::uint16_t headroom = 0;        ///< bytes before `frame` that may be written
  bool vlan_stripped = false;        ///< the device took a VLAN tag off
  bool opened_from_outside = false;  ///< first packets
  bool hairpin = false;              ///< first packets: to another pod's external address and port
  WorkerId owner{};
  DropReason reason{};
  AnswerKind answer = AnswerKind::kNone;
  std::uint16_t answer_mtu = 0;      ///< for kIcmpFragmentationNeeded
  std::uint32_t dropped_length = 0;  ///< of the packet that an answer took the place of
  IpAddr next_hop;                   ///< known where adjacency alone does not say it
  std::uint32_t nic_hash = 0;
  bool hashed = false;     ///< by the NIC: nic_hash
  bool unsteered = false;  ///< its owner was not asked for: Lookup looks here first (nic_queue.h)

  [[nodiscard]] bool live() const noexcept { return fate == Fate::kLive; }
  [[gnu::cold, gnu::noinline]] void drop(DropReason why,
                                         AnswerKind tell = AnswerKind::kNone) noexcept {
    fate = Fate::kDrop;
    reason = why;
    // RFC 1122 3.2.2: nothing is said about an ICMP error, nor about more than a first fragment.
    if (kind == Kind::kFlow || kind == Kind::kIpv6) answer = tell;
  }

  [[nodiscard]] net::EthernetHeader& ethernet() const noexcept {
    return net::header_at<net::EthernetHeader>(frame);
  }
  [[nodiscard]] net::Ipv4Header& ipv4() const noexcept {
    return net::header_at<net::Ipv4Header>(frame + sizeof(net::EthernetHeader));
  }
  [[nodiscard]] net::Ipv6Header& ipv6() const noexcept {
    return net::header_at<net::Ipv6Header>(frame + sizeof(net::EthernetHeader));
  }
  /// Where the packet now goes: after translation, its final destination.
  [[nodiscard]] IpAddr destination() const noexcept {
    if (kind == Kind::kIpv6) return Ipv6Addr{ipv6().destination};
    return Ipv4Addr{ipv4().destination};
  }
  /// The message of an ICMP error, as far as it is at hand.
  [[nodiscard]] std::span<std::uint8_t> icmp_message() const noexcept {
    const std::size_t at_hand = contiguous - std::size_t{l4_offset};
    return {l4(), std::min<std::size_t>(at_hand, l4_length)};
  }
  [[nodiscard]] std::uint8_t* l4() const noexcept { return frame + l4_offset; }
  [[nodiscard]] const net::TcpHeader& tcp() const noexcept {
    return net::header_at<net::TcpHeader>(l4());
  }
  [[nodiscard]] net::IcmpHeader& icmp() const noexcept {
    return net::header_at<net::IcmpHeader>(l4());
  }
  /// Bytes of IP, what an MTU bounds.
  [[nodiscard]] std::uint32_t ip_length() const noexcept {
    return length - std::uint32_t{sizeof(net::EthernetHeader)};
  }
};
static_assert(sizeof(Packet) == 128);

inline constexpr unsigned kBurstSize = 32;

/// Up to 32 packets of one poll. Packets keep their places; stages skip those no longer live.
class Burst {
 public:
  void begin(Instant now) noexcept {
    now_ = now;
    size_ = fragments_ = missed_ = emitted_ = 0;
  }
  [[nodiscard]] bool full() const noexcept { return size_ == kBurstSize; }
  [[nodiscard]] unsigned size() const noexcept { return size_; }
  [[nodiscard]] Instant now() const noexcept { return now_; }

  // What stages tell later ones, so that those with nothing to do need not look.
  void note_fragment() noexcept { ++fragments_; }
  void note_missed() noexcept { ++missed_; }
  void note_emitted(unsigned count) noexcept { emitted_ = count; }
  [[nodiscard]] bool has_fragments() const noexcept { return fragments_ != 0; }
  /// Whether any packet that is live after Lookup, or was no flow's, has no session.
  [[nodiscard]] bool has_missed() const noexcept { return missed_ != 0; }
  [[nodiscard]] bool all_emitted() const noexcept { return emitted_ == size_; }

  /// A packet as Packet{} makes it. Copied, as that is eight moves of 16 bytes: g++ 12 constructs
  /// it by `rep stosq`, which costs some forty cycles.
  Packet& add() noexcept { return packets_[size_++] = kUntouched; }

  [[nodiscard]] Packet* begin() noexcept { return packets_.data(); }
  [[nodiscard]] Packet* end() noexcept { return packets_.data() + size_; }
  [[nodiscard]] Packet& operator[](unsigned i) noexcept { return packets_[i]; }

 private:
  static constexpr Packet kUntouched{};
  std::array<Packet, kBurstSize> packets_;
  unsigned size_ = 0;
  unsigned fragments_ = 0, missed_ = 0, emitted_ = 0;
  Instant now_{};
};

}  // namespace sluice::pipeline
