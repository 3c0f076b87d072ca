# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The VPC fabric: a router that trusts no ENI.

Like AWS it drops, at each ENI, every packet whose source that ENI does not own, and every packet to
it that is for somebody else, unless the ENI's source/dest check is off. What passes is noted per
ENI, so that the lab can say by which ENI a flow left and came back.
"""

import dataclasses

HAND_MADE = 0x5105  # the mark of frames that a test puts on a wire as they are

_RULES = """
table netdev {name} {{
  counter foreign_source {{ }}
  counter foreign_destination {{ }}
  set owned {{ type ipv4_addr; flags interval; elements = {{ {owned} }}; }}
  set left {{ type ipv4_addr . ipv4_addr . inet_proto; flags dynamic; size 65535; }}
  set came {{ type ipv4_addr . ipv4_addr . inet_proto; flags dynamic; size 65535; }}
  chain from_eni {{
    type filter hook ingress device "{name}" priority 0; policy accept;
    {source_check}
    update @left {{ ip saddr . ip daddr . ip protocol }}
  }}
  chain to_eni {{
    type filter hook egress device "{name}" priority 0; policy accept;
    meta mark {hand_made} accept
    {destination_check}
    update @came {{ ip saddr . ip daddr . ip protocol }}
  }}
}}
"""


# Without /etc/protocols (package netbase) nft prints numbers.
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp"}


@dataclasses.dataclass(frozen=True)
class Eni:
    """An ENI as the fabric knows it; its port on the fabric has the same name."""

    name: str
    address: str  # primary private address
    router: str  # the subnet's router: base + 1
    owned: tuple  # every address and prefix it may send from, `address` included
    check: bool = True  # source/dest check
    subnet_bits: int = 24


@dataclasses.dataclass(frozen=True)
class Passage:
    """One kind of packet that crossed an ENI: which one, outwards or inwards, from, to, protocol."""

    eni: str
    outwards: bool
    source: str
    destination: str
    protocol: str


class Fabric:
    """The checks and notes at the ENI ports of a host that routes."""

    def __init__(self, host, enis):
        self.host = host
        self.enis = list(enis)
        for eni in self.enis:
            host.ip(f"addr add {eni.router}/{eni.subnet_bits} dev {eni.name}")
            # AWS finds the ENI of an address by its own map, not by asking the instance.
            for owned in eni.owned:
                if owned != eni.address:
                    host.ip(f"route add {owned} via {eni.address} dev {eni.name}")
            check = eni.check
            host.nft(_RULES.format(
                name=eni.name, hand_made=HAND_MADE, owned=", ".join(eni.owned),
                source_check="ip saddr != @owned counter name foreign_source drop" if check else "",
                destination_check=("ip daddr != @owned counter name foreign_destination drop"
                                   if check else "")))

    def forget(self):
        """Begins new notes; the counters go on."""
        self.host.nft("".join(f"flush set netdev {eni.name} {kind}\n"
                              for eni in self.enis for kind in ("left", "came")))

    def passages(self):
        """What crossed the ENIs since forget()."""
        found = []
        for eni in self.enis:
            for item in self.host.nft_json(f"list table netdev {eni.name}"):
                noted = item.get("set", {})
                if noted.get("name") not in ("left", "came"):
                    continue
                for element in noted.get("elem", []):
                    source, destination, protocol = element["concat"]
                    found.append(Passage(eni.name, noted["name"] == "left", source, destination,
                                         _PROTOCOLS.get(protocol, str(protocol))))
        return found

    def dropped(self):
        """Packets each ENI's check refused so far: {eni: {"foreign_source": n, …}}."""
        counts = {}
        for eni in self.enis:
            items = self.host.nft_json(f"list table netdev {eni.name}")
            counts[eni.name] = {item["counter"]["name"]: item["counter"]["packets"]
                                for item in items if "counter" in item}
        return counts
