// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "explain/capture.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <cstdio>

namespace sluice::explain {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr int kLongestFrame = 262144;

pcap_t* reader(void* handle) { return static_cast<pcap_t*>(handle); }
pcap_dumper_t* dumper(void* handle) { return static_cast<pcap_dumper_t*>(handle); }

}  // namespace

Result<std::unique_ptr<CaptureReader>> CaptureReader::open(const std::string& path) {
  char why[PCAP_ERRBUF_SIZE] = "";
  pcap_t* handle =
      pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, why);
  if (handle == nullptr) {
    // libpcap names the file in some of its messages only.
    const std::string_view said{why};
    return Error{said.find(path) == std::string_view::npos ? fmt::format("{}: {}", path, said)
                                                           : std::string(said)};
  }
  auto capture = std::unique_ptr<CaptureReader>(new CaptureReader(path, handle));
  const int link = pcap_datalink(handle);
  if (link != DLT_EN10MB) {
    const char* name = pcap_datalink_val_to_name(link);
    return Error{fmt::format("{}: holds {} frames; Ethernet (EN10MB) is wanted", path,
                             name == nullptr ? fmt::format("link type {}", link) : name)};
  }
  if (Status read = capture->advance(); !read) return Error{read.error()};
  return capture;
}

CaptureReader::~CaptureReader() { pcap_close(reader(handle_)); }

Status CaptureReader::advance() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int code = pcap_next_ex(reader(handle_), &header, &bytes);
  current_.reset();
  if (code == PCAP_ERROR_BREAK) return success();
  if (code != 1) return Error{fmt::format("{}: {}", path_, pcap_geterr(reader(handle_)))};
  // With nanosecond precision tv_usec counts nanoseconds.
  current_ = CapturedPacket{static_cast<std::uint64_t>(header->ts.tv_sec) * kNsPerSecond +
                                static_cast<std::uint64_t>(header->ts.tv_usec),
                            header->len,
                            {bytes, header->caplen}};
  return success();
}

Result<std::unique_ptr<CaptureWriter>> CaptureWriter::create(const std::string& path) {
  pcap_t* handle =
      pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kLongestFrame, PCAP_TSTAMP_PRECISION_NANO);
  pcap_dumper_t* file = pcap_dump_open(handle, path.c_str());
  if (file == nullptr) {
    Error error{pcap_geterr(handle)};
    pcap_close(handle);
    return error;
  }
  return std::unique_ptr<CaptureWriter>(new CaptureWriter(handle, file));
}

void CaptureWriter::write(const CapturedPacket& packet) {
  pcap_pkthdr header{};
  header.ts.tv_sec = static_cast<time_t>(packet.time_ns / kNsPerSecond);
  header.ts.tv_usec = static_cast<suseconds_t>(packet.time_ns % kNsPerSecond);
  header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
  header.len = packet.wire_length;
  pcap_dump(static_cast<u_char*>(dumper_), &header, packet.bytes.data());
}

bool CaptureWriter::close() {
  const bool whole =
      pcap_dump_flush(dumper(dumper_)) == 0 && std::ferror(pcap_dump_file(dumper(dumper_))) == 0;
  return whole;
}

CaptureWriter::~CaptureWriter() {
  pcap_dump_close(dumper(dumper_));
  pcap_close(reader(handle_));
}

}  // namespace sluice::explain
