// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <compare>
#include <cstdint>

namespace sluice {

/// A small integer that names one kind of thing and converts to no other kind.
template <typename Tag, typename Rep>
struct StrongId {
  Rep value{};
  friend constexpr auto operator<=>(StrongId, StrongId) noexcept = default;
};

/// A device of the configuration: the ENIs in their order, then the pod ports in theirs.
using DeviceId = StrongId<struct DeviceTag, std::uint8_t>;
inline constexpr DeviceId kNoDevice{0xff};

/// A poll-mode worker, from 0.
using WorkerId = StrongId<struct WorkerTag, std::uint8_t>;

/// An entry of the compiled policy; stored in 24 bits of a session.
using RuleId = StrongId<struct RuleTag, std::uint32_t>;

}  // namespace sluice
