# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""No frame leaves an ENI that may not emit its source: looked at on the fabric's own wires."""

import re

from lab import clients, frames
from lab.node import SNAT
from lab.system import wait_for
from lab.topology import PEER
from support import LabTest, NodeTopology, config_text


class Capture:
    """tcpdump on one of the fabric's ENI ports: (source, destination, echo kind, ttl) of pings."""

    _LINE = re.compile(r"ttl (\d+),.*?\n\s+(\S+) > (\S+): ICMP echo (request|reply)")

    def __init__(self, lab, eni):
        self._file = lab.world.folder / f"capture-{eni}"
        with open(self._file, "wb") as output:
            lab.fabric_host.spawn(["tcpdump", "-vnl", "--immediate-mode", "-i", eni, "icmp"],
                                  stdout=output)
        wait_for(lambda: "listening on" in self._text(), f"tcpdump on {eni}")

    def _text(self):
        return self._file.read_text(errors="replace")

    def pings(self):
        return [(source, destination, kind, int(ttl))
                for ttl, source, destination, kind in self._LINE.findall(self._text())]

    def wait_for(self, count):
        wait_for(lambda: len(self.pings()) >= count, f"{count} pings in {self._file.name}")
        return self.pings()


class TheFamousFailure(LabTest):
    """A pod whose address sits on the secondary ENI and an instance in the peered VPC."""

    def captured(self, client, server, **options):
        """One ping each way between two parties; what eni0 and eni1 carried of it."""
        lab = self.running_lab(**options)
        captures = {eni: Capture(lab, eni) for eni in ("eni0", "eni1")}
        problem = clients.ping(lab.parties[client], lab.parties[server])
        self.assertIsNone(problem)
        busy = [eni for eni, capture in captures.items() if capture.pings()]
        self.assertEqual(len(busy), 1, "request and reply on one ENI")
        pings = captures[busy[0]].wait_for(4)
        lab.end(self)
        return busy[0], set(pings)

    def test_pod_on_the_secondary_eni_pings_the_peer(self):
        """Translated to the primary ENI's address, so out and back by the primary ENI."""
        eni, pings = self.captured("pod-b1", "peer")
        self.assertEqual(eni, "eni0")
        self.assertEqual(pings, {(SNAT, PEER, "request", 63), (PEER, SNAT, "reply", 63)})

    def test_without_snat_it_uses_its_own_eni(self):
        """EXTERNALSNAT: the pod's own address, so its own ENI."""
        external = config_text(NodeTopology, **{'EXTERNALSNAT: "false"': 'EXTERNALSNAT: "true"'})
        eni, pings = self.captured("pod-b1", "peer", config_text=external)
        self.assertEqual(eni, "eni1")
        self.assertEqual(pings, {("10.10.20.21", PEER, "request", 63),
                                 (PEER, "10.10.20.21", "reply", 63)})

    def test_the_peer_pings_the_pod_on_the_secondary_eni(self):
        """Opened from outside: the answers leave untranslated by the ENI the requests came in by."""
        eni, pings = self.captured("peer", "pod-b1")
        self.assertEqual(eni, "eni1")
        self.assertEqual(pings, {(PEER, "10.10.20.21", "request", 63),
                                 ("10.10.20.21", PEER, "reply", 63)})


class TheFabric(LabTest):
    """The instrument itself: a lab whose fabric refuses nothing would prove nothing."""

    def sent(self, eni, source):
        """The fabric's counters after a frame that claims `source` left the gateway by `eni`."""
        lab = self.lab()
        destination = lab.fabric_host.mac(eni)
        own = lab.gateway_host.mac(eni)
        datagram = frames.udp(source, PEER, 4000, 53)
        with frames.Wire(lab.gateway_host, eni) as wire:
            wire.send(frames.ethernet(destination, own, frames.ETH_IPV4,
                                      frames.ipv4(source, PEER, frames.UDP, datagram)))
        return {name: counts["foreign_source"] for name, counts in lab.fabric.dropped().items()}

    def test_it_drops_the_primary_address_at_the_secondary_eni(self):
        self.assertEqual(self.sent("eni1", SNAT), {"eni0": 0, "eni1": 1})

    def test_it_drops_a_pod_of_the_secondary_eni_at_the_primary(self):
        self.assertEqual(self.sent("eni0", "10.10.20.33"), {"eni0": 1, "eni1": 0})

    def test_it_passes_the_owner(self):
        self.assertEqual(self.sent("eni1", "10.10.20.33"), {"eni0": 0, "eni1": 0})
