// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
#include "linerate/link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

namespace sluice::bench {
namespace {

std::string mac(unsigned who, Side side) {
  return fmt::format("02:00:00:00:{:02x}:{:02x}", who, index(side));
}
/// 16 MiB of frames that hold an MTU of 1500.
constexpr const char* kRing = "blocksz=4096,framesz=2048,framecnt=8192";
constexpr unsigned kTester = 2;
constexpr unsigned kDevice = 1;

/// A namespace exists once its process has left the tester's.
bool has_own_namespace(pid_t pid) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  for (int i = 0; i < 200; ++i) {
    const auto theirs = fs::read_symlink(fmt::format("/proc/{}/ns/net", pid), ignored);
    if (!theirs.empty() && theirs != fs::read_symlink("/proc/self/ns/net", ignored)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

Result<Links::Kind> Links::kind_of(const std::string& name) {
  if (name == "memif") return Kind::kMemif;
  if (name == "vhost") return Kind::kVhost;
  if (name == "af_packet") return Kind::kAfPacket;
  return Error{fmt::format("link {}: memif, vhost or af_packet are accepted", name)};
}

std::unique_ptr<Links> Links::given(const std::array<std::string, 2>& devices) {
  auto links = std::unique_ptr<Links>(new Links());
  links->tester_ = devices;
  return links;
}

Result<std::unique_ptr<Links>> Links::make(Kind kind, const std::string& folder) {
  auto links = std::unique_ptr<Links>(new Links());
  for (const Side side : kSides) {
    const unsigned i = index(side);
    std::string& tester = links->tester_[i];
    std::string& under = links->under_[i];
    switch (kind) {
      case Kind::kMemif: {
        const auto memif = [&](const char* role, unsigned who) {
          return fmt::format(
              "net_memif{},role={},id={},socket={}/memif.sock,socket-abstract=no,mac={}", i, role,
              i, folder, mac(who, side));
        };
        tester = memif("server", kTester);
        under = memif("client", kDevice);
        break;
      }
      case Kind::kVhost:
        tester = fmt::format("net_vhost{},iface={}/vhost{}.sock,queues=1", i, folder, i);
        under = fmt::format("net_virtio_user{},path={}/vhost{}.sock,queue_size=1024,mac={}", i,
                            folder, i, mac(kDevice, side));
        break;
      case Kind::kAfPacket:
        tester = fmt::format("net_af_packet{},iface=t{},{}", i, i, kRing);
        under = fmt::format("net_af_packet{},iface=d{},{}", i, i, kRing);
        break;
      case Kind::kGiven: return Error{"devices are not given"};
    }
  }
  if (kind == Kind::kAfPacket) {
    if (Status made = links->make_namespaces(folder); !made) return Error{made.error()};
  }
  return links;
}

Status Links::make_namespaces(const std::string& folder) {
  first_namespace_ = ::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  if (::unshare(CLONE_NEWNET) != 0) {
    return Error{fmt::format("no network namespace of its own: {}; be root", std::strerror(errno))};
  }
  auto far = Process::start(
      {{"unshare", "--net", "--mount", "--propagation", "unchanged", "sleep", "infinity"},
       folder + "/namespace"});
  if (!far) return Error{far.error()};
  far_ = std::move(far).value();
  if (!has_own_namespace(far_->pid())) return Error{"unshare --net does not start"};
  // Its own view of its interfaces' settings. Only /sys is made private, and left to ourselves: in
  // a chroot the root is no mount that could be.
  Status mounted = configure_far_side("mount --make-private /sys && mount -t sysfs sysfs /sys");
  if (!mounted) return mounted;
  for (const Side side : kSides) {
    const unsigned i = index(side);
    const auto made = run_command(fmt::format(
        "ip link add t{0} address {1} type veth peer name d{0} address {2} netns {3} && "
        "sysctl -qw net.ipv6.conf.t{0}.disable_ipv6=1 && ip link set t{0} up",
        i, mac(kTester, side), mac(kDevice, side), far_->pid()));
    if (!made) return Error{made.error()};
    Status up = configure_far_side(
        fmt::format("sysctl -qw net.ipv6.conf.d{0}.disable_ipv6=1 && ip link set d{0} up", i));
    if (!up) return up;
  }
  return success();
}

std::vector<std::string> Links::far_side() const {
  if (!far_) return {};
  return {"nsenter", fmt::format("--target={}", far_->pid()), "--net", "--mount", "--root", "--wd"};
}

Status Links::configure_far_side(const std::string& command) const {
  const auto done = run_command(fmt::format("{} sh -ec '{}'", fmt::join(far_side(), " "), command));
  if (!done) return Error{done.error()};
  return success();
}

Result<std::string> Links::in_first_namespace(const std::string& command) const {
  return run_command(
      fmt::format("nsenter --net=/proc/{}/fd/{} {}", ::getpid(), first_namespace_, command));
}

}  // namespace sluice::bench
