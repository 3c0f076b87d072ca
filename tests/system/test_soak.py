# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Flows open and close for long (catalogue 118): sessions end, and memory stays what it was.

Twenty seconds, with `./tools/test --long` ten minutes.
"""

import collections
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

from lab import clients
from lab.node import SNAT
from lab.system import wait_for
from support import LabTest, NodeTopology, config_text

SECONDS = 600 if os.environ.get("SLUICE_LONG") else 20
A_SECOND = 200  # new connections
PATIENCE = 5  # seconds for an answer
GROWTH = 1024  # kB of resident memory, from half-time on
LEAKS = {"no_buffer", "flow_table_full", "ports_exhausted"}  # where things end that are not given back
PORT = 7000
STREAM = pathlib.Path(__file__).with_name("connection_stream.py")
# Short enough that each record serves many flows.
TIMEOUTS = {"capacity: 65536": "capacity: 65536\n  timeouts: {tcp_established: 20s, tcp_transitory: "
            "4s, tcp_closed: 2s, udp: 2s, icmp: 2s}"}


class Datagrams(threading.Thread):
    """A new UDP flow every moment, each of one question and its answer."""

    def __init__(self, pod, server):
        super().__init__()
        self._pod, self._target = pod, (server.address, PORT)
        with server.host.inside():
            self._service = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._service.bind(("", PORT))
        self._service.settimeout(PATIENCE)
        self.seen = collections.Counter()
        self.problem = None
        self.ending = threading.Event()

    def run(self):
        try:
            with self._service:
                while not self.ending.wait(0.005):
                    self._one()
        except (OSError, ValueError) as problem:
            self.problem = problem

    def _one(self):
        with self._pod.host.inside():
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with client:
            client.settimeout(PATIENCE)
            client.sendto(b"?", self._target)
            question, source = self._service.recvfrom(100)
            self._service.sendto(question, source)
            client.recv(100)
        self.seen[source[0]] += 1


class Soak(LabTest):
    def start_connections(self, lab, pod, server):
        """TCP from a pod to a server; what it is told goes into a file, one line a connection."""
        party = lab.parties[server]
        listening, told = (lab.world.folder / f"{what}-{server}" for what in ("server", "told"))
        with open(listening, "wb") as output:
            party.host.spawn([sys.executable, STREAM, "server", party.address, PORT], stdout=output)
        wait_for(lambda: "listening" in listening.read_text(), "the server to listen")
        with open(told, "wb") as output:
            stream = lab.parties[pod].host.spawn(
                [sys.executable, STREAM, "client", party.address, PORT, A_SECOND, 0], stdout=output)
        return stream, told

    def memory(self, lab):
        """Resident kB; bytes and blocks of DPDK's heap."""
        status = pathlib.Path(f"/proc/{lab.gateway.process.pid}/status").read_text()
        heap, = json.loads(self.console(lab, "show", "memory", "--json"))["heaps"]
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]), (heap["bytes"], heap["blocks"])

    def sessions(self, lab):
        return json.loads(self.console(lab, "show", "flows", "count", "--json"))["sessions"]

    def test_flows_open_and_close(self):
        lab = self.running_lab(serve=True, config_text=config_text(NodeTopology, **TIMEOUTS))
        streams = [self.start_connections(lab, "pod-b1", "peer"),
                   self.start_connections(lab, "pod-a1", "vpc-host")]
        datagrams = Datagrams(lab.parties["pod-b2"], lab.parties["internet"])
        self.addCleanup(datagrams.join)
        self.addCleanup(datagrams.ending.set)
        datagrams.start()
        begun = time.monotonic()
        half_time = None
        while time.monotonic() - begun < SECONDS:
            for pod, server in (("pod-b1", "internet"), ("pod-a1", "pod-b2")):
                self.assertIsNone(clients.ping(lab.parties[pod], lab.parties[server]))
            if half_time is None and time.monotonic() - begun > SECONDS / 2:
                half_time = self.memory(lab)
        at_the_end = self.memory(lab)
        self.assertGreater(self.sessions(lab), A_SECOND, "traffic still flows")

        datagrams.ending.set()
        datagrams.join()
        self.assertIsNone(datagrams.problem)
        self.assertEqual(list(datagrams.seen), [SNAT])
        opened = datagrams.seen.total()
        for (stream, told), seen in zip(streams, (SNAT, lab.parties["pod-a1"].address)):
            stream.terminate()
            self.assertEqual(stream.wait(30), 0)
            addresses = collections.Counter(line.split()[2] for line in told.read_text().splitlines())
            self.assertEqual(list(addresses), [seen], "whom the server saw")
            opened += addresses.total()
        print(f"       {opened} flows in {SECONDS} s; {half_time} at half-time, {at_the_end}",
              flush=True)
        self.assertGreater(opened, SECONDS * A_SECOND / 4)
        self.assertEqual(at_the_end[1], half_time[1], "bytes and blocks of DPDK's heap")
        self.assertLess(at_the_end[0] - half_time[0], GROWTH)
        wait_for(lambda: self.sessions(lab) == 0, "the last session to end", seconds=60)
        report = lab.end(self)
        self.assertEqual(LEAKS & report.drops.keys(), set())
