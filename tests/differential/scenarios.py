# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What is played in front of both gateways. A scenario says what the ends send, and nothing about
what should come of it: that is what the kernel says.

`differs` gives the reason why sluice means to do otherwise; a scenario that has one and shows no
difference fails like one that has none and shows one.
"""

import dataclasses
import itertools

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.packet import Raw

from stage import PODS, SNAT

POD, POD2 = PODS["pod1"], PODS["pod2"]
ROUTER = "203.0.113.77"
SMALL = 1280


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    play: object
    mtu: int
    differs: str | None


SCENARIOS = []
_turn = 0


def begin(turn):
    """Each scenario talks to servers of its own, so that none meets another's flows."""
    global _turn
    _turn = turn


def server():
    return f"198.51.{100 + _turn // 250}.{_turn % 250 + 1}"


def server2():
    return f"198.52.{100 + _turn // 250}.{_turn % 250 + 1}"


def private():
    """One that policy does not translate towards."""
    return f"192.168.{100 + _turn // 250}.{_turn % 250 + 1}"



def scenario(mtu=1500, differs=None):
    def add(function):
        SCENARIOS.append(Scenario(function.__name__, function, mtu, differs))
        return function
    return add


def each(name, cases, **how):
    """One scenario a case: `name_case`, played with the case's value."""
    def add(function):
        for case, value in cases.items():
            SCENARIOS.append(Scenario(f"{name}_{case}", lambda p, v=value: function(p, v),
                                      how.get("mtu", 1500), how.get("differs")))
        return function
    return add


def body(size):
    return bytes((i * 7 + i // 256) % 256 for i in range(size))


# --- flows -------------------------------------------------------------------------------------

def udp(source=POD, destination=None, sport=4000, dport=53, payload=b"question", **ip):
    return IP(src=source, dst=destination or server(), **ip) / UDP(sport=sport, dport=dport) / Raw(payload)


def tcp(source=POD, destination=None, sport=4000, dport=443, flags="S", seq=1000, ack=0, payload=b"",
        **more):
    ip = {key: more.pop(key) for key in ("ttl", "tos", "id", "flags_ip") if key in more}
    if "flags_ip" in ip:
        ip["flags"] = ip.pop("flags_ip")
    segment = IP(src=source, dst=destination or server(), **ip) / TCP(
        sport=sport, dport=dport, flags=flags, seq=seq, ack=ack, window=8000, **more)
    return segment / Raw(payload) if payload else segment


def ping(source=POD, destination=None, identifier=77, seq=1, payload=b"abcdefgh", **ip):
    return IP(src=source, dst=destination or server(), **ip) / ICMP(type=8, id=identifier, seq=seq) / Raw(payload)


def pong(identifier, seq=1, payload=b"abcdefgh", source=None, destination=SNAT, **ip):
    return IP(src=source or server(), dst=destination, **ip) / ICMP(type=0, id=identifier, seq=seq) / Raw(payload)


def gre(source=POD, destination=None, payload=b"\0\0\x08\0" + bytes(32), **ip):
    return IP(src=source, dst=destination or server(), proto=47, **ip) / Raw(payload)


REQUESTS = {
    "udp": lambda **ip: udp(**ip),
    "tcp": lambda **ip: tcp(**ip),
    "echo": lambda **ip: ping(**ip),
}


def answer_to(seen, payload=b"answer", **ip):
    """What a server says to the translated request that it got."""
    request = IP(seen)
    if request.proto == 17:
        return udp(request.dst, request.src, request[UDP].dport, request[UDP].sport, payload, **ip)
    if request.proto == 6:
        return tcp(request.dst, request.src, request[TCP].dport, request[TCP].sport, "SA", 9000,
                   request[TCP].seq + 1, **ip)
    return pong(request[ICMP].id, request[ICMP].seq, bytes(request[Raw]), request.dst, request.src, **ip)


@each("round_trip", REQUESTS)
def _(p, request):
    p.pod(request())
    p.outside(answer_to(p.last("outside")))
    p.pod(request())


@each("header_fields_kept", REQUESTS)
def _(p, request):
    p.pod(request(tos=0xb8, ttl=17, id=4711))
    p.outside(answer_to(p.last("outside"), tos=0x28, ttl=2, id=815))


def with_option(option):
    return IP(src=POD, dst=server(), options=[IPOption(option)]) / UDP(sport=1, dport=2) / Raw(b"x")


@scenario()
def ip_options_kept(p):
    p.pod(with_option(b"\x88\x04\xab\xcd"))  # stream identifier


@scenario(differs="options are not touched; the kernel enters itself into a timestamp option")
def ip_timestamp_option(p):
    p.pod(with_option(b"\x44\x0c\x05\x00" + bytes(8)))


@scenario()
def preserved_destination(p):
    p.pod(udp(destination=private()))
    p.outside(udp(private(), POD, 53, 4000))


@scenario()
def opened_from_outside(p):
    p.outside(tcp(private(), POD, 5555, 80))
    p.pod(tcp(POD, private(), 80, 5555, "SA", 9000, 1001))
    p.outside(tcp(private(), POD, 5555, 80, "A", 1001, 9001, b"hello"))


@scenario()
def two_pods_same_port(p):
    p.pod(udp())
    first = p.last("outside")
    p.pod(udp(source=POD2), end="pod2")
    second = p.last("outside")
    p.outside(answer_to(first))
    p.outside(answer_to(second))


@scenario()
def two_remotes_same_port(p):
    p.pod(udp())
    first = p.last("outside")
    p.pod(udp(destination=server2()))
    p.outside(answer_to(first))
    p.outside(answer_to(p.last("outside")))


@scenario()
def pings_of_two_pods(p):
    p.pod(ping())
    first = p.last("outside")
    p.pod(ping(source=POD2), end="pod2")
    p.outside(answer_to(p.last("outside")))
    p.outside(answer_to(first))


@scenario()
def udp_without_checksum(p):
    request = udp()
    request[UDP].chksum = 0
    p.pod(request)
    reply = answer_to(p.last("outside"))
    reply[UDP].chksum = 0
    p.outside(reply)


@scenario()
def udp_whose_sum_becomes_zero(p):
    for last in range(0, 65536, 4099):
        p.pod(udp(payload=last.to_bytes(2, "big")))


@scenario()
def ethernet_sized_payloads(p):
    for size in (0, 1, 2, 17, 18, 1471, 1472):
        p.pod(udp(payload=body(size)))


@scenario()
def hop_by_hop_ttl(p):
    for ttl in (2, 64, 255):
        p.pod(udp(ttl=ttl))


@scenario(differs="sluice forwards what has a wrong transport checksum, as wrong as it came; the kernel's "
                  "connection tracking finds it invalid and this gateway's rules drop that")
def wrong_udp_checksum(p):
    request = udp()
    request[UDP].chksum = 0x1234
    p.pod(request)


@scenario()
def gre_by_address(p):
    p.pod(gre())
    p.outside(gre(server(), SNAT))


@scenario(differs="a protocol without ports serves one pod towards each remote: the second one is refused "
                  "and told; the kernel lets both out, and gives the replies to the first")
def gre_of_two_pods(p):
    p.pod(gre())
    p.pod(gre(source=POD2), end="pod2")


@scenario(differs="SCTP is translated by address only, its ports stay; the kernel translates them")
def sctp_by_address(p):
    from scapy.layers.sctp import SCTP, SCTPChunkInit
    init = IP(src=POD, dst=server()) / SCTP(sport=4000, dport=5000) / SCTPChunkInit(init_tag=7)
    p.pod(init)


# --- unsolicited ---------------------------------------------------------------------------------

@scenario()
def unsolicited_udp(p):
    p.outside(udp(server(), SNAT, 53, 40000))


@scenario()
def unsolicited_syn(p):
    p.outside(tcp(server(), SNAT, 443, 40000))


@scenario()
def answer_of_another_remote(p):
    p.pod(udp())
    seen = IP(p.last("outside"))
    p.outside(udp(server2(), SNAT, 53, seen[UDP].sport))
    p.outside(udp(server(), SNAT, 54, seen[UDP].sport))


@scenario()
def echo_reply_without_request(p):
    p.outside(pong(1234))


@scenario(differs="the gateway turns the request around, identification included; the kernel's has its own")
def ping_of_the_gateway(p):
    p.outside(ping(server(), SNAT, identifier=99))


# --- TCP's life ----------------------------------------------------------------------------------

class Connection:
    """Both ends of a TCP connection through the gateway."""

    def __init__(self, p, sport=4000, dport=443):
        self.p, self.sport, self.dport = p, sport, dport
        self.pod_seq, self.server_seq = 1000, 9000
        self.external = None

    def pod(self, flags, payload=b"", seq=None, ack=None):
        seq = self.pod_seq if seq is None else seq
        ack = (self.server_seq if "A" in flags else 0) if ack is None else ack
        self.p.pod(tcp(sport=self.sport, dport=self.dport, flags=flags, seq=seq, ack=ack, payload=payload))
        self.pod_seq = max(self.pod_seq, seq + len(payload) + sum(f in flags for f in "SF"))
        if self.external is None and self.p.last("outside"):
            self.external = IP(self.p.last("outside"))[TCP].sport

    def server(self, flags, payload=b"", seq=None, ack=None):
        seq = self.server_seq if seq is None else seq
        ack = (self.pod_seq if "A" in flags else 0) if ack is None else ack
        self.p.outside(tcp(server(), SNAT, self.dport, self.external, flags, seq, ack, payload))
        self.server_seq = max(self.server_seq, seq + len(payload) + sum(f in flags for f in "SF"))

    def open(self):
        self.pod("S")
        self.server("SA")
        self.pod("A")
        return self


@scenario()
def tcp_open_and_data(p):
    c = Connection(p).open()
    c.pod("PA", b"request")
    c.server("PA", b"response" * 20)
    c.pod("A")


@scenario()
def tcp_closed_by_the_pod(p):
    c = Connection(p).open()
    c.pod("FA")
    c.server("A")
    c.server("FA")
    c.pod("A")


@scenario()
def tcp_closed_by_the_server(p):
    c = Connection(p).open()
    c.server("FA")
    c.pod("A")
    c.pod("FA")
    c.server("A")


@scenario()
def tcp_closed_by_both_at_once(p):
    c = Connection(p).open()
    pod_fin, server_fin = c.pod_seq, c.server_seq
    c.pod("FA", ack=server_fin)
    c.server("FA", ack=pod_fin)
    c.pod("A")
    c.server("A")


@scenario()
def tcp_half_closed_still_carries_data(p):
    c = Connection(p).open()
    c.pod("FA")
    c.server("A")
    for _ in range(3):
        c.server("PA", b"more of it")
        c.pod("A")


@scenario()
def tcp_reset_by_the_pod(p):
    c = Connection(p).open()
    c.pod("R")


@scenario()
def tcp_reset_by_the_server(p):
    c = Connection(p).open()
    c.server("R")


@scenario()
def tcp_refused(p):
    c = Connection(p)
    c.pod("S")
    c.server("RA", seq=0)


@scenario()
def tcp_syn_again(p):
    c = Connection(p)
    for _ in range(3):
        c.pod("S", seq=1000)
    c.server("SA")
    c.pod("A")


@scenario()
def tcp_syn_ack_again(p):
    c = Connection(p)
    c.pod("S")
    for _ in range(3):
        c.server("SA", seq=9000)
    c.pod("A")


@scenario()
def tcp_retransmission_of_acknowledged_data(p):
    c = Connection(p).open()
    c.pod("PA", b"request")
    c.server("A")
    c.pod("PA", b"request", seq=1001)


@scenario()
def tcp_out_of_order_data(p):
    c = Connection(p).open()
    c.pod("PA", b"second", seq=1007)
    c.pod("PA", b"first!", seq=1001)


@scenario()
def tcp_options_and_urgent(p):
    p.pod(tcp(options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]))
    p.outside(tcp(server(), SNAT, 443, IP(p.last("outside"))[TCP].sport, "SA", 9000, 1001,
                  options=[("MSS", 1400), ("WScale", 9)]))
    p.pod(tcp(flags="AU", seq=1001, ack=9001, payload=b"!", urgptr=1))


@scenario()
def tcp_simultaneous_open(p):
    c = Connection(p)
    c.pod("S")
    c.server("S")
    c.pod("SA", seq=1000)
    c.server("SA", seq=9000)


@scenario(differs="a segment that belongs to no session is refused with RST to the pod (flows.tcp_mid_stream: "
                  "rst); this kernel drops it in silence")
def tcp_mid_stream(p):
    p.pod(tcp(flags="PA", seq=5000, ack=6000, payload=b"in the middle"))


@scenario()
def tcp_syn_ack_from_nowhere(p):
    p.outside(tcp(server(), SNAT, 443, 40000, "SA", 1, 2))


# --- ICMP errors ---------------------------------------------------------------------------------

def error_about(packet, kind=3, code=3, source=ROUTER, destination=None, keep=None, rest=0):
    """An ICMP error that quotes `packet` (bytes as they were seen), or its first `keep` bytes."""
    quoted = bytes(packet)
    if keep is not None:
        quoted = quoted[:IP(quoted).ihl * 4 + keep]
    message = ICMP(type=kind, code=code, unused=0) if kind in (3, 11) else ICMP(type=kind, code=code)
    packed = bytearray(bytes(message)[:8] + quoted)
    packed[4:8] = rest.to_bytes(4, "big")
    packed[2:4] = b"\0\0"
    from scapy.utils import checksum
    packed[2:4] = checksum(bytes(packed)).to_bytes(2, "big")
    return IP(src=source, dst=destination or IP(quoted).src, proto=1) / Raw(bytes(packed))


INNER = {**REQUESTS, "udp_without_checksum": lambda **ip: _no_checksum(udp(**ip)), "gre": lambda **ip: gre(**ip)}


def _no_checksum(packet):
    packet[UDP].chksum = 0
    return packet


ERRORS = {"host_unreachable": (3, 1), "port_unreachable": (3, 3), "time_exceeded": (11, 0),
          "parameter_problem": (12, 0)}


@each("icmp_error_to_pod", {f"{error}_{inner}": (ERRORS[error], INNER[inner])
                            for error in ERRORS for inner in INNER})
def _(p, case):
    (kind, code), request = case
    p.pod(request())
    p.outside(error_about(p.last("outside"), kind, code))


@each("icmp_error_quoting_8_bytes", INNER)
def _(p, request):
    p.pod(request())
    p.outside(error_about(p.last("outside"), keep=8))


@each("icmp_error_from_the_server", REQUESTS)
def _(p, request):
    p.pod(request())
    p.outside(error_about(p.last("outside"), source=server()))


@each("icmp_error_of_the_pod", REQUESTS)
def _(p, request):
    p.pod(request())
    p.outside(answer_to(p.last("outside")))
    p.pod(error_about(p.last("pod1"), source=POD, destination=server()))


@each("icmp_errors_of_several_routers", REQUESTS)
def _(p, request):
    p.pod(request())
    seen = p.last("outside")
    for router in (ROUTER, "203.0.113.78", server2()):
        p.outside(error_about(seen, 11, 0, source=router))
    p.outside(answer_to(seen))


@each("icmp_error_about_an_unknown_flow", REQUESTS)
def _(p, request):
    p.outside(error_about(bytes(_of_gateway(request()))))


def _of_gateway(packet):
    packet[IP].src = SNAT
    return packet


@scenario()
def icmp_error_cut_short(p):
    p.pod(udp())
    p.outside(error_about(p.last("outside"), keep=4))


@scenario()
def icmp_error_about_an_error(p):
    p.pod(udp())
    first = error_about(p.last("outside"))
    p.outside(error_about(bytes(first)))


@each("icmp_error_about_preserved", {"udp": udp, "tcp": tcp, "echo": ping})
def _(p, request):
    p.pod(request(destination=private()))
    p.outside(error_about(p.last("outside")))


# --- path MTU, traceroute ------------------------------------------------------------------------

@each("path_mtu_behind_the_gateway", {"udp": udp, "tcp": tcp, "echo": ping})
def _(p, request):
    first = request(payload=body(1200)) if request is not tcp else tcp()
    p.pod(first)
    p.outside(error_about(p.last("outside"), 3, 4, rest=1000))


@each("too_big_for_the_way_out", {"udp": udp, "echo": ping}, mtu=SMALL)
def _(p, request):
    p.pod(request(payload=body(1400), flags="DF"))


@each("cut_for_the_way_out", {"udp": udp, "echo": ping}, mtu=SMALL)
def _(p, request):
    p.pod(request(payload=body(1400), id=7))


@scenario(mtu=SMALL)
def too_big_after_the_handshake(p):
    c = Connection(p).open()
    p.pod(tcp(flags="PA", seq=1001, ack=9001, payload=body(1400), flags_ip="DF"))


@each("traceroute_to_the_gateway", REQUESTS)
def _(p, request):
    p.pod(request(ttl=1))


@each("traceroute_behind_the_gateway", REQUESTS)
def _(p, request):
    p.pod(request(ttl=2))
    p.outside(error_about(p.last("outside"), 11, 0))


@each("reply_whose_ttl_ends_here", {"udp": REQUESTS["udp"]})
def _(p, request):
    p.pod(request())
    p.outside(answer_to(p.last("outside"), ttl=1))


# --- fragments -----------------------------------------------------------------------------------

def cut(packet, *sizes):
    """The packet in pieces of so many bytes, the rest in one more."""
    data = bytes(packet)
    header, payload = IP(data[:20]), data[20:]
    pieces, done = [], 0
    for size in (*sizes, len(payload)):
        part = payload[done:done + size]
        more = done + len(part) < len(payload)
        pieces.append(IP(src=header.src, dst=header.dst, id=header.id, ttl=header.ttl, proto=header.proto,
                         flags="MF" if more else 0, frag=done // 8) / Raw(part))
        done += len(part)
        if not more:
            return pieces
    raise ValueError(sizes)


LONG = {"udp": lambda: udp(payload=body(3000), id=11), "echo": lambda: ping(payload=body(3000), id=12),
        "tcp": lambda: tcp(payload=body(3000), id=13), "gre": lambda: gre(payload=body(3000), id=14)}


@each("fragments", {f"{name}_{''.join(map(str, order))}": (name, order)
                    for name in LONG for order in itertools.permutations(range(3))})
def _(p, case):
    name, order = case
    pieces = cut(LONG[name](), 1480, 1000)
    for i in order:
        p.pod(pieces[i])


@each("fragments_to_the_pod", {"".join(map(str, order)): order
                               for order in itertools.permutations(range(3))})
def _(p, order):
    p.pod(udp())
    pieces = cut(answer_to(p.last("outside"), body(3000), id=99), 1000, 1480)
    for i in order:
        p.outside(pieces[i])


@scenario()
def fragments_of_a_preserved_flow(p):
    for piece in cut(udp(destination=private(), payload=body(3000), id=5), 800, 800):
        p.pod(piece)


@scenario()
def fragments_both_ways_at_once(p):
    p.pod(udp())
    replies = cut(answer_to(p.last("outside"), body(2500), id=21), 1480)
    requests = cut(udp(payload=body(2500), id=21), 1480)
    p.pod(requests[0])
    p.outside(replies[1])
    p.pod(requests[1])
    p.outside(replies[0])


@scenario()
def fragments_of_two_pods_with_one_id(p):
    a = cut(udp(payload=body(2000), id=3), 1480)
    b = cut(udp(source=POD2, payload=body(1990), id=3), 1480)
    p.pod(a[0])
    p.pod(b[0], end="pod2")
    p.pod(a[1])
    p.pod(b[1], end="pod2")


@scenario()
def first_fragment_lost(p):
    for piece in cut(udp(payload=body(3000), id=31), 1000, 1000)[1:]:
        p.pod(piece)


@scenario()
def fragment_repeated(p):
    pieces = cut(udp(payload=body(3000), id=32), 1480, 1000)
    for i in (0, 0, 1, 1, 2):
        p.pod(pieces[i])


@scenario()
def fragments_that_overlap(p):
    pieces = cut(udp(payload=body(3000), id=33), 1480, 1000)
    wrong = cut(udp(payload=body(3000), id=33), 1472, 1000)
    p.pod(pieces[0])
    p.pod(wrong[1])
    p.pod(pieces[1])
    p.pod(pieces[2])


@scenario()
def small_first_fragment(p):
    for piece in cut(tcp(payload=body(100), id=34), 24):
        p.pod(piece)


@scenario(differs="leaves in the pieces it came in; the kernel joins those that its header was spread over")
def header_in_two_fragments(p):
    for piece in cut(tcp(payload=body(100), id=35), 8, 8):
        p.pod(piece)


@scenario(mtu=SMALL)
def fragments_too_big_for_the_way_out(p):
    for piece in cut(udp(payload=body(2900), id=36), 1480):
        p.pod(piece)


@scenario()
def sixty_fragments(p):
    for piece in cut(udp(payload=body(60 * 64), id=37), *[64] * 60):
        p.pod(piece)


@scenario()
def impossible_fragments(p):
    p.pod(IP(src=POD, dst=server(), id=38, flags="MF", frag=0, proto=17) / Raw(b""))
    p.pod(IP(src=POD, dst=server(), id=39, flags=0, frag=8191, proto=17) / Raw(bytes(100)))
