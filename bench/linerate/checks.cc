// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/checks.h"

namespace sluice::bench {
namespace {

const net::Ipv4Header& ip_of(std::span<const std::uint8_t> frame) {
  return net::header_at<net::Ipv4Header>(frame.data() + kIpAt);
}

}  // namespace

bool is_ipv4(std::span<const std::uint8_t> frame) {
  return frame.size() >= kL4At &&
         net::header_at<net::EthernetHeader>(frame.data()).type.to_host() == net::kEtherTypeIpv4;
}

const Stamp* stamp_of(std::span<const std::uint8_t> frame, std::uint8_t protocol) {
  const net::Ipv4Header& ip = ip_of(frame);
  const std::size_t end = kIpAt + ip.total_length.to_host();
  const bool whole = frame.size() >= end && end >= smallest_frame(protocol);
  if (ip.version_and_length != 0x45 || ip.protocol != protocol || !whole) return nullptr;
  const auto& stamp = net::header_at<Stamp>(frame.data() + stamp_offset(protocol));
  return (stamp.trial.to_host() & 0xff00) == kStampMark ? &stamp : nullptr;
}

nat::FlowKey key_of(std::span<const std::uint8_t> frame) {
  const net::Ipv4Header& ip = ip_of(frame);
  const auto& ports = net::header_at<net::UdpHeader>(frame.data() + kL4At);  // TCP's lie there too
  return {ip.source, ip.destination, ports.source_port, ports.destination_port, ip.protocol, {}};
}

bool checksums_hold(std::span<const std::uint8_t> frame) {
  const net::Ipv4Header& ip = ip_of(frame);
  const std::size_t l4_length = ip.total_length.to_host() - sizeof ip;
  const auto header = frame.subspan(kIpAt, sizeof ip);
  const auto l4 = frame.subspan(kL4At, l4_length);
  const std::uint64_t all = net::sum_words(l4) + pseudo_header(ip, l4_length);
  return net::fold(net::sum_words(header)) == 0xffff && net::fold(all) == 0xffff;
}

}  // namespace sluice::bench
