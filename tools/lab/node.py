# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The node story: pods on this machine, each with an address of one of its two ENIs.

    pod-a1 10.10.10.21 ─┐            ┌─ eni0 10.10.10.20  owns a1, a2 and the SNAT address
    pod-a2 10.10.10.22 ─┤            │
    pod-b1 10.10.20.21 ─┼─ gateway ──┤
    pod-b2 10.10.20.33 ─┘            └─ eni1 10.10.20.20  owns b1, and b2 by a delegated prefix
"""

from .fabric import Eni, Fabric
from .host import Host, connect
from .topology import PEER, PEER_ROUTER, Expectation, Topology

POD_ROUTER = "169.254.1.1"
SNAT = "10.10.10.20"
VPC_HOST, DATACENTRE = "10.10.30.50", "192.168.50.5"
# name, address, owning ENI
PODS = (("pod-a1", "10.10.10.21", "eni0"), ("pod-a2", "10.10.10.22", "eni0"),
        ("pod-b1", "10.10.20.21", "eni1"), ("pod-b2", "10.10.20.33", "eni1"))


class NodeTopology(Topology):
    """conf/lab.yaml: two ENIs and four pod ports."""

    name = "node"
    config = "conf/lab.yaml"
    vpc_cidr = "10.10.0.0/16"
    public = SNAT
    enis = (
        Eni("eni0", SNAT, "10.10.10.1", (SNAT, "10.10.10.21", "10.10.10.22")),
        Eni("eni1", "10.10.20.20", "10.10.20.1",
            ("10.10.20.20", "10.10.20.21", "10.10.20.32/28")),
    )

    def build(self):
        self.fabric = Fabric(self.fabric_host, self.enis)
        for name, address, _ in PODS:
            self._add_pod(name, address)
        self.add_neighbour("vpc-host", VPC_HOST, "10.10.30.1", back_to=["default"])
        self.add_neighbour("peer", PEER, PEER_ROUTER, back_to=[self.vpc_cidr])
        self.add_neighbour("datacentre", DATACENTRE, "192.168.50.1", back_to=[self.vpc_cidr])
        self.add_internet()

    def _add_pod(self, name, address):
        """A pod as the VPC CNI sets it up: a /32, and a router that is on no subnet."""
        pod = Host(self.world, name)
        connect(pod, "eth0", self.gateway_host, name)
        pod.ip(f"addr add {address}/32 dev eth0",
               f"route add default via {POD_ROUTER} dev eth0 onlink")
        self.add_party(name, address, pod)

    def wires(self):
        return super().wires() + [self.pod_wire(name) for name, _, _ in PODS]

    def pod_wire(self, name):
        pod = self.parties[name]
        return (pod.host, "eth0", pod.address, POD_ROUTER)

    @classmethod
    def expectations(cls):
        rows = []
        for name, address, eni in PODS:
            # Inside the VPC, and where SNAT is excluded: the pod's own address by the pod's own ENI.
            for server in ("vpc-host", "datacentre"):
                rows.append(Expectation(name, server, address, eni, eni))
            # Anywhere else: the primary ENI's address, so by the primary ENI, out and back.
            for server in ("peer", "internet"):
                rows.append(Expectation(name, server, SNAT, "eni0", "eni0"))
            for other, _, _ in PODS:
                if other != name:
                    rows.append(Expectation(name, other, address, None, None))
        # Opened from outside: preserved both ways, by the ENI that owns the pod's address.
        for client, source in (("peer", PEER), ("vpc-host", VPC_HOST)):
            for name, _, eni in PODS:
                rows.append(Expectation(client, name, source, eni, eni, inbound=True))
        return rows
