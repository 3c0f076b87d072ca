// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The sluice authors
/// What the NAT must do, as an executable model: small, slow, and plain enough to be believed. It
/// follows RFC 4787 (UDP), 5382 and 7857 (TCP), 5508 (ICMP) and 6888 (limits) as the project
/// decided, and knows nothing of the code under test but what goes in and what comes out.
///
/// The one thing it cannot foretell is which free port a new flow gets, so it says which ones are
/// allowed and is then told which one it was.
///
/// Where the decisions leave room it reads them like this:
///
/// ASSUME-EVERY-PACKET-KEEPS: every packet that is translated starts the idle time again, also a
/// TCP segment that its receiver will not take (docs/rfc.md, 7857 7.1); a held port rests 120 s
/// from the last one. ASSUME-ACK-IS-DATA: what brings a session back after an RST is any segment in
/// the window that is no SYN, FIN or RST; it need not carry bytes. ASSUME-BACK-TO-OPEN: it comes
/// back as if neither side had sent a FIN. ASSUME-OPENER-REOPENS: an ended session opens again by
/// the SYN of whoever opened it before. ASSUME-REOPENING-IS-FREE: it is not counted against per_pod
/// again. ASSUME-MAPPINGS-STAY: a port that an endpoint-independent mapping has does not give way,
/// even when all sessions on it have ended.
///
/// Not modelled: preserved flows, hairpins, portless protocols, fragments, TTL and MTU,
/// port_selection: preserve, tcp_mid_stream: accept, window scaling, reloads, bursts of more than
/// one packet, and exhaustion with several workers.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::test::model {

enum class Protocol { kUdp, kTcp, kEcho };
enum class Side { kPod, kRemote };
[[nodiscard]] constexpr Side other(Side side) {
  return side == Side::kPod ? Side::kRemote : Side::kPod;
}

struct Endpoint {
  std::string address;
  unsigned port = 0;  ///< or echo identifier; a remote's is 0 then
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// A flow as the pod sees it.
struct Flow {
  Endpoint pod, remote;
  Protocol protocol = Protocol::kUdp;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

struct Segment {
  bool syn = false, ack = false, fin = false, rst = false;
  std::uint32_t sequence = 0, acknowledgment = 0;
  unsigned length = 0;

  [[nodiscard]] std::uint32_t end() const {
    return sequence + length + (syn ? 1U : 0U) + (fin ? 1U : 0U);
  }
  [[nodiscard]] bool first_syn() const { return syn && !ack && !rst && !fin; }
};

/// What of a packet's content matters.
struct Content {
  Segment segment;          ///< of TCP
  bool echo_reply = false;  ///< of ICMP; else a request
};

/// A TCP connection as its segments show it.
struct Tcp {
  enum class Phase { kSynSent, kSynBoth, kOpen, kClosed, kReset };
  struct End {
    bool known = false;      ///< its sequence numbers are
    std::uint32_t next = 0;  ///< the number after all that it has sent
    bool fin = false;        ///< it has sent its FIN
    bool acked = false;      ///< and the other side has acknowledged it
  };

  Phase phase = Phase::kSynSent;
  Side opener = Side::kPod;
  End pod, remote;
  std::optional<std::uint32_t> late_syn;  ///< after the opener's last SYN that changed nothing

  [[nodiscard]] End& end(Side side) { return side == Side::kPod ? pod : remote; }
  [[nodiscard]] const End& end(Side side) const { return side == Side::kPod ? pod : remote; }
  [[nodiscard]] bool held() const { return phase == Phase::kClosed || phase == Phase::kReset; }
  /// The next SYN is another connection's.
  [[nodiscard]] bool ended() const { return held() || (pod.fin && remote.fin); }
  [[nodiscard]] bool takes(Side sender, std::uint32_t sequence) const;

  static Tcp opened_by(Side opener, const Segment& syn);
  void see(Side sender, const Segment& segment);
};

struct Session {
  Endpoint external;
  std::uint64_t last_packet = 0;  ///< ms
  Tcp tcp;
  std::uint64_t ended_as = 0;  ///< of a held one: its place in the order they ended

  [[nodiscard]] bool held(Protocol protocol) const {
    return protocol == Protocol::kTcp && tcp.held();
  }
};

struct Setup {
  bool independent = false;  ///< snat.mapping
  bool filtered = true;      ///< snat.filtering: endpoint_dependent
  std::vector<std::string> addresses;
  unsigned first_port = 5000;
  unsigned ports = 1;
  unsigned capacity = 1;
  unsigned per_pod = 0;
  bool outbound_refresh = false;  ///< flows.udp_refresh: outbound
};

/// What must become of a packet: a drop of this name, or its way.
struct Expected {
  std::string drop;
  bool answered_here = false;  ///< an echo request to the gateway itself
  Flow flow;                   ///< of one that goes to a pod
};

class Model {
 public:
  explicit Model(Setup setup) : setup_(std::move(setup)) {}

  void wait(std::uint64_t ms);

  // A pod's packet: what must become of it; whether an external side is a right one; what it was.
  [[nodiscard]] Expected pod_sends(const Flow& flow, const Content& content) const;
  [[nodiscard]] std::string wrong_external(const Flow& flow, const Endpoint& external) const;
  void pod_sent(const Flow& flow, const Content& content, const Endpoint& external);

  // A packet from outside to an external side, by the right device or by another.
  [[nodiscard]] Expected remote_sends(const Endpoint& remote,
                                      const Endpoint& external,
                                      Protocol protocol,
                                      const Content& content,
                                      bool right_device) const;
  void remote_sent(const Flow& flow, const Content& content);

  /// A flow was refused for lack of records.
  void had_no_room(const Flow& flow);

  // ICMP errors, named by the flow they quote; they change nothing.
  [[nodiscard]] Expected error_from_outside(const Endpoint& remote,
                                            const Endpoint& external,
                                            Protocol protocol,
                                            bool right_device) const;
  [[nodiscard]] Expected error_from_pod(const Flow& flow) const;

  [[nodiscard]] const Session* find(const Flow& flow) const;
  [[nodiscard]] const std::map<Flow, Session>& sessions() const { return sessions_; }
  /// Sessions and endpoint-independent mappings.
  [[nodiscard]] std::size_t records() const { return sessions_.size() + mappings_.size(); }

 private:
  /// The inner side of an endpoint-independent mapping.
  struct Inner {
    Endpoint pod;
    Protocol protocol;
    friend auto operator<=>(const Inner&, const Inner&) = default;
  };
  struct Mapping {
    Endpoint external;
    unsigned sessions = 0;
  };
  using Entry = std::pair<const Flow, Session>;

  [[nodiscard]] std::uint64_t limit_of(const Entry& entry) const;
  [[nodiscard]] const Entry* at_external(const Endpoint& remote,
                                         const Endpoint& external,
                                         Protocol protocol) const;
  [[nodiscard]] const std::pair<const Inner, Mapping>* mapping_at(const Endpoint& external,
                                                                  Protocol protocol) const;
  [[nodiscard]] unsigned live_of(const std::string& pod) const;
  [[nodiscard]] bool in_range(unsigned port) const {
    return port >= setup_.first_port && port < setup_.first_port + setup_.ports;
  }
  [[nodiscard]] bool taken(const Flow& flow, const Endpoint& external) const;
  [[nodiscard]] unsigned free_ports(const Flow& flow, const std::string& address) const;
  [[nodiscard]] std::vector<const Entry*> resting(const Flow& flow,
                                                  const std::string& address) const;
  [[nodiscard]] bool any_port(const Flow& flow) const;
  [[nodiscard]] std::string wrong_address(const Flow& flow, const std::string& address) const;
  [[nodiscard]] bool take_record();
  [[nodiscard]] bool take_records(const Flow& flow);
  void open(const Flow& flow, const Content& content, const Endpoint& external, Side opener);
  void use(const Flow& flow, Side sender, const Content& content);
  void forget(const Flow& flow);
  void let_go(const Inner& inner);

  Setup setup_;
  std::uint64_t now_ = 0;
  std::uint64_t ended_ = 0;  ///< how many ever have
  std::map<Flow, Session> sessions_;
  std::map<Inner, Mapping> mappings_;
  std::map<std::string, std::string> paired_;  ///< a pod's SNAT address, once it has shown
};

}  // namespace sluice::test::model
