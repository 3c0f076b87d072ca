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


def session_config(sessions, *, flows=SHORT, workers=1):
    """The lab's configuration with a session log."""
    log = f"log: {{sessions: {{{sessions}}}}}\n\n" if sessions else ""
    return config_text(NodeTopology, **{"flows:\n": f"flows:\n  {flows}\n", "console: {": log + "console: {",
                                        "workers: 1": f"workers: {workers}"})


def ipfix_to(address):
    return f'ipfix: {{collector: "{address[0]}:{address[1]}", message_bytes: 600, template_refresh: 1s}}'


def flow_of(line):
    return tuple(line[field] for field in FIELDS)


class SessionLogTest(LabTest):
    def lines(self, path):
        """Whole lines of a session log."""
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

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
            # It stays open: its port is no other flow's.
            flows.append(("udp", party.address, sender.getsockname()[1], address, port, INTERNET, PORT))
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
        self.check_file(workers=1)

    def test_two_workers_share_the_file(self):
        """A session's first packet may be met by the worker that is not to own it: one event all the same."""
        self.check_file(workers=2)

    def check_file(self, workers):
        lab = self.running_lab(config_text=session_config("json: sessions.json", workers=workers))
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
        for workers in (1, 2):
            with self.subTest(workers=workers):
                lab = self.running_lab(
                    config_text=session_config("json: sessions.json", flows="", workers=workers))
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

    EVENTS = {"4": "create", "5": "delete"}
    PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp"}

    def need(self, *tools):
        for tool in tools:
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")

    def collector_queue(self, lab):
        """Bytes that wait for whoever listens at the collector's port; None: nobody does."""
        said = lab.gateway_host.run(["ss", "-Hlun", f"sport = :{COLLECTOR[1]}"]).stdout.split()
        return int(said[1]) if said else None

    def wanted(self, lab):
        """What a collector should have, by the JSON lines."""
        return collections.Counter((line["event"], *map(str, flow_of(line)))
                                   for line in self.lines(lab.gateway.folder / "sessions.json")
                                   if line["event"] in ("create", "delete"))

    def record(self, of, names):
        """A record as wanted() has it, from what a tool calls its fields."""
        event, protocol, *rest = (of[name] for name in names)
        return (self.EVENTS[event], self.PROTOCOLS[protocol], *rest)

    def test_nfcapd_reads_every_session(self):
        self.need("nfcapd", "nfdump", "ss")
        lab = self.lab(config_text=session_config(f"json: sessions.json, {ipfix_to(COLLECTOR)}"))
        folder = lab.world.folder / "nfcapd"
        folder.mkdir()
        said = lab.world.folder / "nfcapd.log"
        with open(said, "wb") as output:
            collector = lab.gateway_host.spawn(
                ["nfcapd", "-w", folder, "-b", COLLECTOR[0], "-p", COLLECTOR[1]], stdout=output)
        wait_for(lambda: self.collector_queue(lab) is not None, "nfcapd to listen")
        lab.start()
        flows = self.udp_flows(lab, self.udp_service(lab), 60) + self.tcp_flows(lab, 10)
        lab.end(self)
        wait_for(lambda: self.collector_queue(lab) == 0, "nfcapd to read what was sent")
        stop(collector)
        self.assertIn("Sequence Errors: 0, Bad Packets: 0", said.read_text())
        records = []
        for file in folder.glob("nfcapd.2*"):
            dump = run(["nfdump", "-q", "-r", str(file), "-o", "raw"]).stdout
            for block in dump.split("Flow Record:")[1:]:
                fields = dict(re.findall(r"^ +(\w[\w ]*?) += +([^\s:]+)", block, re.M))
                records.append(self.record(fields, ("nat event", "proto", "src addr", "src port", "src xlt ip",
                                                    "src xlt port", "dst addr", "dst port")))
        self.assertEqual(collections.Counter(records), self.wanted(lab))
        self.assertEqual({record[1:] for record in records}, {tuple(map(str, flow)) for flow in flows})

    def test_libfixbuf_reads_every_record_of_every_message(self):
        self.need("ipfixDump")
        text = session_config(f"json: sessions.json, {ipfix_to(COLLECTOR)}").replace(
            "snat:\n", "snat:\n  ports: 40000-40019\n")
        lab = self.lab(config_text=text)
        with lab.gateway_host.inside():
            collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(collector.close)
        collector.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        collector.bind(COLLECTOR)
        collector.setblocking(False)
        lab.start()
        began = time.time()
        self.udp_flows(lab, self.udp_service(lab), 20)
        # One more than there are ports.
        refused = self.open_socket(lab.parties["pod-b1"].host, socket.SOCK_DGRAM)
        refused.connect((INTERNET, PORT))
        refused.send(b"x")
        wait_for(lambda: "ports_exhausted: 1 refused" in lab.gateway.log(), "the refusal")
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["internet"]))
        lab.end(self)
        stream = lab.world.folder / "stream"  # messages one after the other are an IPFIX file (RFC 5655)
        with open(stream, "wb") as file:
            try:
                while message := collector.recv(65536):
                    self.assertLessEqual(len(message), 600)
                    file.write(message)
            except BlockingIOError:
                pass
        dump = run(["ipfixDump", "--in", str(stream)]).stdout
        records = [dict(re.findall(r"^\t\(\d+\) +(\w+) : (.+?) *$", block, re.M))
                   for block in re.split(r"^--- data record", dump, flags=re.M)[1:]]
        sessions = collections.Counter(
            self.record(fields, ("natEvent", "protocolIdentifier", "sourceIPv4Address", "sourceTransportPort",
                                 "postNATSourceIPv4Address", "postNAPTSourceTransportPort",
                                 "destinationIPv4Address", "destinationTransportPort"))
            for fields in records if fields["natEvent"] in self.EVENTS)
        self.assertEqual(sessions, self.wanted(lab))
        refusal, = (fields for fields in records if fields["natEvent"] not in self.EVENTS)
        self.assertEqual((refusal["natEvent"], refusal["postNATSourceIPv4Address"], refusal["protocolIdentifier"]),
                         ("12", SNAT, "17"))
        for fields in records:
            said = datetime.datetime.fromisoformat(fields["observationTimeMilliseconds"] + "+00:00").timestamp()
            self.assertTrue(began - 1 < said < time.time() + 1, fields)
        self.check_sequence(dump)

    def check_sequence(self, dump):
        """Each message's number is that of its first data record; templates come first, and again."""
        before, templates = 0, []
        for message in dump.split("--- Message Header ---")[1:]:
            self.assertEqual(int(re.search(r"sequence number: (\d+)", message)[1]), before)
            before += message.count("--- data record")
            templates.append(message.count("--- template record"))
        self.assertEqual(templates[0], 4)
        self.assertGreater(templates.count(4), 1)


class StandStill(SessionLogTest):
    def test_a_file_that_takes_nothing_costs_events_and_nothing_else(self):
        lab = self.lab(config_text=session_config("json: fifo, queue: 16", flows=""))
        path = lab.gateway.folder / "fifo"
        os.mkfifo(path)
        fifo = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, fifo)
        fcntl.fcntl(fifo, fcntl.F_SETPIPE_SZ, 4096)
        lab.start()
        service = self.udp_service(lab)
        flows = []
        while not self.counters(lab)["session_events_dropped"]:
            flows += self.udp_flows(lab, service, 20)
        # The main thread is awake: it answers ARP, and the console has just answered.
        lab.gateway.wait_until_ready()
        counted = self.counters(lab)
        self.assertEqual(counted["sessions_opened"], len(flows))
        self.assertEqual(counted["dropped"], 0)
        read = []
        reader = threading.Thread(target=self.read_to_the_end, args=(fifo, lab, read))
        reader.start()
        report = lab.end(self)
        reader.join()
        lines = [json.loads(line) for line in b"".join(read).decode().splitlines()]
        dropped = int(re.search(r"^session_events_dropped (\d+)$", report.text, re.M)[1])
        self.assertEqual(sum(line.get("events", 0) for line in lines if line["event"] == "lost"), dropped)
        told = collections.Counter(line["event"] for line in lines)
        self.assertEqual(told["create"], len(flows) - dropped)
        self.assertEqual(told["delete"], len(flows))
        self.assertLessEqual({flow_of(line) for line in lines if "snat" in line}, set(flows))

    def read_to_the_end(self, fifo, lab, pieces):
        """Reads until the gateway has ended."""
        while True:
            over = lab.gateway.process.poll() is not None
            try:
                piece = os.read(fifo, 65536)
            except BlockingIOError:
                piece = b""
            pieces.append(piece)
            if over and not piece:
                return
            if not piece:
                time.sleep(0.01)


class Reloads(SessionLogTest):
    def rewrite(self, lab, text):
        aside = lab.gateway.config.with_suffix(".new")
        aside.write_text(text)
        os.replace(aside, lab.gateway.config)

    def reload(self, lab, text, *, check=True):
        self.rewrite(lab, text)
        return self.console(lab, "reload", check=check)

    def test_a_file_moved_away_is_opened_anew_at_sighup(self):
        lab = self.running_lab(config_text=session_config("json: sessions.json", flows=""))
        path = lab.gateway.folder / "sessions.json"
        old = path.with_suffix(".1")
        service = self.udp_service(lab)
        first = self.udp_flows(lab, service, 5)
        wait_for(lambda: len(self.lines(path)) == 6, "the first flows")
        path.rename(old)
        # Until the signal, what happens goes to the file that was moved.
        second = self.udp_flows(lab, service, 5)
        wait_for(lambda: len(self.lines(old)) == 11, "the next ones")
        os.kill(lab.gateway.process.pid, signal.SIGHUP)
        wait_for(path.exists, "a new file")
        wait_for(lambda: "in force (SIGHUP)" in lab.gateway.log(), "the reload")
        third = self.udp_flows(lab, service, 5)
        lab.end(self)
        self.assertEqual(self.check_pairs(self.lines(old) + self.lines(path)), set(first + second + third))
        created = {flow_of(line) for line in self.lines(path) if line["event"] == "create"}
        self.assertEqual(created, set(third))

    def test_a_reload_switches_it_on_and_elsewhere_and_off(self):
        lab = self.running_lab(config_text=session_config("", flows=""))
        service = self.udp_service(lab)
        self.udp_flows(lab, service, 3)
        files = [lab.gateway.folder / name for name in ("one.json", "two.json")]
        logged = []
        for file in files:
            self.reload(lab, session_config(f"json: {file.name}", flows=""))

            def in_use(file=file):
                logged.extend(self.udp_flows(lab, service, 1))
                return self.lines(file)
            # The log's thread takes the file over a moment later: what opens before is named before.
            wait_for(in_use, f"{file.name} to be written")
            fresh = self.udp_flows(lab, service, 4)
            logged.extend(fresh)
            wait_for(lambda file=file, fresh=fresh: set(fresh) <= {flow_of(line) for line in self.lines(file)},
                     f"{file.name} to name four")
        self.reload(lab, session_config("", flows=""))
        self.udp_flows(lab, service, 3)
        lab.end(self)
        lines = [line for file in files for line in self.lines(file)]
        self.assertEqual([flow_of(line) for line in lines], logged, "each once, in their order")
        self.assertEqual({line["event"] for line in lines}, {"create"})

    def test_what_cannot_be_written_is_refused_whole(self):
        lab = self.running_lab(config_text=session_config("json: one.json", flows=""))
        bad = session_config("json: no/such/folder/two.json", flows="udp_refresh: outbound")
        self.rewrite(lab, bad)
        wait_for(lambda: "log.sessions.json: " in lab.gateway.log(), "the refusal")
        self.assertIn("no/such/folder/two.json cannot be written", lab.gateway.log())
        self.rewrite(lab, session_config("json: one.json, queue: 17", flows=""))
        wait_for(lambda: "log.sessions.queue has changed, which needs a restart" in lab.gateway.log(), "the refusal")
        flows = self.udp_flows(lab, self.udp_service(lab), 3)
        wait_for(lambda: {flow_of(line) for line in self.lines(lab.gateway.folder / "one.json")
                          if line["event"] == "create"} == set(flows), "the log to go on")
        lab.end(self)
