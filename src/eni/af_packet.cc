// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/af_packet.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice::eni {
namespace {

constexpr std::uint32_t kUsualFrames = 512;  // the driver's own choices
constexpr std::uint32_t kUsualFrame = 2048;
constexpr std::uint32_t kLongestBuffer = 65'407;  // DPDK's, less the headroom

/// Frames lie behind each other across blocks of whole pages, so a block holds a whole number.
struct Ring {
  std::uint32_t frame;
  std::uint32_t block;
};
constexpr std::uint32_t kOverhead = 14 + 66;  // Ethernet, and what the ring puts before a frame
constexpr std::uint32_t kBytes = 32U << 20;
constexpr Ring kRings[] = {
    {65'280, 16 * 65'280}, {32'768, 32'768}, {16'384, 16'384}, {8'192, 8'192}, {4'096, 4'096}};

std::optional<std::uint32_t> argument(const std::string& device, const std::string& key) {
  const std::size_t at = device.find("," + key + "=");
  if (at == std::string::npos) return std::nullopt;
  std::uint32_t value = 0;
  const char* begin = device.data() + at + key.size() + 2;
  if (std::from_chars(begin, device.data() + device.size(), value).ec != std::errc{}) return 0;
  return value;
}

/// What the kernel says of the interface that a virtual device names (`iface=`); nothing: none is
/// named, or it is gone.
std::optional<ifreq> ask_interface(const std::string& device, unsigned long what) {
  const std::size_t at = device.find(",iface=");
  if (at == std::string::npos) return std::nullopt;
  ifreq request{};
  const std::string name = device.substr(at + 7, device.find(',', at + 1) - at - 7);
  if (name.size() >= sizeof request.ifr_name) return std::nullopt;
  std::copy(name.begin(), name.end(), request.ifr_name);
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::nullopt;
  const bool known = ::ioctl(socket, what, &request) == 0;
  ::close(socket);
  if (!known) return std::nullopt;
  return request;
}

std::uint16_t bounded(std::uint32_t bytes) {
  return static_cast<std::uint16_t>(std::min(bytes, kLongestBuffer));
}

}  // namespace

std::optional<std::uint16_t> interface_mtu(const std::string& device) {
  const auto said = ask_interface(device, SIOCGIFMTU);
  if (!said || said->ifr_mtu < 68) return std::nullopt;  // RFC 791: what every link carries
  return static_cast<std::uint16_t>(std::min(said->ifr_mtu, 65'535));
}

bool interface_runs(const std::string& device) {
  const auto said = ask_interface(device, SIOCGIFFLAGS);
  return said && (said->ifr_flags & IFF_UP) != 0 && (said->ifr_flags & IFF_RUNNING) != 0;
}

bool is_af_packet(const std::string& device) { return device.starts_with("net_af_packet"); }

AfPacketArguments complete_af_packet(const std::string& device, std::optional<std::uint16_t> mtu) {
  const auto given = argument(device, "framesz");
  if (given) return {device, bounded(*given)};
  if (argument(device, "blocksz") || !mtu) return {device, kUsualFrame};
  const std::uint32_t frames = argument(device, "framecnt").value_or(kUsualFrames);
  const std::uint32_t longest = *mtu + kOverhead;
  for (const Ring& ring : kRings) {
    const bool even = frames % (ring.block / ring.frame) == 0;
    const bool large = std::uint64_t{ring.frame} * frames > kBytes;
    const bool needed =
        ring.frame / 2 < longest;  // the next smaller one would cut what comes whole
    if (!even || (large && !needed)) continue;
    return {fmt::format("{},blocksz={},framesz={}", device, ring.block, ring.frame),
            bounded(ring.frame)};
  }
  return {device, kUsualFrame};
}

}  // namespace sluice::eni
