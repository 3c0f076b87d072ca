// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>

namespace sluice::nat {

/// A small random generator for choosing ports (RFC 6056 3.3.1), one a worker, seeded from the
/// kernel. Weyl sequence through a multiply-fold; not for secrets beyond the port itself.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  /// Uniform in [0, bound).
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
  }

 private:
  std::uint64_t next() noexcept {
    __extension__ using Wide = unsigned __int128;
    state_ += 0xa0761d6478bd642fULL;
    const Wide product = Wide{state_} * (state_ ^ 0xe7037ed1a0b428dbULL);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::uint64_t state_;
};

}  // namespace sluice::nat
