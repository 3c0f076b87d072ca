// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/device.h"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pci.h>

#include <algorithm>
#include <cstring>

#include "eni/af_packet.h"

namespace sluice::eni {
namespace {

constexpr std::uint16_t kDescriptors = 1024;

std::string cause(int error) {
  return rte_strerror(error < 0 ? -error : (error > 0 ? error : rte_errno));
}

/// "net_af_packet0,iface=gw0" names the device "net_af_packet0".
std::string name_of(const std::string& device) { return device.substr(0, device.find(',')); }

/// The port of a device already probed, or nothing.
std::optional<std::uint16_t> port_named(const std::string& name) {
  std::uint16_t port = 0;
  if (rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0) return std::nullopt;
  return port;
}

/// What makes opening this kind of device fail most often.
std::string hint(const std::string& device) {
  if (Device::is_pci(device)) {
    return "is it bound to vfio-pci or igb_uio (dpdk-devbind.py --status)?";
  }
  if (device.find("iface=") != std::string::npos) {
    return "does the interface exist in this network namespace, and is the gateway privileged?";
  }
  if (device.find("path=") != std::string::npos) return "does the socket exist?";
  return "is the driver installed (sluice version lists drivers) and are its arguments right?";
}

}  // namespace

bool Device::is_pci(const std::string& device) {
  rte_pci_addr address{};
  return rte_pci_addr_parse(device.c_str(), &address) == 0;
}

Result<std::unique_ptr<Device>> Device::open(const Options& options) {
  const auto failed = [&](const std::string& why) {
    return Error{fmt::format("{}: {}: {}", options.key, options.device, why)};
  };
  if (!port_named(name_of(options.device))) {
    const std::string arguments =
        is_af_packet(options.device)
            ? complete_af_packet(options.device, interface_mtu(options.device)).device
            : options.device;
    const int code = rte_dev_probe(arguments.c_str());
    if (code != 0) {
      return failed(fmt::format("cannot be opened ({}); {}", cause(code), hint(options.device)));
    }
  }
  const auto port = port_named(name_of(options.device));
  if (!port) return failed("was probed but is no Ethernet device; " + hint(options.device));
  auto device = std::unique_ptr<Device>(new Device(*port));
  device->device_ = options.device;
  const Status started = device->start(options);
  if (!started) return failed(started.error());
  return device;
}

Status Device::start(const Options& options) {
  rte_eth_dev_info info{};
  if (const int code = rte_eth_dev_info_get(port_, &info); code != 0) {
    return Error{"does not describe itself: " + cause(code)};
  }
  driver_ = info.driver_name;
  hides_partial_checksums_ = is_af_packet(options.device) || driver_ == "net_vhost";
  queues_ = std::min<unsigned>({options.workers, info.max_rx_queues, info.max_tx_queues});

  rte_eth_conf conf{};
  if (queues_ > 1) rss_.prepare(info, conf);
  if ((info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0) {
    conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
  }
  if ((info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0) {
    conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  }
  const auto queues = static_cast<std::uint16_t>(queues_);
  if (const int code = rte_eth_dev_configure(port_, queues, queues, &conf); code != 0) {
    return Error{fmt::format("cannot be configured with {} queues: {}", queues_, cause(code))};
  }
  if (options.mtu) {
    const int code = rte_eth_dev_set_mtu(port_, *options.mtu);
    if (code != 0 && code != -ENOTSUP) {
      return Error{fmt::format("refuses MTU {}: {}", *options.mtu, cause(code))};
    }
  }
  std::uint16_t rx_descriptors = kDescriptors;
  std::uint16_t tx_descriptors = kDescriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(port_, &rx_descriptors, &tx_descriptors);
  for (std::uint16_t queue = 0; queue < queues_; ++queue) {
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(port_));
    int code = rte_eth_rx_queue_setup(port_, queue, rx_descriptors, socket, nullptr, options.pool);
    if (code == 0) code = rte_eth_tx_queue_setup(port_, queue, tx_descriptors, socket, nullptr);
    if (code != 0) return Error{fmt::format("cannot set up queue {}: {}", queue, cause(code))};
  }
  if (const int code = rte_eth_dev_start(port_); code != 0) {
    return Error{"cannot be started: " + cause(code)};
  }
  if (queues_ > 1) rss_.ask(port_, driver_);
  rte_ether_addr mac{};
  rte_eth_macaddr_get(port_, &mac);
  std::copy(std::begin(mac.addr_bytes), std::end(mac.addr_bytes), mac_.begin());
  // A driver on a kernel's interface may know less of it than the kernel.
  std::uint16_t mtu = 0;
  if (rte_eth_dev_get_mtu(port_, &mtu) != 0 || mtu == 0) mtu = 1500;
  mtu_ = options.mtu.value_or(interface_mtu(options.device).value_or(mtu));
  return success();
}

bool Device::link_up() const {
  if (is_af_packet(device_)) return interface_runs(device_);
  rte_eth_link link{};
  return rte_eth_link_get_nowait(port_, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

Device::~Device() {
  rte_eth_dev_stop(port_);
  rte_eth_dev_info info{};
  const bool known = rte_eth_dev_info_get(port_, &info) == 0;
  rte_eth_dev_close(port_);
  if (known && info.device != nullptr) rte_dev_remove(info.device);
}

}  // namespace sluice::eni
