// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Rewrites the packet and keeps its session up to date: TTL, addresses, ports, checksums, TCP
/// state, time, counts. What would not survive the hop is dropped here, before anything is changed.
class Translate {
 public:
  explicit Translate(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
};

/// Whether a packet fits the link it is to leave by, whole or cut (and then so marked); else it is
/// dropped, with an answer to who forbade to cut it. Nothing may have been changed yet.
[[nodiscard]] bool fits(Packet& packet, DeviceId out, const Context& context) noexcept;

}  // namespace sluice::pipeline
