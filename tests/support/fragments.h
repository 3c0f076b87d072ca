// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// IPv4 fragments for tests, cut and joined by code of their own.
#pragma once

#include <vector>

#include "support/packet_builder.h"

namespace sluice::test {

/// The datagram in pieces of so many bytes of payload each (multiples of 8), the rest in one more.
[[nodiscard]] std::vector<Bytes> cut(const Bytes& datagram, const std::vector<unsigned>& sizes);
/// The same in pieces as large as `mtu` allows.
[[nodiscard]] std::vector<Bytes> cut_to_mtu(const Bytes& datagram, unsigned mtu);

/// The datagram that the pieces make, in any order; empty when they do not make one.
[[nodiscard]] Bytes join(std::vector<Bytes> pieces);

/// Bytes of payload of each piece, in order of their places.
[[nodiscard]] std::vector<unsigned> sizes_of(std::vector<Bytes> pieces);

}  // namespace sluice::test
