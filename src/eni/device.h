// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A DPDK device brought up for the gateway: one queue pair a worker, as far as the device has
/// them. Owner: the main thread; the workers only receive and transmit by its port number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/result.h"
#include "eni/rss.h"
#include "net/headers.h"

struct rte_mempool;

namespace sluice::eni {

class Device {
 public:
  struct Options {
    std::string key;     ///< where the configuration names it: "enis[0].device"
    std::string device;  ///< PCI address or vdev arguments
    unsigned workers = 1;
    std::optional<std::uint16_t> mtu;
    rte_mempool* pool = nullptr;
  };
  /// Probes, configures and starts the device. The error names key, device and cause.
  static Result<std::unique_ptr<Device>> open(const Options& options);
  /// Stops the device and gives it back.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] unsigned queues() const noexcept { return queues_; }
  [[nodiscard]] const net::MacAddress& mac() const noexcept { return mac_; }
  [[nodiscard]] std::uint16_t mtu() const noexcept { return mtu_; }
  [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
  /// Of an AF_PACKET device, what the kernel says of its interface: the driver calls every link up.
  [[nodiscard]] bool link_up() const;
  [[nodiscard]] Rss& rss() noexcept { return rss_; }
  [[nodiscard]] const Rss& rss() const noexcept { return rss_; }
  /// Whether frames may come with a checksum that their sender left to its NIC, and nothing says
  /// so: the kernel hands a veth's frames to AF_PACKET as they are, and net_vhost those of its
  /// guest if it is told to use legacy-ol-flags.
  [[nodiscard]] bool hides_partial_checksums() const noexcept { return hides_partial_checksums_; }

  /// Whether the text is a PCI address ("0000:00:06.0", "00:06.0") and not vdev arguments.
  [[nodiscard]] static bool is_pci(const std::string& device);

 private:
  explicit Device(std::uint16_t port) noexcept : port_(port) {}
  Status start(const Options& options);

  std::uint16_t port_;
  unsigned queues_ = 0;
  net::MacAddress mac_{};
  std::uint16_t mtu_ = 0;
  bool hides_partial_checksums_ = false;
  std::string driver_;
  std::string device_;  ///< as the configuration has it
  Rss rss_;
};

}  // namespace sluice::eni
