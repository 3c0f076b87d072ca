// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "console/samples.h"

#include <algorithm>

#include "nat/frame_text.h"
#include "nat/session_text.h"

namespace sluice::console {
namespace {

using pipeline::DropReason;

/// IPv6 has no sessions, so nobody keeps a key of it; it leaves as it came.
bool is_ipv6(const pipeline::DropSample& sample) {
  constexpr std::size_t kHeaders = sizeof(net::EthernetHeader) + sizeof(net::Ipv6Header);
  const auto& ethernet = net::header_at<net::EthernetHeader>(sample.bytes.data());
  return sample.captured >= kHeaders && ethernet.type.to_host() == net::kEtherTypeIpv6;
}

DroppedPacket described(const gateway::Gateway& gateway,
                        DropReason reason,
                        const pipeline::DropSample& sample) {
  DroppedPacket dropped{reason, sample, gateway.now().since(sample.time) / 1000.0, {}, {}, {}};
  if (sample.in != kNoDevice) {
    dropped.device = gateway.snapshot().enis.devices()[sample.in.value].name;
  }
  const bool known = sample.key.protocol != 0;
  const bool came_in = sample.in != kNoDevice;  // else the gateway may have made it
  dropped.is_flow = known || (came_in && is_ipv6(sample));
  dropped.packet =
      known ? nat::flow_text(sample.key) : nat::frame_text({sample.bytes.data(), sample.captured});
  return dropped;
}

}  // namespace

std::optional<DropReason> reason_named(std::string_view metric) {
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    if (pipeline::kDropInfo[i].metric == metric) return static_cast<DropReason>(i);
  }
  return std::nullopt;
}

std::vector<DroppedPacket> last_dropped(const gateway::Gateway& gateway,
                                        std::optional<DropReason> reason) {
  std::vector<DroppedPacket> all;
  const auto add = [&](const pipeline::DropSamples& samples, DropReason of) {
    for (const auto& sample : samples.read(of)) all.push_back(described(gateway, of, sample));
  };
  for (std::size_t i = 0; i < pipeline::kDropReasons; ++i) {
    const auto of = static_cast<DropReason>(i);
    if (reason && *reason != of) continue;
    add(gateway.own_drop_samples(), of);
    for (const auto& worker : gateway.workers()) add(worker->drop_samples(), of);
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    if (a.sample.time != b.sample.time) return a.seconds_ago < b.seconds_ago;
    return static_cast<std::int32_t>(a.sample.number - b.sample.number) > 0;  // of one burst
  });
  return all;
}

std::optional<double> seconds_since_last(const gateway::Gateway& gateway, DropReason reason) {
  const auto number = static_cast<std::size_t>(reason);
  std::optional<double> least;
  const auto look = [&](const pipeline::Counters& counters) {
    if (counters.dropped[number].get() == 0) return;
    const Instant last{counters.last_dropped[number].get()};
    const double seconds = gateway.now().since(last) / 1000.0;
    if (!least || seconds < *least) least = seconds;
  };
  look(gateway.own_counters());
  for (const auto& worker : gateway.workers()) look(worker->counters());
  return least;
}

}  // namespace sluice::console
