# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Metrics and health over HTTP, and what ships for Prometheus and Grafana."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import unittest

from lab import clients
from lab.system import wait_for
from lab.topology import REPOSITORY
from support import LabTest, NodeTopology, config_text
from test_console import ConsoleTest

LISTEN = ("127.0.0.1", 9464)
PROMTOOL = shutil.which("promtool")


class MetricsTest(ConsoleTest):
    def answer(self, lab, path, method="GET"):
        """Head and body, asked inside the gateway's namespace."""
        with lab.gateway_host.inside():
            connection = socket.create_connection(LISTEN, timeout=20)
        with connection:
            connection.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, _, body = answer.decode().partition("\r\n\r\n")
        return head, body

    def get(self, lab, path, method="GET"):
        """Status and body."""
        head, body = self.answer(lab, path, method)
        return int(head.split()[1]), body

    def metrics(self, lab):
        status, body = self.get(lab, "/metrics")
        self.assertEqual(status, 200)
        return body


class Scraping(MetricsTest):
    def test_metrics_are_those_of_the_console_and_well_formed(self):
        lab = self.running_lab()
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))
        self.udp(lab, to=("169.254.169.254", 80))
        wait_for(lambda: self.shown(lab, "show", "drops")["drops"], "a drop")
        text = self.metrics(lab)
        values = dict(re.findall(r"^(sluice_\w+(?:\{.*?\})?) (\S+)$", text, re.M))
        drops = {row["reason"]: row["packets"] for row in self.shown(lab, "show", "drops")["drops"]}
        self.assertEqual(float(values['sluice_dropped_packets_total{reason="link_local_destination",kind="policy"}']),
                         drops["link_local_destination"])
        self.assertEqual(values['sluice_device_up{device="eni0"}'], "1")
        self.assertIn('sluice_worker_busy_seconds_total{worker="0"}', values)
        self.assertEqual(text.count("\n# TYPE sluice_dropped_packets_total counter"), 1)
        for name in re.findall(r"^# TYPE (\w+) counter$", text, re.M):
            self.assertTrue(name.endswith("_total"), name)
        self.assertEqual(set(re.findall(r"^# HELP (\w+) .{10,}", text, re.M)),
                         set(re.findall(r"^# TYPE (\w+) ", text, re.M)))
        wait_for(lambda: 'sluice_pod_sessions{pod="10.10.20.21"}' in self.metrics(lab), "the pods", seconds=30)
        if PROMTOOL:
            done = subprocess.run([PROMTOOL, "check", "metrics"], input=self.metrics(lab), text=True, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lab.end(self)

    def test_answers_that_were_not_given_are_counted(self):
        """One sender is told of so many expired packets a second and no more."""
        lab = self.running_lab()
        sender = self.udp(lab)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        unanswered = lambda: self.shown(lab, "show", "counters")["unanswered"]

        def flooded():
            for _ in range(500):
                with contextlib.suppress(OSError):  # it is told of those before
                    sender.send(b"x")
            return unanswered()
        wait_for(flooded, "an answer that is left out")
        count = 0

        def rests():
            nonlocal count
            before, count = count, unanswered()
            return before == count
        wait_for(rests, "the flood to be counted")
        self.assertIn(f"\nsluice_unanswered_packets_total {count}\n", self.metrics(lab))
        lab.end(self)

    def test_ready_is_when_routers_answer(self):
        lab = self.running_lab()
        self.assertEqual(self.get(lab, "/healthz"), (200, "ok\n"))
        wait_for(lambda: self.get(lab, "/readyz") == (200, "ready\n"), "readiness")
        self.assertEqual(self.get(lab, "/nothing")[0], 404)
        lab.end(self)

    def test_not_ready_says_why(self):
        """Nobody has the address of this router."""
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "address: 10.10.20.20/24": "address: 10.10.20.20/24\n    gateway: 10.10.20.99"})).start()
        self.assertEqual(self.get(lab, "/healthz")[0], 200)
        wait_for(lambda: self.get(lab, "/readyz") == (503, "not ready\neni1: router does not answer\n"),
                 "eni1's router to be missed, and eni0's not")
        self.assertIn("sluice_ready 0\n", self.metrics(lab))

    def test_stalled_scrapes_keep_no_operator_out(self):
        lab = self.running_lab()
        with lab.gateway_host.inside():
            stalled = [socket.create_connection(LISTEN, timeout=20) for _ in range(20)]
        for connection in stalled:
            self.addCleanup(connection.close)
            connection.send(b"GET /metr")
        self.assertIn("sluice", self.shown(lab, "show", "version"))
        self.assertEqual(self.get(lab, "/healthz"), (200, "ok\n"), "asked beside those that stall")
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))
        for connection in stalled:
            connection.close()
        wait_for(lambda: "sluice_ready" in self.metrics(lab), "a scrape")
        lab.end(self)

    def test_other_methods_than_get(self):
        lab = self.running_lab()
        self.assertEqual(self.get(lab, "/healthz", "HEAD"), (200, ""))
        for path in ("/metrics", "/healthz", "/readyz"):
            for method in ("POST", "DELETE", "OPTIONS"):
                with self.subTest(f"{method} {path}"):
                    self.assertEqual(self.get(lab, path, method), (405, "GET or HEAD\n"))
        self.assertIn("Allow: GET, HEAD", self.answer(lab, "/readyz", "POST")[0].split("\r\n"))
        lab.end(self)

    def test_a_port_in_use_is_told_at_start(self):
        lab = self.lab()
        with lab.gateway_host.inside():
            other = socket.create_server(LISTEN)
        with other:
            lab.gateway.start()
            self.assertEqual(lab.gateway.process.wait(20), 1)
        self.assertRegex(lab.gateway.log(), r"metrics\.listen: 127\.0\.0\.1:9464 cannot be listened at")

    def test_without_metrics_nothing_listens(self):
        text = config_text(NodeTopology, **{"console: {socket": 'metrics: {listen: ""}\nconsole: {socket'})
        lab = self.lab(config_text=text).start()
        with lab.gateway_host.inside(), self.assertRaises(ConnectionRefusedError):
            socket.create_connection(LISTEN, timeout=20)
        lab.end(self)


class DpdkTelemetry(MetricsTest):
    """The commands on DPDK's own socket, asked as dpdk-telemetry.py asks."""

    def ask_dpdk(self, lab, command):
        folder, = pathlib.Path("/run/dpdk").glob(f"sluice-{lab.gateway.process.pid}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
            client.settimeout(20)
            client.connect(str(folder / "dpdk_telemetry.v2"))
            client.recv(1024)  # who it is
            client.send(command.encode())
            return json.loads(client.recv(65536))[command]

    def test_its_numbers_are_the_consoles(self):
        lab = self.running_lab()
        self.udp(lab, to=("169.254.169.254", 80))
        wait_for(lambda: self.ask_dpdk(lab, "/sluice/drops")["link_local_destination"] == 1, "the drop")
        self.assertGreater(self.ask_dpdk(lab, "/sluice/counters")["received"], 0)
        self.assertEqual(self.ask_dpdk(lab, "/sluice/sessions")["capacity"], 65536)
        self.assertGreater(self.ask_dpdk(lab, "/sluice/workers")["worker0_turns"], 0)
        lab.end(self)


class Shipped(LabTest):
    def known(self):
        code = "".join(path.read_text() for path in (REPOSITORY / "src" / "telemetry").glob("metrics.cc"))
        return {"sluice_" + name for name in re.findall(r'"([a-z]\w+)",\s*"', code)}

    def names_in(self, text):
        return set(re.findall(r"\bsluice_\w+", text))

    def test_alerts_and_dashboard_name_metrics_that_are_there(self):
        for path in ("conf/alerts.yaml", "conf/grafana/sluice.json"):
            text = (REPOSITORY / path).read_text()
            self.assertEqual(self.names_in(text) - self.known(), set(), path)
        json.loads((pathlib.Path(REPOSITORY) / "conf/grafana/sluice.json").read_text())

    @unittest.skipUnless(PROMTOOL, "promtool is not installed")
    def test_promtool_finds_no_fault_in_the_rules(self):
        done = subprocess.run([PROMTOOL, "check", "rules", REPOSITORY / "conf/alerts.yaml"], text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
