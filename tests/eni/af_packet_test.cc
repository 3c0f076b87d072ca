// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "eni/af_packet.h"

#include <gtest/gtest.h>

namespace sluice::eni {
namespace {

TEST(AfPacket, GetsFramesAsLongAsItsRingAllows) {
  struct Case {
    std::string given, added;
    unsigned bytes;
  };
  for (const Case& c :
       {Case{"net_af_packet0,iface=a", ",blocksz=1044480,framesz=65280", 65'280},
        Case{"net_af_packet0,iface=a,framecnt=1024", ",blocksz=32768,framesz=32768", 32'768},
        Case{"net_af_packet0,framecnt=4096,iface=a", ",blocksz=8192,framesz=8192", 8'192},
        Case{"net_af_packet0,iface=a,framecnt=500", ",blocksz=32768,framesz=32768", 32'768},
        Case{"net_af_packet0,iface=a,framecnt=100000", "", 2'048}}) {
    const auto completed = complete_af_packet(c.given, 1500);
    EXPECT_EQ(completed.device, c.given + c.added);
    EXPECT_EQ(completed.frame_bytes, c.bytes);
  }
}

TEST(AfPacket, GetsFramesAsLongAsItsMtuWants) {
  const auto completed = complete_af_packet("net_af_packet0,iface=a,framecnt=4096", 9000);
  EXPECT_EQ(completed.frame_bytes, 16'384U);
}

TEST(AfPacket, IsLeftAloneWhereThereIsNoInterface) {
  const std::string device = "net_af_packet0,iface=a";
  EXPECT_EQ(complete_af_packet(device, std::nullopt).device, device);
}

TEST(AfPacket, KeepsSizesThatAreGiven) {
  const std::string frames = "net_af_packet0,iface=a,blocksz=16384,framesz=16384";
  EXPECT_EQ(complete_af_packet(frames, 1500).device, frames);
  EXPECT_EQ(complete_af_packet(frames, 1500).frame_bytes, 16'384U);
  const std::string blocks = "net_af_packet0,iface=a,blocksz=8192";
  EXPECT_EQ(complete_af_packet(blocks, 1500).device, blocks);
  EXPECT_EQ(complete_af_packet("net_af_packet0,iface=a,framesz=nonsense", 1500).frame_bytes, 0U);
}

TEST(AfPacket, IsKnownByItsName) {
  EXPECT_TRUE(is_af_packet("net_af_packet12,iface=a"));
  EXPECT_FALSE(is_af_packet("net_af_xdp0,iface=a"));
  EXPECT_FALSE(is_af_packet("0000:00:06.0"));
}

}  // namespace
}  // namespace sluice::eni
