# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Where a scenario is played: two pods, a gateway that is the Linux kernel or sluice, and all that
lies outside, as raw frames. Nobody at the ends answers by itself; the scenario does.

    pod1 10.0.1.2 ──┐
                    ├── gateway ── eni0 10.0.0.2 ═══ 10.0.0.1 outside: any server, any router
    pod2 10.0.1.3 ──┘
"""

import os
import select
import socket
import sys
import time

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[2] / "tools"))

from lab.gateway import SLUICE, arp  # noqa: E402
from lab.host import Host, connect  # noqa: E402
from lab.system import LabError, stop, wait_for  # noqa: E402

SNAT, ROUTER, POD_ROUTER = "10.0.0.2", "10.0.0.1", "169.254.1.1"
PODS = {"pod1": "10.0.1.2", "pod2": "10.0.1.3"}
MARKERS = "192.168.9.9"  # preserved, so that a marker costs no external port
MARKER_PORT = 7
PROMISE = 10  # seconds; only a gateway that hangs takes them
_SO_RCVBUFFORCE = 33  # asm-generic/socket.h; the module does not know it

# AF_XDP: for AF_PACKET's sockets the kernel would put fragments together before sluice sees them.
_CONFIG = """
pods: {{cidrs: [10.0.1.0/24]}}
vpc: {{cidrs: [10.0.0.0/16]}}
enis:
  - {{name: eni0, device: "net_af_xdp0,iface=eni0", primary: true, address: 10.0.0.2/24,
     secondary: [10.0.1.2, 10.0.1.3], mtu: {mtu}}}
pod_ports:
  - {{name: pod1, device: "net_af_xdp1,iface=pod1", pods: [10.0.1.2]}}
  - {{name: pod2, device: "net_af_xdp2,iface=pod2", pods: [10.0.1.3]}}
snat:
  vpc_cni: {{env: {{AWS_VPC_K8S_CNI_EXTERNALSNAT: "false",
                   AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: 192.168.0.0/16}}}}
flows: {{capacity: 4096}}
console: {{socket: console.sock}}
"""

_KERNEL_RULES = """
table ip gateway {
  chain check {
    type filter hook forward priority 0; policy accept;
    ct state invalid drop
  }
  chain itself {
    type filter hook input priority 0; policy drop;
    icmp type echo-request accept
  }
  chain translate {
    type nat hook postrouting priority 100; policy accept;
    oifname "eni0" ip saddr 10.0.1.0/24 ip daddr != { 10.0.0.0/16, 192.168.0.0/16 } masquerade fully-random
  }
}
"""


_MUTE = """
table ip mute {
  chain input {
    type filter hook input priority -300; policy drop;
  }
}
"""


class Stage:
    """One gateway between its ends. `kind`: "kernel" or "sluice"; `mtu`: of the way out."""

    def __init__(self, world, kind, mtu=1500):
        self.kind = kind
        self.hosts = {name: Host(world, f"{kind}-{mtu}-{name}") for name in (*PODS, "outside")}
        self.gateway = Host(world, f"{kind}-{mtu}-gw", forwarding=kind == "kernel")
        for name, address in PODS.items():
            connect(self.hosts[name], "eth0", self.gateway, name)
            self.hosts[name].ip(f"addr add {address}/32 dev eth0",
                                f"route add default via {POD_ROUTER} dev eth0 onlink")
        connect(self.hosts["outside"], "eth0", self.gateway, "eni0", mtu=mtu)
        self.hosts["outside"].ip(f"addr add {ROUTER}/24 dev eth0")
        for host in self.hosts.values():
            host.nft(_MUTE)
        self._process = None
        self.report = ""  # sluice's counters, once it has ended
        start = self._start_kernel if kind == "kernel" else self._start_sluice
        start(world, mtu)
        self._wires = {name: _Wire(host, "eth0") for name, host in self.hosts.items()}
        self._marker = 0
        self._learn_the_gateways_macs()
        for end in self.hosts:
            self.settle(end)

    def _start_kernel(self, _, mtu):
        gateway = self.gateway
        gateway.run(["sysctl", "-q", "-w", "net.ipv4.conf.all.arp_ignore=0"])
        gateway.ip(f"addr add {SNAT}/24 dev eni0", f"route add default via {ROUTER}",
                   *(line for name, address in PODS.items()
                     for line in (f"addr add {POD_ROUTER}/32 dev {name}",
                                  f"route add {address}/32 dev {name}")))
        gateway.nft(_KERNEL_RULES)
        gateway.run(["sysctl", "-q", "-w", "net.netfilter.nf_conntrack_tcp_loose=0"])

    def _start_sluice(self, world, mtu):
        folder = world.folder / f"sluice-{mtu}"
        folder.mkdir()
        (folder / "sluice.yaml").write_text(_CONFIG.format(mtu=mtu))
        self._folder = folder
        with open(folder / "out", "wb") as out, open(folder / "log", "wb") as log:
            self._process = self.gateway.spawn([SLUICE, "run", "--config", "sluice.yaml"],
                                               stdout=out, stderr=log, cwd=folder)

    def _check(self):
        if self._process is not None and self._process.poll() is not None:
            raise LabError(f"sluice ended with status {self._process.returncode}:\n"
                           + (self._folder / "log").read_text())

    def _learn_the_gateways_macs(self):
        for name, wire in self._wires.items():
            own, asked = (ROUTER, SNAT) if name == "outside" else (PODS[name], POD_ROUTER)
            host = self.hosts[name]

            def answered(host=host, own=own, asked=asked, wire=wire):
                self._check()
                wire.gateway_mac = arp(host, "eth0", own, asked)
                return wire.gateway_mac

            wait_for(answered, f"the {self.kind} to answer ARP for {asked}", seconds=30)

    def send(self, end, packet):
        """Puts an IP packet (bytes) on the wire of an end, to the gateway's MAC address there."""
        self._wires[end].send(packet)

    def settle(self, source):
        """Waits until what `source` sent has been dealt with: markers cross the gateway behind it to
        wherever it may have gone, and back. Returns what else arrived: [(end, IP packet), …]."""
        self._marker += 1
        seen = []
        pods = list(PODS) if source == "outside" else [source]
        ways = [("outside", pod) for pod in pods] + [(pods[0], "outside")]
        for begin, end in ways if source == "outside" else reversed(ways):
            ends = {"outside": MARKERS, **PODS}
            self.send(begin, _udp(ends[begin], ends[end], self._marker.to_bytes(4, "big")))
            self._await(end, seen)
        for end, wire in self._wires.items():
            seen += [(end, packet) for packet in wire.receive() if not _is_marker(packet)]
        return seen

    def _await(self, target, seen):
        deadline = time.monotonic() + PROMISE
        wanted = self._marker.to_bytes(4, "big")
        while True:
            arrived = self._wires[target].receive()
            seen += [(target, packet) for packet in arrived if not _is_marker(packet)]
            if any(_is_marker(packet) and packet[28:32] == wanted for packet in arrived):
                return
            self._check()
            if time.monotonic() > deadline:
                raise LabError(f"the {self.kind} does not forward to {target}")
            select.select([self._wires[target]], [], [], 0.1)

    def close(self):
        """Ends it; sluice's exit status and report must be good."""
        for wire in self._wires.values():
            wire.close()
        if self._process is None:
            return
        status = stop(self._process)
        self.report = (self._folder / "out").read_text()
        if status != 0:
            raise LabError(f"sluice ended with status {status}:\n" + (self._folder / "log").read_text())


class _Wire:
    """The raw end of a cable: IPv4 packets in and out."""

    def __init__(self, host, interface):
        with host.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
        self._socket.bind((interface, 0x0003))
        self._socket.setblocking(False)
        self._mac = self._socket.getsockname()[4]
        self.gateway_mac = None

    def fileno(self):
        return self._socket.fileno()

    def send(self, packet):
        gateway = bytes.fromhex(self.gateway_mac.replace(":", ""))
        self._socket.send(gateway + self._mac + b"\x08\x00" + packet)

    def receive(self):
        packets = []
        while True:
            try:
                frame, address = self._socket.recvfrom(1 << 16)
            except BlockingIOError:
                return packets
            outgoing = address[2] == socket.PACKET_OUTGOING
            if not outgoing and frame[:6] == self._mac and frame[12:14] == b"\x08\x00":
                length = int.from_bytes(frame[16:18], "big")
                packets.append(frame[14:14 + length])

    def close(self):
        self._socket.close()


def _udp(source, destination, payload):
    from lab import frames
    return frames.ipv4(source, destination, frames.UDP,
                       frames.udp(source, destination, MARKER_PORT, MARKER_PORT, payload))


def _is_marker(packet):
    marker = socket.inet_aton(MARKERS)
    return packet[9] == 17 and marker in (packet[12:16], packet[16:20]) \
        and packet[20:24] == MARKER_PORT.to_bytes(2, "big") * 2


def pin_to_one_core():
    """What one process sends is then dealt with by the kernel in the order it was sent."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
