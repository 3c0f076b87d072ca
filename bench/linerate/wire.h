// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// One of the tester's two DPDK ports, and what makes it a neighbour that routers accept: it
/// answers every ARP request with its own MAC, and finds that of the device under test. Owner: one
/// thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/ip.h"
#include "core/result.h"
#include "eni/device.h"
#include "support/frame.h"

struct rte_mbuf;

namespace sluice::bench {

class Wire {
 public:
  struct Options {
    std::string device;  ///< PCI address or vdev arguments
    Ipv4Addr own;        ///< the router that the device under test sends to
    Ipv4Addr peer;       ///< the device under test
    rte_mempool* pool = nullptr;
  };
  static Result<std::unique_ptr<Wire>> open(const Options& options);

  /// Asks for the peer's MAC address until it answers.
  [[nodiscard]] bool find_peer(std::chrono::milliseconds patience);
  /// For a device under test that has no addresses.
  void use_peer(const net::MacAddress& mac) { macs_.to = mac; }

  [[nodiscard]] const Macs& macs() const { return macs_; }
  [[nodiscard]] const std::string& driver() const { return device_->driver(); }
  [[nodiscard]] bool link_up() const { return device_->link_up(); }

  /// Returns how many frames there are; ARP among them has been answered and is not.
  unsigned receive(std::span<rte_mbuf*> frames) noexcept;
  /// How many were taken; the others stay the caller's.
  unsigned transmit(std::span<rte_mbuf*> frames) noexcept;

 private:
  Wire(const Options& options, std::unique_ptr<eni::Device> device);
  [[nodiscard]] bool take_arp(rte_mbuf& frame) noexcept;
  void send_arp(std::uint16_t operation, const net::MacAddress& to, Ipv4Addr from, Ipv4Addr whom);

  Options options_;
  std::unique_ptr<eni::Device> device_;
  Macs macs_;
  bool peer_found_ = false;
};

}  // namespace sluice::bench
