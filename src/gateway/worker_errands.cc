// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
// What the main thread asks of a worker, beside packets.
#include "gateway/worker.h"

namespace sluice::gateway {

void Worker::make_session_events(std::uint32_t capacity) {
  if (events_ == nullptr) events_ = std::make_unique<nat::SessionEvents>(capacity);
}

bool Worker::end_sessions(std::uint32_t at_most) noexcept {
  const Instant now = clock_.now();  // which the sessions were opened by
  for (std::uint32_t i = 0; i < at_most; ++i) {
    if (next_to_end_ == table_->touched()) return false;
    const nat::SessionIndex index{next_to_end_++};
    const nat::Session& session = table_->at(index);
    const bool open = session.state() != nat::SessionState::kFree && session.identity.is_session();
    if (open) table_->erase(index, now);
  }
  return true;
}

bool Worker::take(Errand& errand) noexcept {
  Errand* none = nullptr;
  return errand_.compare_exchange_strong(none, &errand, std::memory_order_release,
                                         std::memory_order_relaxed);
}

/// An errand that is done is no longer ours: whoever sent it may free it at once.
void Worker::run_errand(Errand& errand, Instant now) noexcept {
  if (!errand.step(errand, *table_, now)) return;
  errand_.store(nullptr, std::memory_order_release);
  errand.done.store(true, std::memory_order_release);
}

}  // namespace sluice::gateway
