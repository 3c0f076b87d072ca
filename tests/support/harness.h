// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// The gateway's packet path without devices or threads: a configuration, its tables, and a
/// pipeline for each worker. Frames go in by a device's name, and come back with their fate.
///
/// MAC addresses say whose they are: device i has 02:00:00:00:00:i, the neighbour with address
/// a.b.c.d has 02:01:a:b:c:d (IPv6: 02:06 and its last four bytes).
///
/// Whatever a test is about, each frame that leaves an ENI is checked to have a source that this
/// ENI may emit, by a plain reading of the configuration.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "pipeline/pipeline.h"
#include "support/packet_builder.h"

namespace sluice::test {

using pipeline::AnswerKind;
using pipeline::DropReason;
using pipeline::Fate;
using pipeline::Verdict;

[[nodiscard]] net::MacAddress neighbour_mac(std::string_view address);
[[nodiscard]] net::MacAddress device_mac(unsigned device);

/// What became of one frame.
struct Outcome {
  Fate fate = Fate::kLive;
  DropReason reason{};
  Verdict verdict = Verdict::kNone;
  std::string device;  ///< where it leaves, if it does; of one that is answered, where that does
  Bytes frame;         ///< as it leaves, or its answer; as it came when there is neither
  std::vector<Bytes> pieces;  ///< what leaves in place of `frame`, where that has to be cut
  std::string next_hop;       ///< of one that waits for a neighbour
  unsigned worker = 0;        ///< that settled it, or whose it is
  bool first = false;         ///< it opened a session
  pipeline::AnswerKind answer = pipeline::AnswerKind::kNone;  ///< what its sender is told
  bool redirected = false;  ///< of one for another worker, see pipeline::Packet
  std::uint8_t hops = 0;    ///< the same

  [[nodiscard]] bool emitted() const { return fate == Fate::kEmit; }
};
/// "emitted by eni0", "dropped: no_owner", …
[[nodiscard]] std::string describe(const Outcome& outcome);
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);
/// Whether it was dropped for this reason, with or without an answer.
[[nodiscard]] testing::AssertionResult dropped(const Outcome& outcome, DropReason reason);

/// One, unless SLUICE_TEST_WORKERS says otherwise: the catalogue again with several workers (row
/// 105).
[[nodiscard]] unsigned workers_from_environment();
/// SLUICE_TEST_NIC=lies: every queue of every worker is trusted before each burst, and what it
/// brings is neither hashed nor delivered as the owner function says. Whatever holds must hold all
/// the same.
[[nodiscard]] bool nic_lies();

struct HarnessOptions {
  unsigned workers = workers_from_environment();
  std::uint64_t seed = 1;
  nat::ToeplitzKey key = nat::symmetric_key();
  bool resolved = true;  ///< routers, `via`s and pods are known neighbours from the start
  std::uint16_t mtu = 1500;
  bool lying_nic = nic_lies();
};

class Harness {
 public:
  using Options = HarnessOptions;
  /// The configuration's problems end the test with an exception that names them.
  explicit Harness(std::string_view yaml, const Options& options = {});
  ~Harness();

  /// One frame in by `device`, seen by `worker` first; one that another worker owns is carried
  /// there. Ethernet addresses that the builder leaves open are the device's and a stranger's.
  Outcome send(std::string_view device, const PacketBuilder& packet, unsigned worker = 0);
  Outcome send(std::string_view device, const Bytes& frame, unsigned worker = 0);
  /// Several frames in one burst of one worker, carried nowhere.
  using In = std::pair<std::string_view, PacketBuilder>;
  std::vector<Outcome> send_burst(const std::vector<In>& frames, unsigned worker = 0);
  /// The same for whole frames; `steered` as if they had come by ring.
  struct Frame {
    DeviceId in;
    Bytes bytes;
    bool vlan_stripped = false;
    bool steered = false;
    bool redirected = false;
    std::uint8_t hops = 0;
    std::optional<std::uint16_t> contiguous;  ///< the rest stands for chained buffers
  };
  std::vector<Outcome> run(const std::vector<Frame>& frames, unsigned worker = 0);

  /// The frame as `device` would emit it towards this neighbour.
  [[nodiscard]] Bytes as_emitted(std::string_view device,
                                 std::string_view next_hop,
                                 const PacketBuilder& packet) const;

  /// What workers tell each other; done after every burst, and wanted after a sweep.
  void deliver_notices();
  void advance(std::chrono::milliseconds span) { now_ = now_.plus(span); }
  void resolve(std::string_view device, std::string_view neighbour);
  void forget(std::string_view device, std::string_view neighbour);
  /// Another configuration for what comes next; throws as the constructor does.
  void reload(std::string_view yaml);

  [[nodiscard]] DeviceId device(std::string_view name) const;
  [[nodiscard]] std::string name_of(DeviceId device) const;
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
  [[nodiscard]] nat::FlowTable& table(unsigned worker = 0);
  [[nodiscard]] std::uint32_t sessions() const;  ///< of all workers
  [[nodiscard]] const pipeline::Counters& counters(unsigned worker = 0) const;
  [[nodiscard]] pipeline::Context& context(unsigned worker = 0);
  [[nodiscard]] pipeline::EgressPipeline& pipeline(unsigned worker = 0);
  [[nodiscard]] const config::Config& config() const { return snapshot_->config; }
  [[nodiscard]] const nat::OwnerFunction& owner() const { return owner_; }
  /// Whether the configuration lets this ENI emit this source; a plain reading of it.
  [[nodiscard]] bool may_emit(std::string_view device, std::string_view source) const;

 private:
  struct Worker;
  void use(std::unique_ptr<const pipeline::Snapshot> snapshot);
  void resolve_known();
  void check_source(const Outcome& outcome) const;

  [[nodiscard]] Bytes completed(DeviceId in, const PacketBuilder& packet) const;

  nat::OwnerFunction owner_;
  std::unique_ptr<const pipeline::Snapshot> snapshot_;
  bool lying_nic_;
  std::vector<pipeline::Link> links_;
  std::unique_ptr<eni::NeighbourTable> neighbours_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Instant now_{1'000'000};
};

/// Packets that worker 0 counted as dropped: those dropped while they were no part of a burst.
[[nodiscard]] std::uint64_t drops(const Harness& harness, DropReason reason);

/// A node with pods on pod ports; conf/lab-node's shape.
///
///     pod-a 10.10.10.21 (address of eni0)      eni0 10.10.10.20/24, owns the SNAT
///     address 10.10.10.20 pod-b 10.10.20.21 (address of eni1)      eni1 10.10.20.20/24,
///     prefix 10.10.20.32/28 pod-c 10.10.20.33 (eni1's prefix)
///
/// What leaves the VPC 10.10/16 is translated, except towards 192.168/16. `more` may bring further
/// sections; `snat` further keys of `snat`.
[[nodiscard]] std::string node_yaml(std::string_view more = "", std::string_view snat = "");

/// A dedicated gateway: pods 100.64/16 come in by `inner` (10.20.1.20/24, forwards everything) and
/// leave by `uplink` (10.20.0.20/24), which owns the SNAT address 10.20.0.20.
[[nodiscard]] std::string dedicated_yaml(std::string_view more = "", std::string_view snat = "");

}  // namespace sluice::test
