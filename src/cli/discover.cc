// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/commands.h"
#include "core/ip.h"
#include "telemetry/http_client.h"

namespace sluice::cli {
namespace {

using Lines = std::vector<std::string>;

/// EC2's instance metadata, version 2: a token first, which every question then carries.
class Metadata {
 public:
  static Result<Metadata> open(const std::string& url) {
    auto token = telemetry::http("PUT", url + "/latest/api/token",
                                 "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n");
    if (!token) return Error{token.error()};
    if (token.value().status != 200) {
      return Error{fmt::format("{}: no token ({}); is IMDSv2 switched on, and this an instance?",
                               url, token.value().status)};
    }
    return Metadata(url, token.value().body);
  }

  /// What stands there, a line each; empty where there is nothing of the kind.
  Result<Lines> lines(const std::string& path) const {
    auto answer = telemetry::http("GET", url_ + "/latest/meta-data/" + path,
                                  "X-aws-ec2-metadata-token: " + token_ + "\r\n");
    if (!answer) return Error{answer.error()};
    if (answer.value().status == 404) return Lines{};
    if (answer.value().status != 200) {
      return Error{fmt::format("{}: {}", path, answer.value().status)};
    }
    Lines all;
    std::istringstream text(answer.value().body);
    for (std::string line; std::getline(text, line);) {
      if (!line.empty()) all.push_back(line);
    }
    return all;
  }

 private:
  Metadata(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}
  std::string url_, token_;
};

struct Interface {
  unsigned number = 0;
  std::string mac, id;
  Lines addresses, subnet, prefixes, vpc;
};

/// The PCI address of the interface with this MAC address, if the kernel still has it.
std::string pci_of(const std::string& mac) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net", ignored)) {
    std::string address;
    std::ifstream(entry.path() / "address") >> address;
    if (address != mac) continue;
    const auto device = std::filesystem::canonical(entry.path() / "device", ignored);
    if (!device.empty()) return device.filename();
  }
  return "";
}

Result<Interface> read_interface(const Metadata& metadata, std::string mac) {
  if (mac.ends_with('/')) mac.pop_back();
  const std::string path = "network/interfaces/macs/" + mac + "/";
  Interface found;
  found.mac = mac;
  Lines number, id;
  for (auto [key, into] :
       {std::pair{"device-number", &number}, std::pair{"interface-id", &id},
        std::pair{"local-ipv4s", &found.addresses},
        std::pair{"subnet-ipv4-cidr-block", &found.subnet},
        std::pair{"ipv4-prefix", &found.prefixes}, std::pair{"vpc-ipv4-cidr-blocks", &found.vpc}}) {
    auto lines = metadata.lines(path + key);
    if (!lines) return Error{lines.error()};
    *into = std::move(lines).value();
  }
  const auto subnet = found.subnet.empty() ? Result<IpPrefix>(Error{"none"})
                                           : IpPrefix::parse(found.subnet.front());
  if (number.empty() || found.addresses.empty() || !subnet) {
    return Error{
        fmt::format("{}: device-number, local-ipv4s or subnet-ipv4-cidr-block is missing", path)};
  }
  const auto read = std::from_chars(number.front().data(),
                                    number.front().data() + number.front().size(), found.number);
  if (read.ec != std::errc{} || read.ptr != number.front().data() + number.front().size()) {
    return Error{fmt::format("{}device-number: '{}' is no number", path, number.front())};
  }
  for (const std::string& address : found.addresses) {
    const auto parsed = Ipv4Addr::parse(address);
    if (!parsed || !subnet.value().contains(IpAddr{*parsed})) {
      return Error{fmt::format("{}local-ipv4s: '{}' is no address of {}", path, address,
                               found.subnet.front())};
    }
  }
  for (const auto& [key, cidrs] :
       {std::pair{"ipv4-prefix", &found.prefixes}, std::pair{"vpc-ipv4-cidr-blocks", &found.vpc}}) {
    for (const std::string& cidr : *cidrs) {
      if (!IpPrefix::parse(cidr))
        return Error{fmt::format("{}{}: '{}' is no CIDR", path, key, cidr)};
    }
  }
  found.id = id.empty() ? "" : id.front();
  return found;
}

/// `repeated`: how many before it have the same number, which is unique on one network card only.
std::string section_of(const Interface& found, unsigned repeated) {
  const std::string name = repeated == 0 ? fmt::format("eni{}", found.number)
                                         : fmt::format("eni{}-{}", found.number, repeated + 1);
  const unsigned length = IpPrefix::parse(found.subnet.front()).value().length();
  const std::string pci = pci_of(found.mac);
  std::string text =
      fmt::format("  - name: {}                    # {}, {}\n", name, found.id, found.mac);
  text += pci.empty()
              ? "    device: \"\"                    # its PCI address: the kernel has no such "
                "interface (any more)\n"
              : fmt::format("    device: \"{}\"\n", pci);
  if (found.number == 0 && repeated == 0) text += "    primary: true\n";
  text += fmt::format("    address: {}/{}\n", found.addresses.front(), length);
  if (found.addresses.size() > 1) {
    text += fmt::format("    secondary: [{}]\n",
                        fmt::join(found.addresses.begin() + 1, found.addresses.end(), ", "));
  }
  if (!found.prefixes.empty()) {
    text += fmt::format("    prefixes: [{}]\n", fmt::join(found.prefixes, ", "));
  }
  return text;
}

Result<std::string> discovered(const std::string& url) {
  const auto metadata = Metadata::open(url);
  if (!metadata) return Error{metadata.error()};
  const auto macs = metadata.value().lines("network/interfaces/macs/");
  if (!macs) return Error{macs.error()};
  std::vector<Interface> interfaces;
  for (const std::string& mac : macs.value()) {
    auto found = read_interface(metadata.value(), mac);
    if (!found) return Error{found.error()};
    interfaces.push_back(std::move(found).value());
  }
  if (interfaces.empty()) return Error{url + ": names no interface"};
  std::sort(interfaces.begin(), interfaces.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  std::string text =
      fmt::format("vpc:\n  cidrs: [{}]\n\nenis:\n", fmt::join(interfaces.front().vpc, ", "));
  unsigned repeated = 0;
  for (std::size_t i = 0; i < interfaces.size(); ++i) {
    repeated = i != 0 && interfaces[i].number == interfaces[i - 1].number ? repeated + 1 : 0;
    text += section_of(interfaces[i], repeated);
  }
  return text;
}

}  // namespace

int discover(const Options& options) {
  const auto text = discovered(options.imds);
  if (!text) {
    fmt::print(stderr, "sluice: {}\n", text.error());
    return kFailed;
  }
  fmt::print("{}", text.value());
  return kDone;
}

}  // namespace sluice::cli
