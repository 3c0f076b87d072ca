// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Receive-side scaling of a device: what it can do, and setting it up so that the NIC delivers
/// packets where the owner function (nat/owner.h) gives them to. Nothing here is relied upon: what
/// a NIC really does is seen by its packets (pipeline/nic_queue.h).
///
/// Owner: the main thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "nat/owner.h"

struct rte_eth_conf;
struct rte_eth_dev_info;

namespace sluice::eni {

/// The key of ENAs that take no other (Nitro before version 3's network-accelerated types), from
/// amzn-drivers' README for DPDK, 11.3. Amazon's toeplitz_calc.py says that these also sort
/// addresses and ports before they hash; then only packets whose tuples are in that order already
/// agree.
inline constexpr nat::ToeplitzKey kEnaKey{
    0xbe, 0xac, 0x01, 0xfa, 0x6a, 0x42, 0xb7, 0x3b, 0x80, 0x30, 0xf2, 0x0c, 0x77, 0xcb,
    0x2d, 0xa3, 0xae, 0x7b, 0x30, 0xb4, 0xd0, 0xca, 0x2b, 0xcb, 0x43, 0xa3, 0x8f, 0xb0,
    0x41, 0x67, 0x25, 0x3d, 0x25, 0x5b, 0x0e, 0xc2, 0x6d, 0x5a, 0x56, 0xda};

/// The key of Microsoft's "Verifying the RSS Hash Calculation", which many NICs start with.
inline constexpr nat::ToeplitzKey kMicrosoftKey{
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

/// What a NIC's hash is, compared with the owner function's.
struct RssForm {
  bool key_reversed = false;  ///< it takes the key's bytes from the last to the first
  bool sorted = false;        ///< it hashes the lower address and the lower port first
  std::uint32_t initial = 0;  ///< what every hash has added (XOR); the low 16 bits

  friend bool operator==(const RssForm&, const RssForm&) = default;
};

class Rss {
 public:
  /// Where a device's key comes from.
  enum class Key : std::uint8_t {
    kNone,     ///< it has no RSS for TCP and UDP over IPv4
    kTaken,    ///< it uses the one it was given
    kOwn,      ///< it has one of its own, which is known
    kUnknown,  ///< it does not say
  };

  /// Before the device is configured: adds to its configuration what it can do of hashing TCP and
  /// UDP, with the symmetric key.
  void prepare(const rte_eth_dev_info& info, rte_eth_conf& conf);
  /// After it has started: asks which key it has.
  void ask(std::uint16_t port, const std::string& driver);

  /// Makes the device's key and table those of the owner function, as far as it lets us: the hash
  /// has what `form` says. The error is the device's own word; it changes nothing about
  /// correctness.
  Status apply(std::uint16_t port, const nat::OwnerFunction& owner, const RssForm& form);

  [[nodiscard]] Key key_state() const noexcept { return state_; }
  /// That of kTaken and kOwn.
  [[nodiscard]] const nat::ToeplitzKey& key() const noexcept { return key_; }
  [[nodiscard]] unsigned reta_size() const noexcept { return reta_size_; }
  /// What it can do, for people: "RSS, key 40 bytes, table 128".
  [[nodiscard]] std::string to_string() const;

 private:
  [[nodiscard]] std::optional<nat::ToeplitzKey> read_key(std::uint16_t port) const;
  Status set_key(std::uint16_t port, const nat::ToeplitzKey& key);
  Status set_table(std::uint16_t port, const nat::OwnerFunction& owner, std::uint32_t initial);

  Key state_ = Key::kNone;
  nat::ToeplitzKey key_{};
  std::uint64_t types_ = 0;          ///< RTE_ETH_RSS_…
  std::vector<std::uint8_t> bytes_;  ///< the key as long as the device wants it
  unsigned reta_size_ = 0;
};

/// The key that a device told; nothing where it told none: some drivers answer with no byte, or
/// with zeros, which would send all packets to one worker.
[[nodiscard]] std::optional<nat::ToeplitzKey> key_told(std::span<const std::uint8_t> answer);

/// The key for the owner function of all devices: that of the first whose key cannot be another but
/// is known, else the symmetric one.
[[nodiscard]] nat::ToeplitzKey choose_key(const std::vector<const Rss*>& devices);

}  // namespace sluice::eni
