# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The console of a running gateway: every command as its help shows it, and clients that behave badly."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import time

from lab import clients, frames
from lab.system import run, wait_for
from lab.topology import INTERNET
import support
from support import LabTest, NodeTopology, config_text

OK, FAILED, BAD_USAGE = 0, 1, 2
POD = "10.10.20.21"  # pod-b1's
SNAT = "10.10.10.20"


class ConsoleTest(LabTest):
    def ask(self, lab, *words, status=OK):
        """Runs `sluice console WORDS`; what it printed, of which only one stream may have anything."""
        done = run([str(support.BINARY), "console", "--socket", str(lab.gateway.console_socket), *words],
                   check=False)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")
        return done.stdout if status == OK else done.stderr

    def shown(self, lab, *words):
        return json.loads(self.ask(lab, *words, "--json"))

    def udp(self, lab, name="pod-b1", port=None, to=(INTERNET, 7000)):
        """A socket of a pod that has sent one datagram."""
        with lab.parties[name].host.inside():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        if port:
            sender.bind(("", port))
        sender.connect(to)
        sender.send(b"x")
        return sender

    def send_frame(self, lab, target, ethertype, payload):
        pod = lab.parties["pod-b1"].host
        with frames.Wire(pod, "eth0") as wire:
            wire.send(frames.ethernet(target, pod.mac("eth0"), ethertype, payload))

    def wait_for_session(self, lab, *words, count=1):
        wait_for(lambda: self.shown(lab, "show", "flows", *words, "count")["matching"] == count,
                 f"{count} sessions of {words}")


class Commands(ConsoleTest):
    @classmethod
    def setUpClass(cls):
        cls.shared = support.Lab(NodeTopology)
        cls.addClassCleanup(cls.shared.close)
        cls.shared.start()

    def setUp(self):
        self.running = self.shared

    def examples(self):
        manual = (pathlib.Path(__file__).parents[2] / "docs" / "console.md").read_text()
        return re.findall(r"^    sluice> (.+)$", manual, re.M)

    def test_every_example_of_the_manual_runs(self):
        """Two may say no here: nothing like it was there to be shown."""
        ends = {"quit"}  # the gateway, and shows nothing
        repeats = {"top", "exit"}
        examples = self.examples()
        self.assertGreater(len(examples), 25)
        self.udp(self.running, port=4000, to=("8.8.8.8", 53))
        self.wait_for_session(self.running, "remote", "8.8.8.8")
        self.ask(self.running, "explain", "last", "drop", "no_owner", status=FAILED)
        for example in examples:
            if example in ends | repeats or example.startswith("watch "):
                continue
            with self.subTest(example):
                done = run([str(support.BINARY), "console", "--socket",
                            str(self.running.gateway.console_socket), *example.split()], check=False)
                wanted = {OK, FAILED} if example.startswith(("explain last", "drain", "capture")) else {OK}
                self.assertIn(done.returncode, wanted, done.stderr)
                self.assertTrue(done.stdout + done.stderr)

    def test_every_show_is_json_too(self):
        for example in self.examples():
            if example.startswith(("show ", "explain ")) and not example.startswith("explain last"):
                with self.subTest(example):
                    self.udp(self.running, port=4000, to=("8.8.8.8", 53)).close()
                    self.wait_for_session(self.running, "remote", "8.8.8.8")
                    self.assertIsInstance(self.shown(self.running, *example.replace("--json", "").split()), dict)

    def test_what_is_no_command_is_told_with_the_right_usage(self):
        for line, wanted in (("frobnicate", "no such command: frobnicate; help lists what there is"),
                             ("show", "expected"),
                             ("show flows pod nobody", "'nobody': expected ADDRESS"),
                             ("show flows limit", "expected N"),
                             ("show flows limit 0", "limit 0: 1 to 10000"),
                             ("show flows limit 100000", "limit 100000: 1 to 10000"),
                             ("show pods limit 10001", "limit 10001: 1 to 10000"),
                             ("show flows page 0", "the first page is 1"),
                             ("show flow icmp 10.10.20.21 > 8.8.8.8",
                              "show flows pod 10.10.20.21 remote 8.8.8.8 protocol icmp lists them"),
                             ("show flows state open", "syn-sent"),
                             ("show drops reason none", "expected REASON"),
                             ("drain", "expected ADDRESS"),
                             ("clear flows", "clear flows all"),
                             ("explain nonsense", "PROTO"),
                             ("top", "")):
            if not wanted:
                continue
            with self.subTest(line):
                self.assertIn(wanted, self.ask(self.running, *line.split(), status=BAD_USAGE))

    def test_lines_on_standard_input_fail_as_the_first_that_does(self):
        done = run([str(support.BINARY), "console", "--socket", str(self.running.gateway.console_socket)],
                   stdin="show version\nfrobnicate\nshow rates\n", check=False)
        self.assertEqual(done.returncode, BAD_USAGE)
        self.assertIn("received packets a second", done.stdout)

    def test_whoever_asks_for_json_gets_it(self):
        self.assertTrue(any("quit" in line for line in self.shown(self.running, "help")["answer"]))
        self.assertTrue(self.shown(self.running, "reload")["answer"])
        rates = self.shown(self.running, "show", "rates")
        self.assertEqual((type(rates["sessions"]), rates["sessions_capacity"]), (int, 65536))

    def test_watch_takes_json_behind_the_seconds_and_seconds_behind_a_flow(self):
        for words in (("watch", "show", "rates", "1", "--json"),
                      ("watch", "explain", "tcp", f"{POD}:1", ">", "8.8.8.8:53", "1", "--json")):
            with self.subTest(words), subprocess.Popen(
                    [support.BINARY, "console", "--socket", self.running.gateway.console_socket, *words],
                    stdout=subprocess.PIPE, text=True) as watching:
                try:
                    for _ in range(2):
                        self.assertIsInstance(json.loads(watching.stdout.readline()), dict)
                finally:
                    watching.kill()

    def test_help_names_every_command_on_one_page(self):
        lines = self.ask(self.running, "help").splitlines()
        self.assertLess(len(lines), 50)
        for words in ("show flows", "explain FLOW", "drain ADDRESS", "clear flows", "quit"):
            self.assertTrue(any(words in line for line in lines), words)

    def test_flows_are_found_by_any_of_their_sides(self):
        self.udp(self.running, port=4101, to=(INTERNET, 7101))
        self.wait_for_session(self.running, "pod", POD, "remote", INTERNET, "protocol", "udp")
        rows = self.shown(self.running, "show", "flows", "pod", POD, "remote", INTERNET)["flows"]
        row = next(row for row in rows if row["remote"] == f"{INTERNET}:7101")
        self.assertEqual(row["pod"], f"{POD}:4101")
        self.assertTrue(row["translated_to"].startswith(SNAT + ":"))
        for line in (f"udp {POD}:4101 > {INTERNET}:7101",
                     f"udp {INTERNET}:7101 > {row['translated_to']}"):
            with self.subTest(line):
                flow = self.shown(self.running, "show", "flow", *line.split())
                self.assertEqual(flow["translated_to"], row["translated_to"])
                self.assertEqual(flow["leaves_by"], "eni0")
                self.assertEqual(flow["comes_back_by"], "pod-b1")
        count = lambda *words: self.shown(self.running, "show", "flows", *words, "count")["matching"]
        self.assertEqual(count("remote", INTERNET, "state", "established", "address", SNAT),
                         count("remote", INTERNET))
        self.assertEqual(count("remote", INTERNET, "idle", "1h"), 0)
        self.assertEqual(count("pod", "10.10.10.99"), 0)
        self.ask(self.running, "show", "flow", "udp", "10.10.10.99:1", ">", "10.10.10.98:2", status=FAILED)

    def test_flows_come_in_pages_and_the_largest_first(self):
        for port in range(4200, 4205):
            sender = self.udp(self.running, port=port, to=(INTERNET, 7200))
            for _ in range(port - 4200):
                sender.send(b"y" * 500)
        wait_for(lambda: [row["pod"] for row in self.shown(self.running, "show", "flows", "top", "limit", "2")["flows"]
                          if "7200" in row["remote"]] == [f"{POD}:4204", f"{POD}:4203"], "the largest two")
        pages = [self.shown(self.running, "show", "flows", "remote", INTERNET, "limit", "2", "page", str(page))
                 for page in (1, 2, 3)]
        ports = [row["pod"] for page in pages for row in page["flows"]]
        self.assertEqual(len(ports), len(set(ports)))
        self.assertEqual([len(page["flows"]) for page in pages[:2]], [2, 2])

    def test_the_busiest_pods_and_ports_are_named(self):
        self.udp(self.running, port=4300, to=(INTERNET, 7300))
        self.wait_for_session(self.running, "remote", INTERNET, count=self.sessions_to_internet())
        pods = self.shown(self.running, "show", "pods")["pods"]
        self.assertIn(POD, [row["pod"] for row in pods])
        ports = self.shown(self.running, "show", "ports")
        self.assertEqual(ports["addresses"][0]["address"], SNAT)
        self.assertEqual(ports["addresses"][0]["ports_towards_each_remote"], 64512)
        self.assertGreaterEqual(ports["addresses"][0]["most_ever"], ports["addresses"][0]["sessions"])
        self.assertGreaterEqual(ports["busiest_remotes"][0]["ports_used"], 1)

    def sessions_to_internet(self):
        return self.shown(self.running, "show", "flows", "remote", INTERNET, "count")["matching"]

    def test_the_equation_adds_up_and_the_nics_stand_beside_it(self):
        clients.ping(self.running.parties["pod-b1"], self.running.parties["peer"])
        wait_for(lambda: self.shown(self.running, "show", "drops")["equation"]["difference"] == 0,
                 "the equation to add up")
        self.assertIn("adds up", self.ask(self.running, "show", "drops"))
        nics = {row["device"] for row in self.shown(self.running, "show", "drops")["nic"]}
        self.assertEqual(nics, {"eni0", "eni1", "pod-a1", "pod-a2", "pod-b1", "pod-b2"})

    def test_a_drop_is_shown_with_its_packet_and_explained(self):
        sender = self.udp(self.running, port=4400, to=("169.254.169.254", 80))
        def sampled():
            one = self.shown(self.running, "show", "drops", "reason", "link_local_destination")
            return [row for row in one["samples"] if row["packet"] == f"udp {POD}:4400 > 169.254.169.254:80"]
        wait_for(sampled, "the sample")
        self.assertEqual(sampled()[0]["in"], "pod-b1")
        self.assertTrue(sampled()[0]["header"][24:28], "0800")
        last = self.shown(self.running, "explain", "last", "drop", "link_local_destination")
        self.assertEqual(last["dropped"], "link_local_destination")
        self.assertEqual(last["verdict"]["verdict"], "drop")
        self.assertEqual(last["verdict"]["reason"], "link_local_destination")
        self.assertIn("forward_link_local", last["why"])
        sender.close()

    def test_workers_say_how_loaded_they_are(self):
        worker = self.shown(self.running, "show", "workers")["workers"][0]
        self.assertLessEqual(worker["busy_percent"], 100)
        self.assertGreater(worker["longest_turn_us"], 0)
        self.assertEqual([row["stage"] for row in self.shown(self.running, "show", "workers")["stages"]][0], "parse")


class Explaining(ConsoleTest):
    def test_it_tells_what_happens_and_changes_nothing(self):
        lab = self.running_lab()
        before = self.shown(lab, "show", "counters")
        line = f"udp {POD}:4000 > {INTERNET}:7000"
        said = self.shown(lab, "explain", *line.split())
        self.assertEqual(said["verdict"]["verdict"], "snat")
        self.assertEqual(said["verdict"]["source"], SNAT)
        self.assertEqual(said["verdict"]["device"], "eni0")
        self.assertEqual(said["reply"]["verdict"], "unsnat")
        self.assertEqual(said["reply"]["destination"], POD)
        self.assertEqual((said["ports"], said["ports_free"]), (64512, 64512))
        self.assertEqual(said["session"], "none yet")
        after = self.shown(lab, "show", "counters")
        for name in ("sessions_opened", "dropped"):
            self.assertEqual(before[name], after[name], name)
        self.assertEqual(self.shown(lab, "show", "flows", "count")["sessions"], 0)

        self.udp(lab, port=4000)
        self.wait_for_session(lab, "remote", INTERNET)
        flow = self.shown(lab, "show", "flow", *line.split())
        said = self.shown(lab, "explain", *line.split())
        self.assertEqual(said["session"], "this flow has one")
        self.assertEqual(f"{said['verdict']['source']}:{said['verdict']['source_port']}", flow["translated_to"])
        reply = self.shown(lab, "explain", "udp", f"{INTERNET}:7000", ">", flow["translated_to"])
        self.assertEqual(reply["verdict"]["verdict"], "unsnat")
        self.assertEqual(reply["verdict"]["destination_port"], 4000)
        other = self.shown(lab, "explain", "udp", f"{POD}:4001", ">", f"{INTERNET}:7000")
        self.assertEqual(other["ports_free"], 64511)
        self.assertEqual(self.shown(lab, "show", "flow", *line.split())["packets"], flow["packets"])
        lab.end(self)


class ExplainingRefusals(ConsoleTest):
    def explained(self, lab, port, to=7000):
        return self.shown(lab, "explain", "udp", f"{POD}:{port}", ">", f"{INTERNET}:{to}")

    def refusal(self, lab, reason, sender, port):
        """What explain says beforehand, what then happens, and what the last drop is said to be."""
        before = self.explained(lab, port)
        self.assertEqual((before["verdict"]["verdict"], before["verdict"]["reason"]), ("drop", reason))
        self.assertEqual(before["verdict"]["answer"], "icmp_admin_prohibited")
        self.assertNotIn("reply", before)
        self.udp(lab, sender, port=port)
        wait_for(lambda: self.shown(lab, "show", "drops", "reason", reason)["packets"] == 1, reason)
        last = self.shown(lab, "explain", "last", "drop", reason)
        self.assertEqual((last["dropped"], last["verdict"]["verdict"], last["verdict"]["reason"]),
                         (reason, "drop", reason))
        self.assertEqual(last["hint"], last["why"])
        return before

    def with_one_session(self, **replacements):
        lab = self.running_lab(config_text=config_text(NodeTopology, **replacements))
        self.udp(lab, port=4000)
        self.wait_for_session(lab, "remote", INTERNET)
        return lab

    def test_a_pod_at_its_limit(self):
        lab = self.with_one_session(**{"capacity: 65536": "capacity: 65536\n  per_pod: 1"})
        self.refusal(lab, "pod_limit", "pod-b1", 4001)
        self.assertEqual(self.explained(lab, 4000)["verdict"]["verdict"], "snat", "it has a session")
        lab.end(self)

    def test_a_full_table(self):
        lab = self.with_one_session(**{"capacity: 65536": "capacity: 1"})
        said = self.refusal(lab, "flow_table_full", "pod-b1", 4001)
        self.assertEqual((said["table_records"], said["table_capacity"], said["ports_free"]), (1, 1, 64511))
        lab.end(self)

    def test_no_port_left_at_any_address(self):
        lab = self.with_one_session(**{
            "source: [10.10.10.20]           #": "ports: 40000-40001\n  source: [10.10.10.20, 10.10.20.20]  #"})
        for port in (4001, 4002, 4003):
            self.udp(lab, port=port)
        self.wait_for_session(lab, "remote", INTERNET, count=4)
        said = self.refusal(lab, "ports_exhausted", "pod-b1", 4004)
        self.assertEqual((said["ports"], said["ports_free"]), (2, 0))
        self.assertEqual(self.explained(lab, 4004, to=7001)["verdict"]["verdict"], "snat", "another remote")
        lab.end(self)

    def test_the_second_address_where_the_first_has_no_port(self):
        lab = self.with_one_session(**{
            "source: [10.10.10.20]           #": "ports: 40000-40000\n  source: [10.10.10.20, 10.10.20.20]  #"})
        taken = self.shown(lab, "show", "flows", "remote", INTERNET)["flows"][0]["translated_to"].split(":")[0]
        other, eni = {"10.10.10.20": ("10.10.20.20", "eni1"), "10.10.20.20": ("10.10.10.20", "eni0")}[taken]
        said = self.explained(lab, 4001)
        self.assertEqual((said["verdict"]["verdict"], said["verdict"]["source"], said["verdict"]["source_port"],
                          said["verdict"]["device"]), ("snat", other, 40000, eni))
        self.assertEqual((said["ports"], said["ports_free"]), (1, 1))
        self.assertEqual((said["reply"]["verdict"], said["reply"]["destination_port"]), ("unsnat", 4001))
        self.udp(lab, port=4001)
        self.wait_for_session(lab, "remote", INTERNET, count=2)
        flow = self.shown(lab, "show", "flow", "udp", f"{POD}:4001", ">", f"{INTERNET}:7000")
        self.assertEqual(flow["translated_to"], f"{other}:40000")
        lab.end(self)

    def test_the_port_it_names_is_a_free_one(self):
        lab = self.with_one_session(**{"source: [10.10.10.20]": "ports: 40000-40001\n  source: [10.10.10.20]"})
        flow = self.shown(lab, "show", "flow", "udp", f"{POD}:4000", ">", f"{INTERNET}:7000")
        free = 80001 - int(flow["translated_to"].split(":")[1])
        for _ in range(8):
            self.assertEqual(self.explained(lab, 4001)["verdict"]["source_port"], free)
        lab.end(self)

    def test_a_link_that_is_down_and_a_gateway_that_is_stopped(self):
        lab = self.running_lab()
        self.assertNotIn("but", self.explained(lab, 4000))
        lab.gateway_host.ip("link set eni0 down")
        wait_for(lambda: "eni0" in self.explained(lab, 4000).get("but", ""), "the link of eni0")
        lab.gateway_host.ip("link set eni0 up")
        self.ask(lab, "stop")
        self.assertIn("stopped", self.explained(lab, 4000)["but"])
        self.assertIn("but: the gateway is stopped",
                      self.ask(lab, "explain", "udp", f"{POD}:4000", ">", f"{INTERNET}:7000"))
        self.ask(lab, "start")
        lab.end(self)


class LastDrops(ConsoleTest):
    """A sample says where its packet came in and what it was, whoever dropped it."""

    def explained(self, lab, reason):
        wait_for(lambda: self.shown(lab, "show", "drops", "reason", reason)["samples"], reason)
        return self.shown(lab, "explain", "last", "drop", reason)

    def test_a_next_hop_that_never_answered(self):
        lab = self.lab()
        lab.parties["pod-a2"].host.ip("link set eth0 arp off")
        lab.start(wires=[lab.pod_wire("pod-a1")])
        self.udp(lab, port=4400, to=("10.10.10.22", 7000))
        said = self.explained(lab, "neighbour_unresolved")
        packet = f"udp {POD}:4400 > 10.10.10.22:7000"
        self.assertEqual(said["packet"], packet + " in pod-b1")
        self.assertEqual(said["next_hop"], "10.10.10.22 has not answered yet")
        sample = self.shown(lab, "show", "drops", "reason", "neighbour_unresolved")["samples"][0]
        self.assertEqual((sample["in"], sample["packet"], sample["header_is"]), ("pod-b1", packet, "as it was to leave"))
        lab.end(self)

    def test_the_last_of_a_burst_is_the_last(self):
        lab = self.running_lab()
        pod = lab.parties["pod-b1"].host
        metadata = "169.254.169.254"
        with frames.Wire(pod, "eth0") as wire:
            for port in range(4000, 4010):
                datagram = frames.ipv4(POD, metadata, frames.UDP, frames.udp(POD, metadata, port, 80))
                wire.send(frames.ethernet(lab.gateway_host.mac("pod-b1"), pod.mac("eth0"), frames.ETH_IPV4, datagram))
        reason = "link_local_destination"
        wait_for(lambda: self.shown(lab, "show", "drops", "reason", reason)["packets"] == 10, "ten drops")
        self.assertEqual(self.explained(lab, reason)["packet"], f"udp {POD}:4009 > {metadata}:80 in pod-b1")
        kept = [sample["packet"] for sample in self.shown(lab, "show", "drops", "reason", reason)["samples"]]
        self.assertEqual(kept, [f"udp {POD}:{port} > {metadata}:80" for port in (4009, 4008, 4007, 4006)])
        lab.end(self)

    def test_frames_without_a_flow(self):
        lab = self.running_lab()
        inner = frames.ipv4(POD, INTERNET, frames.UDP, frames.udp(POD, INTERNET, 4000, 53))
        self.send_frame(lab, "02:00:00:00:00:99", frames.ETH_IPV4, inner)
        self.assertEqual(self.explained(lab, "not_for_us")["packet"], f"udp {POD}:4000 > {INTERNET}:53, in by pod-b1")
        row = self.shown(lab, "show", "drops", "reason", "not_for_us")["samples"][0]
        self.assertEqual((row["packet"], row["in"], row["header_is"]),
                         (f"udp {POD}:4000 > {INTERNET}:53", "pod-b1", "as it came in"))
        tagged = b"\0\5\x08\0" + inner
        self.send_frame(lab, lab.gateway_host.mac("pod-b1"), frames.ETH_VLAN, tagged)
        self.assertEqual(self.explained(lab, "vlan_tagged")["packet"], f"VLAN 5: udp {POD}:4000 > {INTERNET}:53, in by pod-b1")
        self.send_frame(lab, "02:00:00:00:00:99", 0x0806, b"\0\1\x08\0\6\4\0\1" + bytes(20))
        wait_for(lambda: self.explained(lab, "not_for_us")["packet"] == "ARP request for 0.0.0.0 from 0.0.0.0, in by pod-b1",
                 "the ARP request")
        lab.end(self)


    def test_a_reply_that_nobody_waits_for(self):
        lab = self.running_lab()
        reply = b"\0\0" + (0xffff - 77).to_bytes(2, "big") + (77).to_bytes(2, "big") + b"\0\0"
        self.send_frame(lab, lab.gateway_host.mac("pod-b1"), 0x0800, frames.ipv4(POD, INTERNET, 1, reply))
        said = self.explained(lab, "no_session")
        self.assertIn(f"icmp {POD} > {INTERNET}:77", said["packet"])
        self.assertIn("an ICMP reply", said["now"])
        lab.end(self)

    def test_ipv6_is_explained_by_its_own_header(self):
        lab = self.running_lab()
        source, remote = (socket.inet_pton(socket.AF_INET6, address) for address in ("2001:db8::1", "2001:db8::2"))
        datagram = b"\x60\0\0\0\0\x08\x11\x40" + source + remote + b"\x0f\xa0\0\x35\0\x08\0\0"
        self.send_frame(lab, lab.gateway_host.mac("pod-b1"), 0x86dd, datagram)
        said = self.explained(lab, "no_owner")
        self.assertEqual(said["packet"], "udp [2001:db8::1]:4000 > [2001:db8::2]:53 in pod-b1")
        self.assertEqual(said["verdict"]["reason"], "no_owner")
        lab.end(self)


class Counting(ConsoleTest):
    def test_mappings_are_records_and_no_sessions(self):
        lab = self.running_lab(config_text=config_text(
            NodeTopology, **{"snat:\n": "snat:\n  mapping: endpoint_independent\n"}))
        self.udp(lab, port=4001, to=(INTERNET, 7001))
        self.udp(lab, port=4000, to=(INTERNET, 7000)).sendto(b"x", (INTERNET, 7002))
        self.wait_for_session(lab, "remote", INTERNET, count=3)
        wait_for(lambda: self.shown(lab, "show", "rates")["sessions"] == 3, "three sessions")
        self.assertEqual(self.shown(lab, "show", "rates")["flow_table_records"], 5, "and two mappings")
        self.assertIn("sessions: 3; with mappings and redirects 5 of 65536", self.ask(lab, "show", "rates"))
        self.assertEqual(self.shown(lab, "show", "workers")["workers"][0]["sessions"], 3)
        lab.end(self)


class Acting(ConsoleTest):
    def test_sessions_are_cleared_by_filter(self):
        lab = self.running_lab()
        self.udp(lab, "pod-b1"), self.udp(lab, "pod-a1"), self.udp(lab, "pod-a1")
        self.wait_for_session(lab, "remote", INTERNET, count=3)
        self.assertEqual(self.shown(lab, "clear", "flows", "pod", "fd00::dead", "protocol", "udp")["ended"], 0)
        self.assertEqual(self.shown(lab, "show", "flows", "remote", "::1", "count")["matching"], 0)
        self.assertEqual(self.shown(lab, "clear", "flows", "pod", "10.10.10.21")["ended"], 2)
        self.assertEqual(self.shown(lab, "show", "flows", "count")["sessions"], 1)
        self.assertEqual(self.ask(lab, "clear", "flows", "all"), "1 session ended\n")
        lab.end(self)

    def test_counters_are_cleared_for_those_who_look(self):
        lab = self.running_lab()
        self.udp(lab, to=("169.254.169.254", 80))
        wait_for(lambda: self.shown(lab, "show", "drops")["drops"], "a drop")
        self.ask(lab, "clear", "counters")
        said = self.shown(lab, "show", "drops")
        self.assertNotIn("link_local_destination", [row["reason"] for row in said["drops"]])
        self.assertGreater(said["equation"]["dropped"], 0, "the equation is since the start")
        lab.end(self)

    def test_an_address_is_drained(self):
        lab = self.lab(config_text=config_text(NodeTopology, **{
            "source: [10.10.10.20]": "source: [10.10.10.20, 10.10.20.20]"}))
        lab.start()
        self.udp(lab, port=4000)
        self.wait_for_session(lab, "remote", INTERNET)
        used = self.shown(lab, "show", "flows")["flows"][0]["translated_to"].split(":")[0]
        self.assertIn("no new flows", self.ask(lab, "drain", used))
        addresses = {row["address"]: row for row in self.shown(lab, "show", "ports")["addresses"]}
        self.assertFalse(addresses[used]["gives_new_flows"])
        self.assertEqual(addresses[used]["sessions"], 1)
        self.udp(lab, port=4001)
        self.wait_for_session(lab, "remote", INTERNET, count=2)
        seen = {row["pod"]: row["translated_to"].split(":")[0] for row in self.shown(lab, "show", "flows")["flows"]}
        self.assertEqual(seen[f"{POD}:4000"], used)
        self.assertNotEqual(seen[f"{POD}:4001"], used)
        self.assertIn("last address", self.ask(lab, "drain", seen[f"{POD}:4001"], status=FAILED))
        self.assertIn("no address", self.ask(lab, "drain", "8.8.8.8", status=FAILED))
        lab.end(self)

    def test_timeouts_and_log_level_are_set_and_quit_quits(self):
        lab = self.running_lab()
        self.ask(lab, "set", "timeout", "udp", "7m")
        self.assertEqual(self.shown(lab, "show", "config")["flows.timeouts.udp"], "420s")
        self.ask(lab, "set", "log", "level", "error")
        self.assertEqual(self.shown(lab, "show", "config")["log.level"], "error")
        self.ask(lab, "reload")
        self.assertEqual(self.shown(lab, "show", "config")["flows.timeouts.udp"], "300s")
        self.ask(lab, "quit")
        self.assertEqual(lab.gateway.process.wait(10), 0)


class OneFile(ConsoleTest):
    def test_the_file_in_force_is_no_different_under_another_name(self):
        text = config_text(NodeTopology) + "\nlog: {sessions: {json: sessions.json}}\n"
        lab = self.lab(config_text=text)
        lab.start()
        self.assertNotIn("sessions.json", self.ask(lab, "check", "lab.yaml"))
        lab.end(self)


class BadClients(ConsoleTest):
    """No client can hang the gateway, crash it, or keep others out."""

    def connect(self, lab):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(client.close)
        client.settimeout(20)
        client.connect(str(lab.gateway.console_socket))
        return client

    def memory(self, lab):
        text = pathlib.Path(f"/proc/{lab.gateway.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1])

    def still_fine(self, lab):
        self.assertIn("sluice", self.shown(lab, "show", "version"))
        self.assertIsNone(clients.ping(lab.parties["pod-b1"], lab.parties["peer"]))

    def test_only_the_owner_may_ask(self):
        lab = self.running_lab()
        self.assertEqual(stat.S_IMODE(os.stat(lab.gateway.console_socket).st_mode), 0o600)
        lab.end(self)

    def test_two_hundred_that_say_nothing_keep_nobody_out(self):
        lab = self.running_lab()
        silent = [self.connect(lab) for _ in range(200)]
        self.still_fine(lab)
        halves = [self.connect(lab) for _ in range(200)]
        for client in halves:
            try:
                client.send(b"show flo")
            except BrokenPipeError:
                pass  # made room already
        self.still_fine(lab)
        for client in silent + halves:
            client.close()
        self.still_fine(lab)
        lab.end(self)

    def test_two_hundred_at_once_are_all_answered(self):
        lab = self.running_lab()
        crowd = [self.connect(lab) for _ in range(200)]
        for client in crowd:
            client.send(b"show counters --json\n")
        for client in crowd:
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            self.assertTrue(answer.startswith(b"ok\n{"), answer)
        lab.end(self)

    def test_noise_huge_lines_and_those_who_leave(self):
        lab = self.running_lab()
        before = self.memory(lab)
        for number in range(300):
            client = self.connect(lab)
            try:
                if number % 3 == 0:
                    client.send(os.urandom(3000).replace(b"\n", b"") + b"\n")
                elif number % 3 == 1:
                    client.sendall(b"show " * 100_000)
                else:
                    client.send(b"show flows\n")
            except (BrokenPipeError, ConnectionResetError):
                pass  # told enough
            client.close()
        self.still_fine(lab)
        self.assertLess(self.memory(lab) - before, 64 * 1024, "KiB of memory")
        lab.end(self)




    def test_who_reads_nothing_keeps_nobody_waiting(self):
        lab = self.running_lab()
        with lab.parties["pod-b1"].host.inside():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        ports = iter(list(range(1, 65536)))

        def opened():
            for _ in range(500):
                sender.sendto(b"x", ("8.8.8.8", next(ports)))
            return self.shown(lab, "show", "flows", "count")["matching"] > 10_000
        wait_for(opened, "sessions for large answers", seconds=60)
        stalled = [self.connect(lab) for _ in range(40)]
        for client in stalled:
            client.send(b"show flows limit 10000 --json\n")
        still_there = select.poll()  # each is given up once it has stalled for ten seconds
        for client in stalled:
            still_there.register(client, 0)
        for words in (("show", "version"), ("show", "flows", "limit", "10000")):
            self.shown(lab, *words)
            gone = [event for event in still_there.poll(0) if event[1] & select.POLLHUP]
            self.assertLess(len(gone), len(stalled), f"{words} had to wait for those who stall")
        lab.end(self)


class Recording(ConsoleTest):
    def test_a_trace_shows_what_each_stage_changed(self):
        lab = self.running_lab()
        self.ask(lab, "trace", "add", "8", "address", INTERNET)  # errors about them may come between
        self.assertIn("under way", self.ask(lab, "trace", "add", "1", status=FAILED))
        self.udp(lab, port=4000, to=(INTERNET, 7000))
        self.udp(lab, port=4001, to=("169.254.169.254", 80))  # matches not
        self.udp(lab, port=4002, to=(INTERNET, 7000))
        def traced():
            return [packet for packet in self.shown(lab, "trace", "show")["traced"]
                    if "in by pod-b1: udp" in packet["packet"]]
        wait_for(lambda: len(traced()) == 2, "two packets")
        first, second = traced()
        self.assertIn(f"in by pod-b1: udp {POD}:4000 > {INTERNET}:7000", first["packet"])
        self.assertIn(f"{POD}:4002", second["packet"])
        changes = {step["stage"]: step["change"] for step in first["stages"]}
        self.assertEqual(changes["classify"], "verdict snat")
        self.assertEqual(changes["allocate"], "opens a session")
        self.assertRegex(changes["translate"], rf"^udp {SNAT}:\d+ > {INTERNET}:7000$")
        self.assertIn("by eni0", "".join(changes.values()))
        lab.end(self)

    def test_a_capture_holds_packets_before_and_after_with_the_reason(self):
        lab = self.running_lab()
        path = lab.gateway.folder / "out.pcapng"
        self.ask(lab, "capture", "start", str(path), "address", POD, "count", "50")
        self.udp(lab, port=4000, to=(INTERNET, 7000))
        self.udp(lab, port=4001, to=("169.254.169.254", 80))
        wait_for(lambda: self.shown(lab, "show", "drops")["drops"], "the drop")
        self.wait_for_session(lab, "remote", INTERNET)
        said = self.shown(lab, "capture", "stop")
        self.assertEqual((said["file"], said["lost_copies"]), (str(path), 0))
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        read = run(["tshark", "-r", str(path), "-Y", "not icmp", "-T", "fields", "-e", "frame.interface_name",
                    "-e", "ip.src", "-e", "udp.dstport", "-e", "frame.comment"]).stdout.splitlines()
        rows = [line.split("\t") for line in read]
        to_7000 = [row for row in rows if row[2] == "7000"]
        self.assertEqual([row[:2] for row in to_7000], [["pod-b1", POD], ["eni0", SNAT]])
        self.assertIn("as it came in by pod-b1", to_7000[0][3])
        self.assertIn("by eni0: snat", to_7000[1][3])
        dropped = [row for row in rows if row[2] == "80"]
        self.assertIn("dropped: link_local_destination", dropped[1][3])
        self.assertIn("File exists", self.ask(lab, "capture", "start", str(path), status=FAILED))
        lab.end(self)

    def recorded(self, lab, act, *words):
        """Sources, destinations and protocols of what a capture of `words` holds of `act`."""
        path = lab.gateway.folder / "chosen.pcapng"
        self.ask(lab, "capture", "start", str(path), *words)
        act()
        self.assertEqual(self.shown(lab, "capture", "stop")["lost_copies"], 0)
        read = run(["tshark", "-r", str(path), "-T", "fields", "-E", "occurrence=f", "-e", "ip.src", "-e", "ip.dst",
                    "-e", "ip.proto"]).stdout.splitlines()
        path.unlink()
        return [tuple(line.split("\t")) for line in read]

    def test_an_address_finds_both_directions_by_either_side(self):
        lab = self.running_lab()
        def ping():
            lab.parties["pod-b1"].host.run(["ping", "-c", "1", "-W", "10", INTERNET])
        wanted = [(POD, INTERNET, "1"), (SNAT, INTERNET, "1"), (INTERNET, SNAT, "1"), (INTERNET, POD, "1")]
        for address in (POD, SNAT, INTERNET):
            with self.subTest(address):
                self.assertEqual(self.recorded(lab, ping, "address", address), wanted)
        self.ask(lab, "trace", "add", "2", "address", POD)
        ping()
        wait_for(lambda: not self.shown(lab, "trace", "show")["under_way"], "the reply in the trace")
        reply = self.shown(lab, "trace", "show")["traced"][1]
        self.assertIn(f"in by eni0: icmp {INTERNET} > {SNAT}", reply["packet"])
        self.assertIn("lookup", [step["stage"] for step in reply["stages"]])
        lab.end(self)

    def test_icmp_errors_are_found_as_icmp_and_by_who_sent_them(self):
        lab = self.running_lab()
        router = "192.0.2.2"
        def trace_route():
            lab.parties["pod-b1"].host.run(["traceroute", "-n", "-U", "-q", 1, "-N", 1, "-w", 5, "-f", 3, "-m", 3,
                                            INTERNET], timeout=60)
        errors = [(router, SNAT, "1"), (router, POD, "1")]
        for words in (("address", router), ("protocol", "icmp")):
            with self.subTest(words):
                self.assertEqual(self.recorded(lab, trace_route, *words), errors)
        self.assertEqual(self.recorded(lab, trace_route, "protocol", "udp"),
                         [(POD, INTERNET, "17"), (SNAT, INTERNET, "17")])
        self.assertEqual(self.recorded(lab, trace_route, "address", POD)[2:], errors)
        lab.end(self)

    def test_a_file_is_named_as_the_gateway_finds_it(self):
        lab = self.running_lab()
        self.assertIn(f"go to {lab.gateway.folder}/a.pcapng;", self.ask(lab, "capture", "start", "a.pcapng"))
        self.ask(lab, "capture", "stop")
        self.assertTrue(self.ask(lab, "check", "b.yaml", status=FAILED)
                        .startswith(f"{lab.gateway.folder}/b.yaml:0:0: cannot be opened"))
        lab.end(self)

    def test_capturing_under_load_loses_copies_at_most(self):
        lab = self.running_lab(serve=True)
        self.ask(lab, "capture", "start", str(lab.gateway.folder / "load.pcapng"), "count", "1000000")
        self.assertIsNone(clients.iperf3(lab.parties["pod-b1"], lab.parties["peer"]))
        said = self.shown(lab, "capture", "stop")
        self.assertGreater(said["packets"] + said["lost_copies"], 100)
        lab.end(self)


class TerminalTest(ConsoleTest):
    """A console on a terminal of the test's own, whose other side is self.master."""

    def expect(self, wanted, seconds=20):
        """Reads until it is there; what came up to it is forgotten."""
        deadline = time.monotonic() + seconds
        while wanted not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                self.fail(f"{wanted!r} did not come; instead {self.seen!r}")
            self.seen += os.read(self.master, 65536).decode(errors="replace")
        before, _, self.seen = self.seen.partition(wanted)
        return before

    def type(self, text):
        os.write(self.master, text.encode())


class TheGatewaysOwn(TerminalTest):
    """The console of `sluice run --console`."""

    def setUp(self):
        self.running = self.lab()
        self.master, slave = pty.openpty()
        self.running.gateway.start(terminal=slave).wait_until_ready()
        os.close(slave)
        self.seen = ""

    def test_only_quit_stops_the_gateway(self):
        for keys in ("\x04", "exit\n"):
            self.type(keys)
            self.expect("quit stops the gateway")
            self.expect("sluice> ")
        self.type("show version\n")
        self.expect("dpdk: ")
        self.type("quit\n")
        self.expect("stopping")
        self.assertEqual(self.running.gateway.process.wait(20), 0)
        os.close(self.master)

    def test_the_gateway_outlives_its_terminal(self):
        gateway = self.running.gateway
        self.ask(self.running, "set", "timeout", "udp", "77s")
        os.close(self.master)
        wait_for(lambda: "its terminal is gone" in gateway.log(), "a word in the log")
        wait_for(lambda: "the terminal has hung up" in gateway.log(), "the signal that the kernel sends")
        self.assertNotIn("(SIGHUP)", gateway.log(), "a lost connection is no wish for a reload")
        self.assertEqual(self.shown(self.running, "show", "config")["flows.timeouts.udp"], "77s")
        gateway.process.send_signal(signal.SIGHUP)  # somebody else's is one
        wait_for(lambda: "in force (SIGHUP)" in gateway.log(), "the reload")
        self.assertEqual(self.running.gateway.stop(), 0, self.running.gateway.log())


class AtATerminal(TerminalTest):
    """Completion, help, history and watch, at an attached console."""

    def setUp(self):
        self.running = self.running_lab()
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        console = subprocess.Popen(
            [support.BINARY, "console", "--socket", self.running.gateway.console_socket],
            stdin=slave, stdout=slave, stderr=slave)
        self.addCleanup(console.wait)
        self.addCleanup(console.kill)
        self.console = console
        os.close(slave)
        self.seen = ""
        self.expect("sluice> ")

    def test_tab_completes_and_a_question_mark_helps(self):
        self.type("show ver\t")
        self.expect("sion")
        self.type("\n")
        self.expect("sluice: ")
        self.expect("sluice> ")
        self.type("set log level ?")
        for level in ("error", "warning", "info", "debug"):
            self.expect(level)
        self.type("debug\n")
        self.expect("log.level: debug")
        self.expect("sluice> ")
        self.type("drain ?")
        self.expect("an IPv4 or IPv6 address")
        self.type("\x03")  # begins a new line
        self.type("explain last drop no_own\t\n")
        self.expect("nothing was dropped that is remembered")

    def test_help_is_of_what_was_typed(self):
        self.type("?")
        self.expect("show []: several commands")
        self.type("\x03show rates --js\t")
        self.expect("on ")
        self.type("\x03show drops reason bogus \t")
        self.expect("'bogus': expected REASON")
        self.type("\x03show version \t")
        self.expect("--json")
        self.type("\x03watch show ver\t")
        self.expect("sion")
        self.type("\x03\x04")
        self.assertEqual(self.console.wait(20), 0)

    def test_history_brings_lines_back(self):
        self.type("show version\n")
        self.expect("dpdk: ")
        self.expect("sluice> ")
        self.type("\x1b[A\n")
        self.expect("dpdk: ")

    def test_watch_repeats_until_a_key_and_exit_leaves(self):
        self.type("watch show version 1\n")
        for _ in range(2):
            self.expect("\x1b[H\x1b[2J")
            self.expect("dpdk: ")
        self.type("x")
        self.expect("sluice> ")
        self.type("nonsense\n")
        self.expect("no such command: nonsense")
        self.expect("sluice> ")
        self.type("exit\n")
        self.assertEqual(self.console.wait(20), 0)
        self.running.end(self)
