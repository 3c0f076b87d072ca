# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The gateway of a lab: sluice, or the Linux kernel doing the same job as a reference."""

import re
import shutil
import socket
import struct
import subprocess

from .system import LabError, stop, wait_for
from .topology import REPOSITORY

SLUICE = REPOSITORY / "build" / "sluice"


class SluiceGateway:
    """`sluice run`, inside the lab's gateway namespace, on a copy of the topology's configuration.

    The copy lies in the lab's own folder, and sluice runs there, so that relative paths (the console's
    socket, a device's) lie there too.
    """

    def __init__(self, lab, *, binary=SLUICE, config_text=None, arguments=(), eal=()):
        self.lab = lab
        self.folder = lab.world.folder / "gateway"
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "lab.yaml"
        if config_text is None:
            shutil.copy(REPOSITORY / lab.config, self.config)
        else:
            self.config.write_text(config_text)
        self.command = [binary, "run", "--config", self.config, *arguments,
                        *(["--", *eal] if eal else [])]
        self.console_socket = self.folder / "console.sock"
        self.process = None

    def start(self, *, terminal=None):
        """Starts it; `terminal` is the slave side of a pty for its console."""
        if not shutil.which(self.command[0]):
            raise LabError(f"{self.command[0]} is missing; ./tools/quickstart builds it")
        with open(self.folder / "stdout", "wb") as output, open(self.folder / "log", "wb") as log:
            self.process = self.lab.gateway_host.spawn(
                self.command if terminal is None else [*self.command, "--console"],
                stdin=subprocess.DEVNULL if terminal is None else terminal,
                stdout=output if terminal is None else terminal, stderr=log,
                controlling_terminal=terminal, cwd=self.folder)
        return self

    def wait_until_ready(self, *, wires=None, seconds=30):
        """Waits until it answers ARP: at every ENI and pod port, or at `wires`."""
        _wait_until_it_answers(wires or self.lab.wires(), self._still_runs, seconds)
        return self

    def _still_runs(self):
        if self.process.poll() is not None:
            raise LabError(f"the gateway ended with status {self.process.returncode}:\n{self.log()}")

    def stop(self):
        """SIGTERM; returns the exit status (negative: the signal that ended it)."""
        return stop(self.process)

    def log(self):
        """What it wrote to standard error so far."""
        return (self.folder / "log").read_text(errors="replace")

    def output(self):
        return (self.folder / "stdout").read_text(errors="replace")

    def report(self):
        """The counters it printed when it ended."""
        return Report(self.output())


class Report:
    """The counters that `sluice run` prints at its end, one a line."""

    _IN = ("received", "originated", "split")
    _OUT = ("sent", "consumed", "merged", "dropped", "waiting")

    def __init__(self, text):
        self.text = text
        self.drops = {name: int(count) for name, count in
                      re.findall(r"^drop (\S+) (\d+)$", text, re.MULTILINE)}
        found = dict(re.findall(r"^(\w+) (\d+)$", text, re.MULTILINE))
        self.totals = {name: int(found[name]) for name in (*self._IN, *self._OUT) if name in found}

    @property
    def complete(self):
        return set(self.totals) == {*self._IN, *self._OUT}

    def balanced(self):
        """Every packet that came or was made went somewhere that has a name."""
        came, went = (sum(self.totals[name] for name in names) for names in (self._IN, self._OUT))
        return came == went and self.totals["dropped"] == sum(self.drops.values())


class KernelGateway:
    """The kernel as the gateway, with the rules that the VPC CNI would give it. The reference."""

    _RULES = {
        "node": """
            table ip gateway {
              chain choose_eni {
                type filter hook prerouting priority -150; policy accept;
                iifname "pod-*" ct state new ip daddr != { 10.10.0.0/16, 192.168.0.0/16 } ct mark set 128
                iifname "pod-*" meta mark set ct mark
              }
              chain translate {
                type nat hook postrouting priority 100; policy accept;
                iifname "pod-*" ct mark 128 snat to 10.10.10.20 fully-random
              }
            }
            """,
        "dedicated": """
            table ip gateway {
              chain translate {
                type nat hook postrouting priority 100; policy accept;
                oifname "uplink" ip saddr 100.64.0.0/16 snat to 10.20.0.20 fully-random
              }
            }
            """,
    }

    def __init__(self, lab, **_):
        self.lab = lab

    def start(self, *, terminal=None):
        if terminal is not None:
            raise LabError("the kernel has no console")
        host = self.lab.gateway_host
        host.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.arp_ignore=1"])
        host.ip(*(f"addr add {eni.address}/{eni.subnet_bits} dev {eni.name}"
                  for eni in self.lab.enis))
        getattr(self, f"_route_{self.lab.name}")(host)
        host.nft(self._RULES[self.lab.name])
        return self

    def _route_node(self, host):
        from .node import POD_ROUTER, PODS
        host.ip("route add default via 10.10.10.1",
                "route add default via 10.10.20.1 table 2",
                "rule add fwmark 128 lookup main pref 1024",
                "rule add from 10.10.20.20 lookup 2 pref 32765")
        for name, address, eni in PODS:
            host.ip(f"addr add {POD_ROUTER}/32 dev {name}", f"route add {address}/32 dev {name}",
                    f"rule add to {address} lookup main pref 512")
            if eni == "eni1":
                host.ip(f"rule add from {address} lookup 2 pref 1536")

    def _route_dedicated(self, host):
        host.ip("route add default via 10.20.0.1", "route add 100.64.0.0/16 via 10.20.1.1",
                "route add default via 10.20.1.1 table 2",
                "rule add from 100.64.0.0/16 to 10.20.0.0/16 lookup 2 pref 1000")

    def wait_until_ready(self, *, wires=None, seconds=10):
        _wait_until_it_answers(wires or self.lab.wires(), lambda: None, seconds)
        return self

    def stop(self):
        return 0

    def log(self):
        return ""

    def report(self):
        """None: it does not count."""


GATEWAYS = {"sluice": SluiceGateway, "kernel": KernelGateway}


def _wait_until_it_answers(wires, check, seconds):
    """Asks by ARP for the gateway's address on wires that end at it."""
    for host, interface, own, asked in wires:
        def answered(host=host, interface=interface, own=own, asked=asked):
            check()
            return arp(host, interface, own, asked)
        wait_for(answered, f"the gateway to answer ARP for {asked}", seconds=seconds)


def arp(host, interface, own, asked, *, wait=0.1):
    """Asks who has `asked`, as `own`; returns the answer's hardware address, or None."""
    with host.inside():
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
    with wire:
        wire.bind((interface, 0x0806))
        wire.settimeout(wait)
        mac = wire.getsockname()[4]
        wire.send(b"\xff" * 6 + mac + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac
                  + socket.inet_aton(own) + bytes(6) + socket.inet_aton(asked))
        try:
            while True:
                frame = wire.recv(2048)
                if (len(frame) >= 42 and frame[20:22] == b"\x00\x02"
                        and frame[28:32] == socket.inet_aton(asked)):
                    return frame[22:28].hex(":")
        except TimeoutError:
            return None
