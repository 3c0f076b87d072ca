// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A pcapng file with a comment on each packet, which rte_pcapng of DPDK 22.11 and libpcap cannot
/// write. draft-ietf-opsawg-pcapng: section header, an interface a device, enhanced packets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace sluice::telemetry {

class PcapngWriter {
 public:
  /// Creates the file, for its owner alone; one that exists is an error. `interfaces` are names, by
  /// number.
  static Result<std::unique_ptr<PcapngWriter>> create(const std::string& path,
                                                      const std::vector<std::string>& interfaces);

  ~PcapngWriter();
  PcapngWriter(const PcapngWriter&) = delete;
  PcapngWriter& operator=(const PcapngWriter&) = delete;

  struct Packet {
    std::uint32_t interface = 0;
    std::uint64_t time_ns = 0;  ///< since 1970
    std::uint32_t length = 0;   ///< on the wire
    std::span<const std::uint8_t> bytes;
    std::string comment;
    bool last = false;  ///< nothing more is to be written of it
  };
  /// Kept until flush(), or until there is much of it.
  void write(const Packet& packet);
  /// What was written so far reaches the file, or the error why it does not: then the file ends
  /// behind the last block that is whole, and nothing more is written.
  Status flush();
  Status close();
  /// Packets whose last block is in the file.
  [[nodiscard]] std::uint64_t whole_packets() const { return whole_packets_; }

 private:
  PcapngWriter(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}
  void block(std::uint32_t type, const std::string& body, bool ends_packet = false);
  void fail(int error, std::size_t written);

  /// Where a block of the buffer ends.
  struct End {
    std::size_t at = 0;
    bool of_packet = false;
  };

  std::string path_;
  int descriptor_ = -1;
  std::string buffer_;
  std::vector<End> ends_;
  std::uint64_t in_file_ = 0;  ///< bytes
  std::uint64_t whole_packets_ = 0;
  std::string error_;  ///< the first
};

}  // namespace sluice::telemetry
