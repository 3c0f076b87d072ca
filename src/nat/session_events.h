// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What a worker tells the session log: every translated session that opens and that ends, by its
/// flow table, on a bounded ring. A full ring loses events and counts them, and nothing else waits.
///
/// Preserved sessions, mappings and redirects have no translation to tell of and are left out.
///
/// Writer: the worker that owns the flow table. Reader: one thread. Memory is taken at
/// construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/time.h"
#include "nat/session.h"

struct rte_ring;

namespace sluice::nat {

struct SessionEvent {
  enum class What : std::uint8_t { kCreate, kDelete };
  Be32 pod, remote, snat;
  Be16 pod_port, remote_port, snat_port;
  std::uint8_t protocol;
  What what;
  Instant time;
  bool opened_inbound;  ///< the first packet came from the remote
  std::uint8_t reserved[3];
};
static_assert(sizeof(SessionEvent) == 28 && sizeof(SessionEvent) % 4 == 0,
              "an element of rte_ring");

class SessionEvents {
 public:
  /// `capacity`: events that may wait, 1 … 2^20.
  explicit SessionEvents(std::uint32_t capacity);

  // --- the worker -----------------------------------------------------------------------------
  void put(const SessionIdentity& session, SessionEvent::What what, Instant now) noexcept;

  // --- the reader -----------------------------------------------------------------------------
  /// Takes as many of the oldest as fit; what it gives is part of `to`.
  [[nodiscard]] std::span<SessionEvent> take(std::span<SessionEvent> to) noexcept;

  /// Events for which there was no room. Any thread.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.get(); }

 private:
  struct Release {
    void operator()(std::byte* memory) const noexcept;
  };
  [[nodiscard]] rte_ring* ring() noexcept { return reinterpret_cast<rte_ring*>(memory_.get()); }

  std::unique_ptr<std::byte, Release> memory_;
  alignas(64) Relaxed<std::uint64_t> dropped_;  ///< on a line that only the worker writes
};

}  // namespace sluice::nat
