# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What an operator is told when an egress address has no port left."""

import socket

from lab.system import wait_for
from lab.topology import INTERNET
from support import LabTest, NodeTopology, config_text


class PortsExhausted(LabTest):
    def test_the_log_names_pod_and_remote_and_the_pod_is_told(self):
        lab = self.lab(config_text=config_text(NodeTopology, **{"snat:\n": "snat:\n  ports: 40000-40000\n"}))
        lab.start()
        pod, server = (lab.parties[name].host for name in ("pod-b1", "internet"))
        with server.inside():
            service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with pod.inside():
            first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        with service, first, second:
            service.bind(("", 7000))
            service.settimeout(20)
            first.connect((INTERNET, 7000))
            first.send(b"one")
            self.assertEqual(service.recv(10), b"one")
            second.connect((INTERNET, 7000))
            port = second.getsockname()[1]
            second.settimeout(20)
            second.send(b"two")
            # Administratively prohibited: the kernel's word for it is "no route to host".
            with self.assertRaises(OSError) as refused:
                second.recv(10)
            self.assertEqual(refused.exception.errno, 113)
        wanted = f"ports_exhausted: 1 refused, the last of pod 10.10.20.21:{port} to {INTERNET}:7000 (udp)"
        wait_for(lambda: wanted in lab.gateway.log(), wanted)
        report = lab.end(self)
        self.assertEqual(report.drops.get("ports_exhausted"), 1)
