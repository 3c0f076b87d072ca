# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Ten seconds of iperf3 in each direction: about loss, not about speed."""

import socket
import threading

from lab import clients
from support import LabTest

SECONDS = "10"
SEGMENT = 1448  # bytes of data in a full segment: MTU 1500 less headers and timestamps
TOLERATED = 1e-3
# Well below what two cores carry with the clients on them, so that a busy machine is no loss.
TCP, UDP = ["--bitrate", "200M"], ["--udp", "--length", "1400", "--bitrate", "50M"]
# A sender that changes cores overtakes its own packets in the kernel's queues; that looks like loss.
ONE_CORE = ["--affinity", "0,0"]


def _overrun(host):
    """Datagrams that did arrive, and found iperf3 too slow to read them (a busy machine)."""
    lines = host.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    names, values = [line.split()[1:] for line in lines if line.startswith("Udp: ")]
    return int(dict(zip(names, values))["RcvbufErrors"])


class IperfTest(LabTest):
    """A pod of the secondary ENI and the peer: translated both ways."""

    def setUp(self):
        self.world = self.running_lab(serve=True)

    def measured(self, *arguments):
        lab = self.world
        client, server = lab.parties["pod-b1"], lab.parties["peer"]
        report = clients.iperf3_report(client, server,
                                       ["--time", SECONDS, *ONE_CORE, *arguments])
        self.assertNotIn("error", report)
        receiver = client if "--reverse" in arguments else server
        self.overrun = _overrun(receiver.host)
        return report["end"]

    def check_tcp(self, end):
        segments = end["sum_sent"]["bytes"] / SEGMENT
        self.assertGreater(segments, 1000)
        self.assertLessEqual(end["sum_sent"]["retransmits"] / segments, TOLERATED)

    def check_udp(self, end):
        self.assertGreater(end["sum"]["packets"], 1000)
        lost_on_the_way = end["sum"]["lost_packets"] - self.overrun
        self.assertLessEqual(lost_on_the_way / end["sum"]["packets"], TOLERATED)


class Iperf(IperfTest):
    """The gateway has nothing else to do."""

    def tearDown(self):
        self.world.end(self)

    def test_tcp_from_the_pod(self):
        self.check_tcp(self.measured(*TCP))

    def test_tcp_to_the_pod(self):
        self.check_tcp(self.measured(*TCP, "--reverse"))

    def test_udp_from_the_pod(self):
        self.check_udp(self.measured(*UDP))

    def test_udp_to_the_pod(self):
        self.check_udp(self.measured(*UDP, "--reverse"))


class ConsoleUnderLoad(IperfTest):
    """Catalogue 119: no worker waits for a console that prints all it can."""

    FLOWS = 1000  # as many as it prints at once
    COMMANDS = ("flows limit 1000", "counters", "drops", "eni", "memory", "neighbours", "policy")

    def open_flows(self):
        pod, peer = self.world.parties["pod-a1"], self.world.parties["peer"]
        with pod.host.inside():
            opener = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(self.FLOWS)]
        for each in opener:
            self.addCleanup(each.close)
            each.sendto(b"hello", (peer.address, 9))

    def print_all(self, ending, printed):
        while not ending.is_set():
            for command in self.COMMANDS:
                lines = self.console(self.world, "show", *command.split()).splitlines()
                if command.startswith("flows"):
                    printed.append(len(lines))

    def test_udp_from_the_pod(self):
        self.open_flows()
        ending, printed = threading.Event(), []
        console = threading.Thread(target=self.print_all, args=[ending, printed])
        console.start()
        try:
            end = self.measured(*UDP)
            self.assertTrue(console.is_alive(), "every command was answered")
        finally:
            ending.set()
            console.join()
        self.check_udp(end)
        self.assertGreater(len(printed), 10)
        self.assertGreater(min(printed), self.FLOWS, "a line for each flow, and the heading")
        self.world.end(self)
