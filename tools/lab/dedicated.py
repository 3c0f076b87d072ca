# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The dedicated gateway: an instance of its own that other nodes' pods use as their way out.

    pod-1 100.64.1.11 ─┐
    pod-2 100.64.1.12 ─┴─ node ── fabric ── inner ─ gateway ─ uplink ── fabric ── peer, internet

The route table of the node's subnet says `default via inner`. The source/dest check is off on
`inner` only: packets for and from anybody cross it. `uplink` owns the SNAT address.
"""

from .fabric import Eni, Fabric
from .host import Host, connect
from .topology import PEER, PEER_ROUTER, Expectation, Topology

SNAT, INNER = "10.20.0.20", "10.20.1.20"
NODE, NODE_ROUTER, VPC_HOST = "10.20.2.10", "10.20.2.1", "10.20.30.50"
POD_CIDR, NODE_PODS, POD_ROUTER = "100.64.0.0/16", "100.64.1.0/24", "169.254.1.1"
PODS = (("pod-1", "100.64.1.11"), ("pod-2", "100.64.1.12"))
_NODE_TABLE = 100


class DedicatedTopology(Topology):
    """conf/lab-dedicated.yaml: no pod ports; pods arrive by an ENI."""

    name = "dedicated"
    config = "conf/lab-dedicated.yaml"
    vpc_cidr = "10.20.0.0/16"
    public = SNAT
    enis = (
        Eni("uplink", SNAT, "10.20.0.1", (SNAT,)),
        Eni("inner", INNER, "10.20.1.1", (INNER,), check=False),
    )

    def build(self):
        self.fabric = Fabric(self.fabric_host, self.enis)
        self._add_node()
        self.add_neighbour("vpc-host", VPC_HOST, "10.20.30.1", back_to=["default"])
        # The peer knows the VPC, not the pods: an untranslated packet gets no answer.
        self.add_neighbour("peer", PEER, PEER_ROUTER, back_to=[self.vpc_cidr])
        self.add_internet()

    def _add_node(self):
        node = Host(self.world, "node", forwarding=True)
        connect(node, "eth0", self.fabric_host, "node")
        node.ip(f"addr add {NODE}/24 dev eth0", f"route add default via {NODE_ROUTER}")
        self.fabric_host.ip(
            f"addr add {NODE_ROUTER}/24 dev node", f"route add {NODE_PODS} via {NODE}",
            # The route table of the node's subnet.
            f"rule add iif node lookup {_NODE_TABLE}",
            f"route add {NODE_PODS} via {NODE} dev node table {_NODE_TABLE}",
            f"route add default via {INNER} dev inner table {_NODE_TABLE}")
        for name, address in PODS:
            pod = Host(self.world, name)
            connect(pod, "eth0", node, name)
            pod.ip(f"addr add {address}/32 dev eth0",
                   f"route add default via {POD_ROUTER} dev eth0 onlink")
            node.ip(f"addr add {POD_ROUTER}/32 dev {name}", f"route add {address} dev {name}")
            self.add_party(name, address, pod)

    @classmethod
    def expectations(cls):
        rows = []
        for name, address in PODS:
            # Preserved: out again by the ENI that may emit it. The VPC answers the node directly,
            # so the gateway sees one direction only.
            rows.append(Expectation(name, "vpc-host", address, "inner", None))
            for server in ("peer", "internet"):
                rows.append(Expectation(name, server, SNAT, "uplink", "uplink"))
        return rows
