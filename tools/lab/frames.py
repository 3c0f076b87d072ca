# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Frames that no kernel would send: built by hand and put on a wire as they are."""

import socket
import struct

from .fabric import HAND_MADE

ETH_IPV4, ETH_VLAN = 0x0800, 0x8100
ICMP, TCP, UDP = 1, 6, 17


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(destination, source, ethertype, payload):
    return (bytes.fromhex(destination.replace(":", "")) + bytes.fromhex(source.replace(":", ""))
            + struct.pack("!H", ethertype) + payload)


def ipv4(source, destination, protocol, payload, *, ttl=64, total_length=None, version_ihl=0x45):
    """A header of 20 bytes, whatever `version_ihl` and `total_length` claim, and the payload."""
    length = 20 + len(payload) if total_length is None else total_length
    head = struct.pack("!BBHHHBBH4s4s", version_ihl, 0, length, 1, 0, ttl, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source, destination, source_port, destination_port, payload=b"", *, length=None):
    """A UDP datagram with its checksum; `length` may lie."""
    length = 8 + len(payload) if length is None else length
    pseudo = (socket.inet_aton(source) + socket.inet_aton(destination)
              + struct.pack("!BBH", 0, UDP, 8 + len(payload)))
    head = struct.pack("!HHHH", source_port, destination_port, length, 0)
    return head[:6] + struct.pack("!H", checksum(pseudo + head + payload) or 0xffff) + payload


class Wire:
    """A raw socket on an interface of a lab's host. The fabric sends its frames out unchecked."""

    def __init__(self, host, interface):
        with host.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.bind((interface, 0))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, HAND_MADE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, frame):
        self._socket.send(frame)
