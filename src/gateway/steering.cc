// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "gateway/steering.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::gateway {
namespace {

using pipeline::NicQueue;

std::uint64_t sum(const Steering::Device& device, NicQueue::Count NicQueue::*count) {
  std::uint64_t total = 0;
  for (const NicQueue* queue : device.queues) total += (queue->*count).get();
  return total;
}

std::string describe(const eni::RssForm& form) {
  if (form.sorted) return "its hash sorts addresses and ports, which the owner function does not";
  if (form.key_reversed) return "it takes the key's bytes in reverse";
  if (form.initial != 0) return fmt::format("its hash begins with {:#06x}", form.initial);
  return "its hash is right, its table of queues is not";
}

/// Whether a table this small can say of every hash what the owner function says.
bool fits(unsigned reta_size, const nat::OwnerFunction& owner) {
  if (reta_size == 0 || reta_size >= nat::kRetaSize) return true;
  for (unsigned i = 0; i < nat::kRetaSize; ++i) {
    if (owner.owner(i) != owner.owner(i % reta_size)) return false;
  }
  return true;
}

}  // namespace

Steering::Steering(const nat::OwnerFunction& owner, std::vector<Device> devices) : owner_(owner) {
  for (Device& device : devices) watched_.push_back({.device = std::move(device)});
  if (owner_.workers() == 1) return;
  for (Watched& watched : watched_) begin(watched);
}

void Steering::set_mode(Mode mode) {
  mode_ = mode;
  if (owner_.workers() == 1) return;
  for (Watched& watched : watched_) begin(watched);
}

void Steering::set_mappings(bool independent) {
  if (std::exchange(independent_, independent) != independent) set_mode(mode_);
}

void Steering::begin(Watched& watched) {
  const Device& device = watched.device;
  watched.applied = {};
  watched.attempts = 0;
  watched.unexplained.clear();
  apply(watched);
  watched.told = in_force(device);
  tell(watched,
       fmt::format("{}; packets are moved to their workers by {}", ability(device), watched.told));
}

/// Workers trust nothing, and forget what they know, until frames come as the device is now.
void Steering::apply(Watched& watched) {
  constexpr unsigned kLooks = 2;
  watched.settling = kLooks;
  for (NicQueue* queue : watched.device.queues) {
    queue->allow(false);
    queue->set_initial(watched.applied.initial);
  }
  const Status applied = watched.device.rss->apply(watched.device.port, owner_, watched.applied);
  if (!applied) tell(watched, applied.error());
}

void Steering::settle(Watched& watched) {
  --watched.settling;
  for (NicQueue* queue : watched.device.queues) {
    static_cast<void>(queue->take_sample());
    queue->allow(watched.settling == 0 && why_not(watched.device).empty());
  }
}

std::string Steering::ability(const Device& device) {
  return device.queues.size() == 1 ? "one queue" : device.rss->to_string();
}

std::string Steering::why_not(const Device& device) const {
  if (owner_.workers() == 1) return "one worker, nothing to steer";
  if (mode_ == Mode::kSoftware) return "as set";
  if (independent_) return "endpoint-independent mappings";
  if (device.queues.size() < owner_.workers()) return "fewer queues than workers";
  if (!fits(device.rss->reta_size(), owner_)) return "its table of queues is too small";
  return "";
}

std::string Steering::in_force(const Device& device) const {
  if (owner_.workers() == 1) return why_not(device);
  const std::string why = why_not(device);
  if (!why.empty()) return fmt::format("software ({})", why);
  const auto trusted = static_cast<std::size_t>(
      std::count_if(device.queues.begin(), device.queues.end(),
                    [](const NicQueue* queue) { return queue->trusted(); }));
  if (trusted == 0) return "software";
  if (trusted == device.queues.size()) return "nic";
  return fmt::format("nic on {} of {} queues", trusted, device.queues.size());
}

void Steering::turn(Instant now) {
  constexpr auto kLook = std::chrono::milliseconds(100);
  constexpr auto kMeasure = std::chrono::seconds(1);
  if (owner_.workers() == 1 || now.since(next_look_) < 0) return;
  next_look_ = now.plus(kLook);
  const bool measures = now.since(next_measure_) >= 0;
  if (measures) next_measure_ = now.plus(kMeasure);
  for (Watched& watched : watched_) {
    if (watched.settling > 0) {
      settle(watched);
    } else {
      take_samples(watched);
    }
    if (measures) look_at(watched);
  }
}

/// Once a second, so that a queue that cannot make up its mind does not fill the log.
void Steering::look_at(Watched& watched) {
  measure(watched);
  std::string now = in_force(watched.device);
  if (now == watched.told) return;
  watched.told = std::move(now);
  if (watched.told == "nic") watched.attempts = 0;  // what changes from here on may be mended again
  tell(watched, fmt::format("packets are moved to their workers by {}; {} of {} checked were wrong",
                            watched.told, sum(watched.device, &NicQueue::disagreed),
                            sum(watched.device, &NicQueue::checked)));
}

void Steering::measure(Watched& watched) {
  const std::uint64_t frames = sum(watched.device, &NicQueue::frames);
  const std::uint64_t moved = sum(watched.device, &NicQueue::moved);
  const std::uint64_t fresh = frames - std::exchange(watched.frames, frames);
  const std::uint64_t away = moved - std::exchange(watched.moved, moved);
  if (fresh == 0) return;
  watched.met_by_owner =
      1.0 - static_cast<double>(std::min(away, fresh)) / static_cast<double>(fresh);
}

void Steering::take_samples(Watched& watched) {
  for (NicQueue* queue : watched.device.queues) {
    const auto sample = queue->take_sample();
    if (!sample) continue;
    const bool known =
        std::any_of(watched.unexplained.begin(), watched.unexplained.end(),
                    [&](const eni::HashedPacket& packet) { return packet.tuple == sample->tuple; });
    if (!known) watched.unexplained.push_back({sample->tuple, sample->hash});
  }
  if (watched.unexplained.size() < eni::kPacketsToExplain) return;
  const auto found = eni::explain_hashes(watched.unexplained, owner_.key());
  watched.unexplained.clear();
  if (found) mend(watched, *found);
}

void Steering::mend(Watched& watched, const eni::RssForm& found) {
  constexpr unsigned kAttempts = 4;
  if (watched.attempts == kAttempts) return;
  ++watched.attempts;
  tell(watched, describe(found));
  if (found.sorted) return;
  // What was found is relative to the key that the device has now.
  watched.applied.key_reversed ^= found.key_reversed;
  watched.applied.initial = found.initial;
  apply(watched);
}

std::vector<Steering::State> Steering::states() const {
  std::vector<State> states;
  for (const Watched& watched : watched_) {
    const Device& device = watched.device;
    states.push_back({device.name, device.queues.size(), ability(device), in_force(device),
                      sum(device, &NicQueue::checked), sum(device, &NicQueue::disagreed),
                      watched.met_by_owner});
  }
  return states;
}

std::vector<std::string> Steering::take_news() { return std::exchange(news_, {}); }

void Steering::tell(const Watched& watched, const std::string& what) {
  news_.push_back(fmt::format("{}: {}", watched.device.name, what));
}

}  // namespace sluice::gateway
