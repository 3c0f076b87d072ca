# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Ten seconds of iperf3 in each direction: about loss, not about speed."""

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


class Iperf(LabTest):
    """A pod of the secondary ENI and the peer: translated both ways."""

    def measured(self, *arguments):
        lab = self.running_lab(serve=True)
        client, server = lab.parties["pod-b1"], lab.parties["peer"]
        report = clients.iperf3_report(client, server,
                                       ["--time", SECONDS, *ONE_CORE, *arguments])
        self.assertNotIn("error", report)
        receiver = client if "--reverse" in arguments else server
        self.overrun = _overrun(receiver.host)
        lab.end(self)
        return report["end"]

    def check_tcp(self, end):
        segments = end["sum_sent"]["bytes"] / SEGMENT
        self.assertGreater(segments, 1000)
        self.assertLessEqual(end["sum_sent"]["retransmits"] / segments, TOLERATED)

    def check_udp(self, end):
        self.assertGreater(end["sum"]["packets"], 1000)
        lost_on_the_way = end["sum"]["lost_packets"] - self.overrun
        self.assertLessEqual(lost_on_the_way / end["sum"]["packets"], TOLERATED)

    def test_tcp_from_the_pod(self):
        self.check_tcp(self.measured(*TCP))

    def test_tcp_to_the_pod(self):
        self.check_tcp(self.measured(*TCP, "--reverse"))

    def test_udp_from_the_pod(self):
        self.check_udp(self.measured(*UDP))

    def test_udp_to_the_pod(self):
        self.check_udp(self.measured(*UDP, "--reverse"))
