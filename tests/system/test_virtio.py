# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The primary ENI as a virtio NIC: net_virtio_user against net_vhost over a vhost-user socket.

dpdk-testpmd holds the other side and carries frames between it and a veth of the fabric; so real
clients and servers make and check the traffic.
"""

import pathlib
import re
import signal
import subprocess

from lab import table
from lab.system import stop, wait_for
from support import LabTest, NodeTopology, config_text

SOCKET = "eni0.sock"
CONFIG = config_text(NodeTopology, **{
    "net_af_packet0,iface=eni0,framecnt=4096":
        f"net_virtio_user0,path={SOCKET},queues=1,mac=02:00:00:00:00:20"})
PAIRS = {("pod-a1", "vpc-host"), ("pod-b1", "peer"), ("pod-b2", "internet"), ("peer", "pod-a1")}
# The other way round: the gateway is the switch of a guest that leaves checksums to it.
GUEST = """
port stop all
csum set tcp hw 0
csum set udp hw 0
csum mac-swap off 0
csum mac-swap off 1
port start all
set fwd csum
start
"""
VIRTIO_NET_F_CSUM = 1 << 0
HUGEPAGES = 192  # of 2 MiB
NR_HUGEPAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")


class VirtioTest(LabTest):
    def check_pairs(self, lab, pairs=PAIRS):
        """These of the table that cross eni0."""
        for pair in NodeTopology.expectations():
            if (pair.client, pair.server) in pairs:
                for tool in pair.tools:
                    with self.subTest(pair=f"{pair.client} to {pair.server}", tool=tool):
                        self.assertEqual(table.observe(lab, pair, tool), table.wanted(pair))


class Virtio(VirtioTest):
    """The gateway as the guest, once over each kind of memory."""

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


class PartialChecksums(VirtioTest):
    """The gateway as the switch: what it gets holds the pseudo header's sum in place of a checksum.

    testpmd computes anew what it carries the other way; that is not what is checked here.
    """

    def check(self, arguments):
        lab = self.lab(serve=True, far_ends=("eni0",), config_text=config_text(NodeTopology, **{
            "net_af_packet0,iface=eni0,framecnt=4096": f"net_vhost0,iface={SOCKET}{arguments}"}))
        lab.gateway.start()
        socket = lab.gateway.folder / SOCKET
        wait_for(socket.exists, "net_vhost's socket")
        commands = lab.world.folder / "guest"
        commands.write_text(GUEST)
        with open(lab.world.folder / "testpmd", "wb") as output:
            guest = lab.wire_host.spawn(
                ["dpdk-testpmd", "--no-huge", "-m", "256", "--single-file-segments", "-l", "0,1",
                 "--no-pci", f"--file-prefix={lab.world.name}",
                 "--vdev", f"net_virtio_user0,path={socket},queues=1,mac=02:00:00:00:00:20",
                 "--vdev", "net_af_packet0,iface=eni0,framecnt=4096", "--", "--interactive",
                 f"--cmdline-file={commands}", "--total-num-mbufs=16384", "--no-lsc-interrupt"],
                stdin=subprocess.PIPE, stdout=output)  # it ends where its input does
        self.addCleanup(guest.stdin.close)
        lab.gateway.wait_until_ready()
        features = re.findall(r"negotiated Virtio features: 0x(\w+)", lab.gateway.log())
        self.assertTrue(int(features[-1], 16) & VIRTIO_NET_F_CSUM, "the guest computes them itself")
        self.check_pairs(lab, {("pod-b1", "peer"), ("peer", "pod-a1")})
        lab.end(self)

    def test_that_the_driver_completes(self):
        self.check("")

    def test_that_the_driver_leaves_to_us(self):
        self.check(",legacy-ol-flags=1")
