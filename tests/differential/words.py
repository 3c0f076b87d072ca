# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""A packet as one line of text in which only what may not differ stands: external ports become X1,
X2, …; checksums `ok` or `wrong`; identifications of packets that the gateway made, nothing."""

import hashlib

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from stage import POD_ROUTER, SNAT

_OWN = {SNAT, POD_ROUTER}
_ERRORS = {3, 4, 5, 11, 12}


class Namer:
    """Gives external ports their names, in the order in which they are first seen outside."""

    def __init__(self):
        self._names = {}

    def port(self, protocol, number):
        return self._names.setdefault((protocol, number), f"X{len(self._names) + 1}")


def words(end, packet, namer):
    return f"{end}: {_ip(packet, namer if end == 'outside' else None)}"


def _ip(data, namer, quoted=False):
    ip = IP(data)
    header = data[:ip.ihl * 4]
    own = not quoted and ip.src in _OWN and _is_error(ip)
    source = "gateway" if own else ip.src
    line = [f"{source} > {ip.dst}", f"ttl {ip.ttl}", f"tos {ip.tos:#x}",
            "id -" if own else f"id {ip.id}", f"length {ip.len}"]
    if not own:
        line.append(f"flags {ip.flags}".rstrip())
    if ip.frag:
        line.append(f"offset {ip.frag * 8}")
    if len(header) > 20:
        line.append(f"options {header[20:].hex()}")
    if _sum(header) != 0xffff:
        line.append("header checksum wrong")
    payload = data[ip.ihl * 4:ip.len]
    return " ".join(line) + ", " + _transport(ip, payload, namer, quoted)


def _is_error(ip):
    return ip.proto == 1 and ICMP in ip and ip[ICMP].type in _ERRORS


def _transport(ip, payload, namer, quoted):
    if ip.frag:
        return _body(payload)
    whole = not ip.flags.MF and len(payload) == ip.len - ip.ihl * 4
    if ip.proto in (6, 17):
        return _ports(ip, payload, namer, whole)
    if ip.proto == 1:
        return _icmp(ip, payload, namer, whole, quoted)
    return f"protocol {ip.proto} {_body(payload)}"


def _ports(ip, payload, namer, whole):
    protocol = "tcp" if ip.proto == 6 else "udp"
    if len(payload) < 8:
        return f"{protocol} {payload.hex()}"
    source, destination = (int.from_bytes(payload[i:i + 2], "big") for i in (0, 2))
    if namer and ip.src == SNAT:
        source = namer.port(protocol, source)
    if namer and ip.dst == SNAT:
        destination = namer.port(protocol, destination)
    line = f"{protocol} {source} > {destination} "
    at = 16 if ip.proto == 6 else 6
    checksum = payload[at:at + 2]
    rest = payload[4:at] + payload[at + 2:]
    return line + _judge(ip, payload, checksum, whole) + " " + _body(rest)


def _judge(ip, payload, checksum, whole):
    if ip.proto == 17 and checksum == b"\0\0":
        return "no checksum"
    if not whole or len(checksum) < 2:
        return "checksum not to be checked"
    pseudo = (bytes(map(int, ip.src.split("."))) + bytes(map(int, ip.dst.split(".")))
              + bytes([0, ip.proto]) + len(payload).to_bytes(2, "big"))
    return "checksum ok" if _sum(pseudo + payload) == 0xffff else "checksum wrong"


def _icmp(ip, payload, namer, whole, quoted):
    if len(payload) < 8:
        return f"icmp {payload.hex()}"
    kind, code = payload[:2]
    ok = "checksum not to be checked" if not whole else (
        "checksum ok" if _sum(payload) == 0xffff else "checksum wrong")
    if kind in _ERRORS and not quoted:
        return (f"icmp {kind}/{code} {ok} rest {payload[4:8].hex()} "
                f"quotes [{_ip(payload[8:], namer, quoted=True)}]")
    identifier = int.from_bytes(payload[4:6], "big")
    if namer and SNAT in (ip.src, ip.dst) and kind in (0, 8, 13, 14):
        identifier = namer.port("icmp", identifier)
    return f"icmp {kind}/{code} id {identifier} {ok} {_body(payload[6:])}"


def _body(data):
    if len(data) <= 24:
        return data.hex()
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


__all__ = ["ICMP", "IP", "Namer", "Raw", "TCP", "UDP", "words"]
