// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// A pcapng file with a comment on each packet, which rte_pcapng of DPDK 22.11 and libpcap cannot
/// write. draft-ietf-opsawg-pcapng: section header, an interface a device, enhanced packets.
#pragma once

#include <cstdint>
#include <cstdio>
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

  struct Packet {
    std::uint32_t interface = 0;
    std::uint64_t time_ns = 0;  ///< since 1970
    std::uint32_t length = 0;   ///< on the wire
    std::span<const std::uint8_t> bytes;
    std::string comment;
  };
  void write(const Packet& packet);
  /// False when something written did not reach the file.
  [[nodiscard]] bool close();

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  explicit PcapngWriter(File file) : file_(std::move(file)) {}
  void block(std::uint32_t type, const std::string& body);

  File file_;
};

}  // namespace sluice::telemetry
