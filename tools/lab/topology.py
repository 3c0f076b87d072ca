# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What every lab has in common: a gateway between pods and a VPC, and people to talk to.

    pods ── gateway ══ ENIs ══ fabric ──┬── a host inside the VPC
                                        ├── an instance in a peered VPC
                                        └── internet gateway ── a server on the internet

Every box is a namespace of its own, the gateway's too.
"""

import dataclasses
import pathlib

from .host import Host, connect
from .servers import Servers

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PEER_ROUTER, PEER = "172.31.5.1", "172.31.5.5"
INTERNET_ROUTER, INTERNET = "203.0.113.1", "203.0.113.10"


@dataclasses.dataclass(frozen=True)
class Party:
    """Somebody who sends and is sent to."""

    name: str
    address: str
    host: Host
    servers: Servers | None = None


@dataclasses.dataclass(frozen=True)
class Expectation:
    """One pair of the table: who opens flows to whom, and what must be seen of them."""

    client: str
    server: str
    source: str  # what the server sees
    request_eni: str | None  # crossed by the request; None: no ENI
    reply_eni: str | None
    inbound: bool = False  # the server is the one behind the gateway
    tools: tuple = ("ping", "curl", "iperf3", "dig")


class Topology:
    """The part of a lab that does not depend on where the pods are. Made inside a World."""

    name = None  # of the topology
    config = None  # the gateway's configuration, relative to the repository
    enis = ()  # fabric.Eni, in device order
    vpc_cidr = None
    public = None  # the one address that the internet can send back to

    def __init__(self, world, *, serve=True, far_ends=()):
        """`serve`: run the servers. `far_ends`: names of ENIs that do not end at the gateway but in
        a namespace `wire`, for a test that brings the gateway there another way."""
        self.world = world
        self._serve = serve
        self.parties = {}
        self.fabric = None
        self.gateway_host = Host(world, "gw")
        self.fabric_host = Host(world, "fabric", forwarding=True)
        self.wire_host = Host(world, "wire") if far_ends else None
        for eni in self.enis:
            end = self.wire_host if eni.name in far_ends else self.gateway_host
            connect(end, eni.name, self.fabric_host, eni.name)
        self.build()
        for party in self.parties.values():
            if party.servers:
                party.servers.wait_until_ready()

    def build(self):
        """Makes the rest; fills `fabric` and `parties`."""
        raise NotImplementedError

    @classmethod
    def expectations(cls):
        """Every pair of the table, in its order."""
        raise NotImplementedError

    def add_party(self, name, address, host):
        servers = Servers(host) if self._serve else None
        self.parties[name] = Party(name, address, host, servers)

    def add_neighbour(self, name, address, router, *, back_to):
        """A host on a /24 of its own behind the fabric. It knows the way to `back_to`, no other."""
        host = Host(self.world, name)
        connect(host, "eth0", self.fabric_host, name)
        self.fabric_host.ip(f"addr add {router}/24 dev {name}")
        host.ip(f"addr add {address}/24 dev eth0",
                *(f"route add {prefix} via {router}" for prefix in back_to))
        self.add_party(name, address, host)
        return host

    def add_internet(self):
        """A server on the internet, behind a router that knows the gateway's public side only.

        AWS's internet gateway maps `public` to an Elastic IP, one to one; here it passes it as it is, so
        that the table shows the address that sluice chose. Whatever else comes is dropped and counted.
        """
        router = Host(self.world, "igw", forwarding=True)
        connect(router, "fabric", self.fabric_host, "igw")
        self.fabric_host.ip("addr add 192.0.2.1/30 dev igw",
                            "route add default via 192.0.2.2 dev igw")
        server = Host(self.world, "internet")
        connect(server, "eth0", router, "world")
        router.ip("addr add 192.0.2.2/30 dev fabric", f"addr add {INTERNET_ROUTER}/24 dev world",
                  f"route add {self.public}/32 via 192.0.2.1")
        router.nft(f"""
            table ip internet_gateway {{
              counter untranslated {{ }}
              chain out {{
                type filter hook forward priority 0; policy accept;
                iifname "fabric" ip saddr != {self.public} counter name untranslated drop
              }}
            }}
            """)
        server.ip(f"addr add {INTERNET}/24 dev eth0", f"route add default via {INTERNET_ROUTER}")
        self.internet_gateway = router
        self.add_party("internet", INTERNET, server)

    def wires(self):
        """Where one can ask the gateway for itself: (host, interface, own address, its address)."""
        return [(self.fabric_host, eni.name, eni.router, eni.address) for eni in self.enis]

    def untranslated(self):
        """Packets that wanted to go to the internet with a private source."""
        for item in self.internet_gateway.nft_json("list table ip internet_gateway"):
            if "counter" in item:
                return item["counter"]["packets"]
        raise KeyError("untranslated")
