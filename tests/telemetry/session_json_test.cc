// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/session_json.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "net/headers.h"

namespace sluice::telemetry {
namespace {

constexpr UtcMs kTime{1'800'000'123'456};  // 2027-01-15T08:02:03.456Z
const std::atomic<bool> kNoHurry{false};

SessionRecord session(std::uint8_t protocol = net::kUdp) {
  nat::SessionEvent event{};
  event.pod = Be32::from_host(0x0a0a1415);
  event.snat = Be32::from_host(0x0a0a0a14);
  event.remote = Be32::from_host(0x08080404);
  event.pod_port = Be16::from_host(40000);
  event.snat_port = Be16::from_host(5000);
  event.remote_port = Be16::from_host(53);
  event.protocol = protocol;
  event.what = nat::SessionEvent::What::kDelete;
  return {kTime, event};
}

class SessionJsonTest : public ::testing::Test {
 protected:
  SessionJsonTest() {
    std::string name = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~SessionJsonTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/sessions.json"; }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::ifstream file(path());
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  std::string folder_;
};

TEST_F(SessionJsonTest, EachLineIsAnObject) {
  const auto log = SessionJson::open(path());
  ASSERT_TRUE(log.ok());
  log.value()->add_start(kTime, "gw \"1\"");
  log.value()->add(session());
  log.value()->add(session(47));
  log.value()->add(ExhaustionRecord{kTime,
                                    {pipeline::DropReason::kPodLimit,
                                     3,
                                     {session().event.pod, session().event.remote, {}, {}, 6, {}}},
                                    {},
                                    9});
  log.value()->add_lost(kTime, 5);
  log.value()->flush(kNoHurry);
  const auto said = lines();
  ASSERT_EQ(said.size(), 5U);
  using nlohmann::json;
  const std::string time = "2027-01-15T08:02:03.456Z";
  EXPECT_EQ(json::parse(said[0]),
            (json{{"time", time}, {"event", "start"}, {"gateway", "gw \"1\""}}));
  json expected{{"time", time},         {"event", "delete"},   {"protocol", "udp"},
                {"pod", "10.10.20.21"}, {"pod_port", 40000},   {"snat", "10.10.10.20"},
                {"snat_port", 5000},    {"remote", "8.8.4.4"}, {"remote_port", 53},
                {"opened", "outbound"}};
  EXPECT_EQ(json::parse(said[1]), expected);
  expected["protocol"] = "gre";
  EXPECT_EQ(json::parse(said[2]), expected);
  EXPECT_EQ(json::parse(said[3]), (json{{"time", time},
                                        {"event", "pod_limit"},
                                        {"refused", 3},
                                        {"protocol", "tcp"},
                                        {"pod", "10.10.20.21"},
                                        {"pod_port", 0},
                                        {"remote", "8.8.4.4"},
                                        {"remote_port", 0}}));
  EXPECT_EQ(json::parse(said[4]), (json{{"time", time}, {"event", "lost"}, {"events", 5}}));
}

TEST_F(SessionJsonTest, WhatIsThereStays) {
  for (int i = 0; i < 2; ++i) {
    const auto log = SessionJson::open(path());
    log.value()->add(session());
    log.value()->flush(kNoHurry);
  }
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(SessionJsonTest, AFileThatCannotBeWrittenIsNamed) {
  const auto missing = SessionJson::open(folder_ + "/no/file");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().find("log.sessions.json: " + folder_ + "/no/file"), std::string::npos);
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_FALSE(SessionJson::open(path()).ok()) << "a FIFO that nobody reads";
}

TEST(SessionJson, AFullDiskLosesLinesAndSaysSoOnce) {
  const auto log = SessionJson::open("/dev/full");
  ASSERT_TRUE(log.ok()) << log.error();
  log.value()->add(session());
  log.value()->add(session());
  log.value()->flush(kNoHurry);
  EXPECT_EQ(log.value()->lost(), 2U);
  EXPECT_EQ(log.value()->written(), 0U);
  const auto message = log.value()->take_message();
  ASSERT_TRUE(message);
  EXPECT_NE(message->find("/dev/full"), std::string::npos);
  log.value()->add(session());
  log.value()->flush(kNoHurry);
  EXPECT_FALSE(log.value()->take_message());
  EXPECT_EQ(log.value()->lost(), 3U);
}

/// A disk that fills within a line: what comes later begins a line of its own.
TEST_F(SessionJsonTest, ALineThatFailedHalfWayStaysAlone) {
  const auto log = SessionJson::open(path());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit little = before;
  little.rlim_cur = 100;
  ::setrlimit(RLIMIT_FSIZE, &little);
  log.value()->add(session());
  log.value()->flush(kNoHurry);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(log.value()->lost(), 1U);
  log.value()->add(session());
  log.value()->flush(kNoHurry);
  const auto said = lines();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].size(), 100U);
  EXPECT_TRUE(nlohmann::json::accept(said[1])) << said[1];
  EXPECT_EQ(log.value()->written(), 1U);
}

/// A reader that stands still delays whoever must go on by a second at most.
TEST_F(SessionJsonTest, AFullFifoIsNotWaitedForInAHurry) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  const int reader = ::open(path().c_str(), O_RDONLY | O_NONBLOCK);
  const auto log = SessionJson::open(path());
  ASSERT_TRUE(log.ok()) << log.error();
  constexpr unsigned kLines = 10'000;  // more than a FIFO takes
  for (unsigned i = 0; i < kLines; ++i) log.value()->add(session());
  const std::atomic<bool> hurry{true};
  log.value()->flush(hurry);
  EXPECT_EQ(log.value()->lost(), kLines);
  EXPECT_TRUE(log.value()->take_message());
  ::close(reader);
}

}  // namespace
}  // namespace sluice::telemetry
