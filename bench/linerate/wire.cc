// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/wire.h"

#include <rte_ethdev.h>

#include <array>
#include <thread>

#include "linerate/stop.h"

namespace sluice::bench {

Result<std::unique_ptr<Wire>> Wire::open(const Options& options) {
  auto device = eni::Device::open(
      {.key = "tester", .device = options.device, .workers = 1, .mtu = {}, .pool = options.pool});
  if (!device) return Error{device.error()};
  return std::unique_ptr<Wire>(new Wire(options, std::move(device).value()));
}

Wire::Wire(const Options& options, std::unique_ptr<eni::Device> device)
    : options_(options), device_(std::move(device)) {
  macs_.from = device_->mac();
  // A device under test that has no addresses turns frames around as they are.
  rte_eth_promiscuous_enable(device_->port());
}

bool Wire::find_peer(std::chrono::milliseconds patience) {
  constexpr auto kBetween = std::chrono::milliseconds(50);
  peer_found_ = false;
  std::array<rte_mbuf*, 32> frames;
  for (auto waited = std::chrono::milliseconds(0); waited < patience; waited += kBetween) {
    throw_if_stopped();
    send_arp(net::kArpRequest, net::kBroadcastMac, options_.own, options_.peer);
    std::this_thread::sleep_for(kBetween);
    const unsigned count = receive(frames);
    for (unsigned i = 0; i < count; ++i) rte_pktmbuf_free(frames[i]);
    if (peer_found_) return true;
  }
  return false;
}

unsigned Wire::receive(std::span<rte_mbuf*> frames) noexcept {
  const unsigned count = rte_eth_rx_burst(device_->port(), 0, frames.data(),
                                          static_cast<std::uint16_t>(frames.size()));
  unsigned kept = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (take_arp(*frames[i])) [[unlikely]] {
      rte_pktmbuf_free(frames[i]);
    } else {
      frames[kept++] = frames[i];
    }
  }
  return kept;
}

unsigned Wire::transmit(std::span<rte_mbuf*> frames) noexcept {
  return rte_eth_tx_burst(device_->port(), 0, frames.data(),
                          static_cast<std::uint16_t>(frames.size()));
}

bool Wire::take_arp(rte_mbuf& frame) noexcept {
  const auto* data = rte_pktmbuf_mtod(&frame, const std::uint8_t*);
  if (net::header_at<net::EthernetHeader>(data).type.to_host() != net::kEtherTypeArp) return false;
  if (frame.data_len < kIpAt + sizeof(net::ArpHeader)) return true;
  const auto& arp = net::header_at<net::ArpHeader>(data + kIpAt);
  const Ipv4Addr sender{arp.sender_address};
  if (sender == options_.peer) {
    macs_.to = arp.sender_mac;
    peer_found_ = true;
  }
  if (arp.operation.to_host() == net::kArpRequest && arp.target_address != arp.sender_address) {
    send_arp(net::kArpRequest + 1, arp.sender_mac, Ipv4Addr{arp.target_address}, sender);
  }
  return true;
}

void Wire::send_arp(std::uint16_t operation,
                    const net::MacAddress& to,
                    Ipv4Addr from,
                    Ipv4Addr whom) {
  rte_mbuf* frame = rte_pktmbuf_alloc(options_.pool);
  if (frame == nullptr) return;  // whoever asked asks again
  auto* data = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(frame, kSmallestFrame));
  net::header_at<net::EthernetHeader>(data) = {to, macs_.from, Be16::from_host(net::kEtherTypeArp)};
  net::header_at<net::ArpHeader>(data + kIpAt) = {
      .hardware_type = Be16::from_host(1),
      .protocol_type = Be16::from_host(net::kEtherTypeIpv4),
      .hardware_length = 6,
      .protocol_length = 4,
      .operation = Be16::from_host(operation),
      .sender_mac = macs_.from,
      .sender_address = from.wire(),
      .target_mac = operation == net::kArpRequest ? net::MacAddress{} : to,
      .target_address = whom.wire()};
  if (transmit({&frame, 1}) == 0) rte_pktmbuf_free(frame);
}

}  // namespace sluice::bench
