// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "nat/tcp_state.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace sluice::nat {
namespace {

using enum SessionState;
constexpr Direction kPod = Direction::kOutbound;  // sender
constexpr Direction kRemote = Direction::kInbound;

constexpr std::uint8_t S = net::kSyn;
constexpr std::uint8_t A = net::kAck;
constexpr std::uint8_t F = net::kFin;
constexpr std::uint8_t R = net::kRst;

/// A segment, who sent it, and the state it leaves the session in.
struct Step {
  Direction sender;
  std::uint8_t flags;
  std::uint32_t sequence;
  std::uint32_t acknowledgment;
  std::uint32_t length;
  SessionState after;
  std::uint16_t window = 1000;
  std::vector<std::uint8_t> options = {};
};

struct Scenario {
  std::string name;
  std::vector<Step> steps;
};
void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

TcpSegment segment_of(const Step& step) {
  return {step.flags, step.sequence, step.acknowledgment, step.window, step.length, step.options};
}

class Track : public testing::TestWithParam<Scenario> {};

/// The first step opens a translated session; the pod always sends it.
TEST_P(Track, FollowsTheScenario) {
  Session session{};
  session.identity.flags = kTranslated;
  session.identity.protocol = net::kTcp;
  const auto& steps = GetParam().steps;
  tcp_open(session, steps.front().sender, segment_of(steps.front()));
  EXPECT_EQ(session.state(), steps.front().after) << "opening";
  for (std::size_t i = 1; i < steps.size(); ++i) {
    tcp_track(session, steps[i].sender, segment_of(steps[i]));
    ASSERT_EQ(session.state(), steps[i].after) << "after step " << i;
  }
}

/// ISNs: 100 of the pod, 500 of the remote. One handshake, then `more`.
std::vector<Step> established(std::vector<Step> more) {
  std::vector<Step> steps{{kPod, S, 100, 0, 0, kSynSent},
                          {kRemote, S | A, 500, 101, 0, kSynBoth},
                          {kPod, A, 101, 501, 0, kEstablished}};
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}
std::vector<Step> closed(std::vector<Step> more) {
  std::vector<Step> steps = established({{kPod, F | A, 101, 501, 0, kFinFromOpener},
                                         {kRemote, F | A, 501, 102, 0, kFinBoth},
                                         {kPod, A, 102, 502, 0, kClosed}});
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

const std::vector<std::uint8_t> kScale7{1, 3, 3, 7};
const std::vector<std::uint8_t> kScale0{1, 3, 3, 0};
const std::vector<std::uint8_t> kNoScale{2, 4, 5, 0xb4};

const Scenario kOpening[] = {
    {"Handshake", established({{kPod, A, 101, 501, 10, kEstablished},
                               {kRemote, A, 501, 111, 10, kEstablished}})},
    {"SynRetransmitted", {{kPod, S, 100, 0, 0, kSynSent}, {kPod, S, 100, 0, 0, kSynSent}}},
    {"SynAckRetransmitted", established({{kRemote, S | A, 500, 101, 0, kEstablished}})},
    {"SynAckLostAndSynRetransmitted",
     {{kPod, S, 100, 0, 0, kSynSent},
      {kRemote, S | A, 500, 101, 0, kSynBoth},
      {kPod, S, 100, 0, 0, kSynBoth},
      {kRemote, S | A, 500, 101, 0, kSynBoth},
      {kPod, A, 101, 501, 0, kEstablished}}},
    {"SimultaneousOpen",
     {{kPod, S, 100, 0, 0, kSynSent},
      {kRemote, S, 500, 0, 0, kSynBoth},
      {kPod, S | A, 100, 501, 0, kSynBoth},
      {kRemote, S | A, 500, 101, 0, kSynBoth},
      {kPod, A, 101, 501, 5, kEstablished}}},
    {"DataOfTheOpenerEstablishes",
     {{kPod, S, 100, 0, 0, kSynSent},
      {kRemote, S | A, 500, 101, 0, kSynBoth},
      {kPod, A | net::kPsh, 101, 501, 50, kEstablished}}},
    {"AnAckAloneOpensNothing",
     {{kPod, S, 100, 0, 0, kSynSent}, {kRemote, A, 777, 42, 0, kSynSent}}},
    {"RefusedByRst", {{kPod, S, 100, 0, 0, kSynSent}, {kRemote, R | A, 0, 101, 0, kReset}}},
    {"RefusedAndTriedAgain",
     {{kPod, S, 100, 0, 0, kSynSent},
      {kRemote, R | A, 0, 101, 0, kReset},
      {kPod, S, 4000, 0, 0, kSynSent},
      {kRemote, S | A, 9, 4001, 0, kSynBoth}}},
    {"ARstThatAcknowledgesAnotherSynIsNoAnswer",
     {{kPod, S, 100, 0, 0, kSynSent}, {kRemote, R | A, 0, 102, 0, kSynSent}}},
    {"ARstWithoutAckAnswersNoSyn",
     {{kPod, S, 100, 0, 0, kSynSent}, {kRemote, R, 0, 0, 0, kSynSent}}},
    {"AnotherSynReplacesOneThatWasNotAnswered",
     {{kPod, S, 5000, 0, 0, kSynSent},
      {kPod, S, 100, 0, 0, kSynSent},  // lower than before
      {kRemote, R | A, 0, 101, 0, kReset}}},
    {"ThePodGivesUpItsSyn", {{kPod, S, 100, 0, 0, kSynSent}, {kPod, R, 101, 0, 0, kReset}}},
};

const Scenario kClosing[] = {
    {"FinOfThePodFirst", closed({})},
    {"FinOfTheRemoteFirst", established({{kRemote, F | A, 501, 101, 0, kFinFromResponder},
                                         {kPod, A, 101, 502, 0, kFinFromResponder},
                                         {kPod, F | A, 101, 502, 0, kFinBoth},
                                         {kRemote, A, 502, 102, 0, kClosed}})},
    {"HalfClosedForLong", established({{kPod, F | A, 101, 501, 0, kFinFromOpener},
                                       {kRemote, A, 501, 102, 900, kFinFromOpener},
                                       {kPod, A, 102, 1401, 0, kFinFromOpener},
                                       {kRemote, F | A, 1401, 102, 0, kFinBoth},
                                       {kPod, A, 102, 1402, 0, kClosed}})},
    {"FinsCross", established({{kPod, F | A, 101, 501, 0, kFinFromOpener},
                               {kRemote, F | A, 501, 101, 0, kFinBoth},
                               {kPod, A, 102, 502, 0, kFinBoth},
                               {kRemote, A, 502, 102, 0, kClosed}})},
    {"FinCarriesData", established({{kPod, F | A, 101, 501, 20, kFinFromOpener},
                                    {kRemote, F | A, 501, 122, 0, kFinBoth},
                                    {kPod, A, 122, 502, 0, kClosed}})},
    {"AnAckShortOfTheFinClosesNothing",
     established({{kPod, F | A, 101, 501, 20, kFinFromOpener},
                  {kRemote, F | A, 501, 121, 0, kFinBoth},  // not yet the FIN
                  {kPod, A, 122, 502, 0, kFinBoth},
                  {kRemote, A, 502, 122, 0, kClosed}})},
    {"FinRetransmitted", established({{kPod, F | A, 101, 501, 0, kFinFromOpener},
                                      {kPod, F | A, 101, 501, 0, kFinFromOpener},
                                      {kRemote, F | A, 501, 102, 0, kFinBoth},
                                      {kRemote, F | A, 501, 102, 0, kFinBoth},
                                      {kPod, A, 102, 502, 0, kClosed}})},
    {"TheLastAckRepeated",
     closed({{kRemote, F | A, 501, 102, 0, kClosed}, {kPod, A, 102, 502, 0, kClosed}})},
    {"FinBeforeTheHandshakeEnds",
     {{kPod, S, 100, 0, 0, kSynSent},
      {kRemote, S | A, 500, 101, 0, kSynBoth},
      {kPod, F | A, 101, 501, 0, kFinFromOpener}}},
    {"ReopensBeyondTheOldSequence", closed({{kPod, S, 5000, 0, 0, kSynSent},
                                            {kRemote, S | A, 77, 5001, 0, kSynBoth},
                                            {kPod, A, 5001, 78, 0, kEstablished}})},
    {"AnOldSynReopensNothing", closed({{kPod, S, 100, 0, 0, kClosed}})},
    {"TheRemoteCannotReopen", closed({{kRemote, S, 90'000, 0, 0, kClosed}})},
    {"ClosesTwice", closed({{kPod, S, 5000, 0, 0, kSynSent},
                            {kRemote, S | A, 77, 5001, 0, kSynBoth},
                            {kPod, A, 5001, 78, 0, kEstablished},
                            {kRemote, F | A, 78, 5001, 0, kFinFromResponder},
                            {kPod, F | A, 5001, 79, 0, kFinBoth},
                            {kRemote, A, 79, 5002, 0, kClosed}})},
    {"RstAfterTheEndChangesNothing", closed({{kRemote, R, 502, 0, 0, kClosed}})},
};

const Scenario kResetting[] = {
    {"RstOfTheRemote", established({{kRemote, R, 501, 0, 0, kReset}})},
    {"RstOfThePod", established({{kPod, R | A, 101, 501, 0, kReset}})},
    {"InTheWindowThoughNotExact", established({{kRemote, R, 900, 0, 0, kReset}})},
    {"BeforeTheWindow", established({{kRemote, R, 501u - 100'000, 0, 0, kEstablished}})},
    {"BeyondTheWindow", established({{kRemote, R, 501 + 100'000, 0, 0, kEstablished}})},
    {"WhileClosing",
     established({{kPod, F | A, 101, 501, 0, kFinFromOpener}, {kRemote, R, 501, 0, 0, kReset}})},
    {"OutsideTheWindowWhileClosing",
     established({{kPod, F | A, 101, 501, 0, kFinFromOpener},
                  {kRemote, R, 501 + 100'000, 0, 0, kFinFromOpener}})},
    {"DataAfterwardsShowsItWasIgnored",
     established({{kRemote, R, 900, 0, 0, kReset}, {kRemote, A, 501, 101, 10, kEstablished}})},
    {"DataOfThePodAfterwards",
     established({{kRemote, R, 900, 0, 0, kReset}, {kPod, A, 101, 501, 10, kEstablished}})},
    {"DataOutsideTheWindowAfterwards",
     established({{kRemote, R, 501, 0, 0, kReset}, {kRemote, A, 501 + 100'000, 101, 10, kReset}})},
    {"ReopensAfterwards",
     established({{kRemote, R, 501, 0, 0, kReset}, {kPod, S, 5000, 0, 0, kSynSent}})},
    {"AnOldSynAfterwards",
     established({{kRemote, R, 501, 0, 0, kReset}, {kPod, S, 50, 0, 0, kReset}})},
    // Catalogue 50: the pod restarted and asks anew, the remote challenges, the pod resets.
    {"ChallengeAck", established({{kPod, S, 90'000, 0, 0, kEstablished},
                                  {kRemote, A, 501, 101, 0, kEstablished},
                                  {kPod, R, 101, 0, 0, kReset},
                                  {kPod, S, 90'000, 0, 0, kSynSent},
                                  {kRemote, S | A, 7, 90'001, 0, kSynBoth}})},
    // One who guesses addresses and ports but no sequence number moves nothing.
    {"ABlindSegmentDoesNotMoveTheWindow",
     established({{kRemote, A, 501 + 0x7000'0000, 101, 100, kEstablished},
                  {kRemote, R, 501 + 0x7000'0064, 0, 0, kEstablished},
                  {kRemote, R, 501, 0, 0, kReset}})},
    {"ABlindFinClosesNothing",
     established({{kRemote, F | A, 501 + 0x7000'0000, 101, 0, kEstablished}})},
    {"ABlindSynChangesNothing", established({{kRemote, S, 501 + 0x7000'0000, 0, 0, kEstablished},
                                             {kRemote, R, 501, 0, 0, kReset}})},
    {"SequenceNumbersWrap",
     {{kPod, S, 0xffff'fff0, 0, 0, kSynSent},
      {kRemote, S | A, 0xffff'fffe, 0xffff'fff1, 0, kSynBoth},
      {kPod, A, 0xffff'fff1, 0xffff'ffff, 0, kEstablished},
      {kRemote, A, 0xffff'ffff, 0xffff'fff1, 500, kEstablished},
      {kPod, A, 0xffff'fff1, 0x1f3, 100, kEstablished},
      {kRemote, R, 0x1f3, 0, 0, kReset}}},
};

/// The pod's window is 1000 << 7 = 128,000 bytes if both sides scale, else 1000.
std::vector<Step> with_scales(std::vector<std::uint8_t> pod,
                              std::vector<std::uint8_t> remote,
                              std::vector<Step> more) {
  std::vector<Step> steps{{kPod, S, 100, 0, 0, kSynSent, 1000, std::move(pod)},
                          {kRemote, S | A, 500, 101, 0, kSynBoth, 1000, std::move(remote)},
                          {kPod, A, 101, 501, 0, kEstablished}};
  steps.insert(steps.end(), more.begin(), more.end());
  return steps;
}

const Scenario kWindows[] = {
    {"ScaledByBoth", with_scales(kScale7, kScale7, {{kRemote, R, 501 + 120'000, 0, 0, kReset}})},
    {"ScaledByBothAndStillBeyond",
     with_scales(kScale7, kScale7, {{kRemote, R, 501 + 400'000, 0, 0, kEstablished}})},
    {"ScaledByThePodOnly",
     with_scales(kScale7, kNoScale, {{kRemote, R, 501 + 120'000, 0, 0, kEstablished}})},
    {"ScaledByZero", with_scales(kScale7, kScale0, {{kRemote, R, 501 + 120'000, 0, 0, kReset}})},
    {"OptionsCutShort",
     with_scales({3, 3}, kScale7, {{kRemote, R, 501 + 120'000, 0, 0, kEstablished}})},
    {"OptionsOfLengthZero",
     with_scales(
         {5, 0, 3, 3, 7, 0, 0, 0}, kScale7, {{kRemote, R, 501 + 120'000, 0, 0, kEstablished}})},
    {"AWindowThatGrewCounts", with_scales(kNoScale,
                                          kNoScale,
                                          {{kPod, A, 101, 501, 0, kEstablished, 60'000},
                                           {kPod, A, 101, 501, 0, kEstablished, 0},
                                           {kRemote, R, 501 + 50'000, 0, 0, kReset}})},
};

std::string name_of(const testing::TestParamInfo<Scenario>& scenario) {
  return scenario.param.name;
}
INSTANTIATE_TEST_SUITE_P(Opening, Track, testing::ValuesIn(kOpening), name_of);
INSTANTIATE_TEST_SUITE_P(Closing, Track, testing::ValuesIn(kClosing), name_of);
INSTANTIATE_TEST_SUITE_P(Reset, Track, testing::ValuesIn(kResetting), name_of);
INSTANTIATE_TEST_SUITE_P(Windows, Track, testing::ValuesIn(kWindows), name_of);

/// flows.tcp_mid_stream: accept. Nothing is known of windows, so everything fits them.
const Scenario kMidStream[] = {
    {"Data",
     {{kPod, A, 700, 300, 10, kEstablished},
      {kRemote, A, 300, 710, 1000, kEstablished},
      {kRemote, R, 1300, 0, 0, kReset}}},
    {"Fin",
     {{kPod, F | A, 700, 300, 0, kFinFromOpener},
      {kRemote, F | A, 300, 701, 0, kFinBoth},
      {kPod, A, 701, 301, 0, kClosed}}},
};
INSTANTIATE_TEST_SUITE_P(MidStream, Track, testing::ValuesIn(kMidStream), name_of);

// --- preserved flows -------------------------------------------------------------------------

struct PreservedStep {
  Direction direction;
  std::uint8_t flags;
  SessionState after;
};

/// Only what is answered lives long: of a flow of which one direction is seen nobody can tell.
TEST(TrackPreserved, IsEstablishedOnceAnswered) {
  constexpr Direction kOut = Direction::kOutbound;
  constexpr Direction kIn = Direction::kInbound;
  const std::vector<std::vector<PreservedStep>> scenarios{
      {{kOut, S, kSynSent}, {kIn, S | A, kSynBoth}, {kOut, A, kEstablished}, {kIn, R, kFinBoth}},
      {{kOut, A, kSynSent}, {kIn, A, kEstablished}, {kOut, F | A, kFinBoth}, {kIn, A, kFinBoth}},
      {{kOut, S, kSynSent}, {kOut, A, kSynSent}, {kOut, A, kSynSent}, {kOut, F | A, kFinBoth}},
      {{kOut, S, kSynSent}, {kIn, R | A, kFinBoth}, {kOut, S, kSynSent}, {kIn, S | A, kSynBoth}},
  };
  for (const auto& steps : scenarios) {
    Session session{};
    session.set_state(kSynSent);
    for (std::size_t i = 1; i < steps.size(); ++i) {
      tcp_track_preserved(session, steps[i].direction, {steps[i].flags, 0, 0, 0, 0, {}});
      EXPECT_EQ(session.state(), steps[i].after) << i;
    }
  }
}

TEST(ReadSegment, ReadsWhatTheHeaderSays) {
  // 24 bytes of header, 5 of payload.
  const std::uint8_t bytes[] = {0x0f, 0xa0, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x60, S | A, 0xfa,
                                0xf0, 0,    0,    0,    0, 1, 3, 3, 7, 9, 9, 9, 9,    9};
  const auto segment = read_segment(net::header_at<net::TcpHeader>(bytes), sizeof bytes);
  EXPECT_EQ(segment.flags, S | A);
  EXPECT_EQ(segment.sequence, 0x01020304u);
  EXPECT_EQ(segment.acknowledgment, 0x05060708u);
  EXPECT_EQ(segment.window, 0xfaf0);
  EXPECT_EQ(segment.length, 5u);
  EXPECT_EQ(segment.options.size(), 4u);
  EXPECT_EQ(segment.end(), 0x01020304u + 5 + 1);
}

}  // namespace
}  // namespace sluice::nat
