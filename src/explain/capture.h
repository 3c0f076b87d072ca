// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// Captures, read and written by libpcap: pcap and pcapng in, pcap with nanoseconds out. One packet
/// is in memory at a time, however long the file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/result.h"

namespace sluice::explain {

/// A packet of a capture. The bytes are good until the next one is read.
struct CapturedPacket {
  std::uint64_t time_ns = 0;      ///< since 1970
  std::uint32_t wire_length = 0;  ///< may be more than was captured
  std::span<const std::uint8_t> bytes;
};

class CaptureReader {
 public:
  static Result<std::unique_ptr<CaptureReader>> open(const std::string& path);
  ~CaptureReader();
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  /// The packet that is next; nothing at the end. Stays until advance().
  [[nodiscard]] const std::optional<CapturedPacket>& current() const noexcept { return current_; }
  /// Reads on. A file that breaks off is an error after its last whole packet.
  Status advance();

 private:
  CaptureReader(std::string path, void* handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  void* handle_;  // pcap_t
  std::optional<CapturedPacket> current_;
};

class CaptureWriter {
 public:
  static Result<std::unique_ptr<CaptureWriter>> create(const std::string& path);
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  void write(const CapturedPacket& packet);
  /// False when something written did not reach the file.
  [[nodiscard]] bool close();

 private:
  CaptureWriter(void* handle, void* dumper) : handle_(handle), dumper_(dumper) {}
  void* handle_;  // pcap_t
  void* dumper_;  // pcap_dumper_t
};

}  // namespace sluice::explain
