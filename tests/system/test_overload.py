# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Everything at once: packets as fast as they can be made, a full table, no port left, two hundred consoles,
reloads, a link that goes and comes back. Whatever happens to a packet has a name, and the counts add up.
"""

import contextlib
import json
import pathlib
import selectors
import socket
import threading

from lab import clients
from lab.system import wait_for
from lab.topology import INTERNET
from support import LabTest, NodeTopology, config_text

CROWDED = 7000   # a remote port that more sockets want than there are external ports
SOCKETS = 48
CONSOLES = 200
PATIENCE = 60


class Everything(LabTest):
    def setUp(self):
        self.over = threading.Event()
        self.threads = []
        self.addCleanup(self.finish)

    def finish(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def meanwhile(self, work):
        """Again and again, beside the test, until finish()."""
        def run():
            while not self.over.is_set():
                work()
        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()

    def shown(self, *words):
        return json.loads(self.console(self.world, "show", *words, "--json"))

    def dropped(self, reason):
        return next((row["packets"] for row in self.shown("drops")["drops"] if row["reason"] == reason), 0)

    def open_sockets(self):
        with self.world.parties["pod-b1"].host.inside():
            made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        for each in made:
            self.addCleanup(each.close)
            each.setblocking(False)
        return made

    def flows_of(self, sockets):
        """First packets: of all towards the crowded port, then of each towards ports of its own."""
        wanted = [(each, CROWDED) for each in sockets]
        wanted += [(each, 10_000 + number * 100 + i) for number, each in enumerate(sockets) for i in range(100)]
        for each, port in wanted:
            with contextlib.suppress(OSError):  # the pod's own queue may be full, its link down
                each.sendto(b"hello", (INTERNET, port))

    def crowd(self):
        """All ask at once, and each reads as soon as there is something."""
        waiting = selectors.DefaultSelector()
        for _ in range(CONSOLES):
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(self.world.gateway.console_socket))
            client.send(b"show flows limit 100 --json\n")
            waiting.register(client, selectors.EVENT_READ, bytearray())
        while waiting.get_map():
            ready = waiting.select(PATIENCE)
            if not ready:
                self.answers.add(b"none")
                break
            for key, _ in ready:
                piece = b""
                with contextlib.suppress(ConnectionResetError):
                    piece = key.fileobj.recv(65536)
                key.data.extend(piece)
                if not piece:
                    self.answers.add(bytes(key.data[:4]))
                    waiting.unregister(key.fileobj)
                    key.fileobj.close()
        self.crowds += 1

    def check(self, workers):
        self.world = self.running_lab(serve=True, config_text=config_text(NodeTopology, **{
            "workers: 1": f"workers: {workers}",
            "capacity: 65536": "capacity: 1024",
            "snat:\n": "snat:\n  ports: 40000-40031\n"}))
        pod, peer = self.world.parties["pod-a1"], self.world.parties["peer"]
        self.answers, self.crowds = set(), 0
        sockets = self.open_sockets()
        self.meanwhile(lambda: self.flows_of(sockets))
        self.meanwhile(self.crowd)
        flood = pod.host.spawn(["ping", "-q", "-f", peer.address],
                               stdout=open(pathlib.Path(self.world.gateway.folder) / "flood", "wb"))
        self.addCleanup(flood.kill)
        for reason in ("flow_table_full", "ports_exhausted"):
            wait_for(lambda reason=reason: self.dropped(reason) > 100, reason, seconds=PATIENCE)
        for state in ("down", "up"):
            self.world.gateway_host.ip(f"link set eni1 {state}")
            self.console(self.world, "reload")
            before = self.shown("counters")["received"]
            wait_for(lambda before=before: self.shown("counters")["received"] > before + 1000, "packets",
                     seconds=PATIENCE)
        wait_for(lambda: self.crowds > 0, "two hundred consoles to be answered", seconds=PATIENCE)
        flood.terminate()
        flood.wait()
        self.finish()
        self.assertEqual(self.answers, {b"ok\n{"})
        wait_for(lambda: self.shown("drops")["equation"]["difference"] == 0, "the equation to add up",
                 seconds=PATIENCE)
        self.console(self.world, "clear", "flows", "all")
        self.assertIsNone(clients.ping(pod, peer), "as if nothing had been")
        self.world.end(self)

    def test_with_one_worker(self):
        self.check(1)

    def test_with_two_workers(self):
        self.check(2)
