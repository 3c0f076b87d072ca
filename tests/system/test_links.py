# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Interfaces that go away under live sessions, and come back."""

import contextlib
import json
import socket

from lab.node import SNAT
from lab.system import wait_for
from lab.topology import INTERNET
from support import LabTest

PROMISE = 30  # seconds for what has to arrive
MOMENT = 0.3  # seconds for what must not
PORT = 7000
QUESTION, FILLER = b"who am I?", b"of no interest"
MORE_THAN_A_RING = 6000  # frames; the lab's devices have 4096


class LinkTest(LabTest):
    """Flows between a pod and a server, both ends in the test's own hands."""

    def setUp(self):
        self.world = self.running_lab()

    def socket(self, party, kind):
        with self.world.parties[party].host.inside():
            made = socket.socket(socket.AF_INET, kind)
        self.addCleanup(made.close)
        made.settimeout(PROMISE)
        return made

    def connection(self, pod, server):
        """Both ends of a TCP connection, and the address that the server sees."""
        listener, client = (self.socket(party, socket.SOCK_STREAM) for party in (server, pod))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", PORT))
        listener.listen()
        client.connect((self.world.parties[server].address, PORT))
        far, source = listener.accept()
        listener.close()
        self.addCleanup(far.close)
        far.settimeout(PROMISE)
        return client, far, source[0]

    def send(self, connection):
        for end in connection[:2]:
            end.sendall(b"still there?")

    def receive(self, connection):
        for end in connection[:2]:
            self.assertEqual(end.recv(100), b"still there?")

    def talk(self, connection):
        self.send(connection)
        self.receive(connection)

    def datagrams(self, pod, server):
        """A pod's UDP socket and a server's."""
        client, far = (self.socket(party, socket.SOCK_DGRAM) for party in (pod, server))
        far.bind(("", PORT))
        client.connect((self.world.parties[server].address, PORT))
        return client, far

    def set_link(self, interface, state):
        self.world.gateway_host.ip(f"link set {interface} {state}")


class ThereAndBack(LinkTest):
    """Set down, and up again: what was open goes on."""

    def ask(self, client, far):
        """Whom the server saw, once the answer is back; None when none came."""
        client.settimeout(MOMENT)
        far.settimeout(MOMENT)
        with contextlib.suppress(TimeoutError):
            client.send(QUESTION)
            while True:
                asked, source = far.recvfrom(100)
                if asked == QUESTION:
                    break
            far.sendto(b"%s:%d" % (source[0].encode(), source[1]), source)
            while True:
                answer = client.recv(100)
                if answer != FILLER:
                    return answer
        return None

    def fill(self, client, far, seen):
        """More than the ring of a device that is down can take, both ways."""
        address, _, port = seen.decode().partition(":")
        client.setblocking(False)
        for _ in range(MORE_THAN_A_RING):
            with contextlib.suppress(BlockingIOError):  # a pod may keep what its link does not take
                client.send(FILLER)
            far.sendto(FILLER, (address, int(port)))

    def check(self, interface, bystander):
        crossing = self.connection("pod-b1", "internet")
        client, far = self.datagrams("pod-b1", "internet")
        beside = self.connection(*bystander)
        self.assertEqual(crossing[2], SNAT)
        for connection in (crossing, beside):
            self.talk(connection)
        seen = self.ask(client, far)
        self.assertEqual(seen.partition(b":")[0], SNAT.encode())

        self.set_link(interface, "down")
        self.send(crossing)
        self.assertIsNone(self.ask(client, far), f"{interface} is down")
        self.fill(client, far, seen)
        self.talk(beside)

        self.set_link(interface, "up")
        self.receive(crossing)
        self.talk(crossing)
        self.assertEqual(wait_for(lambda: self.ask(client, far), "an answer"), seen,
                         "the same session")
        self.talk(self.connection("pod-b1", "internet"))
        self.talk(beside)
        self.world.end(self)

    def test_an_eni(self):
        self.check("eni0", ("pod-b1", "vpc-host"))

    def test_a_pod_port(self):
        self.check("pod-b1", ("pod-a1", "vpc-host"))


class Told(LinkTest):
    def test_the_log_says_when_an_eni_went_and_came_back(self):
        ready = "ready: links are up, routers answer, workers poll"

        def told(words, times=1):
            wait_for(lambda: self.world.gateway.log().count(words) >= times, f"in the log: {words}")
        told(ready)
        self.set_link("eni0", "down")
        told("not ready: eni0: link down")
        self.set_link("eni0", "up")
        told(ready, times=2)
        self.world.end(self)


class Removed(LinkTest):
    """A pod goes, and its interface with it, as the CNI does it: nobody else notices."""

    def test_a_pod_port(self):
        client, far = self.datagrams("pod-a1", "internet")
        client.send(b"hello")
        _, source = far.recvfrom(100)
        other = self.connection("pod-b1", "internet")
        self.world.gateway_host.ip("link del pod-a1")
        for number in range(MORE_THAN_A_RING):
            far.sendto(b"into the void", source)
            if number % 50 == 0:
                self.talk(other)
        self.talk(self.connection("pod-b1", "internet"))
        dropped = json.loads(self.console(self.world, "show", "drops", "reason", "transmit_full", "--json"))
        self.assertEqual({(row["packet"], row["header_is"]) for row in dropped["samples"]},
                         {(f"udp {INTERNET}:{PORT} > 10.10.10.21:{client.getsockname()[1]}", "as it was to leave")})
        report = self.world.end(self)
        self.assertGreater(report.drops["transmit_full"], 0)
