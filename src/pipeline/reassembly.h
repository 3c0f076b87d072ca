// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Datagrams that came in fragments, put together again (RFC 791 3.2): only the whole datagram has
/// the ports that a flow is known by. Bytes are copied into buffers that are there from the start;
/// what becomes of the frames is the caller's business.
///
/// Bounds: kDatagrams at a time, the one begun first giving way; kFragments of one datagram;
/// kPatience for the last of them. Fragments that overlap take their datagram with them, as in
/// Linux; one that repeats what is there is dropped alone.
///
/// rte_ip_frag does the same for at most as many fragments as it was compiled for (8 in Debian: a
/// datagram of 12 kB), and forgets where the cuts were.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "core/time.h"
#include "nat/flow_key.h"
#include "nat/session.h"
#include "pipeline/burst.h"
#include "pipeline/counters.h"

namespace sluice::pipeline {

/// Where a fragment's payload lies in its datagram's, in bytes.
struct Cut {
  std::uint16_t offset = 0;
  std::uint16_t length = 0;
  [[nodiscard]] constexpr std::uint32_t end() const noexcept {
    return std::uint32_t{offset} + length;
  }
};

/// How a datagram came: what it takes to send it in the pieces that it came in.
struct Fragmentation {
  static constexpr unsigned kFragments = 64;
  std::array<Cut, kFragments> cuts;  ///< in order once it is whole
  std::uint8_t count = 0;
  /// The header of a fragment behind the first, with the options that are for all of them.
  std::array<std::uint8_t, 60> later_header;
  std::uint8_t later_header_length = 0;

  [[nodiscard]] std::span<const Cut> pieces() const noexcept { return {cuts.data(), count}; }
};

/// Owner thread: the worker's; `held` may be read by any.
class Reassembly {
 public:
  static constexpr unsigned kDatagrams = 512;
  static constexpr auto kPatience = std::chrono::seconds(30);  // what Linux grants them
  static constexpr std::uint16_t kHeadroom = 64;               // for an answer's headers

  /// The counters get what is dropped here: frames that are no packets of a burst any more.
  Reassembly(Counters& counters, std::uint64_t seed);

  /// Takes in a fragment (Kind::kFragment, live). It is held, or dropped with a reason, or was the
  /// last one missing: then the packet becomes the datagram, its Ethernet header the last
  /// fragment's, and lies in this table until the next release().
  void take(Packet& packet, Instant now) noexcept;

  /// Forgets the datagrams handed out, and drops those whose time is over.
  void release(Instant now) noexcept;

  /// Frames whose bytes lie here.
  [[nodiscard]] std::uint32_t held() const noexcept { return held_.get(); }

 private:
  using Index = std::uint16_t;
  static constexpr Index kNone = 0xffff;
  static constexpr unsigned kSlots = 1024;

  struct Datagram {
    nat::FlowKey key;  ///< the identification in place of the source port
    DeviceId in;
    Instant began;
    std::uint32_t frame_bytes = 0;
    std::uint16_t received = 0;  ///< bytes of payload
    std::uint16_t total = 0;     ///< bytes of payload, once the last fragment has come
    std::uint8_t ecn_seen = 0;   ///< a bit for each codepoint
    std::uint8_t first_header_length = 0;
    std::uint8_t lowest_ttl = 255;
    bool dont_fragment = false;  ///< of any of them
    Fragmentation fragmentation;
    Index next_in_slot = kNone;
    Index younger = kNone, older = kNone;
  };

  struct Fragment;
  [[nodiscard]] std::uint8_t* payload(Index index) noexcept;
  [[nodiscard]] unsigned slot(const nat::FlowKey& key) const noexcept;
  [[nodiscard]] Index find(const nat::FlowKey& key, DeviceId in) const noexcept;
  [[nodiscard]] Index begin(const nat::FlowKey& key, DeviceId in, Instant now) noexcept;
  [[nodiscard]] static bool agrees(const Datagram& datagram, const Fragment& fragment) noexcept;
  void store(Index index, const Fragment& fragment, const Packet& packet) noexcept;
  void complete(Index index, Packet& packet) noexcept;
  void unlink(Index index) noexcept;
  void free(Index index) noexcept;
  void drop(Index index, DropReason reason) noexcept;

  Counters& counters_;
  nat::KeyHash hash_;
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::unique_ptr<Datagram[]> datagrams_;
  std::array<Index, kSlots> slots_;
  Index free_ = 0;      ///< linked by next_in_slot
  Index done_ = kNone;  ///< handed out; linked by next_in_slot
  Index oldest_ = kNone, youngest_ = kNone;
  nat::Relaxed<std::uint32_t> held_;
};

/// Sends a packet in pieces: those it came in if `mtu` allows them all, else as large as it allows
/// (RFC 791 3.2).
class Pieces {
 public:
  /// The packet lies in one piece of memory, and is IPv4.
  Pieces(const Packet& packet, std::uint16_t mtu) noexcept;

  /// Bytes of the next frame; 0 when there is none.
  [[nodiscard]] std::uint16_t size() const noexcept;
  /// Writes that frame, size() bytes, and goes on to the one after it.
  void write(std::uint8_t* frame) noexcept;

 private:
  [[nodiscard]] std::span<const std::uint8_t> header() const noexcept;
  [[nodiscard]] Cut here() const noexcept;

  const Packet& packet_;
  std::uint16_t mtu_;
  std::array<std::uint8_t, 60> later_header_;
  std::uint8_t later_header_length_;
  Cut whole_;  ///< of a packet that came whole
  std::span<const Cut> cuts_;
  std::size_t cut_ = 0;
  std::uint16_t done_ = 0;  ///< bytes of this cut
};

}  // namespace sluice::pipeline
