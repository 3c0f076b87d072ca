# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""A host of the lab: one network namespace, and the cables between two of them."""

import json

from . import system

_OFFLOADS = ["rx", "tx", "sg", "tso", "gso", "gro"]


class Host:
    """One namespace. Nothing of the machine's own network is seen or changed from here."""

    def __init__(self, world, name, *, forwarding=False, ipv6=False):
        self.world = world
        self.name = name
        self.namespace = world.add_namespace(name)
        # A new namespace takes over some of the machine's settings; say all that matter.
        settings = {
            "net.ipv4.ip_forward": int(forwarding),
            "net.ipv4.conf.all.rp_filter": 0,
            "net.ipv4.conf.default.rp_filter": 0,
            "net.ipv4.conf.all.send_redirects": 0,
            "net.ipv4.conf.default.send_redirects": 0,
            "net.ipv4.conf.default.accept_redirects": 0,
            "net.ipv4.conf.default.arp_ignore": 0,
            "net.ipv4.icmp_ratelimit": 0,
            "net.ipv6.conf.all.disable_ipv6": int(not ipv6),
            "net.ipv6.conf.default.disable_ipv6": int(not ipv6),
            "net.ipv6.conf.all.forwarding": int(forwarding and ipv6),
            "net.ipv6.conf.default.accept_ra": 0,
            "net.ipv6.conf.default.autoconf": 0,
            "net.ipv6.conf.default.router_solicitations": 0,
            "net.ipv6.conf.default.accept_dad": 0,
        }
        self.run(["sysctl", "-q", "-e", "-w", *(f"{key}={value}" for key, value in settings.items())])
        self.ip("link set lo up")

    def command(self, arguments):
        """The command line that runs `arguments` here, under the pid it is started with.

        `ip netns exec` would also remount /sys, which fails where / is no mount point (a chroot).
        """
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *map(str, arguments)]

    def run(self, arguments, **how):
        """Runs a command here to its end."""
        return system.run(self.command(arguments), **how)

    def spawn(self, arguments, **how):
        """Starts a process here; it ends with the world."""
        return self.world.spawn(self.command(arguments), **how)

    def ip(self, *commands):
        """Runs `ip` commands here, all in one call."""
        self.run(["ip", "-batch", "-"], stdin="\n".join(commands) + "\n")

    def nft(self, ruleset):
        """Loads nftables rules here."""
        self.run(["nft", "-f", "-"], stdin=ruleset)

    def nft_json(self, command):
        """The objects that an `nft list` prints, as a list of {kind: object}."""
        return json.loads(self.run(["nft", "-j", *command.split()]).stdout)["nftables"]

    def inside(self):
        """A context in which sockets are opened here."""
        return system.inside_namespace(self.namespace)

    def mac(self, interface):
        """The hardware address of an interface here."""
        said = self.run(["ip", "-j", "link", "show", "dev", interface]).stdout
        return json.loads(said)[0]["address"]


def connect(first, first_interface, second, second_interface, *, mtu=1500):
    """A cable: a veth pair that is born inside the two namespaces, without any offload.

    Without offloads every frame on it is one that a NIC could have sent: no larger than the MTU, all
    checksums filled in, so a wrong one is seen.
    """
    system.run(["ip", "link", "add", first_interface, "mtu", str(mtu), "netns", first.namespace,
                "type", "veth", "peer", "name", second_interface, "mtu", str(mtu),
                "netns", second.namespace])
    for host, interface in ((first, first_interface), (second, second_interface)):
        switches = [word for offload in _OFFLOADS for word in (offload, "off")]
        host.run(["ethtool", "-K", interface, *switches])
        host.ip(f"link set {interface} up")
