// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/pcapng.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::telemetry {
namespace {

/// A folder of its own, and no file in it larger than some bytes: a disk that fills.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    if (::mkdtemp(folder_.data()) == nullptr) std::abort();
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
    std::filesystem::remove_all(folder_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] std::string path() const { return folder_ + "/a.pcapng"; }

 private:
  std::string folder_ = (std::filesystem::temp_directory_path() / "sluice-XXXXXX").string();
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

struct Blocks {
  std::size_t packets = 0;
  bool whole = true;  ///< the file ends where a block does
};

Blocks blocks_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  Blocks blocks;
  std::size_t at = 0;
  while (at + 8 <= bytes.size()) {
    std::array<std::uint32_t, 2> head;
    std::memcpy(head.data(), bytes.data() + at, sizeof head);
    if (head[1] < 12 || at + head[1] > bytes.size()) break;
    blocks.packets += head[0] == 6 ? 1 : 0;
    at += head[1];
  }
  blocks.whole = at == bytes.size();
  return blocks;
}

PcapngWriter::Packet packet_of(const std::array<std::uint8_t, 100>& bytes) {
  PcapngWriter::Packet packet;
  packet.length = 100;
  packet.bytes = bytes;
  packet.comment = "packet";
  packet.last = true;
  return packet;
}

TEST(Pcapng, AFullDiskIsToldAtOnceAndTheFileEndsWithAWholeBlock) {
  const std::array<std::uint8_t, 100> bytes{};
  const SmallDisk disk(1000);
  auto writer = PcapngWriter::create(disk.path(), {"eni0"}).value();
  writer->write(packet_of(bytes));
  EXPECT_TRUE(writer->flush().ok());
  EXPECT_EQ(writer->whole_packets(), 1);
  for (int i = 0; i < 20; ++i) writer->write(packet_of(bytes));
  const Status full = writer->flush();
  ASSERT_FALSE(full.ok());
  EXPECT_NE(full.error().find(disk.path() + ": File too large"), std::string::npos);
  writer->write(packet_of(bytes));
  EXPECT_FALSE(writer->close().ok()) << "it stays told";
  const Blocks blocks = blocks_of(disk.path());
  EXPECT_TRUE(blocks.whole);
  EXPECT_EQ(blocks.packets, writer->whole_packets());
  EXPECT_GT(blocks.packets, 1);
  EXPECT_LT(blocks.packets, 20);
}

TEST(Pcapng, WithoutRoomForItsHeaderThereIsNoFile) {
  const SmallDisk disk(10);
  EXPECT_FALSE(PcapngWriter::create(disk.path(), {"eni0"}).ok());
  EXPECT_FALSE(std::filesystem::exists(disk.path()));
}

TEST(Pcapng, CountsAPacketOnceItsLastBlockIsWritten) {
  const std::array<std::uint8_t, 100> bytes{};
  const SmallDisk disk(10'000'000);
  auto writer = PcapngWriter::create(disk.path(), {"eni0"}).value();
  auto before = packet_of(bytes);
  before.last = false;
  for (int i = 0; i < 1000; ++i) writer->write(before), writer->write(packet_of(bytes));
  EXPECT_TRUE(writer->close().ok());
  EXPECT_EQ(writer->whole_packets(), 1000);
  EXPECT_EQ(blocks_of(disk.path()).packets, 2000);
  EXPECT_TRUE(blocks_of(disk.path()).whole);
}

}  // namespace
}  // namespace sluice::telemetry
