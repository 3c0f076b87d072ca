// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Sessions that have ended while their ports rest, in the order they ended: who gives way first
/// when there is no room for a new one. A list of record numbers, linked by eight bytes a record.
///
/// Owner: one worker; `count` may be read by any thread.
#pragma once

#include <cstdint>

#include "nat/session.h"

namespace sluice::nat {

class HeldSessions {
 public:
  struct Link {
    std::uint32_t older, younger;
  };

  /// `links` is one a record, and outlives this; what is in it does not matter.
  explicit HeldSessions(Link* links) noexcept : links_(links) {}

  void push(SessionIndex index) noexcept {
    links_[index.value] = {youngest_, kNone};
    (youngest_ == kNone ? oldest_ : links_[youngest_].younger) = index.value;
    youngest_ = index.value;
    count_.add(1);
  }
  void remove(SessionIndex index) noexcept {
    const Link link = links_[index.value];
    (link.older == kNone ? oldest_ : links_[link.older].younger) = link.younger;
    (link.younger == kNone ? youngest_ : links_[link.younger].older) = link.older;
    count_.add(static_cast<std::uint32_t>(-1));
  }
  /// kNoSession: there is none.
  [[nodiscard]] SessionIndex oldest() const noexcept { return {oldest_}; }
  [[nodiscard]] SessionIndex younger(SessionIndex index) const noexcept {
    return {links_[index.value].younger};
  }
  [[nodiscard]] std::uint32_t count() const noexcept { return count_.get(); }

 private:
  static constexpr std::uint32_t kNone = kNoSession.value;

  Link* links_;
  std::uint32_t oldest_ = kNone;
  std::uint32_t youngest_ = kNone;
  Relaxed<std::uint32_t> count_;
};

}  // namespace sluice::nat
