// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

namespace sluice::test {

/// Dice for property tests: the same on every run, so that a failure comes again;
/// SLUICE_TEST_SEED in the environment throws others. Put seed() into a SCOPED_TRACE.
class Random {
 public:
  Random() : seed_(seed_from_environment()), engine_(seed_) {}

  [[nodiscard]] std::string seed() const { return "SLUICE_TEST_SEED=" + std::to_string(seed_); }

  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(word()); }
  /// From 0 to `end` - 1.
  std::uint32_t below(std::uint32_t end) { return word() % end; }
  /// From `least` to `most`, both included.
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + below(most - least + 1);
  }
  bool coin() { return below(2) == 0; }

 private:
  static std::uint32_t seed_from_environment() {
    constexpr std::uint32_t kUsual = 22'11;
    const char* text = std::getenv("SLUICE_TEST_SEED");
    return text == nullptr ? kUsual : static_cast<std::uint32_t>(std::stoul(text));
  }

  std::uint32_t seed_;
  std::mt19937 engine_;
};

}  // namespace sluice::test
