# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Flows that begin with several packets at once (catalogue 9)."""

import collections
import select
import socket
import threading

from lab.node import SNAT
from lab.topology import INTERNET
from support import LabTest

THREADS = 8
FLOWS = 50
PROMISE = 10  # seconds for an answer
PORT = 7000


class FirstPackets(LabTest):
    """One UDP flow, whose first packets come from several threads or sockets at the same moment."""

    def setUp(self):
        self.world = self.running_lab()
        with self.world.parties["internet"].host.inside():
            self.service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.service.close)
        self.service.settimeout(PROMISE)
        self.service.bind(("", PORT))
        self.pod = self.world.parties["pod-b1"].host

    def client(self, port=0):
        with self.pod.inside():
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.settimeout(PROMISE)
        made.bind((self.world.parties["pod-b1"].address, port))
        return made

    def send_at_once(self, senders):
        """Each sends its own number, all at the same moment."""
        start = threading.Barrier(len(senders))

        def send(number, sender):
            start.wait()
            sender.sendto(b"%d" % number, (INTERNET, PORT))
        threads = [threading.Thread(target=send, args=each) for each in enumerate(senders)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def check(self, clients_of_a_flow):
        """Every question of each flow arrives, from one source, and every answer comes back."""
        sources = set()
        for _ in range(FLOWS):
            senders = clients_of_a_flow()
            self.send_at_once(senders)
            asked = collections.Counter()
            seen = set()
            for _ in range(THREADS):
                question, source = self.service.recvfrom(100)
                asked[int(question)] += 1
                seen.add(source)
                self.service.sendto(question, source)
            self.assertEqual(asked, collections.Counter(range(THREADS)))
            self.assertEqual(len(seen), 1, "one flow, one external side")
            sources |= seen
            # Sockets of one port share what comes; each answer is counted wherever it lands.
            self.assertEqual(self.answers(set(senders)), asked)
        self.assertEqual({address for address, _ in sources}, {SNAT})
        self.assertEqual(len(sources), FLOWS)
        report = self.world.end(self)
        self.assertEqual(report.drops, {})

    def answers(self, sockets):
        found = collections.Counter()
        while sum(found.values()) < THREADS:
            ready, _, _ = select.select(sockets, [], [], PROMISE)
            self.assertTrue(ready, f"no more than {found} came back")
            for each in ready:
                found[int(each.recv(100))] += 1
        return found

    def test_of_one_socket_in_several_threads(self):
        self.check(lambda: [self.client()] * THREADS)

    def test_of_several_sockets_with_one_port(self):
        def clients():
            first = self.client()
            return [first] + [self.client(first.getsockname()[1]) for _ in range(THREADS - 1)]
        self.check(clients)
