# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What real clients see of the way: datagrams of any size, links of any MTU, traceroute, and what a
NAT-behaviour client makes of the gateway."""

import contextlib
import hashlib
import re
import socket
import threading

from lab.node import SNAT
from lab.system import wait_for
from lab.topology import INTERNET, INTERNET_ROUTER
from support import LabTest, NodeTopology, config_text

PROMISE = 60  # seconds
MEGABYTES = 2 << 20
# Frames as long as a datagram: see src/eni/af_packet.h.
LONG_FRAMES = {",framecnt=4096": ",framecnt=512"}


def pattern(size):
    """Bytes in which a piece that is lost, doubled or misplaced shows."""
    blocks = []
    for number in range(size // 32 + 1):
        blocks.append(hashlib.sha256(number.to_bytes(4, "big")).digest())
    return b"".join(blocks)[:size]


@contextlib.contextmanager
def sockets(client, server, kind):
    """A socket in each of two hosts."""
    with client.inside():
        first = socket.socket(socket.AF_INET, kind)
    with server.inside():
        second = socket.socket(socket.AF_INET, kind)
    with first, second:
        for one in (first, second):
            one.settimeout(PROMISE)
        second.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield first, second


class Datagrams(LabTest):
    """UDP far beyond the MTU: sent in fragments, and whole on arrival."""

    def setUp(self):
        self.world = self.lab(config_text=config_text(NodeTopology, **LONG_FRAMES)).start()

    def exchange(self, server, address, sizes, seen_as):
        pod = self.world.parties["pod-b1"].host
        with sockets(pod, self.world.parties[server].host, socket.SOCK_DGRAM) as (client, service):
            service.bind(("", 7000))
            for size in sizes:
                question, answer = pattern(size), pattern(size)[::-1]
                client.sendto(question, (address, 7000))
                data, source = service.recvfrom(1 << 16)
                self.assertEqual(data, question, f"{size} bytes to {server}")
                self.assertEqual(source[0], seen_as)
                service.sendto(answer, source)
                self.assertEqual(client.recv(1 << 16), answer, f"{size} bytes from {server}")

    def test_translated(self):
        self.exchange("internet", INTERNET, (1472, 1473, 4096, 9000, 64000), SNAT)
        report = self.world.end(self)
        self.assertGreater(report.totals["split"], 40)

    def test_preserved(self):
        self.exchange("datacentre", "192.168.50.5", (4096, 64000), "10.10.20.21")
        self.world.end(self)

    def test_long_pings(self):
        pod = self.world.parties["pod-a1"].host
        for size in (4000, 60000):
            for target in (INTERNET, SNAT):
                done = pod.run(["ping", "-n", "-c", 2, "-i", "0.2", "-W", 5, "-s", size, target], check=False)
                self.assertIn(" 2 received", done.stdout, f"{size} bytes to {target}")
        self.world.end(self)


class Transfers(LabTest):
    """Two megabytes each way over links of different MTUs."""

    # The way as far as the internet gateway, and the server's own link.
    LINKS = ((9000, 9000), (9000, 1500), (1500, 1500), (1500, 1280), (9000, 1280))

    def transfer(self, near, far, discovery):
        lab = self.lab(config_text=config_text(NodeTopology, **LONG_FRAMES))
        pod, server = (lab.parties[name].host for name in ("pod-b1", "internet"))
        for host, interface in ((pod, "eth0"), (lab.gateway_host, "pod-b1"), (lab.gateway_host, "eni0"),
                                (lab.fabric_host, "eni0"), (lab.fabric_host, "igw"),
                                (lab.internet_gateway, "fabric")):
            host.ip(f"link set {interface} mtu {near}")
        for host, interface in ((lab.internet_gateway, "world"), (server, "eth0")):
            host.ip(f"link set {interface} mtu {far}")
        for host in (pod, server):
            host.run(["sysctl", "-q", "-w", f"net.ipv4.ip_no_pmtu_disc={int(not discovery)}"])
        lab.start()
        with sockets(pod, server, socket.SOCK_STREAM) as (client, service):
            # A server that believes it may send long segments, as one behind a larger link does.
            service.bind((INTERNET, 7000))
            service.listen()
            client.connect((INTERNET, 7000))
            peer, _ = service.accept()
            with peer:
                peer.settimeout(PROMISE)
                data = pattern(MEGABYTES)
                for sender, receiver in ((client, peer), (peer, client)):
                    self.assertEqual(_carry(sender, receiver, data), data)
        return lab.end(self)

    def test_with_path_mtu_discovery(self):
        for near, far in self.LINKS:
            with self.subTest(near=near, far=far):
                self.transfer(near, far, True)

    def test_without(self):
        for near, far in ((9000, 9000), (1500, 1280), (9000, 1280)):
            with self.subTest(near=near, far=far):
                self.transfer(near, far, False)

    def test_a_smaller_link_of_a_pod(self):
        """The gateway itself has to cut datagrams, or say that it must not."""
        lab = self.lab(config_text=config_text(NodeTopology, **LONG_FRAMES))
        pod, server = (lab.parties[name].host for name in ("pod-a1", "internet"))
        for host, interface in ((pod, "eth0"), (lab.gateway_host, "pod-a1")):
            host.ip(f"link set {interface} mtu 1280")
        lab.start()
        with sockets(pod, server, socket.SOCK_DGRAM) as (client, service):
            service.bind(("", 7000))
            client.sendto(b"hello", (INTERNET, 7000))
            _, source = service.recvfrom(100)
            service.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: don't
            service.sendto(pattern(1400), source)
            self.assertEqual(client.recv(2000), pattern(1400))
            service.setsockopt(socket.IPPROTO_IP, 10, 2)  # do
            service.sendto(pattern(1400), source)

            def told():
                """The error has come when the socket refuses to send as much."""
                try:
                    service.sendto(pattern(1400), source)
                except OSError:
                    return True
                return False
            wait_for(told, "fragmentation needed, from the gateway")
            service.connect(source)
            self.assertEqual(service.getsockopt(socket.IPPROTO_IP, 14), 1280)  # IP_MTU
        report = lab.end(self)
        self.assertGreater(report.drops["too_big"], 0)
        self.assertGreater(report.totals["split"], 0)


def _carry(sender, receiver, data):
    """Sends all of it and returns what arrived."""
    thread = threading.Thread(target=sender.sendall, args=(data,))
    thread.start()
    arrived = bytearray()
    while len(arrived) < len(data):
        piece = receiver.recv(1 << 16)
        if not piece:
            break
        arrived += piece
    thread.join()
    return bytes(arrived)


class Traceroute(LabTest):
    """Each mode shows the gateway, and the routers behind it."""

    def test_three_modes(self):
        lab = self.running_lab()
        lab.parties["internet"].host.ip("link set lo up")
        expected = [SNAT, "10.10.10.1", "192.0.2.2", INTERNET]
        for mode in ("-I", "-U", "-T"):
            with self.subTest(mode):
                done = lab.parties["pod-a1"].host.run(
                    ["traceroute", "-n", mode, "-q", 1, "-N", 1, "-w", 3, "-m", 6, INTERNET], timeout=60)
                hops = re.findall(r"^ *\d+ +(\S+)", done.stdout, re.MULTILINE)
                self.assertEqual(hops, expected, done.stdout)
        lab.end(self)


class Behaviour(LabTest):
    """coturn's client asks two addresses and two ports of a server, and judges by what they saw."""

    SECOND = "203.0.113.11"

    def discover(self, snat):
        lab = self.lab(config_text=config_text(NodeTopology, **{"snat:\n": "snat:\n" + snat})).start()
        server = lab.parties["internet"].host
        server.ip(f"addr add {self.SECOND}/24 dev eth0")
        folder = lab.world.folder / "turn"
        folder.mkdir()
        with open(folder / "log", "wb") as log:
            turn = server.spawn(
                ["turnserver", "-n", "--stun-only", "--no-tcp", "--no-tls", "--no-dtls", "--no-cli",
                 "--no-stdout-log", f"--log-file={folder}/turn.log", f"--pidfile={folder}/pid",
                 f"--listening-ip={INTERNET}", f"--listening-ip={self.SECOND}",
                 "--db", folder / "db"], stdout=log, cwd=folder)

        def listening():
            self.assertIsNone(turn.poll(), (folder / "log").read_text())
            return server.run(["ss", "-Hlun"]).stdout.count(":3478 ") >= 2
        wait_for(listening, "the STUN server to listen")
        said = lab.parties["pod-a1"].host.run(
            ["turnutils_natdiscovery", "-m", "-f", INTERNET], check=False, timeout=60)
        lab.end(self)
        return said.stdout + said.stderr

    def test_endpoint_dependent(self):
        said = self.discover("")
        self.assertIn("NAT with Address and Port Dependent Mapping!", said)
        self.assertIn("NAT with Address and Port Dependent Filtering!", said)

    def test_endpoint_independent(self):
        said = self.discover("  mapping: endpoint_independent\n")
        self.assertIn("NAT with Endpoint Independent Mapping!", said)
        self.assertIn("NAT with Endpoint Independent Filtering!", said)

    def test_independent_mapping_with_dependent_filtering(self):
        said = self.discover("  mapping: endpoint_independent\n  filtering: endpoint_dependent\n")
        self.assertIn("NAT with Endpoint Independent Mapping!", said)
        self.assertIn("NAT with Address and Port Dependent Filtering!", said)
