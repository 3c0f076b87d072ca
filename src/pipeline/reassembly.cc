// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "pipeline/reassembly.h"

#include <algorithm>
#include <cstring>

#include "net/checksum.h"
#include "pipeline/stages/parse.h"

namespace sluice::pipeline {
namespace {

constexpr std::size_t kEthernet = sizeof(net::EthernetHeader);
constexpr std::size_t kLongestHeader = 60;
constexpr std::size_t kLongestDatagram = 65535;
// Headers end where the payload begins, so that it may lie in its place before they are known.
constexpr std::size_t kPayload = Reassembly::kHeadroom + kEthernet + kLongestHeader;
constexpr std::size_t kStride = (kPayload + kLongestDatagram + 63) / 64 * 64;

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kOffsetMask = 0x1fff;  // in units of 8 bytes

constexpr unsigned kEcnMask = 3;
constexpr unsigned kNotEct = 0;
constexpr unsigned kCe = 3;
constexpr std::uint8_t bit(unsigned codepoint) {
  return static_cast<std::uint8_t>(1U << codepoint);
}

}  // namespace

struct Reassembly::Fragment {
  Cut cut;
  bool more;
  std::uint8_t header_length;
  std::uint8_t ecn;
};

Reassembly::Reassembly(Counters& counters, std::uint64_t seed)
    : counters_(counters),
      hash_(seed),
      bytes_(std::make_unique_for_overwrite<std::uint8_t[]>(kDatagrams * kStride)),
      datagrams_(std::make_unique<Datagram[]>(kDatagrams)) {
  slots_.fill(kNone);
  for (Index i = 0; i + 1U < kDatagrams; ++i) {
    datagrams_[i].next_in_slot = static_cast<Index>(i + 1);
  }
}

std::uint8_t* Reassembly::payload(Index index) noexcept {
  return bytes_.get() + index * kStride + kPayload;
}
unsigned Reassembly::slot(const nat::FlowKey& key) const noexcept { return hash_(key) % kSlots; }

Reassembly::Index Reassembly::find(const nat::FlowKey& key, DeviceId in) const noexcept {
  Index index = slots_[slot(key)];
  while (index != kNone && !(datagrams_[index].key == key && datagrams_[index].in == in)) {
    index = datagrams_[index].next_in_slot;
  }
  return index;
}

Reassembly::Index Reassembly::begin(const nat::FlowKey& key, DeviceId in, Instant now) noexcept {
  if (free_ == kNone) drop(oldest_, DropReason::kFragmentLimit);
  const Index index = free_;
  Datagram& datagram = datagrams_[index];
  free_ = datagram.next_in_slot;
  datagram = {};
  datagram.key = key;
  datagram.in = in;
  datagram.began = now;
  Index& head = slots_[slot(key)];
  datagram.next_in_slot = std::exchange(head, index);
  datagram.older = std::exchange(youngest_, index);
  (datagram.older == kNone ? oldest_ : datagrams_[datagram.older].younger) = index;
  return index;
}

/// Takes a datagram out of what can be found and what grows old.
void Reassembly::unlink(Index index) noexcept {
  const Datagram& datagram = datagrams_[index];
  Index* link = &slots_[slot(datagram.key)];
  while (*link != index) link = &datagrams_[*link].next_in_slot;
  *link = datagram.next_in_slot;
  (datagram.older == kNone ? oldest_ : datagrams_[datagram.older].younger) = datagram.younger;
  (datagram.younger == kNone ? youngest_ : datagrams_[datagram.younger].older) = datagram.older;
}

void Reassembly::free(Index index) noexcept {
  datagrams_[index].next_in_slot = std::exchange(free_, index);
}

void Reassembly::drop(Index index, DropReason reason) noexcept {
  const Datagram& datagram = datagrams_[index];
  const std::uint32_t frames = datagram.fragmentation.count;
  counters_.drop(reason, datagram.frame_bytes, frames);
  held_.set(held_.get() - frames);
  unlink(index);
  free(index);
}

/// Whether there can be one datagram of which all that came and this fragment are parts.
bool Reassembly::agrees(const Datagram& datagram, const Fragment& fragment) noexcept {
  const std::uint32_t end = fragment.cut.end();
  const auto pieces = datagram.fragmentation.pieces();
  for (const Cut& cut : pieces) {
    if (fragment.cut.offset < cut.end() && cut.offset < end) return false;
    if (!fragment.more && cut.offset >= end) return false;
  }
  if (datagram.total != 0 && (end > datagram.total || !fragment.more)) return false;
  const std::uint32_t total = fragment.more ? datagram.total : end;
  const std::uint32_t header =
      fragment.cut.offset == 0 ? fragment.header_length : datagram.first_header_length;
  if (total + header > kLongestDatagram) return false;
  // RFC 3168 5.3: congestion met by one part and not to be told by another.
  const unsigned ecn = datagram.ecn_seen | bit(fragment.ecn);
  return (ecn & (bit(kCe) | bit(kNotEct))) != (bit(kCe) | bit(kNotEct));
}

void Reassembly::store(Index index, const Fragment& fragment, const Packet& packet) noexcept {
  Datagram& datagram = datagrams_[index];
  Fragmentation& parts = datagram.fragmentation;
  auto* const end = parts.cuts.begin() + parts.count++;
  auto* const place =
      std::upper_bound(parts.cuts.begin(), end, fragment.cut.offset,
                       [](std::uint16_t offset, const Cut& cut) { return offset < cut.offset; });
  std::move_backward(place, end, end + 1);
  *place = fragment.cut;
  datagram.frame_bytes += packet.length;
  datagram.received = static_cast<std::uint16_t>(datagram.received + fragment.cut.length);
  datagram.ecn_seen |= bit(fragment.ecn);
  const net::Ipv4Header& ip = packet.ipv4();
  datagram.lowest_ttl = std::min(datagram.lowest_ttl, ip.ttl);
  datagram.dont_fragment |= ip.dont_fragment();
  if (!fragment.more) datagram.total = static_cast<std::uint16_t>(fragment.cut.end());

  std::memcpy(payload(index) + fragment.cut.offset, packet.l4(), fragment.cut.length);
  const std::uint8_t* header = packet.frame + kEthernet;
  if (fragment.cut.offset == 0) {
    std::memcpy(payload(index) - fragment.header_length, header, fragment.header_length);
    datagram.first_header_length = fragment.header_length;
  } else {
    std::memcpy(parts.later_header.data(), header, fragment.header_length);
    parts.later_header_length = fragment.header_length;
  }
}

void Reassembly::complete(Index index, Packet& packet) noexcept {
  Datagram& datagram = datagrams_[index];
  const unsigned header_length = datagram.first_header_length;
  std::uint8_t* const frame = payload(index) - header_length - kEthernet;
  net::header_at<net::EthernetHeader>(frame) = packet.ethernet();
  auto& ip = net::header_at<net::Ipv4Header>(frame + kEthernet);
  ip.total_length = Be16::from_host(static_cast<std::uint16_t>(header_length + datagram.total));
  // All leave with one header: none is to live longer than it came, or to be cut where it forbade
  // it.
  ip.fragment = Be16::from_host(datagram.dont_fragment ? kDontFragment : 0);
  ip.ttl = datagram.lowest_ttl;
  if ((datagram.ecn_seen & bit(kCe)) != 0) ip.type_of_service |= kCe;
  ip.checksum = {};
  ip.checksum = net::full_checksum({frame + kEthernet, header_length});

  packet.frame = frame;
  packet.l4_offset = static_cast<std::uint16_t>(kEthernet + header_length);
  packet.l4_length = datagram.total;
  packet.length = packet.l4_offset + std::uint32_t{packet.l4_length};
  packet.contiguous = packet.length;
  packet.headroom = static_cast<std::uint16_t>(kPayload - packet.l4_offset);
  packet.fragmentation = &datagram.fragmentation;
  packet.cut = true;
  packet.kind = Kind::kFlow;
  parse_transport(packet);

  const std::uint32_t others = datagram.fragmentation.count - 1U;
  counters_.merged.add(others);
  held_.set(held_.get() - others);
  unlink(index);
  datagram.next_in_slot = std::exchange(done_, index);
}

void Reassembly::take(Packet& packet, Instant now) noexcept {
  const net::Ipv4Header& ip = packet.ipv4();
  const std::uint16_t field = ip.fragment.to_host();
  const Fragment fragment{{static_cast<std::uint16_t>((field & kOffsetMask) * 8), packet.l4_length},
                          (field & kMoreFragments) != 0,
                          static_cast<std::uint8_t>(ip.header_length()),
                          static_cast<std::uint8_t>(ip.type_of_service & kEcnMask)};
  const bool possible = fragment.cut.length != 0 &&
                        (!fragment.more || fragment.cut.length % 8 == 0) &&
                        fragment.cut.end() + fragment.header_length <= kLongestDatagram &&
                        packet.contiguous >= packet.length;
  if (!possible) return packet.drop(DropReason::kBadFragment);

  const nat::FlowKey key{ip.source, ip.destination, ip.id, {}, ip.protocol, {}};
  Index index = find(key, packet.in);
  if (index != kNone) {
    const auto pieces = datagrams_[index].fragmentation.pieces();
    // Another end than what came agrees with, even within it: no telling which is right.
    const Datagram& datagram = datagrams_[index];
    const bool ends_elsewhere =
        !fragment.more && (fragment.cut.end() < pieces.back().end() ||
                           (datagram.total != 0 && fragment.cut.end() != datagram.total));
    const bool known =
        !ends_elsewhere && std::any_of(pieces.begin(), pieces.end(), [&](const Cut& cut) {
          return fragment.cut.offset >= cut.offset && fragment.cut.end() <= cut.end();
        });
    if (known) return packet.drop(DropReason::kBadFragment);
    if (!agrees(datagrams_[index], fragment)) {
      drop(index, DropReason::kBadFragment);
      return packet.drop(DropReason::kBadFragment);
    }
    if (pieces.size() == Fragmentation::kFragments) {
      drop(index, DropReason::kFragmentLimit);
      return packet.drop(DropReason::kFragmentLimit);
    }
  } else {
    index = begin(key, packet.in, now);
  }
  store(index, fragment, packet);
  const Datagram& datagram = datagrams_[index];
  if (datagram.received == datagram.total) return complete(index, packet);
  held_.add(1);
  packet.fate = Fate::kHeld;
}

void Reassembly::release(Instant now) noexcept {
  while (done_ != kNone) free(std::exchange(done_, datagrams_[done_].next_in_slot));
  constexpr auto kMs = std::chrono::milliseconds(kPatience).count();
  while (oldest_ != kNone && now.since(datagrams_[oldest_].began) >= kMs) {
    drop(oldest_, DropReason::kFragmentIncomplete);
  }
}

// --- the other way -----------------------------------------------------------------------------

namespace {

/// The header for fragments behind the first: options that are not "copied" stay with it (RFC 791
/// 3.1). Returns its length.
std::uint8_t make_later_header(const std::uint8_t* first, std::span<std::uint8_t, 60> later) {
  constexpr std::uint8_t kEnd = 0;
  constexpr std::uint8_t kNothing = 1;
  constexpr std::uint8_t kCopied = 0x80;
  const unsigned length = net::header_at<net::Ipv4Header>(first).header_length();
  std::size_t out = sizeof(net::Ipv4Header);
  std::memcpy(later.data(), first, out);
  for (std::size_t at = out; at < length && first[at] != kEnd;) {
    const std::size_t size = first[at] == kNothing ? 1 : at + 1 < length ? first[at + 1] : 0;
    if (size == 0 || at + size > length) break;  // what cannot be read ends the list
    if ((first[at] & kCopied) != 0) {
      std::memcpy(later.data() + out, first + at, size);
      out += size;
    }
    at += size;
  }
  while (out % 4 != 0) later[out++] = kEnd;
  return static_cast<std::uint8_t>(out);
}

}  // namespace

Pieces::Pieces(const Packet& packet, std::uint16_t mtu) noexcept
    : packet_(packet), mtu_(mtu), whole_{0, packet.l4_length} {
  if (packet.fragmentation != nullptr) {
    later_header_ = packet.fragmentation->later_header;
    later_header_length_ = packet.fragmentation->later_header_length;
    cuts_ = packet.fragmentation->pieces();
    const std::size_t room =
        mtu - std::max<std::size_t>(packet.l4_offset - kEthernet, later_header_length_);
    const bool fits =
        std::all_of(cuts_.begin(), cuts_.end(), [&](const Cut& cut) { return cut.length <= room; });
    if (!fits) cuts_ = {&whole_, 1};
  } else {
    later_header_length_ = make_later_header(packet.frame + kEthernet, later_header_);
    cuts_ = {&whole_, 1};
  }
}

std::span<const std::uint8_t> Pieces::header() const noexcept {
  const bool first = cut_ == 0 && done_ == 0;
  if (first) return {packet_.frame + kEthernet, packet_.l4_offset - kEthernet};
  return {later_header_.data(), later_header_length_};
}

Cut Pieces::here() const noexcept {
  const Cut& cut = cuts_[cut_];
  const auto rest = static_cast<std::uint16_t>(cut.length - done_);
  const auto room = static_cast<std::uint16_t>(mtu_ - header().size());
  const auto offset = static_cast<std::uint16_t>(cut.offset + done_);
  return {offset, rest <= room ? rest : static_cast<std::uint16_t>(room / 8 * 8)};
}

std::uint16_t Pieces::size() const noexcept {
  if (cut_ == cuts_.size()) return 0;
  return static_cast<std::uint16_t>(kEthernet + header().size() + here().length);
}

void Pieces::write(std::uint8_t* frame) noexcept {
  const auto from = header();
  const Cut cut = here();
  std::memcpy(frame, packet_.frame, kEthernet);
  std::memcpy(frame + kEthernet, from.data(), from.size());
  std::memcpy(frame + kEthernet + from.size(), packet_.l4() + cut.offset, cut.length);

  const net::Ipv4Header& whole = packet_.ipv4();
  auto& ip = net::header_at<net::Ipv4Header>(frame + kEthernet);
  const std::uint8_t version_and_length = static_cast<std::uint8_t>(0x40 | from.size() / 4);
  const bool more = cut.end() < packet_.l4_length;
  const std::uint16_t flags = static_cast<std::uint16_t>(
      (whole.fragment.to_host() & kDontFragment) | (more ? kMoreFragments : 0));
  ip = whole;
  ip.version_and_length = version_and_length;
  ip.total_length = Be16::from_host(static_cast<std::uint16_t>(from.size() + cut.length));
  ip.fragment = Be16::from_host(static_cast<std::uint16_t>(flags | cut.offset / 8));
  ip.checksum = {};
  ip.checksum = net::full_checksum({frame + kEthernet, from.size()});

  done_ = static_cast<std::uint16_t>(done_ + cut.length);
  if (done_ == cuts_[cut_].length) ++cut_, done_ = 0;
}

}  // namespace sluice::pipeline
