# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Traces and captures of packets that several workers see, and of IPv6."""

import re
import socket

from lab.system import run, wait_for
from lab.topology import INTERNET
from support import NodeTopology, config_text
from test_console import POD, SNAT, ConsoleTest

WORKERS = 3


class SeveralWorkers(ConsoleTest):
    """The lab's devices have one queue, so that the first worker receives what others own."""

    def setUp(self):
        self.running = self.running_lab(
            config_text=config_text(NodeTopology, **{"workers: 1": f"workers: {WORKERS}"}))

    def send(self, ports):
        for port in ports:
            self.udp(self.running, port=port, to=(INTERNET, 7000))

    def under_way(self, *words):
        return self.shown(self.running, *words)["under_way"]

    def test_a_trace_follows_a_packet_to_its_owner(self):
        self.ask(self.running, "trace", "add", "30", "protocol", "udp")
        self.send(range(4000, 4030))
        wait_for(lambda: not self.under_way("trace", "show"), "thirty packets")
        traced = self.shown(self.running, "trace", "show")["traced"]
        self.assertEqual(len({packet["packet"] for packet in traced}), 30, "each of them once")
        owners = set()
        for packet in traced:
            self.assertRegex(packet["packet"], rf"^worker 0, in by pod-b1: udp {POD}:40\d\d > {INTERNET}:7000, ")
            stages = {}
            for step in packet["stages"]:
                stages[step["stage"]] = stages.get(step["stage"], "") + step["change"]
            self.assertIn("opens a session", stages["allocate"], packet)
            self.assertRegex(stages["translate"], rf"udp {SNAT}:\d+ > {INTERNET}:7000")
            owners.update(re.findall(r"worker (\d)", " ".join(stages.values())) or ["0"])
        self.assertEqual(owners, {str(worker) for worker in range(WORKERS)})
        self.running.end(self)

    def test_a_capture_has_each_packet_once_before_and_once_after(self):
        path = self.running.gateway.folder / "followed.pcapng"
        self.ask(self.running, "capture", "start", str(path), "address", SNAT, "protocol", "udp", "count", "30")
        self.send(range(4100, 4140))
        wait_for(lambda: not self.under_way("capture", "show"), "thirty packets")
        said = self.shown(self.running, "capture", "stop")
        self.assertEqual((said["packets"], said["lost_copies"]), (30, 0))
        read = run(["tshark", "-r", str(path), "-T", "fields", "-e", "ip.src", "-e", "frame.comment"]).stdout
        befores, afters = {}, {}
        for source, comment in (line.split("\t") for line in read.splitlines()):
            number, text = re.match(r"packet (\d+)(?:: |, )(.*)", comment).groups()
            kept = befores if text.startswith("as it came in") else afters
            self.assertNotIn(number, kept)
            kept[number] = source, text
        self.assertEqual(len(befores), 30)
        self.assertEqual(befores.keys(), afters.keys())
        for number, (source, text) in afters.items():
            self.assertEqual((befores[number][0], source), (POD, SNAT), text)
            self.assertIn("by eni0: snat", text)
        self.running.end(self)


class Ipv6(ConsoleTest):
    def test_an_address_and_a_protocol_are_found(self):
        lab = self.running_lab()
        source, remote = (socket.inet_pton(socket.AF_INET6, text) for text in ("2001:db8::1", "2001:db8::2"))
        datagram = b"\x60\0\0\0\0\x08\x11\x40" + source + remote + b"\x0f\xa0\0\x35\0\x08\0\0"
        cases = (("address", "2001:db8::2"), 1), (("address", "2001:db8::3"), 0), (("protocol", "udp"), 1), (
            ("protocol", "tcp"), 0)
        for number, (words, found) in enumerate(cases):
            with self.subTest(words):
                path = lab.gateway.folder / f"v6-{number}.pcapng"
                self.ask(lab, "capture", "start", str(path), *words)
                dropped = self.dropped(lab)
                self.send_frame(lab, lab.gateway_host.mac("pod-b1"), 0x86dd, datagram)
                wait_for(lambda: self.dropped(lab) == dropped + 1, "the packet")
                self.assertEqual(self.shown(lab, "capture", "stop")["packets"], found)
        lab.end(self)

    def dropped(self, lab):
        return sum(row["packets"] for row in self.shown(lab, "show", "drops")["drops"]
                   if row["reason"] in ("spoofed_source", "no_owner"))
