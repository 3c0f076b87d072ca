// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/pcapng.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::telemetry {
namespace {

constexpr std::size_t kMuch = 65'536;  // bytes

enum BlockType : std::uint32_t {
  kSectionHeader = 0x0a0d0d0a,
  kInterfaceDescription = 1,
  kEnhancedPacket = 6,
};
enum Option : std::uint16_t { kComment = 1, kInterfaceName = 2, kTimeResolution = 9 };

template <typename T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void pad(std::string& to) { to.append((4 - to.size() % 4) % 4, '\0'); }

void put_option(std::string& to, Option code, std::string_view value) {
  put<std::uint16_t>(to, code);
  put(to, static_cast<std::uint16_t>(value.size()));
  to.append(value);
  pad(to);
}

void end_options(std::string& to) { put<std::uint32_t>(to, 0); }

std::string section_header() {
  std::string body;
  put<std::uint32_t>(body, 0x1a2b3c4d);  // tells the byte order
  put<std::uint16_t>(body, 1);
  put<std::uint16_t>(body, 0);
  put<std::uint64_t>(body, ~std::uint64_t{0});  // of unknown length
  return body;
}

std::string interface_description(const std::string& name) {
  constexpr std::uint16_t kEthernet = 1;
  constexpr char kNanoseconds = 9;
  std::string body;
  put(body, kEthernet);
  put<std::uint16_t>(body, 0);
  put<std::uint32_t>(body, 0);  // no limit
  put_option(body, kInterfaceName, name);
  put_option(body, kTimeResolution, {&kNanoseconds, 1});
  end_options(body);
  return body;
}

}  // namespace

Result<std::unique_ptr<PcapngWriter>> PcapngWriter::create(
    const std::string& path, const std::vector<std::string>& interfaces) {
  constexpr int kOwnersAlone = 0600;
  const int descriptor =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnersAlone);
  if (descriptor < 0) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
  auto writer = std::unique_ptr<PcapngWriter>(new PcapngWriter(path, descriptor));
  writer->block(kSectionHeader, section_header());
  for (const std::string& name : interfaces) {
    writer->block(kInterfaceDescription, interface_description(name));
  }
  if (const Status begun = writer->flush(); !begun) {
    ::unlink(path.c_str());
    return Error{begun.error()};
  }
  return writer;
}

PcapngWriter::~PcapngWriter() { static_cast<void>(close()); }

void PcapngWriter::block(std::uint32_t type, const std::string& body, bool ends_packet) {
  if (!error_.empty()) return;
  const auto length = static_cast<std::uint32_t>(body.size() + 3 * sizeof(std::uint32_t));
  put(buffer_, type);
  put(buffer_, length);
  buffer_ += body;
  put(buffer_, length);
  ends_.push_back({buffer_.size(), ends_packet});
  if (buffer_.size() >= kMuch) static_cast<void>(flush());
}

void PcapngWriter::write(const Packet& packet) {
  std::string body;
  put(body, packet.interface);
  put(body, static_cast<std::uint32_t>(packet.time_ns >> 32));
  put(body, static_cast<std::uint32_t>(packet.time_ns));
  put(body, static_cast<std::uint32_t>(packet.bytes.size()));
  put(body, packet.length);
  body.append(reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size());
  pad(body);
  put_option(body, kComment, packet.comment);
  end_options(body);
  block(kEnhancedPacket, body, packet.last);
}

Status PcapngWriter::flush() {
  std::size_t written = 0;
  while (error_.empty() && written < buffer_.size()) {
    const ssize_t now = ::write(descriptor_, buffer_.data() + written, buffer_.size() - written);
    if (now >= 0) {
      written += static_cast<std::size_t>(now);
    } else if (errno != EINTR) {
      fail(errno, written);
    }
  }
  if (!error_.empty()) return Error{error_};
  in_file_ += written;
  for (const End& end : ends_) whole_packets_ += end.of_packet ? 1 : 0;
  buffer_.clear();
  ends_.clear();
  return success();
}

void PcapngWriter::fail(int error, std::size_t written) {
  error_ = fmt::format("{}: {}", path_, std::strerror(error));
  std::size_t whole = 0;
  for (const End& end : ends_) {
    if (end.at > written) break;
    whole = end.at;
    whole_packets_ += end.of_packet ? 1 : 0;
  }
  in_file_ += whole;
  // A reader would take the rest of a block for a damaged file.
  if (::ftruncate(descriptor_, static_cast<off_t>(in_file_)) != 0) error_ += "; its end is damaged";
  buffer_.clear();
  ends_.clear();
}

Status PcapngWriter::close() {
  if (descriptor_ < 0) return success();
  Status flushed = flush();
  if (::close(std::exchange(descriptor_, -1)) == 0 || !flushed) return flushed;
  return Error{fmt::format("{}: {}", path_, std::strerror(errno))};
}

}  // namespace sluice::telemetry
