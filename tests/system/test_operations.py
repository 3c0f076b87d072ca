# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What an operator does to a running gateway, and what it says of itself then."""

import grp
import json
import os
import pathlib
import re
import signal
import socket
import stat
import time

from lab import clients
from lab.system import run, wait_for
from lab.topology import INTERNET
import support
from support import NodeTopology, config_text
from test_console import BAD_USAGE, FAILED, POD, ConsoleTest
from test_metrics import MetricsTest

HELD_UP = 0.5  # seconds

class Links(MetricsTest):
    def test_a_link_is_down_while_its_interface_is(self):
        lab = self.running_lab()
        link = lambda name: self.shown(lab, "show", "eni")[name]["link"]
        wait_for(lambda: self.get(lab, "/readyz")[0] == 200, "readiness")
        lab.gateway_host.ip("link set eni1 down")
        routers = lambda: {row["address"]: (row["mac"], row["state"])
                           for row in self.shown(lab, "show", "neighbours")["neighbours"]}
        mac = routers()["10.10.20.1"][0]
        self.assertIsNotNone(mac)
        wait_for(lambda: link("eni1") == "down", "eni1 to be down")
        self.assertEqual(routers()["10.10.20.1"], (mac, "link down"))
        self.assertEqual(routers()["10.10.10.1"][1], "answers")
        self.assertEqual((link("eni0"), link("pod-b1")), ("up", "up"))
        wait_for(lambda: "eni1: link down\n" in self.get(lab, "/readyz")[1], "readiness to say so")
        lab.gateway_host.ip("link set eni1 up")
        wait_for(lambda: link("eni1") == "up", "eni1 to be up")
        self.assertNotEqual(routers()["10.10.20.1"][1], "link down")
        # Its other end: no carrier. Pods come and go, so a pod's link is none of readiness' business.
        lab.parties["pod-a1"].host.ip("link set eth0 down")
        wait_for(lambda: link("pod-a1") == "down", "pod-a1 to be without carrier")
        wait_for(lambda: self.get(lab, "/readyz")[0] == 200, "readiness")
        lab.end(self)


class Answers(ConsoleTest):
    """What a user is told, and that what he typed does no harm."""

    @classmethod
    def setUpClass(cls):
        cls.shared = support.Lab(NodeTopology)
        cls.addClassCleanup(cls.shared.close)
        cls.shared.start()

    def raw(self, line):
        """All that the socket answers to these bytes."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(self.shared.gateway.console_socket))
            client.sendall(line)
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return answer.decode()

    def test_a_line_that_is_too_long_is_told_so(self):
        for length in (4097, 10_000, 64_000, 300_000):
            for end in (b"\n", b""):
                with self.subTest(length=length, end=end):
                    self.assertEqual(self.raw(b"x" * length + end),
                                     "usage\nthe line is longer than 4096 characters\n")

    def test_no_control_character_comes_back(self):
        for line in (b"\x1b[2J", b"show \x07", b"explain \x1b]0;x 1 > 2", b"check /tmp/\x1b[1m", b"show flow \x08 a > b"):
            with self.subTest(line):
                self.assertNotRegex(self.raw(line + b"\n"), r"[^\n\x20-\x7e]")

    def test_json_may_be_the_last_word_and_is_one_line(self):
        for line in (f"explain udp {POD}:4000 > {INTERNET}:7000 --json", "show eni --json", "show workers --json"):
            status, *rest = self.raw(line.encode() + b"\n").splitlines()
            self.assertEqual((status, len(rest)), ("ok", 1), line)
            json.loads(rest[0])

    def test_what_watch_does_not_repeat(self):
        for words in (("quit",), ("watch", "show", "drops"), ("clear", "flows", "all"), ("reload",)):
            self.assertIn("only show something", self.ask(self.shared, "watch", *words, status=BAD_USAGE))
        self.assertIsNone(self.shared.gateway.process.poll())

    def test_a_trace_of_no_packets_is_refused_and_one_under_way_ends(self):
        lab = self.shared
        for words in (("0",), ("201",)):
            self.assertIn("1 to 200", self.ask(lab, "trace", "add", *words, status=BAD_USAGE))
        self.assertIn("1 to 10000000", self.ask(lab, "capture", "start", "/tmp/x", "count", "0", status=BAD_USAGE))
        self.assertIn("nothing is traced", self.ask(lab, "trace", "stop", status=FAILED))
        self.ask(lab, "trace", "add", "5", "address", "192.0.2.99")  # nobody's
        self.assertIn("trace stop ends it", self.ask(lab, "trace", "add", "1", status=FAILED))
        self.assertIn("0 packets were traced", self.ask(lab, "trace", "stop"))
        self.ask(lab, "trace", "add", "2", "protocol", "udp", "address", POD)
        self.udp(lab, port=4801).send(b"x")  # a second that looks like the first
        wait_for(lambda: not self.shown(lab, "trace", "show")["under_way"], "both packets")
        text = self.ask(lab, "trace", "show")
        name = rf"^worker 0, in by pod-b1: udp {POD}:4801 > {INTERNET}:7000, \d+ bytes\nstage +change$"
        self.assertEqual(len(re.findall(name, text, re.M)), 2, text)
        self.ask(lab, "trace", "clear")
        self.assertIn("nothing is traced", self.ask(lab, "trace", "show", status=FAILED))

    def test_flows_of_protocols_without_ports_are_found(self):
        lab = self.shared
        pod = lab.parties["pod-b1"]
        with pod.host.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW, 47) as gre:
            gre.sendto(b"\0\0\x88\xbe", (INTERNET, 0))
        for word in ("gre", "47"):
            self.wait_for_session(lab, "protocol", word)
        row, = self.shown(lab, "show", "flows", "protocol", "gre")["flows"]
        self.assertEqual((row["protocol"], row["pod"], row["remote"]), ("gre", POD, INTERNET))
        flow = self.shown(lab, "show", "flow", "gre", POD, ">", INTERNET)
        self.assertEqual(flow["protocol"], "gre")

    def test_an_age_is_a_range(self):
        self.udp(self.shared, port=4802)
        line = f"udp {POD}:4802 > {INTERNET}:7000"
        wait_for(lambda: "4802" in self.ask(self.shared, "show", "flows", "limit", "10000"), "the session")
        flow = self.shown(self.shared, "show", "flow", *line.split())
        self.assertLessEqual(flow["age_s_at_least"], flow["age_s_at_most"])
        self.assertGreaterEqual(flow["age_s_at_least"], flow["idle_s"] - 1)
        self.assertLessEqual(flow["age_s_at_most"] - flow["age_s_at_least"], 33)

    def test_a_drop_that_was_answered_is_shown_with_its_header(self):
        """The sender is told in the packet's own buffer."""
        lab = self.shared
        pod = lab.parties["pod-b1"]
        pod.host.run(["ping", "-n", "-c", 1, "-W", 1, "-t", 1, INTERNET], check=False)
        sample = lambda: self.shown(lab, "show", "drops", "reason", "ttl_expired")["samples"]
        wait_for(sample, "the sample")
        header = sample()[0]["header"]
        self.assertEqual(header[24:28], "0800")
        self.assertEqual(header[28 + 24:28 + 40], socket.inet_aton(POD).hex() + socket.inet_aton(INTERNET).hex())


class Capturing(ConsoleTest):
    def test_a_capture_says_how_far_it_is(self):
        lab = self.running_lab()
        self.assertIn("nothing is captured", self.ask(lab, "capture", "show", status=FAILED))
        path = lab.gateway.folder / "far.pcapng"
        self.ask(lab, "capture", "start", str(path), "address", POD, "protocol", "udp", "count", "3")
        wanted = {"file": str(path), "under_way": True, "packets": 0, "packets_wanted": 3, "lost_copies": 0,
                  "address": POD, "protocol": "udp"}
        self.assertEqual(self.shown(lab, "capture", "show"), wanted)
        self.udp(lab, port=4000)
        wait_for(lambda: self.shown(lab, "capture", "show") == {**wanted, "packets": 1}, "the first packet")
        self.udp(lab, port=4001), self.udp(lab, port=4002)
        wait_for(lambda: self.shown(lab, "capture", "show") == {**wanted, "packets": 3, "under_way": False},
                 "the end")
        self.assertIn("nothing is traced", self.ask(lab, "trace", "show", status=FAILED))
        self.ask(lab, "trace", "add", "2", "protocol", "gre")
        said = self.shown(lab, "trace", "show")
        self.assertEqual((said["under_way"], said["packets_wanted"], said["address"], said["protocol"]),
                         (True, 2, None, "gre"))
        self.assertIn("nothing is captured", self.ask(lab, "capture", "show", status=FAILED))
        lab.end(self)


class Draining(ConsoleTest):
    def test_a_drain_asked_for_again_says_what_is_left(self):
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "source: [10.10.10.20]": "source: [10.10.10.20, 10.10.20.20]"})).start()
        self.udp(lab, port=4000)
        self.wait_for_session(lab, "remote", INTERNET)
        used = self.shown(lab, "show", "flows")["flows"][0]["translated_to"].split(":")[0]
        self.assertIn("no new flows", self.ask(lab, "drain", used))
        again = self.shown(lab, "drain", used)
        self.assertEqual((again["address"], again["sessions_left"]), (used, 1))
        self.assertIn("sessions left: 1", self.ask(lab, "drain", used))
        self.ask(lab, "clear", "flows", "all")
        wait_for(lambda: self.shown(lab, "drain", used)["sessions_left"] == 0, "none to be left")
        self.ask(lab, "reload")
        self.assertIn("no new flows", self.ask(lab, "drain", used), "the reload had it back")
        lab.end(self)


class Group(ConsoleTest):
    """console.group: who else may ask. The users are made up; only their numbers count."""

    NAME = "adm"  # every Debian has it
    STRANGER = 65_432

    def ask_as(self, lab, *groups):
        """Status and what is said, as a user who is nobody, in these groups."""
        owned = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        done = run(["setpriv", "--reuid", str(self.STRANGER), "--regid", str(self.STRANGER), *owned,
                    str(support.BINARY), "console", "--socket", str(lab.gateway.console_socket), "show", "version"],
                   check=False)
        return done.returncode, done.stdout + done.stderr

    def test_members_may_ask_and_nobody_else(self):
        gid = grp.getgrnam(self.NAME).gr_gid
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "console: {socket: console.sock}": f"console: {{socket: console.sock, group: {self.NAME}}}"})).start()
        mode = os.stat(lab.gateway.console_socket)
        self.assertEqual((stat.S_IMODE(mode.st_mode), mode.st_gid), (0o660, gid))
        status, said = self.ask_as(lab, gid)
        self.assertEqual(status, 0, said)
        self.assertIn("sluice: ", said)
        status, said = self.ask_as(lab)
        self.assertEqual(status, 1)
        self.assertIn("Permission denied", said)
        self.assertEqual(self.shown(lab, "show", "config")["console.group"], self.NAME)
        lab.end(self)

    def test_without_a_group_it_is_the_owners_alone(self):
        lab = self.running_lab()
        status, said = self.ask_as(lab, grp.getgrnam(self.NAME).gr_gid)
        self.assertEqual(status, 1)
        self.assertIn("Permission denied", said)
        lab.end(self)

    def test_an_unknown_group_is_named_with_its_place(self):
        text = config_text(NodeTopology, **{
            "console: {socket: console.sock}": "console: {socket: console.sock, group: nobodys}"})
        lab = self.lab(config_text=text)
        line = 1 + next(number for number, line in enumerate(text.splitlines()) if "nobodys" in line)
        done = run([str(support.BINARY), "check", "--config", str(lab.gateway.config)], check=False)
        self.assertEqual(done.returncode, BAD_USAGE)
        self.assertRegex(done.stderr, rf'lab\.yaml:{line}:\d+: console\.group: "nobodys" is no group of this machine; .*getent group')


class StartStop(MetricsTest):
    def test_stop_halts_forwarding_and_start_resumes(self):
        lab = self.running_lab()
        pod, peer = lab.parties["pod-b1"], lab.parties["peer"]
        self.assertIsNone(clients.ping(pod, peer))
        self.udp(lab, port=4000)
        self.wait_for_session(lab, "remote", INTERNET)
        self.assertIn("gateway forwards already", self.ask(lab, "start", status=FAILED))
        self.ask(lab, "stop")
        received = self.shown(lab, "show", "counters")["received"]
        self.assertIsNotNone(clients.ping(pod, peer, wait=1))
        self.assertEqual(self.shown(lab, "show", "counters")["received"], received)
        self.assertFalse(self.shown(lab, "show", "workers")["forwarding"])
        self.assertEqual(self.shown(lab, "show", "flows", "remote", INTERNET, "count")["matching"], 1)
        wait_for(lambda: self.get(lab, "/readyz") == (503, "not ready\nstopped at the console; start resumes\n"),
                 "readiness to say so")
        self.assertEqual(self.get(lab, "/healthz")[0], 200)
        self.assertIn("stopped already", self.ask(lab, "stop", status=FAILED))
        wait_for(lambda: self.shown(lab, "show", "drops")["equation"]["difference"] == 0, "the equation")
        self.ask(lab, "start")
        # What was asked meanwhile is answered late, so these count anew.
        wait_for(lambda: clients.ping(pod, peer) is None, "the peer to answer")
        self.assertGreater(self.shown(lab, "show", "counters")["received"], received)
        wait_for(lambda: self.get(lab, "/readyz")[0] == 200, "readiness")
        self.assertEqual(self.shown(lab, "show", "flows", "remote", INTERNET, "count")["matching"], 1, "kept")
        lab.end(self)

    def test_stopping_under_load_loses_nothing_without_a_name(self):
        lab = self.running_lab(serve=True)
        pod, peer = lab.parties["pod-b1"], lab.parties["peer"]
        load = pod.host.spawn(["ping", "-q", "-f", "-c", "20000", peer.address],
                              stdout=open(lab.gateway.folder / "flood", "wb"))
        wait_for(lambda: self.shown(lab, "show", "counters")["sent"] > 500, "the load")
        for _ in range(5):
            self.ask(lab, "stop")
            before = self.shown(lab, "show", "counters")
            wait_for(lambda: self.shown(lab, "show", "drops")["equation"]["difference"] == 0, "the equation")
            self.assertEqual(self.shown(lab, "show", "counters")["received"], before["received"])
            self.ask(lab, "start")
            wait_for(lambda: self.shown(lab, "show", "counters")["received"] > before["received"] + 100, "packets")
        load.terminate()
        lab.end(self)


class Latency(MetricsTest):
    def rows(self, lab):
        return self.shown(lab, "show", "latency")["workers"]

    def forget(self, lab, microseconds):
        """Clears counters until no gap is as long as that; the machine may have other work."""
        def forgotten():
            self.ask(lab, "clear", "counters")
            return self.rows(lab)[0]["longest_gap_us"] < microseconds
        wait_for(forgotten, "the longest gap to be forgotten")

    def test_packets_are_counted_by_how_long_their_turn_took(self):
        lab = self.running_lab()
        self.ask(lab, "clear", "counters")
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"], count=10))
        row, = self.rows(lab)
        counted = self.shown(lab, "show", "counters")["received"]
        self.assertGreaterEqual(row["packets"], 20)
        self.assertLessEqual(row["packets"], 2 * counted)
        shares = [row[name] for name in ("p50_us", "p90_us", "p99_us", "p99.9_us", "max_us")]
        self.assertEqual(shares, sorted(shares))
        self.assertGreater(shares[0], 0)
        self.assertGreaterEqual(row["longest_gap_us"], row["max_us"])
        lab.end(self)

    def test_clear_counters_begins_anew_and_metrics_go_on(self):
        lab = self.running_lab()
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))
        gaps = self.shown(lab, "show", "workers")["workers"][0]["poll_gaps"]
        longest = self.rows(lab)[0]["longest_gap_us"]
        self.assertGreater(gaps, 0, "the first turn meets memory for the first time")
        self.forget(lab, longest)
        self.assertGreaterEqual(self.shown(lab, "show", "workers")["workers"][0]["poll_gaps"], gaps)
        text = self.metrics(lab)
        value = lambda name: float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)[1])
        self.assertGreaterEqual(value('sluice_worker_poll_gaps_total{worker="0"}'), gaps)
        count = value('sluice_worker_packet_seconds_count{worker="0"}')
        self.assertGreater(count, 0)
        self.assertEqual(value('sluice_worker_packet_seconds_bucket{worker="0",le="+Inf"}'), count)
        buckets = [float(number) for number in re.findall(r"^sluice_worker_packet_seconds_bucket\{.*\} (\S+)$", text, re.M)]
        self.assertEqual(buckets, sorted(buckets))
        lab.end(self)

    def test_a_worker_that_is_held_up_has_a_gap(self):
        lab = self.running_lab()
        wait_for(lambda: self.rows(lab)[0]["packets"] > 0, "a packet")
        self.forget(lab, HELD_UP * 1e6)
        before = self.rows(lab)[0]["poll_gaps"]
        os.kill(lab.gateway.process.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: "State:\tT" in pathlib.Path(f"/proc/{lab.gateway.process.pid}/status").read_text(), "it to stand")
            time.sleep(HELD_UP)
        finally:
            os.kill(lab.gateway.process.pid, signal.SIGCONT)
        row, = self.rows(lab)
        self.assertGreater(row["poll_gaps"], before)
        self.assertGreaterEqual(row["longest_gap_us"], HELD_UP * 1e6)
        lab.end(self)


class PortsForecast(ConsoleTest):
    def test_growth_has_an_end_and_rest_has_none(self):
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "source: [10.10.10.20]": "source: [10.10.10.20]\n  ports: 1024-5119"})).start()
        with lab.parties["pod-b1"].host.inside():
            senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(600)]
        for sender in senders:
            self.addCleanup(sender.close)
        left = iter(senders)

        def open_some(count):
            for _, sender in zip(range(count), left):
                sender.sendto(b"x", (INTERNET, 7000))

        def row():
            rows = self.shown(lab, "show", "ports")["busiest_remotes"]
            return next((row for row in rows if row["remote"] == f"{INTERNET}:7000"), {"ports_used": 0})
        open_some(100)
        wait_for(lambda: row()["ports_used"] == 100, "100 ports")
        self.assertIsNone(row()["exhausted_in_s"], "nothing is known of the time before")

        def forecast():
            open_some(2)
            return row()["exhausted_in_s"]
        seconds = wait_for(forecast, "a forecast", seconds=60, pause=0.3)
        self.assertTrue(0 < seconds < 3600, seconds)
        self.assertRegex(self.ask(lab, "show", "ports"), rf"{INTERNET}:7000 .* in (\d+m)?\d+s\n")
        address, = self.shown(lab, "show", "ports")["addresses"]
        self.assertIsNotNone(address["exhausted_in_s"])
        lab.end(self)
