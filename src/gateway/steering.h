// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Who moves packets to their owners, device by device: the NIC where its queues are trusted
/// (pipeline/nic_queue.h), software elsewhere. The workers find out by themselves; what is here
/// sets the NICs up, mends what can be mended about them, and says what is in force.
///
/// Owner: the main thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/time.h"
#include "eni/rss_form.h"
#include "pipeline/nic_queue.h"

namespace sluice::gateway {

class Steering {
 public:
  enum class Mode : std::uint8_t {
    kAuto,      ///< the NIC where it can be trusted
    kSoftware,  ///< software everywhere
  };
  struct Device {
    std::string name;
    std::uint16_t port = 0;
    eni::Rss* rss = nullptr;
    std::vector<pipeline::NicQueue*> queues;  ///< of the device: by worker, as many as it has
  };
  /// One device as it stands now.
  struct State {
    std::string name;
    std::size_t queues = 0;
    std::string ability;
    std::string in_force;
    std::uint64_t checked = 0, disagreed = 0;
    /// Of the frames of the last second with any, those that no other worker owned.
    std::optional<double> met_by_owner;
  };

  /// What is given outlives it.
  Steering(const nat::OwnerFunction& owner, std::vector<Device> devices);

  /// Begins anew: keys and tables are set again, and nothing is trusted yet.
  void set_mode(Mode mode);
  [[nodiscard]] Mode mode() const { return mode_; }
  /// Whether there are endpoint-independent mappings: no NIC delivers all flows of one to one
  /// worker.
  void set_mappings(bool independent);

  /// The main thread's turn; looks about ten times a second.
  void turn(Instant now);

  [[nodiscard]] std::vector<State> states() const;
  /// What changed since the last call, a line each, for the log.
  [[nodiscard]] std::vector<std::string> take_news();

 private:
  struct Watched {
    Device device;
    eni::RssForm applied;
    unsigned attempts = 0;  ///< to mend the device
    unsigned settling = 0;  ///< looks until frames that were under way before a change are through
    std::vector<eni::HashedPacket> unexplained;
    std::string told;                     ///< what the log said last
    std::uint64_t frames = 0, moved = 0;  ///< a second ago
    std::optional<double> met_by_owner;
  };

  void begin(Watched& watched);
  void apply(Watched& watched);
  void settle(Watched& watched);
  void look_at(Watched& watched);
  void take_samples(Watched& watched);
  void mend(Watched& watched, const eni::RssForm& found);
  static void measure(Watched& watched);
  [[nodiscard]] static std::string ability(const Device& device);
  [[nodiscard]] std::string why_not(const Device& device) const;
  [[nodiscard]] std::string in_force(const Device& device) const;
  void tell(const Watched& watched, const std::string& what);

  const nat::OwnerFunction& owner_;
  std::vector<Watched> watched_;
  std::vector<std::string> news_;
  Mode mode_ = Mode::kAuto;
  bool independent_ = false;
  Instant next_look_{}, next_measure_{};
};

}  // namespace sluice::gateway
