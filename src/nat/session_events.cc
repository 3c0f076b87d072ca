// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/session_events.h"

#include <rte_ring.h>
#include <rte_ring_elem.h>

#include <new>

namespace sluice::nat {

SessionEvents::SessionEvents(std::uint32_t capacity) {
  // A ring keeps one place free.
  const ssize_t bytes =
      rte_ring_get_memsize_elem(sizeof(SessionEvent), rte_align32pow2(capacity + 1));
  memory_.reset(static_cast<std::byte*>(
      ::operator new (static_cast<std::size_t>(bytes), std::align_val_t{RTE_CACHE_LINE_SIZE})));
  rte_ring_init(ring(), "session_events", capacity,
                RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
}

void SessionEvents::Release::operator()(std::byte* memory) const noexcept {
  ::operator delete (memory, std::align_val_t{RTE_CACHE_LINE_SIZE});
}

void SessionEvents::put(const SessionIdentity& session,
                        SessionEvent::What what,
                        Instant now) noexcept {
  if (!session.translated() || !session.is_session()) return;
  SessionEvent event{session.pod,
                     session.remote,
                     session.snat,
                     session.pod_port,
                     session.remote_port,
                     session.snat_port,
                     session.protocol,
                     what,
                     now,
                     session.opened_inbound(),
                     {}};
  if (rte_ring_sp_enqueue_elem(ring(), &event, sizeof event) != 0) dropped_.add(1);
}

std::span<SessionEvent> SessionEvents::take(std::span<SessionEvent> to) noexcept {
  const unsigned count = rte_ring_sc_dequeue_burst_elem(ring(), to.data(), sizeof(SessionEvent),
                                                        static_cast<unsigned>(to.size()), nullptr);
  return to.first(count);
}

}  // namespace sluice::nat
