// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Conversations with `explain`. What the path decides is the path's tests'; here it is about the
/// words: replies, the clock, devices, and lines that cannot be answered.
#include "explain/explainer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/files.h"
#include "support/eal.h"

namespace sluice::explain {
namespace {

constexpr std::string_view kConfig = R"(
pods: {cidrs: [10.10.0.0/16]}
vpc: {cidrs: [10.10.0.0/16]}
enis:
  - {name: eni0, device: net_null0, primary: true, address: 10.10.10.20/24, secondary: [10.10.10.21],
     address6: 2001:db8::20/64, forwards: ["2001:db8:1::/64"]}
  - {name: eni1, device: net_null1, address: 10.10.20.20/24, prefixes: [10.10.20.32/28]}
pod_ports:
  - {name: pod0, device: net_null2, pods: [10.10.10.21, "2001:db8:1::21"]}
  - {name: pod1, device: net_null3, pods: [10.10.20.33]}
snat: {vpc_cni: {}}
flows: {capacity: 1024}
)";

class ExplainerTest : public ::testing::Test {
 protected:
  ExplainerTest() {
    test::start_eal();
    config::Loaded loaded = config::load_text(kConfig, "test.yaml", config::MemoryFiles{{}});
    if (!loaded.config) throw std::runtime_error(config::to_text(loaded.problems.front()));
    auto made = Simulator::create(std::move(*loaded.config));
    if (!made) throw std::runtime_error(made.error());
    simulator_ = std::move(made).value();
    explainer_.emplace(*simulator_);
  }

  /// The verdict as the contract's JSON.
  nlohmann::json ask(std::string_view line) {
    const auto verdict = explainer_->answer(line);
    return verdict ? nlohmann::json::parse(to_json(*verdict)) : nlohmann::json();
  }

  std::unique_ptr<Simulator> simulator_;
  std::optional<Explainer> explainer_;
};

TEST_F(ExplainerTest, AnswersInTheShapeOfTheContract) {
  const auto said = ask("udp 10.10.20.33:4000 > 8.8.8.8:53");
  std::vector<std::string> keys;
  for (const auto& item : said.items()) keys.push_back(item.key());
  for (const char* key : {"flow", "verdict", "source", "source_port", "destination",
                          "destination_port", "device", "next_hop", "rule", "reason"}) {
    EXPECT_TRUE(said.contains(key)) << key;
  }
  EXPECT_EQ(said["flow"], "udp 10.10.20.33:4000 > 8.8.8.8:53");
  EXPECT_EQ(said["verdict"], "snat");
  EXPECT_EQ(said["source"], "10.10.10.20");
  EXPECT_EQ(said["device"], "eni0");
  EXPECT_EQ(said["next_hop"], "10.10.10.1");
  EXPECT_TRUE(said["reason"].is_null());
}

TEST_F(ExplainerTest, RepliesToWhatLeftLast) {
  const auto request = ask("udp 10.10.20.33:4000 > 8.8.8.8:53");
  const auto reply = ask("reply");
  EXPECT_EQ(reply["verdict"], "unsnat");
  EXPECT_EQ(reply["source"], "8.8.8.8");
  EXPECT_EQ(reply["destination"], "10.10.20.33");
  EXPECT_EQ(reply["destination_port"], 4000);
  EXPECT_EQ(reply["device"], "pod1");
  // The reply to a reply goes out as the request did.
  const auto again = ask("reply");
  EXPECT_EQ(again["verdict"], "snat");
  EXPECT_EQ(again["source_port"], request["source_port"]);
}

TEST_F(ExplainerTest, ADroppedLineLeavesTheLastPacketAsItWas) {
  ask("udp 10.10.20.33:4000 > 8.8.8.8:53");
  EXPECT_EQ(ask("udp 10.10.20.33:4000 > 224.0.0.1:53")["verdict"], "drop");
  EXPECT_EQ(ask("reply")["destination"], "10.10.20.33");
}

TEST_F(ExplainerTest, TellsEchoIdentifiersOnTheRequestersSide) {
  const auto request = ask("icmp 10.10.20.33:7 > 8.8.8.8");
  EXPECT_TRUE(request["source_port"].is_number());
  EXPECT_TRUE(request["destination_port"].is_null());
  const auto reply = ask("reply");
  EXPECT_EQ(reply["destination_port"], 7);
  EXPECT_TRUE(reply["source_port"].is_null());
}

TEST_F(ExplainerTest, MovesTheClock) {
  ask("udp 10.10.20.33:4000 > 8.8.8.8:53");
  EXPECT_TRUE(ask("at +299").is_null());
  EXPECT_EQ(ask("reply")["verdict"], "unsnat");
  ask("at +301");
  // What left last still did; the reply to it comes too late.
  ask("udp 10.10.20.33:4001 > 8.8.8.8:53");
  ask("at +301");
  EXPECT_EQ(ask("reply")["reason"], "no_session");
}

TEST_F(ExplainerTest, TakesTheDeviceThatALineNames) {
  EXPECT_EQ(ask("udp 10.10.20.33:1 > 8.8.8.8:2 in pod0")["reason"], "spoofed_source");
  EXPECT_EQ(ask("udp 10.10.20.33:1 > 8.8.8.8:2 in pod1")["verdict"], "snat");
  const auto unknown = ask("udp 10.10.20.33:1 > 8.8.8.8:2 in pod7");
  EXPECT_TRUE(unknown["verdict"].is_null());
  EXPECT_NE(unknown["error"].get<std::string>().find("pod7"), std::string::npos);
}

TEST_F(ExplainerTest, AnswersForTheGatewayItself) {
  const auto echo = ask("icmp 8.8.8.8:5 > 10.10.10.20");
  EXPECT_EQ(echo["verdict"], "local");
  EXPECT_EQ(echo["device"], "eni0");
  EXPECT_EQ(ask("udp 8.8.8.8:5 > 10.10.10.20:53")["reason"], "no_session");
}

TEST_F(ExplainerTest, KeepsGoingAfterALineItCannotRead) {
  const auto bad = ask("tcp 10.10.20.33:1 to 8.8.8.8:2");
  EXPECT_EQ(bad["flow"], "tcp 10.10.20.33:1 to 8.8.8.8:2");
  EXPECT_TRUE(bad["verdict"].is_null());
  EXPECT_FALSE(bad["error"].get<std::string>().empty());
  EXPECT_EQ(ask("tcp 10.10.20.33:1 > 8.8.8.8:2")["verdict"], "snat");
}

TEST_F(ExplainerTest, HasNothingToReplyToAtFirst) {
  EXPECT_NE(ask("reply")["error"].get<std::string>().find("nothing has left"), std::string::npos);
  ask("tcp 10.10.20.33:1 > 8.8.8.8:2");
  ask("reply");
  EXPECT_EQ(ask("tcp[R] 10.10.20.33:1 > 8.8.8.8:2")["verdict"], "snat");
  EXPECT_NE(ask("reply")["error"].get<std::string>().find("RST"), std::string::npos);
}

TEST_F(ExplainerTest, SaysNothingToEmptyLinesAndComments) {
  for (const char* line : {"", "   ", "# udp 10.10.20.33:1 > 8.8.8.8:2", "\r\n"}) {
    EXPECT_TRUE(ask(line).is_null()) << line;
  }
}

TEST_F(ExplainerTest, GivesSegmentsNumbersThatFitTheFlow) {
  // A whole life; none of it is refused as out of window.
  EXPECT_EQ(ask("tcp 10.10.20.33:1 > 8.8.8.8:2")["verdict"], "snat");
  EXPECT_EQ(ask("reply")["verdict"], "unsnat");
  EXPECT_EQ(ask("reply")["verdict"], "snat");
  EXPECT_EQ(ask("tcp[A] 10.10.20.33:1 > 8.8.8.8:2")["verdict"], "snat");
  EXPECT_EQ(ask("tcp[FA] 10.10.20.33:1 > 8.8.8.8:2")["verdict"], "snat");
  EXPECT_EQ(ask("reply")["verdict"], "unsnat");
  EXPECT_EQ(ask("tcp[A] 10.10.20.34:9 > 8.8.8.8:2 in eni1")["reason"], "tcp_mid_stream");
}

TEST_F(ExplainerTest, ForwardsIpv6AsItIs) {
  const auto said = ask("udp [2001:db8:1::21]:1 > [2001:db8:9::1]:2");
  EXPECT_EQ(said["verdict"], "preserve");
  EXPECT_EQ(said["source"], "2001:db8:1::21");
  EXPECT_EQ(ask("reply")["device"], "pod0");
}

TEST_F(ExplainerTest, WritesBytesThatAreNoTextAsReplacements) {
  const auto said = ask("tcp \xff\xfe > 8.8.8.8");  // parses as JSON all the same
  EXPECT_TRUE(said["verdict"].is_null());
}

}  // namespace
}  // namespace sluice::explain
