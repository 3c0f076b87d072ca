# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""A connection that says nothing for long. Ten minutes: part of `./tools/test --long` only."""

import os
import signal
import socket
import time
import unittest

from lab.node import SNAT
from lab.topology import INTERNET
from support import LabTest

IDLE = 600  # seconds


@unittest.skipUnless(os.environ.get("SLUICE_LONG"), "ten minutes; ./tools/test --long")
class Idle(LabTest):
    def test_tcp_survives_ten_minutes_and_a_reload(self):
        lab = self.running_lab()
        pod, server = (lab.parties[name].host for name in ("pod-b1", "internet"))
        with server.inside():
            listener = socket.socket()
        with pod.inside():
            client = socket.socket()
        with listener, client:
            listener.bind(("", 7000))
            listener.listen()
            client.settimeout(30)
            client.connect((INTERNET, 7000))
            peer, source = listener.accept()
            self.assertEqual(source[0], SNAT)
            with peer:
                peer.settimeout(30)
                self._talk(client, peer)
                time.sleep(IDLE / 2)  # the idleness itself is what is tested
                # Another policy: what is open keeps its verdict.
                text = lab.gateway.config.read_text()
                lab.gateway.config.write_text(
                    text.replace("  vpc_cni:", "  rules: [{action: preserve}]\n  vpc_cni:"))
                lab.gateway.process.send_signal(signal.SIGHUP)
                time.sleep(IDLE / 2)
                self._talk(client, peer)
        lab.end(self)
        self.assertIn("is in force (SIGHUP)", lab.gateway.log())

    def _talk(self, client, peer):
        for sender, receiver in ((client, peer), (peer, client)):
            sender.sendall(b"still there?")
            self.assertEqual(receiver.recv(100), b"still there?")
