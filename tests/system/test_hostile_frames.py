# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Frames that are cut short, tagged or plain noise: a named drop each, and the gateway lives on."""

import random
import struct

from lab import clients, frames
from lab.node import SNAT
from lab.topology import PEER
from support import LabTest

POD, POD_ADDRESS = "pod-b1", "10.10.20.21"


class HostileFrames(LabTest):
    """Sent by a pod, and at an ENI; afterwards a well-behaved ping must still pass."""

    def drops_after(self, *payloads, ethertype=frames.ETH_IPV4, at_eni=False):
        """The drop counters after the pod (or the fabric at eni0) sent these in Ethernet frames."""
        lab = self.running_lab()
        if at_eni:
            host, interface, gateway_interface = lab.fabric_host, "eni0", "eni0"
        else:
            host, interface, gateway_interface = lab.parties[POD].host, "eth0", POD
        target, own = lab.gateway_host.mac(gateway_interface), host.mac(interface)
        with frames.Wire(host, interface) as wire:
            for payload in payloads:
                wire.send(frames.ethernet(target, own, ethertype, payload))
        # What comes behind on the same wire has its answer: so the frames above were dealt with.
        self.assertIsNone(clients.ping(lab.parties[POD], lab.parties["peer"]))
        self.assertIsNone(clients.ping(lab.parties["peer"], lab.parties["pod-a1"]))
        return lab.end(self).drops

    def check(self, reason, *payloads, **where):
        self.assertEqual(self.drops_after(*payloads, **where).get(reason), len(payloads))

    def test_ipv4_headers_cut_short(self):
        whole = frames.ipv4(POD_ADDRESS, PEER, frames.UDP, b"")
        self.check("malformed_ipv4", whole[:1], whole[:10], whole[:19])

    def test_ipv4_headers_that_lie(self):
        datagram = frames.udp(POD_ADDRESS, PEER, 4000, 53, b"x" * 40)
        self.check("malformed_ipv4",
                   frames.ipv4(POD_ADDRESS, PEER, frames.UDP, datagram, total_length=1400),
                   frames.ipv4(POD_ADDRESS, PEER, frames.UDP, datagram, total_length=12),
                   frames.ipv4(POD_ADDRESS, PEER, frames.UDP, datagram, version_ihl=0x44),
                   frames.ipv4(POD_ADDRESS, PEER, frames.UDP, datagram, version_ihl=0x65))

    def test_tcp_cut_short(self):
        segment = struct.pack("!HHIIBBHHH", 4000, 80, 1, 0, 0x50, 2, 8192, 0, 0)
        self.check("malformed_tcp", frames.ipv4(POD_ADDRESS, PEER, frames.TCP, segment[:8]),
                   frames.ipv4(POD_ADDRESS, PEER, frames.TCP, segment[:19]))

    def test_udp_cut_short_or_lying(self):
        datagram = frames.udp(POD_ADDRESS, PEER, 4000, 53, b"payload")
        lying = frames.udp(POD_ADDRESS, PEER, 4000, 53, b"payload", length=900)
        self.check("malformed_udp", frames.ipv4(POD_ADDRESS, PEER, frames.UDP, datagram[:5]),
                   frames.ipv4(POD_ADDRESS, PEER, frames.UDP, lying))

    def test_icmp_cut_short(self):
        self.check("malformed_icmp", frames.ipv4(POD_ADDRESS, PEER, frames.ICMP, b"\x08\x00\x00"))

    def test_vlan_tagged_from_a_pod(self):
        inner = frames.ipv4(POD_ADDRESS, PEER, frames.UDP, frames.udp(POD_ADDRESS, PEER, 4000, 53))
        self.check("vlan_tagged", struct.pack("!HH", 5, frames.ETH_IPV4) + inner,
                   ethertype=frames.ETH_VLAN)

    def test_vlan_tagged_at_an_eni(self):
        inner = frames.ipv4(PEER, SNAT, frames.UDP, frames.udp(PEER, SNAT, 53, 4000))
        self.check("vlan_tagged", struct.pack("!HH", 5, frames.ETH_IPV4) + inner,
                   ethertype=frames.ETH_VLAN, at_eni=True)

    def test_unsolicited_to_the_snat_address(self):
        datagram = frames.udp(PEER, SNAT, 53, 4000)
        self.check("no_session", frames.ipv4(PEER, SNAT, frames.UDP, datagram), at_eni=True)

    def test_a_pod_that_claims_another_pods_address(self):
        stranger = "10.10.10.21"
        self.check("spoofed_source", frames.ipv4(stranger, PEER, frames.UDP,
                                                 frames.udp(stranger, PEER, 4000, 53)))

    def test_noise_behind_an_ipv4_ethertype(self):
        noise = random.Random(1)
        drops = self.drops_after(*(noise.randbytes(noise.randrange(1, 1500)) for _ in range(500)))
        self.assertGreaterEqual(sum(drops.values()), 490)

    def test_ipv4_headers_with_noise_behind(self):
        noise = random.Random(2)
        self.drops_after(*(frames.ipv4(POD_ADDRESS, PEER, noise.randrange(256),
                                       noise.randbytes(noise.randrange(0, 1400)))
                           for _ in range(500)))

    def test_noise_at_an_eni(self):
        noise = random.Random(3)
        self.drops_after(*(noise.randbytes(noise.randrange(1, 1500)) for _ in range(500)),
                         at_eni=True)

    def test_frames_of_random_bytes(self):
        """Not even the Ethernet header is sensible; the destination is the gateway's half the time."""
        noise = random.Random(4)
        lab = self.running_lab()
        target = bytes.fromhex(lab.gateway_host.mac(POD).replace(":", ""))
        with frames.Wire(lab.parties[POD].host, "eth0") as wire:
            for number in range(500):
                frame = noise.randbytes(noise.randrange(14, 1514))
                wire.send(target + frame[6:] if number % 2 else frame)
        self.assertIsNone(clients.ping(lab.parties[POD], lab.parties["peer"]))
        lab.end(self)
