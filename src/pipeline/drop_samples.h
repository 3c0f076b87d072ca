// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The last few packets a thread dropped for each reason: whose they were and how they began.
///
/// Written by one thread without locks, read by any: a slot has a sequence number that is odd while
/// it is written. What a flood costs is bounded: of one reason no more than the first kCopied
/// packets of a millisecond are copied.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <optional>
#include <vector>

#include "pipeline/burst.h"

namespace sluice::pipeline {

/// What a sample's bytes show: a packet that waited to leave has been rewritten by then.
enum class FrameForm : std::uint8_t { kAsItCameIn, kAsItWasToLeave };

struct DropSample {
  static constexpr std::size_t kBytes = 96;
  nat::FlowKey key{};  ///< as it came in; no protocol: not known
  Instant time;
  std::uint32_t length = 0;  ///< of the whole frame
  DeviceId in = kNoDevice;
  std::uint8_t captured = 0;  ///< bytes at hand
  FrameForm form{};           ///< of the bytes
  std::uint8_t reserved = 0;
  std::uint32_t number = 0;  ///< of the thread's drops of all reasons, in their order; it wraps
  std::array<std::uint8_t, kBytes> bytes{};
};
static_assert(sizeof(DropSample) % sizeof(std::uint64_t) == 0);

class DropSamples {
 public:
  static constexpr unsigned kKept = 4;
  static constexpr unsigned kCopied = 64;  ///< two bursts

  /// Before the packet's buffer becomes the answer to its sender; or once it was ready to leave.
  void note(DropReason reason, const Packet& packet, Instant now) noexcept {
    DropSample* sample = begin(reason, now);
    if (sample == nullptr) return;
    const bool known = packet.kind == Kind::kFlow || packet.kind == Kind::kIcmpError;
    if (known) sample->key = packet.key;
    sample->in = packet.in;
    const bool ready = packet.fate == Fate::kEmit || packet.fate == Fate::kAwaitNeighbour;
    sample->form = ready ? FrameForm::kAsItWasToLeave : FrameForm::kAsItCameIn;
    sample->length = packet.length;
    copy(*sample, {packet.frame, packet.contiguous});
    publish(reason);
  }
  /// A frame of which no more is known than what it says.
  void note(DropReason reason,
            std::span<const std::uint8_t> frame,
            std::uint32_t length,
            FrameForm form,
            Instant now) noexcept {
    DropSample* sample = begin(reason, now);
    if (sample == nullptr) return;
    sample->form = form;
    sample->length = length;
    copy(*sample, frame);
    publish(reason);
  }

  /// What is kept for a reason, in no order. Any thread.
  [[nodiscard]] std::vector<DropSample> read(DropReason reason) const {
    std::vector<DropSample> all;
    for (const Slot& slot : kept_[static_cast<std::size_t>(reason)].slots) {
      if (const auto sample = read(slot)) all.push_back(*sample);
    }
    return all;
  }

 private:
  using Words = std::array<std::uint64_t, sizeof(DropSample) / sizeof(std::uint64_t)>;
  struct Slot {
    std::atomic<std::uint32_t> sequence{0};  ///< 0: never written
    std::array<std::atomic<std::uint64_t>, std::tuple_size_v<Words>> words{};
  };
  struct Kept {
    std::array<Slot, kKept> slots;
    Instant last;
    std::uint32_t in_this_ms = 0;
    std::uint32_t next = 0;
  };

  DropSample* begin(DropReason reason, Instant now) noexcept {
    Kept& kept = kept_[static_cast<std::size_t>(reason)];
    if (kept.last != now) kept.last = now, kept.in_this_ms = 0;
    ++number_;
    if (kept.in_this_ms++ >= kCopied) return nullptr;
    scratch_ = DropSample{};
    scratch_.time = now;
    scratch_.number = number_;
    return &scratch_;
  }

  static void copy(DropSample& sample, std::span<const std::uint8_t> frame) noexcept {
    const std::size_t count = std::min(frame.size(), DropSample::kBytes);
    std::copy_n(frame.data(), count, sample.bytes.data());
    sample.captured = static_cast<std::uint8_t>(count);
  }

  void publish(DropReason reason) noexcept {
    Kept& kept = kept_[static_cast<std::size_t>(reason)];
    Slot& slot = kept.slots[kept.next++ % kKept];
    const auto words = std::bit_cast<Words>(scratch_);
    const std::uint32_t sequence = slot.sequence.load(std::memory_order_relaxed);
    slot.sequence.store(sequence + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < words.size(); ++i) {
      slot.words[i].store(words[i], std::memory_order_relaxed);
    }
    slot.sequence.store(sequence + 2, std::memory_order_release);
  }

  [[nodiscard]] static std::optional<DropSample> read(const Slot& slot) {
    constexpr int kTries = 16;  // its writer may be faster than we are
    for (int i = 0; i < kTries; ++i) {
      const std::uint32_t before = slot.sequence.load(std::memory_order_acquire);
      if (before == 0) return std::nullopt;
      Words words;
      for (std::size_t w = 0; w < words.size(); ++w) {
        words[w] = slot.words[w].load(std::memory_order_relaxed);
      }
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 != 0 || slot.sequence.load(std::memory_order_relaxed) != before) continue;
      return std::bit_cast<DropSample>(words);
    }
    return std::nullopt;
  }

  std::array<Kept, kDropReasons> kept_;
  DropSample scratch_;
  std::uint32_t number_ = 0;
};

}  // namespace sluice::pipeline
