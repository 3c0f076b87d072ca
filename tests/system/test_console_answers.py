# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What the console says of things that are set, that fail, or that changed: whole, once, and as it is."""

import contextlib
import json
import re

from lab import clients
from lab.system import run, wait_for
from lab.topology import INTERNET
from support import NodeTopology, config_text
from test_console import BAD_USAGE, FAILED, POD, SNAT, ConsoleTest

FLOW = ("udp", f"{POD}:4000", ">", f"{INTERNET}:7000")


class Devices(ConsoleTest):
    def test_ipv6_routes_and_the_mtu_of_the_configuration_are_shown(self):
        address = "address: 10.10.10.20/24       # its"
        lab = self.running_lab(config_text=config_text(NodeTopology, **{
            address: "address6: fd10::20/64\n    gateway6: fd10::1\n    mtu: 1400\n    routes: "
                     "[{to: 10.10.64.0/18, via: 10.10.10.9}, {to: 'fd20::/64', via: 'fd10::9'}]\n    " + address}))
        routes = [{"to": "10.10.64.0/18", "via": "10.10.10.9"}, {"to": "fd20::/64", "via": "fd10::9"}]
        said = self.shown(lab, "show", "eni")
        names = ("address6", "router6", "mtu_configured", "routes")
        self.assertEqual([said["eni0"][name] for name in names], ["fd10::20/64", "fd10::1", 1400, routes])
        self.assertEqual([said["eni1"][name] for name in names], [None, "fe80:ec2::1", None, []])
        self.assertIsNone(said["pod-a1"]["mtu_configured"])
        self.assertIn("routes: 10.10.64.0/18 via 10.10.10.9, fd20::/64 via fd10::9\n", self.ask(lab, "show", "eni"))
        lab.end(self)


class Recorded(ConsoleTest):
    def test_a_capture_ends_when_its_disk_is_full_and_says_so(self):
        lab = self.lab()
        disk = lab.gateway.folder / "disk"
        disk.mkdir()
        run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)])
        self.addCleanup(run, ["umount", "-l", str(disk)], check=False)
        lab.start()
        path = disk / "a.pcapng"
        self.ask(lab, "capture", "start", str(path), "protocol", "udp", "count", "100000")
        sender = self.udp(lab)

        def ended():
            for _ in range(10):
                with contextlib.suppress(ConnectionRefusedError):  # nobody listens there
                    sender.send(b"x" * 500)
            return not self.ask_anyhow(lab, "capture", "show").startswith("file:")
        wait_for(ended, "the disk to be full")
        for word in ("show", "stop"):
            said = self.ask(lab, "capture", word, status=FAILED)
            self.assertRegex(said, rf"^{path}: No space left on device, which ended the capture; \d+ packets were "
                                   "written whole\n$")
        packets = int(re.search(r"(\d+) packets", said)[1])
        self.assertGreater(packets, 3)
        data, types, at = path.read_bytes(), [], 0
        while at < len(data):
            types.append(int.from_bytes(data[at:at + 4], "little"))
            at += int.from_bytes(data[at + 4:at + 8], "little")
        self.assertEqual(at, len(data), "it ends with a whole block")
        self.assertIn(types.count(6), range(2 * packets, 2 * packets + 40))
        path.unlink()
        self.ask(lab, "capture", "start", str(path), "count", "5")
        lab.end(self)

    def ask_anyhow(self, lab, *words):
        return self.console(lab, *words, check=False)

    def test_a_trace_shows_the_identifier_that_is_changed(self):
        lab = self.running_lab()
        self.ask(lab, "trace", "add", "2", "protocol", "icmp", "address", POD)
        clients.ping(lab.parties["pod-b1"], lab.parties["peer"])
        wait_for(lambda: not self.shown(lab, "trace", "show")["under_way"], "both packets")
        text = self.ask(lab, "trace", "show")
        peer = re.escape(lab.parties["peer"].address)
        self.assertRegex(text, rf"in by pod-b1: icmp {POD}:\d+ > {peer}, ")
        inside, outside = (re.search(rf"icmp {address}:(\d+) > {peer}", text)[1] for address in (POD, SNAT))
        self.assertRegex(text, rf"in by eni0: icmp {peer} > {SNAT}:{outside}, ")
        self.assertRegex(text, rf"icmp {peer} > {POD}:{inside}\b")
        flow, = self.shown(lab, "show", "flows", "protocol", "icmp")["flows"]
        self.assertEqual((flow["pod"], flow["translated_to"]), (f"{POD}:{inside}", f"{SNAT}:{outside}"))
        lab.end(self)


class Settings(ConsoleTest):
    def test_the_log_level_is_part_of_what_is_in_force(self):
        lab = self.running_lab()
        for level in ("debug", "error", "debug"):
            self.ask(lab, "set", "log", "level", level)
            self.assertEqual(self.shown(lab, "show", "config")["log.level"], level)
        self.assertEqual(lab.gateway.log().count("info: console: log.level: debug until the next reload\n"), 2)
        self.assertEqual(lab.gateway.log().count("info: console: log.level: error until the next reload\n"), 1)
        self.assertIn("log.level: info instead of debug", self.ask(lab, "check", "lab.yaml"))
        self.assertIn("  log.level: info instead of debug\n", self.ask(lab, "reload"))
        self.assertEqual(self.shown(lab, "show", "config")["log.level"], "info")
        self.assertIn("nothing is different", self.ask(lab, "reload"))
        lab.end(self)

    def test_warnings_at_the_start_are_json_where_the_log_is(self):
        """And what a warning calls void is not shown as if it were in force."""
        gke = "  gke: {cluster: autopilot, disable_default_snat: true}"
        text = re.sub(r"(?ms)^  vpc_cni:.*?(?=^flows:)", gke + "\n\n", config_text(NodeTopology))
        lab = self.running_lab(config_text=text + "\nlog: {format: json}\n")
        about = [line for line in lab.gateway.log().splitlines() if "disable_default_snat" in line]
        self.assertEqual(len(about), 1)
        said = json.loads(about[0])
        self.assertEqual(said["level"], "warning")
        self.assertRegex(said["message"], r"/lab\.yaml:\d+:\d+: snat\.gke\.disable_default_snat")
        self.assertIn(said["message"], [row["message"] for row in self.shown(lab, "show", "log")["log"]])
        self.assertEqual(self.shown(lab, "show", "config")["snat.gke.disable_default_snat"], "no effect")
        lab.end(self)


class Lines(ConsoleTest):
    def test_what_a_line_takes_is_what_the_hint_names(self):
        lab = self.running_lab()
        for line in ("show version\nquit", "show version\n", "show version\rquit"):
            with self.subTest(line):
                self.assertIn("a command is one line", self.ask(lab, line, status=BAD_USAGE))
        for command in ("explain", "show flow"):
            for flow in ("tcp", "reply", "at +5", "# nothing"):
                with self.subTest(f"{command} {flow}"):
                    self.assertEqual(self.ask(lab, *command.split(), flow, status=BAD_USAGE),
                                     "this is not PROTO SRC[:PORT] > DST[:PORT] [in DEVICE]\n")
        self.assertIsNone(lab.gateway.process.poll())
        lab.end(self)


class Explained(ConsoleTest):
    def test_the_reply_is_named_once_and_the_table_in_numbers(self):
        for workers in (1, 2):
            lab = self.running_lab(config_text=config_text(NodeTopology, **{"workers: 1": f"workers: {workers}"}))
            text = self.ask(lab, "explain", *FLOW)
            self.assertRegex(text, rf"(?m)^reply: unsnat {INTERNET}:7000 > {POD}:4000 by pod-b1")
            share = "" if workers == 1 else ", this worker's share of 2"
            self.assertIn(f"\ntable: 0 of {65536 // workers} sessions{share}\n", text)
            said = self.shown(lab, "explain", *FLOW)
            self.assertEqual([said[name] for name in ("table_records", "table_capacity", "table_workers")],
                             [0, 65536 // workers, workers])
            self.assertNotIn("table", said)
            lab.end(self)

    def test_a_next_hop_behind_a_link_that_is_down_does_not_answer(self):
        lab = self.running_lab()
        hop = lambda: self.shown(lab, "explain", *FLOW)["next_hop"]
        wait_for(lambda: hop() == "10.10.10.1 answers", "the router")
        lab.gateway_host.ip("link set eni0 down")
        wait_for(lambda: hop() == "10.10.10.1 cannot answer: link down", "the link to be down")
        lab.gateway_host.ip("link set eni0 up")
        wait_for(lambda: hop() == "10.10.10.1 answers", "the router again")
        lab.end(self)
