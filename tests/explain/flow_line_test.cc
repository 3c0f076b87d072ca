// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/flow_line.h"

#include <gtest/gtest.h>

#include "net/headers.h"

namespace sluice::explain {
namespace {

struct GoodFlow {
  const char* text;
  std::uint8_t protocol;
  const char* source;
  int source_port;  // -1: none
  const char* destination;
  int destination_port;
  const char* device = "";
  int tcp_flags = -1;
};

const GoodFlow kGoodFlows[] = {
    {"tcp 10.0.0.1:4000 > 8.8.8.8:443", 6, "10.0.0.1", 4000, "8.8.8.8", 443},
    {"udp 10.0.0.1:0 > 8.8.8.8:65535", 17, "10.0.0.1", 0, "8.8.8.8", 65535},
    {"udp 10.0.0.1 > 8.8.8.8", 17, "10.0.0.1", -1, "8.8.8.8", -1},
    {"sctp 10.0.0.1:5 > 8.8.8.8:6", 132, "10.0.0.1", 5, "8.8.8.8", 6},
    {"icmp 10.0.0.1:77 > 8.8.8.8", 1, "10.0.0.1", 77, "8.8.8.8", -1},
    {"icmp 10.0.0.1 > 8.8.8.8", 1, "10.0.0.1", -1, "8.8.8.8", -1},
    {"47 10.0.0.1 > 8.8.8.8", 47, "10.0.0.1", -1, "8.8.8.8", -1},
    {"6 10.0.0.1:1 > 8.8.8.8:2", 6, "10.0.0.1", 1, "8.8.8.8", 2},
    {"0 10.0.0.1 > 8.8.8.8", 0, "10.0.0.1", -1, "8.8.8.8", -1},
    {"255 10.0.0.1 > 8.8.8.8", 255, "10.0.0.1", -1, "8.8.8.8", -1},
    {"tcp 10.0.0.1:1 > 8.8.8.8:2 in eni0", 6, "10.0.0.1", 1, "8.8.8.8", 2, "eni0"},
    {"  \tudp  10.0.0.1:1\t>  8.8.8.8:2  \r", 17, "10.0.0.1", 1, "8.8.8.8", 2},
    {"tcp[SA] 1.1.1.1:1 > 2.2.2.2:2", 6, "1.1.1.1", 1, "2.2.2.2", 2, "", net::kSyn | net::kAck},
    {"tcp[] 1.1.1.1:1 > 2.2.2.2:2", 6, "1.1.1.1", 1, "2.2.2.2", 2, "", 0},
    {"tcp[FRPU] 1.1.1.1:1 > 2.2.2.2:2", 6, "1.1.1.1", 1, "2.2.2.2", 2, "", 0x2d},
    {"tcp [2001:db8::1]:80 > [2001:db8::2]:81", 6, "2001:db8::1", 80, "2001:db8::2", 81},
    {"udp 2001:db8::1 > [2001:db8::2]:53", 17, "2001:db8::1", -1, "2001:db8::2", 53},
    {"icmp [2001:db8::1]:9 > 2001:db8::2", 58, "2001:db8::1", 9, "2001:db8::2", -1},
};

int or_none(const std::optional<std::uint16_t>& port) { return port ? *port : -1; }

TEST(FlowLine, ReadsWhatTheContractAllows) {
  for (const GoodFlow& good : kGoodFlows) {
    SCOPED_TRACE(good.text);
    const auto line = parse_line(good.text);
    ASSERT_TRUE(line) << line.error();
    const auto* flow = std::get_if<FlowLine>(&line.value());
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->protocol, good.protocol);
    EXPECT_EQ(flow->source.to_string(), good.source);
    EXPECT_EQ(or_none(flow->source_port), good.source_port);
    EXPECT_EQ(flow->destination.to_string(), good.destination);
    EXPECT_EQ(or_none(flow->destination_port), good.destination_port);
    EXPECT_EQ(flow->device, good.device);
    EXPECT_EQ(flow->tcp_flags ? *flow->tcp_flags : -1, good.tcp_flags);
  }
}

struct BadLine {
  const char* text;
  const char* says;
};

const BadLine kBadLines[] = {
    {"tcp", "this is not"},
    {"tcp 10.0.0.1:1 8.8.8.8:2", "this is not"},
    {"tcp 10.0.0.1:1 < 8.8.8.8:2", "this is not"},
    {"tcp 10.0.0.1:1 > 8.8.8.8:2 in", "this is not"},
    {"tcp 10.0.0.1:1 > 8.8.8.8:2 via eni0", "this is not"},
    {"tcp 10.0.0.1:1 > 8.8.8.8:2 in eni0 please", "this is not"},
    {"reply now", "this is not"},
    {"grew 10.0.0.1 > 8.8.8.8", "'grew' is no protocol"},
    {"256 10.0.0.1 > 8.8.8.8", "'256' is no protocol"},
    {"-1 10.0.0.1 > 8.8.8.8", "'-1' is no protocol"},
    {"TCP 10.0.0.1:1 > 8.8.8.8:2", "'TCP' is no protocol"},
    {"tcp[SX] 10.0.0.1:1 > 8.8.8.8:2", "'X' is no TCP flag"},
    {"tcp[S 10.0.0.1:1 > 8.8.8.8:2", "is no protocol"},
    {"udp[S] 10.0.0.1:1 > 8.8.8.8:2", "is no protocol"},
    {"tcp 10.0.0.256:1 > 8.8.8.8:2", "'10.0.0.256' is no IP address"},
    {"tcp 010.0.0.1:1 > 8.8.8.8:2", "is no IP address"},
    {"tcp :1 > 8.8.8.8:2", "is no IP address"},
    {"tcp [10.0.0.1]:1 > 8.8.8.8:2", "is no IP address"},
    {"tcp [2001:db8::1:1 > 8.8.8.8:2", "lacks its ]"},
    {"tcp [2001:db8::1]1 > [2001:db8::2]:2", "no valid port"},
    {"tcp 10.0.0.1: > 8.8.8.8:2", "no valid port"},
    {"tcp 10.0.0.1:65536 > 8.8.8.8:2", "no valid port"},
    {"tcp 10.0.0.1:+1 > 8.8.8.8:2", "no valid port"},
    {"tcp 10.0.0.1:1 > [2001:db8::1]:2", "different IP versions"},
    {"icmp 10.0.0.1:1 > 8.8.8.8:2", "has no destination port"},
    {"47 10.0.0.1:1 > 8.8.8.8", "has no ports"},
    {"at", "at +SECONDS"},
    {"at +1 +2", "at +SECONDS"},
    {"at -1", "forward only"},
    {"at +nan", "forward only"},
    {"at +inf", "forward only"},
    {"at +1e10", "forward only"},
    {"at +1h", "forward only"},
    {"at +", "forward only"},
};

TEST(FlowLine, SaysWhatIsWrong) {
  for (const BadLine& bad : kBadLines) {
    SCOPED_TRACE(bad.text);
    const auto line = parse_line(bad.text);
    ASSERT_FALSE(line);
    EXPECT_NE(line.error().find(bad.says), std::string::npos) << line.error();
  }
}

TEST(FlowLine, ReadsWordsToTheSimulation) {
  EXPECT_TRUE(std::holds_alternative<ReplyLine>(parse_line(" reply ").value()));
  for (const char* empty : {"", "  \t", "# tcp", "  #"}) {
    EXPECT_TRUE(std::holds_alternative<EmptyLine>(parse_line(empty).value())) << empty;
  }
  const auto ms = [](const char* text) {
    return std::get<ClockLine>(parse_line(text).value()).forward.count();
  };
  EXPECT_EQ(ms("at +60"), 60'000);
  EXPECT_EQ(ms("at +60s"), 60'000);
  EXPECT_EQ(ms("at +0.0015"), 2);
  EXPECT_EQ(ms("at 0"), 0);
  EXPECT_EQ(ms("at +1e9"), 1'000'000'000'000);
}

TEST(FlowLine, BoundsTheLengthOfALine) {
  const std::string longest = "#" + std::string(kLongestLine - 1, 'x');
  EXPECT_TRUE(parse_line(longest));
  EXPECT_FALSE(parse_line(longest + "x"));
  EXPECT_FALSE(parse_packet(longest + "x"));
}

TEST(FlowLine, APacketAloneIsToldOfNothingElse) {
  EXPECT_EQ(parse_packet("udp 10.0.0.1:7 > 8.8.8.8:53 in eni0").value().device, "eni0");
  for (const char* line : {"reply", "at +5", "", "# comment", "tcp"}) {
    const auto packet = parse_packet(line);
    ASSERT_FALSE(packet.ok()) << line;
    EXPECT_EQ(packet.error(), "this is not PROTO SRC[:PORT] > DST[:PORT] [in DEVICE]") << line;
  }
}

}  // namespace
}  // namespace sluice::explain
