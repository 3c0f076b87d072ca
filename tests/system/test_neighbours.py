# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The gateway as a neighbour: its own addresses, and next hops it does not know yet."""

from lab import clients
from lab.gateway import arp
from lab.node import POD_ROUTER, SNAT
from lab.topology import Party
from support import LabTest


class OwnAddresses(LabTest):
    """What any host on the wire expects of a router's own addresses."""

    def setUp(self):
        self.world = self.running_lab()

    def ping_of(self, name, address):
        target = Party("gateway", address, self.world.gateway_host)
        self.assertIsNone(clients.ping(self.world.parties[name], target), f"{name} to {address}")

    def test_it_answers_ping_at_each_eni(self):
        for name in ("peer", "vpc-host", "internet"):
            self.ping_of(name, SNAT)
        for name in ("peer", "vpc-host"):
            self.ping_of(name, "10.10.20.20")
        self.world.end(self)

    def test_it_answers_ping_from_pods(self):
        for name in ("pod-a1", "pod-b1"):
            self.ping_of(name, POD_ROUTER)
            self.ping_of(name, SNAT)
        self.world.end(self)

    def test_it_answers_arp_for_its_own_addresses_only(self):
        fabric, lab = self.world.fabric_host, self.world
        own = {eni: lab.gateway_host.mac(eni) for eni in ("eni0", "eni1")}
        self.assertEqual(arp(fabric, "eni0", "10.10.10.1", SNAT, wait=1), own["eni0"])
        self.assertEqual(arp(fabric, "eni1", "10.10.20.1", "10.10.20.20", wait=1), own["eni1"])
        pod = lab.parties["pod-b1"]
        self.assertEqual(arp(pod.host, "eth0", pod.address, POD_ROUTER, wait=1),
                         lab.gateway_host.mac("pod-b1"))
        self.assertIsNone(arp(fabric, "eni0", "10.10.10.1", "10.10.10.99", wait=0.5))
        self.assertIsNone(arp(fabric, "eni1", "10.10.20.1", SNAT, wait=0.5))
        lab.end(self)


class FirstPackets(LabTest):
    """A packet whose next hop is not resolved yet waits; it is not lost."""

    def start_knowing_only(self, pod):
        lab = self.lab()
        return lab.start(wires=[lab.pod_wire(pod)])

    def test_a_pods_first_packet(self):
        lab = self.start_knowing_only("pod-a1")
        problem = clients.ping(lab.parties["pod-b1"], lab.parties["peer"], count=1)
        self.assertIsNone(problem)
        lab.end(self)

    def test_the_first_packet_to_a_pod(self):
        lab = self.start_knowing_only("pod-a1")
        problem = clients.ping(lab.parties["peer"], lab.parties["pod-b2"], count=1)
        self.assertIsNone(problem)
        lab.end(self)

    def test_a_pod_that_never_answers_is_a_named_drop(self):
        lab = self.lab()
        lab.parties["pod-a2"].host.ip("link set eth0 arp off")
        lab.start(wires=[lab.pod_wire("pod-a1")])
        problem = clients.ping(lab.parties["peer"], lab.parties["pod-a2"])
        self.assertIsNotNone(problem)
        self.assertIsNone(clients.ping(lab.parties["peer"], lab.parties["pod-a1"]))
        report = lab.end(self)
        unresolved = report.drops.get("neighbour_unresolved", 0) + report.totals["waiting"]
        self.assertEqual(unresolved, 2)
