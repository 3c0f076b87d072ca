# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The session log: who had which external address and port, as JSON lines and as two collectors read it."""

import collections
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

from lab import clients
from lab.node import SNAT
from lab.system import run, stop, wait_for
from lab.topology import INTERNET
from support import LabTest, NodeTopology, config_text

PORT = 7000
COLLECTOR = ("127.0.0.1", 4739)
PROMISE = 20  # seconds
SHORT = "timeouts: {udp: 1s, icmp: 1s, tcp_closed: 1s, tcp_transitory: 1s}"
FIELDS = ("protocol", "pod", "pod_port", "snat", "snat_port", "remote", "remote_port")


def session_config(sessions, *, flows=SHORT):
    """The lab's configuration with a session log."""
    log = f"log: {{sessions: {{{sessions}}}}}\n\n" if sessions else ""
    return config_text(NodeTopology, **{"flows:\n": f"flows:\n  {flows}\n", "console: {": log + "console: {"})


def ipfix_to(address):
    return f'ipfix: {{collector: "{address[0]}:{address[1]}", message_bytes: 600, template_refresh: 1s}}'


def flow_of(line):
    return tuple(line[field] for field in FIELDS)


class SessionLogTest(LabTest):
    def lines(self, path):
        """Whole lines of a session log."""
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def counters(self, lab):
        return json.loads(self.console(lab, "show", "counters", "--json"))

    def open_socket(self, host, kind):
        with host.inside():
            made = socket.socket(socket.AF_INET, kind)
        self.addCleanup(made.close)
        made.settimeout(PROMISE)
        return made

    def udp_service(self, lab):
        service = self.open_socket(lab.parties["internet"].host, socket.SOCK_DGRAM)
        service.bind(("", PORT))
        return service

    def udp_flows(self, lab, service, count, pod="pod-b1"):
        """Opens flows one by one; each as the two ends saw it."""
        flows = []
        party = lab.parties[pod]
        for number in range(count):
            sender = self.open_socket(party.host, socket.SOCK_DGRAM)
            sender.connect((INTERNET, PORT))
            sender.send(b"%d" % number)
            said, (address, port) = service.recvfrom(100)
            self.assertEqual(int(said), number)
            flows.append(("udp", party.address, sender.getsockname()[1], address, port, INTERNET, PORT))
            sender.close()
        return flows

    def tcp_flows(self, lab, count, pod="pod-a1"):
        """The same for connections, which are closed by both ends."""
        listener = self.open_socket(lab.parties["internet"].host, socket.SOCK_STREAM)
        listener.bind(("", PORT))
        listener.listen()
        flows = []
        party = lab.parties[pod]
        for _ in range(count):
            client = self.open_socket(party.host, socket.SOCK_STREAM)
            client.connect((INTERNET, PORT))
            accepted, (address, port) = listener.accept()
            flows.append(("tcp", party.address, client.getsockname()[1], address, port, INTERNET, PORT))
            client.shutdown(socket.SHUT_WR)
            accepted.close()
            client.recv(1)
            client.close()
        return flows

    def traffic(self, lab):
        """Flows of every kind, and what the log is to say of those whose ports both ends know."""
        service = self.udp_service(lab)
        flows = self.udp_flows(lab, service, 40) + self.tcp_flows(lab, 10)
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["internet"]))
        # Preserved: no translation, no event.
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["vpc-host"]))
        return flows

    def check_pairs(self, lines):
        """Every session is created once and then deleted once; returns those that were created."""
        created, deleted = {}, {}
        for line in lines:
            if line["event"] in ("create", "delete"):
                into = created if line["event"] == "create" else deleted
                self.assertNotIn(flow_of(line), into, "one event each")
                into[flow_of(line)] = line["time"]
        self.assertEqual(set(created), set(deleted))
        for flow, begun in created.items():
            self.assertLessEqual(begun, deleted[flow])
        return set(created)


class Records(SessionLogTest):
    def test_the_file_names_every_translated_session_and_no_other(self):
        lab = self.running_lab(config_text=session_config("json: sessions.json"))
        path = lab.gateway.folder / "sessions.json"
        before = datetime.datetime.now(datetime.timezone.utc)
        flows = self.traffic(lab)
        wait_for(lambda: sum(line["event"] == "delete" for line in self.lines(path)) > len(flows), "the ends",
                 seconds=PROMISE)
        lab.end(self)
        lines = self.lines(path)
        self.assertEqual(lines[0]["event"], "start")
        self.assertEqual(lines[0]["gateway"], "lab-node")
        created = self.check_pairs(lines)
        self.assertEqual({flow for flow in created if flow[0] != "icmp"}, set(flows))
        icmp, = (flow for flow in created if flow[0] == "icmp")
        self.assertEqual((icmp[1], icmp[3], icmp[5], icmp[6]),
                         (lab.parties["pod-b1"].address, SNAT, INTERNET, 0))
        slack = datetime.timedelta(milliseconds=20)  # the worker's clock counts milliseconds by itself
        for line in lines:
            said = datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
            self.assertTrue(before - datetime.timedelta(seconds=60) < said
                            < datetime.datetime.now(datetime.timezone.utc) + slack, line)

    def test_what_is_open_when_the_gateway_stops_ends_there(self):
        lab = self.running_lab(config_text=session_config("json: sessions.json", flows=""))
        flows = self.udp_flows(lab, self.udp_service(lab), 5)
        lab.end(self)
        self.assertEqual(self.check_pairs(self.lines(lab.gateway.folder / "sessions.json")), set(flows))

    def test_refusals_are_records_too(self):
        text = session_config("json: sessions.json", flows="").replace("snat:\n", "snat:\n  ports: 40000-40000\n")
        lab = self.running_lab(config_text=text)
        path = lab.gateway.folder / "sessions.json"
        self.udp_flows(lab, self.udp_service(lab), 1)
        refused = self.open_socket(lab.parties["pod-b1"].host, socket.SOCK_DGRAM)
        refused.connect((INTERNET, PORT))
        refused.send(b"x")
        line, = wait_for(lambda: [line for line in self.lines(path) if line["event"] == "ports_exhausted"],
                         "the refusal", seconds=PROMISE)
        self.assertEqual((line["refused"], line["pod"], line["pod_port"], line["remote"], line["remote_port"]),
                         (1, lab.parties["pod-b1"].address, refused.getsockname()[1], INTERNET, PORT))
        lab.end(self)


class Collectors(SessionLogTest):
    """IPFIX, as collectors that others wrote read it, against the JSON lines."""

    def setUp(self):
        for tool in ("nfcapd", "nfdump", "ipfixDump"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")

    def test_nfcapd_reads_every_session(self):
        lab = self.lab(config_text=session_config(f"json: sessions.json, {ipfix_to(COLLECTOR)}"))
        folder = lab.world.folder / "nfcapd"
        folder.mkdir()
        said = lab.world.folder / "nfcapd.log"
        with open(said, "wb") as output:
            collector = lab.gateway_host.spawn(
                ["nfcapd", "-w", folder, "-b", COLLECTOR[0], "-p", COLLECTOR[1]], stdout=output)
        wait_for(lambda: self.listens(lab), "nfcapd to listen")
        lab.start()
        flows = self.traffic(lab)
        lab.end(self)
        wait_for(lambda: not self.listens(lab, with_data=True), "nfcapd to read what was sent")
        stop(collector)
        files = sorted(folder.glob("nfcapd.2*"))
        records = []
        for file in files:
            done = run(["nfdump", "-q", "-r", str(file), "-6", "-o", "fmt:%nevt;%pr;%sa;%sp;%nsa;%nsp;%da;%dp"])
            records += [tuple(cell.strip().lower() for cell in line.split(";")) for line in done.stdout.splitlines()
                        if ";" in line]
        wanted = [(line["event"], *map(str, flow_of(line)))
                  for line in self.lines(lab.gateway.folder / "sessions.json")
                  if line["event"] in ("create", "delete")]
        self.assertGreater(len(wanted), 2 * len(flows))
        self.assertEqual(collections.Counter(map(self.of_nfdump, records)), collections.Counter(wanted),
                         said.read_text())
