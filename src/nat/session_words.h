// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// How a session's identity is written by its owner while other threads may read it.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "nat/session.h"

namespace sluice::nat {

using IdentityWords = std::array<std::uint64_t, sizeof(SessionIdentity) / 8>;

/// The identity is written and read word by word with relaxed atomics, so that a reader in another
/// thread meets no data race; the sequence number tells it whether the words belong together.
inline void store_words(SessionIdentity& to, const SessionIdentity& from) noexcept {
  const auto words = std::bit_cast<IdentityWords>(from);
  auto* target = reinterpret_cast<std::uint64_t*>(&to);
  for (std::size_t i = 0; i < words.size(); ++i) {
    __atomic_store_n(target + i, words[i], __ATOMIC_RELAXED);
  }
}

inline SessionIdentity load_words(const SessionIdentity& from) noexcept {
  IdentityWords words;
  const auto* source = reinterpret_cast<const std::uint64_t*>(&from);
  for (std::size_t i = 0; i < words.size(); ++i) {
    words[i] = __atomic_load_n(source + i, __ATOMIC_RELAXED);
  }
  return std::bit_cast<SessionIdentity>(words);
}

/// Opens and closes the odd span of a record's sequence number (a seqlock with one writer).
class WriteSection {
 public:
  explicit WriteSection(Session& session) noexcept
      : session_(session), even_(session.sequence.load(std::memory_order_relaxed)) {
    session_.sequence.store(even_ + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  ~WriteSection() { session_.sequence.store(even_ + 2, std::memory_order_release); }
  WriteSection(const WriteSection&) = delete;
  WriteSection& operator=(const WriteSection&) = delete;

 private:
  Session& session_;
  std::uint32_t even_;
};

}  // namespace sluice::nat
