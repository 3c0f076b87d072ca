# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Starting, ending, and what a user is told when it cannot start."""

import pathlib
import re
import signal
import socket
import subprocess
import time

from lab import clients
from lab.system import run
from support import BINARY, DedicatedTopology, LabTest, NodeTopology, config_text

AT_ONCE_S = 2
DPDK_RUNTIME = pathlib.Path("/run/dpdk")


class Ending(LabTest):
    """SIGTERM and SIGINT end it at once, and leave nothing behind."""

    def end_by(self, number):
        lab = self.lab()
        before = set(DPDK_RUNTIME.glob("*"))
        lab.start()
        self.assertIsNone(clients.ping(lab.parties["pod-a1"], lab.parties["peer"]))
        begun = time.monotonic()
        lab.gateway.process.send_signal(number)
        status = lab.gateway.process.wait(10)
        self.assertLess(time.monotonic() - begun, AT_ONCE_S)
        self.assertEqual(status, 0)
        self.assertTrue(lab.gateway.report().balanced(), lab.gateway.output())
        self.assertFalse(lab.gateway.console_socket.exists(), "the console's socket is removed")
        open_sockets = lab.gateway_host.run(["cat", "/proc/net/packet"]).stdout.splitlines()[1:]
        self.assertEqual(open_sockets, [], "packet sockets are closed")
        self.assertEqual(set(DPDK_RUNTIME.glob("*")) - before, set(), "EAL's run-time files")
        return lab

    def test_sigterm(self):
        self.end_by(signal.SIGTERM)

    def test_sigint_and_a_second_start_on_the_same_devices(self):
        lab = self.end_by(signal.SIGINT)
        lab.start()
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))
        lab.end(self)

    def test_it_starts_again_after_it_was_killed(self):
        lab = self.running_lab()
        lab.gateway.process.kill()
        lab.gateway.process.wait()
        lab.start()
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))
        lab.end(self)

    def test_it_ends_while_traffic_flows(self):
        lab = self.running_lab(serve=True)
        client, server = lab.parties["pod-b1"], lab.parties["peer"]
        with open(lab.world.folder / "iperf3", "wb") as output:
            client.host.spawn(["iperf3", "-c", server.address, "-t", "30"], stdout=output)
        server.servers.wait_for_iperf3_client()
        report = lab.end(self)
        self.assertGreater(report.totals["received"], 0)


class RefusingToStart(LabTest):
    """Clear errors, and the exit statuses of the contract."""

    def refused(self, lab):
        """Starts the gateway, which must end by itself; its status and what it said."""
        lab.gateway.start()
        return lab.gateway.process.wait(20), lab.gateway.log()

    def test_a_device_that_does_not_exist(self):
        text = config_text(NodeTopology, **{"iface=eni1": "iface=nosuch"})
        status, said = self.refused(self.lab(config_text=text))
        self.assertEqual(status, 1, said)
        self.assertRegex(said, r"eni1|enis\[1\]", "which ENI")
        self.assertIn("nosuch", said, "which device")

    def test_a_console_socket_in_use(self):
        lab = self.lab(DedicatedTopology)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(lab.gateway.console_socket))
            other.listen()
            status, said = self.refused(lab)
        self.assertEqual(status, 1, said)
        self.assertIn("console.sock", said)
        self.assertRegex(said, "in use")

    def test_five_mistakes_are_all_told(self):
        text = config_text(NodeTopology, **{
            "workers: 1": "wrokers: 1",
            "cidrs: [10.10.0.0/16]           # sources": "cidrs: [10.10.0.1/16]  # sources",
            "address: 10.10.20.20/24": "address: 10.10.20.256/24",
            "prefixes: [10.10.20.32/28]": "prefixes: [10.10.20.32/33]",
            "capacity: 65536": "capacity: many",
        })
        lab = self.lab(config_text=text)
        status, said = self.refused(lab)
        self.assertEqual(status, 2, said)
        lines = text.splitlines()
        for written, key in (("wrokers", "wrokers"), ("10.10.0.1/16", "pods.cidrs"),
                             ("10.10.20.256/24", "enis[1].address"),
                             ("10.10.20.32/33", "enis[1].prefixes"), ("many", "flows.capacity")):
            line = 1 + next(n for n, text in enumerate(lines) if written in text)
            with self.subTest(key):
                self.assertRegex(said, rf"(?m)^\S*lab\.yaml:{line}:\d+: \S*{re.escape(key)}\S*: .+;")
        self.assertIn("workers", said, "the nearest known key")

    def test_bad_usage(self):
        for arguments in (["run"], ["run", "--config"], ["frobnicate"], ["run", "--nonsense"]):
            with self.subTest(arguments):
                done = subprocess.run([BINARY, *arguments], capture_output=True, text=True,
                                      timeout=20)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertTrue(done.stderr.strip())

    def test_check_says_the_shipped_configurations_are_good(self):
        for name in ("lab.yaml", "lab-dedicated.yaml", "ec2-egress.yaml"):
            with self.subTest(name):
                path = pathlib.Path(__file__).parents[2] / "conf" / name
                done = run([str(BINARY), "check", "--config", str(path)], check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
