// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "telemetry/pcapng.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::telemetry {
namespace {

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
  auto writer = std::unique_ptr<PcapngWriter>(
      new PcapngWriter(File(::fdopen(descriptor, "wb"), std::fclose)));
  writer->block(kSectionHeader, section_header());
  for (const std::string& name : interfaces) {
    writer->block(kInterfaceDescription, interface_description(name));
  }
  return writer;
}

void PcapngWriter::block(std::uint32_t type, const std::string& body) {
  std::string all;
  const auto length = static_cast<std::uint32_t>(body.size() + 3 * sizeof(std::uint32_t));
  put(all, type);
  put(all, length);
  all += body;
  put(all, length);
  std::fwrite(all.data(), 1, all.size(), file_.get());
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
  block(kEnhancedPacket, body);
}

bool PcapngWriter::close() {
  const bool good = std::ferror(file_.get()) == 0;
  return std::fclose(file_.release()) == 0 && good;
}

}  // namespace sluice::telemetry
