// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "support/fragments.h"

#include <algorithm>

namespace sluice::test {
namespace {

constexpr std::size_t kIp = 14;

std::size_t at(std::size_t i) { return kIp + i; }
std::ptrdiff_t signed_at(std::size_t i) { return static_cast<std::ptrdiff_t>(at(i)); }
unsigned word(const Bytes& frame, std::size_t i) { return frame[at(i)] * 256U + frame[at(i) + 1]; }
void set_word(Bytes& frame, std::size_t i, unsigned value) {
  frame[at(i)] = static_cast<std::uint8_t>(value >> 8);
  frame[at(i) + 1] = static_cast<std::uint8_t>(value);
}
std::size_t header_length(const Bytes& frame) { return (frame[at(0)] & 0xfU) * 4; }
unsigned offset_of(const Bytes& frame) { return (word(frame, 6) & 0x1fff) * 8; }
bool has_more(const Bytes& frame) { return (word(frame, 6) & 0x2000) != 0; }
Bytes payload_of(const Bytes& frame) {
  return {frame.begin() + signed_at(header_length(frame)),
          frame.begin() + signed_at(word(frame, 2))};
}

void set_checksum(Bytes& frame) {
  set_word(frame, 10, 0);
  const Bytes header(frame.begin() + kIp, frame.begin() + signed_at(header_length(frame)));
  set_word(frame, 10, ~unsigned{plain_sum(header)} & 0xffff);
}

Bytes with_payload(const Bytes& like, const Bytes& payload, unsigned flags_and_offset) {
  Bytes frame(like.begin(), like.begin() + signed_at(header_length(like)));
  frame.insert(frame.end(), payload.begin(), payload.end());
  set_word(frame, 2, static_cast<unsigned>(frame.size() - kIp));
  set_word(frame, 6, flags_and_offset);
  set_checksum(frame);
  return frame;
}

void sort(std::vector<Bytes>& pieces) {
  std::sort(pieces.begin(), pieces.end(),
            [](const Bytes& a, const Bytes& b) { return offset_of(a) < offset_of(b); });
}

}  // namespace

std::vector<Bytes> cut(const Bytes& datagram, const std::vector<unsigned>& sizes) {
  const Bytes payload = payload_of(datagram);
  const unsigned flags = word(datagram, 6) & 0x4000;
  std::vector<Bytes> pieces;
  std::size_t done = 0;
  for (std::size_t i = 0; done < payload.size(); ++i) {
    const std::size_t rest = payload.size() - done;
    const std::size_t size = i < sizes.size() ? std::min<std::size_t>(sizes[i], rest) : rest;
    const auto from = payload.begin() + static_cast<std::ptrdiff_t>(done);
    const bool more = size < rest;
    pieces.push_back(with_payload(datagram, Bytes(from, from + static_cast<std::ptrdiff_t>(size)),
                                  flags | (more ? 0x2000U : 0U) | static_cast<unsigned>(done / 8)));
    done += size;
  }
  return pieces;
}

std::vector<Bytes> cut_to_mtu(const Bytes& datagram, unsigned mtu) {
  const auto size = static_cast<unsigned>((mtu - header_length(datagram)) / 8 * 8);
  return cut(datagram, std::vector<unsigned>(datagram.size() / size, size));
}

Bytes join(std::vector<Bytes> pieces) {
  sort(pieces);
  Bytes payload;
  for (const Bytes& piece : pieces) {
    if (offset_of(piece) != payload.size() || has_more(piece) != (&piece != &pieces.back()))
      return {};
    const Bytes part = payload_of(piece);
    payload.insert(payload.end(), part.begin(), part.end());
  }
  return pieces.empty() ? Bytes{}
                        : with_payload(pieces.front(), payload, word(pieces.front(), 6) & 0x4000);
}

std::vector<unsigned> sizes_of(std::vector<Bytes> pieces) {
  sort(pieces);
  std::vector<unsigned> sizes;
  for (const Bytes& piece : pieces)
    sizes.push_back(static_cast<unsigned>(payload_of(piece).size()));
  return sizes;
}

}  // namespace sluice::test
