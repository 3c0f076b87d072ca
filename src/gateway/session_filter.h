// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <optional>

#include "nat/session.h"

namespace sluice::gateway {

/// Which sessions are meant; what is absent matches all. Plain data: workers use it too.
struct SessionFilter {
  std::optional<Be32> pod, remote, snat;
  std::optional<std::uint8_t> protocol;
  std::optional<nat::SessionState> state;
  std::int32_t idle_ms = 0;  ///< idle for that long at least

  [[nodiscard]] bool matches(const nat::SessionIdentity& session,
                             std::int32_t idle) const noexcept {
    return session.is_session() && (!pod || session.pod == *pod) &&
           (!remote || session.remote == *remote) &&
           (!snat || (session.translated() && session.snat == *snat)) &&
           (!protocol || session.protocol == *protocol) &&
           (!state || session.state == static_cast<std::uint8_t>(*state)) && idle >= idle_ms;
  }
  [[nodiscard]] bool matches_all() const noexcept {
    return !pod && !remote && !snat && !protocol && !state && idle_ms == 0;
  }
};

}  // namespace sluice::gateway
