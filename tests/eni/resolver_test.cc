// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/resolver.h"

#include <gtest/gtest.h>

#include "support/config_parts.h"
#include "support/eal.h"
#include "support/packet_builder.h"

namespace sluice::eni {
namespace {

using test::address;
using test::Bytes;
using test::eth;
using test::marked;
using test::pod_port;
using test::prefix;
using test::same_bytes;
using namespace std::chrono_literals;

constexpr DeviceId kEni0{0};
constexpr DeviceId kEni1{1};
constexpr DeviceId kPod0{2};
constexpr net::MacAddress kMacs[] = {{2, 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
constexpr net::MacAddress kHost{2, 7, 7, 7, 7, 7};
constexpr net::MacAddress kSecond{2, 8, 8, 8, 8, 8};
constexpr net::MacAddress kNone{};

config::Config node() {
  config::Config config;
  config.pods.cidrs = marked({"10.30.0.0/16"});
  auto eni0 = test::eni("eni0", "10.30.1.10/24");
  eni0.primary = true;
  eni0.secondary = {address("10.30.1.11"), address("10.30.1.21")};
  eni0.address6 = test::interface_address("2001:db8:1::10/64");
  auto eni1 = test::eni("eni1", "10.30.2.10/24");
  eni1.prefixes = {prefix("10.30.2.64/28")};
  config.enis = {eni0, eni1};
  config.pod_ports = {pod_port("pod0", {"10.30.1.21", "2001:db8:1::21"})};
  config.snat.source = {Ipv4Addr{10, 30, 1, 10}};
  return config;
}

struct Sent {
  DeviceId device;
  Bytes frame;
};

class ResolverTest : public testing::Test {
 protected:
  ResolverTest() { test::start_eal(); }

  void receive(DeviceId in, const Bytes& frame) { resolver_.receive(in, frame, now_); }
  void pass(std::chrono::milliseconds span) {
    for (auto left = span; left > 0ms; left -= 100ms) {
      now_ = now_.plus(std::min(left, std::chrono::milliseconds(100)));
      resolver_.tick(now_);
    }
  }
  /// Packets are names here: nobody looks inside.
  static rte_mbuf* packet(std::uintptr_t number) {
    return reinterpret_cast<rte_mbuf*>(0x1000 + number * 64);
  }
  [[nodiscard]] bool knows(DeviceId device, std::string_view who, const net::MacAddress& mac) {
    return table_->mac(table_->find(device, address(who))) == mac;
  }
  [[nodiscard]] bool knows_none(DeviceId device, std::string_view who) {
    return !table_->mac(table_->find(device, address(who)));
  }
  static Bytes request(std::string_view sender, std::string_view target) {
    return test::arp({net::kArpRequest, kHost, std::string{sender}, kNone, std::string{target}});
  }
  static Bytes reply(std::string_view sender, std::string_view to, const net::MacAddress& mac) {
    return test::arp({net::kArpReply, mac, std::string{sender}, kMacs[0], std::string{to}},
                     kMacs[0]);
  }
  static Bytes question(DeviceId device,
                        std::string_view own,
                        std::string_view target,
                        const net::MacAddress& to = net::kBroadcastMac) {
    return test::arp(
        {net::kArpRequest, kMacs[device.value], std::string{own}, kNone, std::string{target}}, to);
  }

  EniMap enis_{node()};
  std::unique_ptr<NeighbourTable> table_ = [] {
    test::start_eal();
    return std::move(NeighbourTable::create(3, 5000)).value();
  }();
  std::vector<Sent> sent_;
  std::vector<rte_mbuf*> ready_;
  std::vector<net::MacAddress> ready_macs_;
  std::vector<std::pair<rte_mbuf*, Resolver::Actions::Why>> given_up_;
  Resolver resolver_{enis_,
                     kMacs,
                     *table_,
                     {[this](DeviceId device, std::span<const std::uint8_t> frame) {
                        sent_.push_back({device, {frame.begin(), frame.end()}});
                      },
                      [this](rte_mbuf* packet, DeviceId, const net::MacAddress& mac) {
                        ready_.push_back(packet);
                        ready_macs_.push_back(mac);
                      },
                      [this](rte_mbuf* packet, Resolver::Actions::Why why) {
                        given_up_.emplace_back(packet, why);
                      }}};
  Instant now_{0xffff'ff00};  // the clock wraps soon
};

// --- answering -------------------------------------------------------------------------------

TEST_F(ResolverTest, AnswersForItsOwnAddressesOnTheirDevice) {
  struct Case {
    DeviceId device;
    std::string_view asker, target;
  };
  for (const Case& c :
       {Case{kEni0, "10.30.1.1", "10.30.1.10"}, Case{kEni0, "10.30.1.1", "10.30.1.11"},
        Case{kEni0, "10.30.1.1", "10.30.1.21"},  // a pod's, which the ENI owns
        Case{kEni1, "10.30.2.1", "10.30.2.10"}, Case{kEni1, "10.30.2.1", "10.30.2.64"},
        Case{kEni1, "10.30.2.1", "10.30.2.79"}, Case{kPod0, "10.30.1.21", "169.254.1.1"},
        Case{kEni0, "0.0.0.0", "10.30.1.10"}}) {  // RFC 5227: is it taken?
    sent_.clear();
    receive(c.device, request(c.asker, c.target));
    ASSERT_EQ(sent_.size(), 1u) << c.target;
    EXPECT_EQ(sent_[0].device, c.device);
    const Bytes wanted = test::arp(
        {net::kArpReply, kMacs[c.device.value], std::string{c.target}, kHost, std::string{c.asker}},
        kHost);
    EXPECT_TRUE(same_bytes(wanted, sent_[0].frame));
  }
}

TEST_F(ResolverTest, DoesNotAnswerForOthers) {
  receive(kEni0, request("10.30.1.1", "10.30.1.77"));
  receive(kEni0, request("10.30.1.1", "10.30.1.1"));
  receive(kEni0, request("10.30.1.1", "10.30.2.10"));  // another ENI's
  receive(kEni1, request("10.30.2.1", "10.30.2.80"));  // beyond the prefix
  receive(kEni0, request("10.30.1.1", "169.254.1.1"));
  receive(kPod0, request("10.30.1.21", "10.30.1.10"));
  receive(kPod0, request("10.30.1.21", "8.8.8.8"));
  receive(kEni0, request("10.30.1.10", "10.30.1.10"));  // somebody claims our address
  receive(kEni0, reply("10.30.1.1", "10.30.1.10", kHost));
  EXPECT_TRUE(sent_.empty());
}

TEST_F(ResolverTest, CutFramesAreNotRead) {
  const Bytes whole = request("10.30.1.1", "10.30.1.10");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    cut.shrink_to_fit();
    receive(kEni0, cut);
  }
  EXPECT_TRUE(sent_.empty());
  EXPECT_TRUE(resolver_.neighbours().empty());
}

// --- announcing and asking -------------------------------------------------------------------

TEST_F(ResolverTest, AnnouncesItselfAndAsksForWhatItKnows) {
  const std::vector<Resolver::Address> ours{{kEni0, address("10.30.1.10")},
                                            {kEni0, address("2001:db8:1::10")},
                                            {kPod0, address("169.254.1.1")}};
  const std::vector<Resolver::Address> neighbours{{kEni0, address("10.30.1.1")}};
  resolver_.start(ours, neighbours, now_);
  ASSERT_EQ(sent_.size(), 4u);
  // RFC 5227 3: sender and target are the address itself.
  EXPECT_TRUE(same_bytes(question(kEni0, "10.30.1.10", "10.30.1.10"), sent_[0].frame));
  EXPECT_TRUE(same_bytes(question(kPod0, "169.254.1.1", "169.254.1.1"), sent_[2].frame));
  EXPECT_EQ(sent_[2].device, kPod0);
  EXPECT_TRUE(same_bytes(question(kEni0, "10.30.1.10", "10.30.1.1"), sent_[3].frame));
  EXPECT_EQ(test::wrong_checksums(sent_[1].frame), "");
  EXPECT_EQ(test::destination_of(sent_[1].frame), "ff02::1");
}

TEST_F(ResolverTest, AsksThreeTimesThenGivesUpWhatWaited) {
  resolver_.await(packet(1), kEni0, address("10.30.1.1"), now_);
  EXPECT_EQ(sent_.size(), 1u);
  EXPECT_TRUE(same_bytes(question(kEni0, "10.30.1.10", "10.30.1.1"), sent_[0].frame));
  EXPECT_EQ(resolver_.waiting(), 1u);
  pass(10s);
  EXPECT_EQ(sent_.size(), 3u);
  ASSERT_EQ(given_up_.size(), 1u);
  EXPECT_EQ(given_up_[0].first, packet(1));
  EXPECT_EQ(given_up_[0].second, Resolver::Actions::Why::kUnresolved);
  EXPECT_EQ(resolver_.waiting(), 0u);
  EXPECT_TRUE(resolver_.neighbours().empty());
  resolver_.await(packet(2), kEni0, address("10.30.1.1"), now_);
  EXPECT_EQ(sent_.size(), 4u) << "the next packet begins anew";
}

TEST_F(ResolverTest, HeldPacketsGoInTheOrderTheyCame) {
  for (std::uintptr_t i = 0; i < 5; ++i) {
    resolver_.await(packet(i), kEni0, address("10.30.1.1"), now_);
  }
  resolver_.await(packet(9), kEni1, address("10.30.2.1"), now_);
  EXPECT_EQ(sent_.size(), 2u) << "one question a neighbour";
  receive(kEni0, reply("10.30.1.1", "10.30.1.10", kHost));
  ASSERT_EQ(ready_.size(), 5u);
  for (std::uintptr_t i = 0; i < 5; ++i) {
    EXPECT_EQ(ready_[i], packet(i));
    EXPECT_EQ(ready_macs_[i], kHost);
  }
  EXPECT_EQ(resolver_.waiting(), 1u) << "the other neighbour's";
  EXPECT_TRUE(knows(kEni0, "10.30.1.1", kHost));
  resolver_.await(packet(6), kEni0, address("10.30.1.1"), now_);
  EXPECT_EQ(ready_.back(), packet(6)) << "known: at once";
  EXPECT_TRUE(given_up_.empty());
}

TEST_F(ResolverTest, QueuesAreBounded) {
  for (std::uintptr_t i = 0; i <= Resolver::kHeldPerNeighbour; ++i) {
    resolver_.await(packet(i), kEni0, address("10.30.1.1"), now_);
  }
  ASSERT_EQ(given_up_.size(), 1u);
  EXPECT_EQ(given_up_[0].first, packet(Resolver::kHeldPerNeighbour)) << "the last to come";
  EXPECT_EQ(given_up_[0].second, Resolver::Actions::Why::kQueueFull);
  for (std::uint32_t i = 0; i < 200; ++i) {
    for (std::uintptr_t j = 0; j < Resolver::kHeldPerNeighbour; ++j) {
      resolver_.await(packet(j), kEni1, Ipv4Addr{0x0a1e0200 + i}, now_);
    }
  }
  EXPECT_EQ(resolver_.waiting(), Resolver::kHeldInAll);
  pass(10s);
  EXPECT_EQ(resolver_.waiting(), 0u);
}

TEST_F(ResolverTest, UnresolvedNeighboursAreBounded) {
  for (std::uint32_t i = 0; i < Resolver::kUnresolvedNeighbours; ++i) {
    resolver_.await(packet(i), kPod0, Ipv4Addr{i + 1}, now_);
  }
  given_up_.clear();
  resolver_.await(packet(1), kPod0, address("9.9.9.9"), now_);
  ASSERT_EQ(given_up_.size(), 1u);
  EXPECT_EQ(given_up_[0].second, Resolver::Actions::Why::kQueueFull);
  EXPECT_EQ(resolver_.neighbours().size(), Resolver::kUnresolvedNeighbours);
  pass(10s);
  EXPECT_TRUE(resolver_.neighbours().empty());
  resolver_.await(packet(1), kPod0, address("9.9.9.9"), now_);
  EXPECT_EQ(resolver_.waiting(), 1u);
}

TEST_F(ResolverTest, FlushGivesBackEverythingHeld) {
  for (std::uintptr_t i = 0; i < 3; ++i) {
    resolver_.await(packet(i), kEni0, Ipv4Addr{0x0a1e0101 + static_cast<std::uint32_t>(i)}, now_);
  }
  resolver_.flush();
  EXPECT_EQ(given_up_.size(), 3u);
  EXPECT_EQ(resolver_.waiting(), 0u);
}

// --- keeping and forgetting ------------------------------------------------------------------

TEST_F(ResolverTest, ProbesAKnownNeighbourByUnicastAndForgetsItsSilence) {
  resolver_.await(packet(1), kEni0, address("10.30.1.1"), now_);
  receive(kEni0, reply("10.30.1.1", "10.30.1.10", kHost));
  sent_.clear();
  pass(29s);
  EXPECT_TRUE(sent_.empty());
  pass(2s);
  ASSERT_GE(sent_.size(), 1u);
  EXPECT_TRUE(same_bytes(question(kEni0, "10.30.1.10", "10.30.1.1", kHost), sent_[0].frame));
  EXPECT_TRUE(knows(kEni0, "10.30.1.1", kHost)) << "while it is asked";
  resolver_.await(packet(2), kEni0, address("10.30.1.1"), now_);
  EXPECT_EQ(ready_.back(), packet(2));
  receive(kEni0, reply("10.30.1.1", "10.30.1.10", kHost));
  sent_.clear();
  pass(25s);
  EXPECT_TRUE(sent_.empty()) << "it answered";
  pass(10s);
  EXPECT_EQ(sent_.size(), 3u);
  EXPECT_TRUE(knows_none(kEni0, "10.30.1.1")) << "three silences";
  EXPECT_TRUE(given_up_.empty());
}

TEST_F(ResolverTest, ANeighbourMayChangeItsMac) {
  receive(kEni0, request("10.30.1.1", "10.30.1.10"));
  EXPECT_TRUE(knows(kEni0, "10.30.1.1", kHost)) << "who asks us will be answered to";
  receive(kEni0, test::arp({net::kArpRequest, kSecond, "10.30.1.1", kNone, "10.30.1.1"}));
  EXPECT_TRUE(knows(kEni0, "10.30.1.1", kSecond)) << "a gratuitous announcement of one we know";
}

// --- believing -------------------------------------------------------------------------------

TEST_F(ResolverTest, BelievesOnlyWhoCanBeHere) {
  receive(kEni0, request("8.8.8.8", "10.30.1.10"));       // not of this subnet
  receive(kEni0, request("10.30.2.5", "10.30.1.10"));     // of another ENI's
  receive(kEni0, request("10.30.1.10", "10.30.1.11"));    // that is us
  receive(kEni0, request("10.30.1.21", "10.30.1.10"));    // a pod behind us
  receive(kPod0, request("10.30.1.22", "169.254.1.1"));   // not a pod of this port
  receive(kPod0, request("169.254.1.1", "169.254.1.1"));  // that is us
  receive(kEni0, test::arp({net::kArpRequest, net::kBroadcastMac, "10.30.1.1", kNone,
                            "10.30.1.10"}));  // no host has that MAC
  EXPECT_TRUE(resolver_.neighbours().empty());
}

TEST_F(ResolverTest, LearnsNobodyFromWhatIsNotForUs) {
  receive(kEni0, request("10.30.1.1", "10.30.1.77"));
  receive(kEni0, reply("10.30.1.1", "10.30.1.10", kHost));
  receive(kEni0, test::arp({net::kArpRequest, kHost, "10.30.1.1", kNone, "10.30.1.1"}));
  EXPECT_TRUE(resolver_.neighbours().empty());
}

TEST_F(ResolverTest, APodIsNotRobbedOfItsAddressByAnotherDevice) {
  resolver_.await(packet(1), kPod0, address("10.30.1.21"), now_);
  receive(kEni0, reply("10.30.1.21", "10.30.1.10", kSecond));
  EXPECT_TRUE(knows_none(kPod0, "10.30.1.21"));
  EXPECT_TRUE(ready_.empty());
  receive(kPod0, reply("10.30.1.21", "169.254.1.1", kHost));
  EXPECT_TRUE(knows(kPod0, "10.30.1.21", kHost));
  EXPECT_EQ(ready_.size(), 1u);
}

// --- neighbour discovery ---------------------------------------------------------------------

Bytes body(std::uint32_t flags,
           std::string_view target,
           unsigned option,
           const net::MacAddress& mac) {
  Bytes bytes;
  for (const unsigned shift : {24u, 16u, 8u, 0u}) {
    bytes.push_back(static_cast<std::uint8_t>(flags >> shift));
  }
  const Ipv6Addr::Bytes parsed = address(target).v6().bytes();
  bytes.insert(bytes.end(), parsed.begin(), parsed.end());
  if (option != 0) {
    bytes.push_back(static_cast<std::uint8_t>(option));
    bytes.push_back(1);
    bytes.insert(bytes.end(), mac.begin(), mac.end());
  }
  return bytes;
}

constexpr std::string_view kOwn6 = "2001:db8:1::10";
constexpr std::string_view kPeer6 = "2001:db8:1::99";

test::PacketBuilder solicitation(std::string_view from, std::string_view target) {
  return eth().from_mac(kHost).ipv6(from, target).ttl(255).icmpv6(135, body(0, target, 1, kHost));
}

TEST_F(ResolverTest, AnswersASolicitation) {
  for (const auto& [device, target] :
       {std::pair{kEni0, kOwn6}, std::pair{kEni0, std::string_view{"fe80::ff:fe00:0"}},
        std::pair{kPod0, std::string_view{"fe80::1"}}}) {
    sent_.clear();
    const std::string_view asker = device == kPod0 ? "2001:db8:1::21" : kPeer6;
    receive(device, solicitation(asker, target).bytes());
    ASSERT_EQ(sent_.size(), 1u) << target;
    const auto& mac = kMacs[device.value];
    const Bytes wanted = eth()
                             .from_mac(mac)
                             .to_mac(kHost)
                             .ipv6(target, asker)
                             .ttl(255)
                             .icmpv6(136, body(0xe000'0000, target, 2, mac))
                             .bytes();
    EXPECT_TRUE(same_bytes(wanted, sent_[0].frame));
    EXPECT_TRUE(knows(device, asker, kHost));
  }
}

/// RFC 4862 5.4.3: somebody wants an address that is ours; all are told.
TEST_F(ResolverTest, DefendsItsAddressAgainstDuplicates) {
  receive(kEni0, eth()
                     .from_mac(kHost)
                     .ipv6("::", "ff02::1:ff00:10")
                     .ttl(255)
                     .icmpv6(135, body(0, kOwn6, 0, kNone))
                     .bytes());
  ASSERT_EQ(sent_.size(), 1u);
  const Bytes wanted = eth()
                           .from_mac(kMacs[0])
                           .to_mac({0x33, 0x33, 0, 0, 0, 1})
                           .ipv6(kOwn6, "ff02::1")
                           .ttl(255)
                           .icmpv6(136, body(0xa000'0000, kOwn6, 2, kMacs[0]))
                           .bytes();
  EXPECT_TRUE(same_bytes(wanted, sent_[0].frame));
  EXPECT_TRUE(resolver_.neighbours().empty());
}

TEST_F(ResolverTest, ASolicitationHasToBeWhole) {
  const auto good = solicitation(kPeer6, kOwn6);
  receive(kEni0, good.ttl(64).bytes());   // it crossed a router
  receive(kEni0, good.spoil(5).bytes());  // its checksum is wrong
  receive(kEni0, good.total_length(500).bytes());
  receive(kEni0, solicitation(kPeer6, "2001:db8:1::77").bytes());  // not ours
  const Bytes whole = good.bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    cut.shrink_to_fit();
    receive(kEni0, cut);
  }
  EXPECT_TRUE(sent_.empty());
  EXPECT_TRUE(resolver_.neighbours().empty());
}

/// Options of length zero would be read for ever (RFC 4861 4.6).
TEST_F(ResolverTest, BrokenOptionsEnd) {
  for (const Bytes& options :
       {Bytes(8), Bytes{1, 0, 0, 0, 0, 0, 0, 0}, Bytes{14, 9, 1, 1, 1, 1, 1, 1}, Bytes{1}}) {
    Bytes message = body(0, kOwn6, 0, kNone);
    message.insert(message.end(), options.begin(), options.end());
    receive(kEni0, eth().from_mac(kHost).ipv6(kPeer6, kOwn6).ttl(255).icmpv6(135, message).bytes());
  }
  EXPECT_EQ(sent_.size(), 4u) << "answered to the frame's own MAC";
}

TEST_F(ResolverTest, ResolvesByNeighbourDiscovery) {
  resolver_.await(packet(1), kEni0, address(kPeer6), now_);
  ASSERT_EQ(sent_.size(), 1u);
  const Bytes wanted = eth()
                           .from_mac(kMacs[0])
                           .to_mac({0x33, 0x33, 0xff, 0, 0, 0x99})
                           .ipv6(kOwn6, "ff02::1:ff00:99")
                           .ttl(255)
                           .icmpv6(135, body(0, kPeer6, 1, kMacs[0]))
                           .bytes();
  EXPECT_TRUE(same_bytes(wanted, sent_[0].frame));
  const auto advertisement = eth()
                                 .from_mac(kHost)
                                 .ipv6(kPeer6, kOwn6)
                                 .ttl(255)
                                 .icmpv6(136, body(0x6000'0000, kPeer6, 2, kHost));
  receive(kEni0, advertisement.ttl(254).bytes());
  EXPECT_TRUE(ready_.empty()) << "from beyond the link";
  receive(kEni1, advertisement.bytes());
  EXPECT_TRUE(ready_.empty()) << "on another link";
  receive(kEni0, advertisement.bytes());
  ASSERT_EQ(ready_.size(), 1u);
  EXPECT_EQ(ready_macs_[0], kHost);
}

TEST_F(ResolverTest, AnUnaskedAdvertisementTeachesNothing) {
  receive(kEni0, eth()
                     .from_mac(kHost)
                     .ipv6(kPeer6, "ff02::1")
                     .ttl(255)
                     .icmpv6(136, body(0x2000'0000, kPeer6, 2, kHost))
                     .bytes());
  // Nor does one that claims an address of ours.
  receive(kEni0, eth()
                     .from_mac(kHost)
                     .ipv6(kOwn6, "ff02::1")
                     .ttl(255)
                     .icmpv6(136, body(0x2000'0000, kOwn6, 2, kHost))
                     .bytes());
  EXPECT_TRUE(resolver_.neighbours().empty());
}

TEST_F(ResolverTest, AnswersAnIpv6Ping) {
  const auto ping = eth()
                        .from_mac(kHost)
                        .to_mac(kMacs[0])
                        .ipv6(kPeer6, kOwn6)
                        .icmpv6(128, {0, 7, 0, 1, 'h', 'i', '!'});
  receive(kEni0, ping.padding(9).bytes());
  ASSERT_EQ(sent_.size(), 1u);
  const Bytes wanted = eth()
                           .from_mac(kMacs[0])
                           .to_mac(kHost)
                           .ipv6(kOwn6, kPeer6)
                           .icmpv6(129, {0, 7, 0, 1, 'h', 'i', '!'})
                           .bytes();
  EXPECT_TRUE(same_bytes(wanted, sent_[0].frame));
  receive(kEni0, ping.source("ff02::1").bytes());
  receive(kEni0, ping.source("::").bytes());
  receive(kEni0, ping.destination("ff02::1").bytes());
  receive(kEni0, ping.spoil(1).bytes());
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(ResolverTest, AFullTableGivesUpTheNewcomersPackets) {
  const auto small = std::move(NeighbourTable::create(3, 8)).value();
  std::vector<rte_mbuf*> lost;
  Resolver resolver(enis_, kMacs, *small,
                    {[](DeviceId, std::span<const std::uint8_t>) {},
                     [](rte_mbuf*, DeviceId, const net::MacAddress&) {},
                     [&](rte_mbuf* each, Resolver::Actions::Why) { lost.push_back(each); }});
  for (std::uint32_t i = 0; i < 100; ++i) {
    const Ipv4Addr host{0x0a1e0132 + i};
    resolver.await(packet(i), kEni0, host, now_);
    resolver.receive(kEni0, reply(host.to_string(), "10.30.1.10", kHost), now_);
  }
  EXPECT_GE(lost.size(), 80u);
  EXPECT_EQ(resolver.waiting(), 0u);
  EXPECT_EQ(resolver.neighbours().size(), 100 - lost.size());
}

}  // namespace
}  // namespace sluice::eni
