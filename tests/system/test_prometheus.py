# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""A real Prometheus with what ships in conf/: it scrapes a running gateway, and its alerts fire."""

import json
import re
import shutil
import socket
import unittest
import urllib.parse
import urllib.request

from lab.system import run, wait_for
from lab.topology import INTERNET, REPOSITORY
from support import NodeTopology, config_text
from test_console import ConsoleTest

CONF = REPOSITORY / "conf"
API = "http://127.0.0.1:9090/api/v1/"
PORTS = 128


@unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed")
class Prometheus(ConsoleTest):
    def start_prometheus(self, lab):
        """In the gateway's namespace, with conf/ as it ships but for the time that everything takes."""
        folder = lab.world.folder / "prometheus"
        folder.mkdir()
        quick = re.sub(r"_interval: 15s", "_interval: 1s", (CONF / "prometheus.yaml").read_text())
        self.assertEqual(quick.count("_interval: 1s"), 2)
        (folder / "prometheus.yaml").write_text(quick)
        rules = re.sub(r"\bfor: \d+m", "for: 2s", (CONF / "alerts.yaml").read_text())
        (folder / "alerts.yaml").write_text(rules)
        with open(folder / "log", "wb") as log:
            process = lab.gateway_host.spawn(
                ["prometheus", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
                 "--web.listen-address=127.0.0.1:9090"], stdout=log)

        def answers():
            self.assertIsNone(process.poll(), (folder / "log").read_text())
            try:
                return self.api(lab, "targets")
            except OSError:
                return None
        wait_for(answers, "Prometheus to answer", seconds=60, pause=0.2)

    def api(self, lab, what, **arguments):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with lab.gateway_host.inside(), opener.open(f"{API}{what}?{urllib.parse.urlencode(arguments)}", timeout=20) as answer:
            return json.load(answer)["data"]

    def query(self, lab, expression):
        """Values by their labels."""
        return [(row["metric"], float(row["value"][1])) for row in self.api(lab, "query", query=expression)["result"]]

    def test_it_scrapes_and_an_alert_fires(self):
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "source: [10.10.10.20]": f"source: [10.10.10.20]\n  ports: 1024-{1024 + PORTS - 1}"})).start()
        self.start_prometheus(lab)
        wait_for(lambda: [target["health"] for target in self.api(lab, "targets")["activeTargets"]] == ["up"],
                 "the target to be up", seconds=30)
        wait_for(lambda: self.query(lab, "sluice_ready") and self.query(lab, "sluice_ready")[0][1] == 1, "readiness")
        self.assertEqual({labels["device"] for labels, up in self.query(lab, "sluice_device_up") if up == 1},
                         {"eni0", "eni1", "pod-a1", "pod-a2", "pod-b1", "pod-b2"})
        self.assertTrue(self.query(lab, "histogram_quantile(0.99, sluice_worker_packet_seconds_bucket)"))
        wait_for(lambda: self.query(lab, 'ALERTS{alertstate="firing"}') == [], "no alert to fire")

        with lab.parties["pod-b1"].host.inside():
            senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(PORTS + 20)]
        for sender in senders:
            self.addCleanup(sender.close)
        firing = {}

        def fires(name):
            for sender in senders:
                sender.sendto(b"x", (INTERNET, 7000))
            firing.update({labels["alertname"]: labels for labels, _ in self.query(lab, 'ALERTS{alertstate="firing"}')})
            return name in firing
        wait_for(lambda: fires("SluiceRefusesFlows"), "SluiceRefusesFlows to fire", seconds=60, pause=0.5)
        self.assertEqual(firing["SluiceRefusesFlows"]["reason"], "ports_exhausted")
        wait_for(lambda: fires("SluicePortsRunOut"), "SluicePortsRunOut to fire", seconds=60, pause=0.5)
        self.assertEqual(firing["SluicePortsRunOut"]["address"], "10.10.10.20")
        refused = self.query(lab, 'sluice_dropped_packets_total{reason="ports_exhausted"}')[0][1]
        self.assertGreater(refused, 0)
        drops = {row["reason"]: row["packets"] for row in self.shown(lab, "show", "drops")["drops"]}
        self.assertGreaterEqual(drops["ports_exhausted"], refused)
        lab.end(self)

    def test_promtool_accepts_what_ships(self):
        run(["promtool", "check", "config", str(CONF / "prometheus.yaml")])
