// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/rewrite.h"

#include <gtest/gtest.h>

#include "nat/flow_table.h"
#include "support/config_parts.h"
#include "support/packet_builder.h"
#include "support/random.h"

namespace sluice::nat {
namespace {

using test::Bytes;
using test::eth;
using test::PacketBuilder;
using test::Random;

Be16 be16(unsigned value) { return Be16::from_host(static_cast<std::uint16_t>(value)); }

/// What the table makes of a new session: the identity with its stored differences.
SessionIdentity identity_of(const NewSession& session) {
  const auto table = std::move(FlowTable::create({1, 1})).value();
  return table->at(table->insert(session, {0})).identity;
}

template <Direction kDirection>
Bytes rewritten(const SessionIdentity& identity, Bytes frame) {
  auto& ip = net::header_at<net::Ipv4Header>(frame.data() + 14);
  rewrite<kDirection>(identity, ip, frame.data() + 14 + ip.header_length());
  return frame;
}

/// The packet of a protocol between two ends: as sent, and as its answer.
PacketBuilder packet(std::uint8_t protocol, unsigned from, unsigned to, bool reply) {
  switch (protocol) {
    case net::kTcp: return eth().ipv4("0.0.0.0", "0.0.0.0").tcp(from, to).flags(net::kAck);
    case net::kUdp: return eth().ipv4("0.0.0.0", "0.0.0.0").udp(from, to);
    case net::kIcmp:
      return reply ? eth().ipv4("0.0.0.0", "0.0.0.0").echo_reply(to)
                   : eth().ipv4("0.0.0.0", "0.0.0.0").echo(from);
    default: return eth().ipv4("0.0.0.0", "0.0.0.0").protocol(protocol);
  }
}

/// Both directions of random sessions, against the frame built anew on the other side.
TEST(Rewrite, GivesWhatTheOtherSideWouldHaveBuilt) {
  Random random;
  SCOPED_TRACE(random.seed());
  const auto some_address = [&] { return Ipv4Addr{random.word() | 0x01000000}; };
  for (int round = 0; round < 20'000; ++round) {
    constexpr std::uint8_t kProtocols[] = {net::kTcp, net::kUdp, net::kIcmp, net::kSctp};
    const std::uint8_t protocol = kProtocols[random.below(4)];
    const Ipv4Addr pod = some_address();
    const Ipv4Addr remote = some_address();
    const Ipv4Addr snat = some_address();
    const unsigned pod_port = random.below(0x10000);
    const unsigned snat_port = protocol == net::kSctp ? pod_port : random.below(0x10000);
    const unsigned remote_port = protocol == net::kIcmp ? 0 : random.below(0x10000);
    NewSession session{pod.wire(),        remote.wire(),   snat.wire(), be16(pod_port),
                       be16(remote_port), be16(snat_port), protocol};
    session.flags = kTranslated;
    const SessionIdentity identity = identity_of(session);
    Bytes payload(random.below(9));
    for (auto& byte : payload) byte = random.byte();

    const auto request = packet(protocol, pod_port, remote_port, false).payload(payload);
    const Bytes sent = request.source(pod.to_string()).destination(remote.to_string()).bytes();
    const Bytes wanted = request.source(snat.to_string())
                             .destination(remote.to_string())
                             .source_port(snat_port)
                             .bytes();
    if (protocol == net::kUdp && test::plain_sum(payload) == 0) continue;
    ASSERT_TRUE(test::same_bytes(wanted, rewritten<Direction::kOutbound>(identity, sent)));

    const auto reply = packet(protocol, remote_port, snat_port, true).payload(payload);
    const Bytes answered = reply.source(remote.to_string()).destination(snat.to_string()).bytes();
    const auto back = reply.source(remote.to_string()).destination(pod.to_string());
    const Bytes wanted_back = protocol == net::kIcmp ? back.source_port(pod_port).bytes()
                                                     : back.destination_port(pod_port).bytes();
    ASSERT_TRUE(test::same_bytes(wanted_back, rewritten<Direction::kInbound>(identity, answered)));
  }
}

/// The one message whose sum is plus zero.
TEST(Rewrite, OfAnEmptyReplyIsWhatAReceiverTakes) {
  NewSession session{Be32::from_host(0x0a000005),
                     Be32::from_host(0x08080808),
                     Be32::from_host(0x0a0a0a14),
                     be16(0),
                     be16(0),
                     be16(5000),
                     net::kIcmp};
  session.flags = kTranslated;
  const auto reply = eth().ipv4("8.8.8.8", "10.10.10.20").echo_reply(5000, 0);
  const Bytes back = rewritten<Direction::kInbound>(identity_of(session), reply.bytes());
  EXPECT_TRUE(test::same_bytes(reply.destination("10.0.0.5").source_port(0).bytes(), back));
}

TEST(DecrementTtl, KeepsTheHeadersSumRight) {
  for (unsigned ttl = 1; ttl <= 255; ++ttl) {
    for (unsigned id = 0; id < 0x10000; id += 0x0fff) {
      const auto sent = eth().ipv4("10.0.0.5", "1.1.1.1").id(id).udp(1, 2);
      Bytes frame = sent.ttl(ttl).bytes();
      decrement_ttl(net::header_at<net::Ipv4Header>(frame.data() + 14));
      ASSERT_TRUE(test::same_bytes(sent.ttl(ttl - 1).bytes(), frame));
    }
  }
}

}  // namespace
}  // namespace sluice::nat
