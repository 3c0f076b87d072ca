# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The primary ENI as a virtio NIC: net_virtio_user against net_vhost over a vhost-user socket.

dpdk-testpmd holds the net_vhost side and carries frames, as they are, between it and a veth of the
fabric; so real clients and servers make and check the traffic.
"""

import pathlib
import signal

from lab import table
from lab.system import stop, wait_for
from support import LabTest, NodeTopology, config_text

SOCKET = "eni0.sock"
CONFIG = config_text(NodeTopology, **{
    "net_af_packet0,iface=eni0,framecnt=4096":
        f"net_virtio_user0,path={SOCKET},queues=1,mac=02:00:00:00:00:20"})
PAIRS = {("pod-a1", "vpc-host"), ("pod-b1", "peer"), ("pod-b2", "internet"), ("peer", "pod-a1")}
HUGEPAGES = 192  # of 2 MiB
NR_HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")


class Virtio(LabTest):
    """The pairs of the table that cross eni0, once over each kind of memory."""

    def start(self, **gateway_options):
        lab = self.lab(serve=True, far_ends=("eni0",), config_text=CONFIG, **gateway_options)
        socket = lab.gateway.folder / SOCKET
        with open(lab.world.folder / "testpmd", "wb") as output:
            bridge = lab.wire_host.spawn(
                ["dpdk-testpmd", "--no-huge", "-m", "256", "-l", "0,1", "--no-pci",
                 f"--file-prefix={lab.world.name}", "--vdev", f"net_vhost0,iface={socket},queues=1",
                 "--vdev", "net_af_packet0,iface=eni0,framecnt=4096", "--",
                 "--forward-mode=io", "--auto-start", "--total-num-mbufs=16384",
                 "--no-lsc-interrupt", "--stats-period=3600"], stdout=output)
        wait_for(socket.exists, "net_vhost's socket")
        return lab.start(), bridge

    def check_pairs(self, lab):
        for pair in NodeTopology.expectations():
            if (pair.client, pair.server) in PAIRS:
                for tool in pair.tools:
                    with self.subTest(pair=f"{pair.client} to {pair.server}", tool=tool):
                        self.assertEqual(table.observe(lab, pair, tool), table.wanted(pair))

    def test_without_hugepages(self):
        lab, _ = self.start()
        self.check_pairs(lab)
        lab.end(self)

    def test_on_hugepages(self):
        before = NR_HUGEPAGES.read_text()
        self.addCleanup(NR_HUGEPAGES.write_text, before)
        NR_HUGEPAGES.write_text(str(int(before) + HUGEPAGES))
        self.assertEqual(int(NR_HUGEPAGES.read_text()), int(before) + HUGEPAGES,
                         "the machine has no hugepages to give")
        # vhost-user passes at most eight files of memory: one per page would be too many.
        lab, _ = self.start(eal=["--in-memory", "--single-file-segments", "-m", "256"])
        self.check_pairs(lab)
        lab.end(self)

    def test_it_outlives_the_other_side(self):
        """The switch behind the socket goes away: no traffic, but pods are still answered."""
        lab, bridge = self.start()
        bridge.send_signal(signal.SIGINT)
        bridge.wait(10)
        lab.gateway.wait_until_ready(wires=[lab.pod_wire("pod-b1")])
        self.assertEqual(stop(lab.gateway.process), 0, lab.gateway.log())
