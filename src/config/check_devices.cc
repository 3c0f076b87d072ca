// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <vector>

#include "config/checks.h"

namespace sluice::config {
namespace {

constexpr std::size_t kMostDevices = 32;  // RTE_MAX_ETHPORTS of Debian's DPDK

/// Calls f(key, device) for the ENIs, then the pod ports.
template <typename F>
void for_each_device(const Config& config, F f) {
  for (std::size_t i = 0; i < config.enis.size(); ++i) {
    f(fmt::format("enis[{}]", i), config.enis[i].name, config.enis[i].device);
  }
  for (std::size_t i = 0; i < config.pod_ports.size(); ++i) {
    f(fmt::format("pod_ports[{}]", i), config.pod_ports[i].name, config.pod_ports[i].device);
  }
}

/// What two configurations of one device have in common: "0000:00:06.0" is "00:06.0", and a vdev
/// is its name without the arguments.
std::string identity(const std::string& device) {
  std::string name = device.substr(0, device.find(','));
  if (name.find(':') == std::string::npos) return name;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::count(name.begin(), name.end(), ':') == 1 ? "0000:" + name : name;
}

void check_unique_devices(const Draft& draft) {
  std::unordered_map<std::string, std::string> names;
  std::unordered_map<std::string, std::string> devices;
  const auto claim = [&](auto& taken, const std::string& what, const std::string& value,
                         const std::string& device_key, std::string_view member) {
    if (value.empty()) return;  // could not be read
    const auto [first, is_new] = taken.emplace(value, device_key);
    if (is_new) return;
    draft.error(fmt::format("{}.{}", device_key, member),
                fmt::format("the {} {} is that of {} already", what, value, first->second),
                fmt::format("another {}", what));
  };
  for_each_device(draft.config,
                  [&](const std::string& key, const std::string& name, const std::string& device) {
                    claim(names, "name", name, key, "name");
                    claim(devices, "device", identity(device), key, "device");
                  });
}

void check_primary(const Draft& draft) {
  const auto& enis = draft.config.enis;
  std::string first;
  for (std::size_t i = 0; i < enis.size(); ++i) {
    if (!enis[i].primary) continue;
    if (first.empty()) {
      first = fmt::format("enis[{}]", i);
    } else {
      draft.error(fmt::format("enis[{}].primary", i),
                  fmt::format("a second primary ENI; {} is one already", first),
                  "primary: true on exactly one ENI");
    }
  }
  if (first.empty() && !enis.empty()) {
    draft.error("enis", "no ENI is the primary one", "primary: true on exactly one ENI");
  }
}

/// Addresses that belong to one ENI alone.
struct Claim {
  IpPrefix what;
  std::size_t eni;
  std::string key;
};

std::vector<Claim> claims_of(const std::vector<EniConfig>& enis) {
  std::vector<Claim> claims;
  const auto add = [&](const IpPrefix& what, std::size_t eni, std::string key) {
    const bool read = what.length() != 0 && what != IpPrefix::host(IpAddr{});
    if (read) claims.push_back({what, eni, std::move(key)});
  };
  for (std::size_t i = 0; i < enis.size(); ++i) {
    const EniConfig& eni = enis[i];
    add(IpPrefix::host(eni.address.address), i, fmt::format("enis[{}].address", i));
    if (eni.address6) {
      add(IpPrefix::host(eni.address6->address), i, fmt::format("enis[{}].address6", i));
    }
    for (std::size_t j = 0; j < eni.secondary.size(); ++j) {
      add(IpPrefix::host(eni.secondary[j]), i, fmt::format("enis[{}].secondary[{}]", i, j));
    }
    for (std::size_t j = 0; j < eni.prefixes.size(); ++j) {
      add(eni.prefixes[j], i, fmt::format("enis[{}].prefixes[{}]", i, j));
    }
  }
  return claims;
}

std::string text_of(const IpPrefix& prefix) {
  return prefix.length() == prefix.address().bits() ? prefix.address().to_string()
                                                    : prefix.to_string();
}

/// Two claims collide where one holds the other. Sorted by address and length, the holders of a
/// claim are the ones not yet closed before it, and the last of them tells enough: had the ones
/// around it another owner, that was reported when it came.
void check_claims(const Draft& draft) {
  const auto& enis = draft.config.enis;
  std::vector<Claim> claims = claims_of(enis);
  std::stable_sort(claims.begin(), claims.end(),
                   [](const Claim& a, const Claim& b) { return a.what < b.what; });
  std::vector<const Claim*> open;
  for (const Claim& claim : claims) {
    while (!open.empty() && !open.back()->what.contains(claim.what)) open.pop_back();
    if (!open.empty()) {
      const Claim& holder = *open.back();
      const Claim& later = holder.eni > claim.eni ? holder : claim;
      const Claim& earlier = holder.eni > claim.eni ? claim : holder;
      if (holder.eni != claim.eni) {
        draft.error(later.key,
                    later.what == earlier.what
                        ? fmt::format("{} is also {}", text_of(later.what), earlier.key)
                        : fmt::format("{} overlaps {}, which is {}", text_of(later.what),
                                      text_of(earlier.what), earlier.key),
                    "each address on one ENI only");
      } else if (holder.what == claim.what) {
        draft.warning(claim.key, fmt::format("{} is listed twice", text_of(claim.what)),
                      "each address once");
      }
    }
    open.push_back(&claim);
  }
}

void check_pods(const Draft& draft) {
  std::unordered_map<IpAddr, std::string> owners;
  for (std::size_t i = 0; i < draft.config.enis.size(); ++i) {
    const EniConfig& eni = draft.config.enis[i];
    owners.emplace(eni.address.address, fmt::format("the address of enis[{}]", i));
    if (eni.address6) {
      owners.emplace(eni.address6->address, fmt::format("the address6 of enis[{}]", i));
    }
  }
  for (std::size_t i = 0; i < draft.config.pod_ports.size(); ++i) {
    const PodPortConfig& port = draft.config.pod_ports[i];
    for (std::size_t j = 0; j < port.pods.size(); ++j) {
      const IpAddr& pod = port.pods[j];
      if (pod == IpAddr{}) continue;  // could not be read
      const std::string key = fmt::format("pod_ports[{}].pods[{}]", i, j);
      const auto [first, is_new] = owners.emplace(pod, key);
      if (!is_new) {
        draft.error(key, fmt::format("{} is {} already", pod.to_string(), first->second),
                    "each pod address behind one pod port, and none of the gateway's own");
      } else if (pod == IpAddr{port.gateway}) {
        draft.error(key, fmt::format("{} is the gateway of this port", pod.to_string()),
                    "an address of a pod");
      }
    }
  }
}

/// gateway.instance: a slot holds the primary address, a secondary one, or a delegated prefix.
void check_instance(const Draft& draft) {
  if (!draft.config.gateway.instance) return;
  const InstanceLimits& limits = *draft.config.gateway.instance;
  const auto& enis = draft.config.enis;
  if (limits.enis != 0 && enis.size() > limits.enis) {
    draft.error("enis", fmt::format("{} ENIs", enis.size()),
                fmt::format("up to {}, as gateway.instance says", limits.enis));
  }
  const auto is_v4 = [](const auto& value) { return value.is_v4(); };
  for (std::size_t i = 0; i < enis.size(); ++i) {
    const auto slots = 1 +
                       std::count_if(enis[i].secondary.begin(), enis[i].secondary.end(), is_v4) +
                       std::count_if(enis[i].prefixes.begin(), enis[i].prefixes.end(), is_v4);
    if (limits.addresses_per_eni != 0 && slots > limits.addresses_per_eni) {
      draft.error(fmt::format("enis[{}]", i),
                  fmt::format("{} IPv4 addresses and prefixes on {}", slots, enis[i].name),
                  fmt::format("up to {}, the primary address included, as gateway.instance says",
                              limits.addresses_per_eni));
    }
  }
  std::size_t pods = 0;
  for (const auto& port : draft.config.pod_ports) {
    pods += static_cast<std::size_t>(std::count_if(port.pods.begin(), port.pods.end(), is_v4));
  }
  const bool prefix_mode = std::any_of(enis.begin(), enis.end(), [&](const auto& eni) {
    return std::any_of(eni.prefixes.begin(), eni.prefixes.end(), is_v4);
  });
  // The two that need no address are behind no port of ours.
  const unsigned room = (prefix_mode ? limits.max_pods_with_prefixes() : limits.max_pods()) - 2;
  if (limits.enis != 0 && limits.addresses_per_eni != 0 && pods > room) {
    draft.error("pod_ports", fmt::format("{} IPv4 addresses of pods", pods),
                fmt::format("up to {} {}, as gateway.instance says", room,
                            prefix_mode ? "with delegated prefixes" : "as secondary addresses"));
  }
}

}  // namespace

void check_devices(const Draft& draft) {
  const Config& config = draft.config;
  if (config.enis.empty() && !draft.is_misread_list("enis")) {
    draft.error("enis", "no ENI", "a list of at least one ENI");
  }
  const std::size_t devices = config.enis.size() + config.pod_ports.size();
  if (devices > kMostDevices) {
    draft.error(config.enis.size() > kMostDevices ? "enis" : "pod_ports",
                fmt::format("{} devices in all", devices), fmt::format("up to {}", kMostDevices));
  }
  check_unique_devices(draft);
  check_primary(draft);
  check_claims(draft);
  check_pods(draft);
  check_instance(draft);
}

}  // namespace sluice::config
