// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What workers tell each other about flows that one of them looks after for another.
///
/// The worker that a pod's packets reach first, their home, may have no port whose reply would come
/// back to it: all of its share are in use towards a remote, or the protocol has no ports to
/// choose. Another worker then holds the session, and the home a record in state kElsewhere, a
/// redirect, that names it. The holder reports when the session opens and when it ends.
///
/// Reports may be lost where rings are full: a redirect that leads to no session any more does no
/// harm, as whom it leads to treats the packet as the first of its flow, and reports a refusal.
/// What nobody has answered is forgotten after a minute, the rest after twice the longest idle time
/// that is configured, an hour at least.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/ids.h"
#include "nat/flow_key.h"
#include "nat/flow_table.h"

namespace sluice::nat {

struct Notice {
  enum class What : std::uint8_t {
    kHolds,    ///< `from` holds the session of this flow
    kEnded,    ///< the session that `from` held has ended
    kRefused,  ///< no worker had room for it
  };
  FlowKey flow;  ///< as the pod sends it
  WorkerId to, from;
  What what{};
  std::uint8_t zero = 0;
};
static_assert(sizeof(Notice) % 4 == 0, "an element of rte_ring");

/// Notices of one burst, until their worker has put them on the others' rings.
class Outbox {
 public:
  void push(const Notice& notice) noexcept {
    if (count_ < notices_.size()) notices_[count_++] = notice;
  }
  [[nodiscard]] std::span<const Notice> notices() const noexcept {
    return {notices_.data(), count_};
  }
  [[nodiscard]] bool full() const noexcept { return count_ == notices_.size(); }
  void clear() noexcept { count_ = 0; }

 private:
  std::array<Notice, 64> notices_;
  std::size_t count_ = 0;
};

/// Makes a redirect, or turns the one there is; false without room.
bool redirect(FlowTable& table, const FlowKey& flow, WorkerId to, Instant now) noexcept;
/// Whom a redirect leads to.
[[nodiscard]] inline WorkerId redirected_to(const Session& session) noexcept {
  return WorkerId{static_cast<std::uint8_t>(session.adjacency[0].get())};
}
/// What its home does with a notice.
void heed(FlowTable& table, const Notice& notice, Instant now) noexcept;

}  // namespace sluice::nat
