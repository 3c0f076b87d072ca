// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// ARP (RFC 826) and neighbour discovery (RFC 4861) for the gateway's devices: answers for our
/// addresses, learns who answers at next hops, and keeps packets that wait for one.
///
/// A neighbour is asked for up to three times, then what waits for it is dropped; one that has
/// answered is asked again, by unicast, every 30 s, and forgotten after three silences. Only
/// neighbours that can be here are believed: hosts of an ENI's subnet, pods of a pod port.
///
/// Owner: the main thread. Knows frames and time; devices and buffers belong to the caller.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "core/ip.h"
#include "core/time.h"
#include "eni/eni_map.h"
#include "eni/neighbour_table.h"
#include "net/headers.h"

struct rte_mbuf;

namespace sluice::eni {

class Resolver {
 public:
  /// What the resolver needs done. A held packet is given back through exactly one of ready and
  /// give_up.
  struct Actions {
    /// Sends a frame of our own making.
    std::function<void(DeviceId, std::span<const std::uint8_t>)> send;
    /// The packet's neighbour answered; its Ethernet destination is to be this.
    std::function<void(rte_mbuf*, DeviceId, const net::MacAddress&)> ready;
    enum class Why { kUnresolved, kQueueFull };
    std::function<void(rte_mbuf*, Why)> give_up;
  };

  Resolver(const EniMap& enis,
           std::span<const net::MacAddress> macs,
           NeighbourTable& table,
           Actions actions);

  /// A reload brought another map; it outlives this pointer's use.
  void use(const EniMap& enis) { enis_ = &enis; }

  using Address = std::pair<DeviceId, IpAddr>;
  /// Announces our addresses (gratuitous ARP, unsolicited neighbour advertisement), and begins to
  /// resolve what is known beforehand: routers and pods.
  void start(std::span<const Address> ours, std::span<const Address> neighbours, Instant now);

  /// An ARP or ICMPv6 frame that came in by `in`.
  void receive(DeviceId in, std::span<const std::uint8_t> frame, Instant now);

  /// A packet that is ready but for its next hop's MAC. Takes it.
  void await(rte_mbuf* packet, DeviceId out, const IpAddr& next_hop, Instant now);

  /// Repeats questions and gives up on silence; to be called every 100 ms or so.
  void tick(Instant now);

  /// Gives up every held packet; before the end.
  void flush();

  [[nodiscard]] std::size_t waiting() const { return waiting_; }  ///< packets held

  enum class State { kIncomplete, kReachable, kProbing };
  struct View {
    DeviceId device;
    IpAddr address;
    State state;
    net::MacAddress mac;
    std::size_t held;
  };
  [[nodiscard]] std::vector<View> neighbours() const;

  static constexpr std::size_t kHeldPerNeighbour = 64;
  static constexpr std::size_t kHeldInAll = 4096;
  static constexpr std::size_t kUnresolvedNeighbours = 4096;

 private:
  using Key = Address;
  struct Entry {
    State state = State::kIncomplete;
    net::MacAddress mac{};
    unsigned asked = 0;
    Instant next;  ///< when to ask again, give up, or probe
    std::deque<rte_mbuf*> held;
  };
  using Entries = std::map<Key, Entry>;

  void receive_arp(DeviceId in, const net::ArpHeader& arp, Instant now);
  void receive_icmpv6(DeviceId in, std::span<const std::uint8_t> frame, Instant now);
  void receive_solicitation(DeviceId in, std::span<const std::uint8_t> frame, Instant now);
  void receive_advertisement(DeviceId in, std::span<const std::uint8_t> frame, Instant now);
  void answer_echo(DeviceId in, std::span<const std::uint8_t> frame);
  void advertise(DeviceId device,
                 const Ipv6Addr& address,
                 const net::MacAddress& to_mac,
                 const Ipv6Addr& to,
                 bool solicited);
  void ask(const Key& key, Entry& entry, Instant now);
  void ask_arp(const Key& key, const Entry& entry);
  void ask_nd(const Key& key, const Entry& entry);
  void announce(DeviceId device, const IpAddr& address);
  void begin(DeviceId device, const IpAddr& address, Instant now);
  void confirm(const Key& key, const net::MacAddress& mac, bool create, Instant now);
  Entries::iterator give_up(Entries::iterator entry, Actions::Why why);
  [[nodiscard]] bool may_be_here(DeviceId device, const IpAddr& address) const;
  [[nodiscard]] bool answers_for(DeviceId device, const IpAddr& address) const;
  [[nodiscard]] bool may_be_answered(DeviceId in, const Ipv6Addr& address) const;
  [[nodiscard]] Ipv6Addr link_local(DeviceId device) const;

  const EniMap* enis_;
  std::vector<net::MacAddress> macs_;
  NeighbourTable& table_;
  Actions actions_;
  Entries entries_;
  std::size_t waiting_ = 0;
  std::size_t incomplete_ = 0;
};

}  // namespace sluice::eni
