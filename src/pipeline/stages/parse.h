// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include "pipeline/burst.h"
#include "pipeline/context.h"

namespace sluice::pipeline {

/// Checks headers and fills in what the frame says: kind, tuple, offsets. Drops what is malformed
/// or not for the gateway; hands ARP to the main thread. Reads: headers. Writes: Packet.
class Parse {
 public:
  explicit Parse(Context& context) noexcept : context_(context) {}
  void process(Burst& burst) noexcept;

 private:
  Context& context_;
};

/// The part above IPv4, of a packet whose kind is kFlow and whose l4_offset and l4_length are
/// known.
void parse_transport(Packet& packet) noexcept;

/// One packet of the above, for tests. `link` is the device it came in by.
void parse(Packet& packet, const Link& link, const eni::EniMap& enis) noexcept;

}  // namespace sluice::pipeline
