# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What every command of the console answers after fixed traffic, compared with golden/console.txt.

What differs from run to run (times, MAC addresses, ports that were chosen, counts of ARP) is put into
capitals first. SLUICE_RENEW=yes writes the file anew: read the difference before you commit it.
"""

import os
import pathlib
import re
import socket

from lab import clients
from lab.system import run, wait_for
from lab.topology import INTERNET, REPOSITORY
import support
from test_console import ConsoleTest

GOLDEN = pathlib.Path(__file__).parent / "golden" / "console.txt"
MANUAL = REPOSITORY / "docs" / "console.md"
POD = "10.10.20.21"

# In this order: what changes something comes behind what shows it. A terminal's own (watch, top, exit) are
# typed in test_tmux.py.
LINES = f"""
help
show version
show config
show eni
show policy
show neighbours
show steering
show memory
show counters
show rates
show workers
show latency
show port
show drops
show drops reason link_local_destination
show drops reason no_session
show drops reason no_owner
show pods limit 10
show ports limit 5
show flows protocol udp
show flows protocol udp count
show flow udp {POD}:4000 > {INTERNET}:7000
show flow udp {POD}:4999 > {INTERNET}:7000
explain udp {POD}:4000 > {INTERNET}:7000
explain udp 10.10.30.50:5 > {POD}:4000
explain last drop link_local_destination
explain last drop no_owner
trace show
trace stop
trace add 3 address 192.0.2.99
trace show
trace stop
trace clear
capture stop
capture show
capture start capture.pcapng address 192.0.2.99 count 100
capture show
capture stop
capture show
check lab.yaml
check missing.yaml
set log level debug
set log level info
set steering software
set steering auto
set timeout udp 5m
set timeout udp soon
reload
drain 10.10.10.20
drain 8.8.8.8
clear counters
show drops reason no_session
clear flows
clear flows pod {POD} protocol udp
stop
stop
show flows count
start
start
show log
show
frobnicate
quit
""".split("\n")[1:-1]

ONLY_AT_A_TERMINAL = {"watch", "top", "exit"}
# Their numbers are of no fixed traffic: ARP, load, memory.
COUNTS = ("show memory", "show counters", "show rates", "show workers", "show latency", "show port", "show drops",
          "show pods", "show neighbours", "show steering", "show flow ")


def normal(line, text):
    """The answer to a line without what differs from run to run."""
    for pattern, instead in ((r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
                             (r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME"),
                             # How soon routers are found differs; test_links looks at what is told of it.
                             (r"(?m)^TIME +\w+ +(?:not ready|no longer|ready): .*\n", ""),
                             (r"/\S*/(?=[\w.]+(?:[\s;:]|$))", "FOLDER/"),
                             (r"(10\.10\.[12]0\.20):\d+", r"\1:PORT"),
                             (r"\b[0-9a-f]{40,}\b", "BYTES"),
                             (r"(?<![\d.])\d+\.\d(?![\d.])", "N.N"),
                             (r"(DPDK|sluice:) [\d.]+", r"\1 VERSION"),
                             (r"lcores \S+, memory: .*", "LCORES AND MEMORY"),
                             (r"in (?:transparent huge|huge|ordinary).*pages", "in PAGES"),
                             (r"pages: .*", "pages: PAGES")):
        text = re.sub(pattern, instead, text)
    if line.startswith(COUNTS) and not line.startswith("show drops reason"):
        text = re.sub(r"(?<![\w.:/])\d+(?![\w.:/])", "N", text)
    return re.sub(r" {2,}", "  ", re.sub(r" +$", "", text, flags=re.M))


def read(text):
    """The answers by line, in order."""
    return re.findall(r"^sluice> (.*)\n((?:(?!sluice> ).*\n)*)", text, re.M)


class Golden(ConsoleTest):
    def scene(self):
        """Traffic, a drop for want of a session, one for a link-local destination."""
        lab = self.running_lab()
        pod, peer = lab.parties["pod-b1"], lab.parties["peer"]
        wait_for(lambda: clients.ping(pod, peer) is None, "the peer to answer")
        self.sender = self.udp(lab, port=4000, to=(INTERNET, 7000))
        with peer.host.inside():
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stranger:
            stranger.bind(("", 6000))
            stranger.sendto(b"x", ("10.10.10.20", 5000))
        self.udp(lab, port=4001, to=("169.254.169.254", 80))
        wait_for(lambda: len(self.shown(lab, "show", "drops")["drops"]) == 2, "both drops")
        self.wait_for_session(lab, "remote", INTERNET)
        return lab

    def type(self, lab, line):
        """The line as it stands, as a script would send it; all that is said."""
        done = run([str(support.BINARY), "console", "--socket", str(lab.gateway.console_socket)],
                   stdin=line + "\n", check=False)
        return done.stdout + done.stderr

    def test_every_command_answers_as_it_did(self):
        lab = self.scene()
        said = "".join(f"sluice> {line}\n{normal(line, self.type(lab, line))}" for line in LINES)
        self.assertEqual(lab.gateway.process.wait(20), 0, "quit")
        if os.environ.get("SLUICE_RENEW"):
            GOLDEN.parent.mkdir(exist_ok=True)
            GOLDEN.write_text(said)
        wanted, got = read(GOLDEN.read_text()), read(said)
        self.assertEqual([line for line, _ in got], [line for line, _ in wanted])
        for (line, before), (_, now) in zip(wanted, got):
            with self.subTest(line):
                self.assertEqual(now, before)

    def test_every_command_of_the_manual_is_there(self):
        for syntax in re.findall(r"^### `(.+)`$", MANUAL.read_text(), re.M):
            words = re.match(r"[a-z ]+", syntax)[0].strip()
            if words not in ONLY_AT_A_TERMINAL:
                self.assertTrue(any((line + " ").startswith(words + " ") for line in LINES), syntax)

    def test_every_example_of_the_manual_is_taken_as_it_stands(self):
        lab = self.scene()
        self.sender.close()  # another takes its port
        self.udp(lab, port=4000, to=("8.8.8.8", 53))
        self.wait_for_session(lab, "remote", "8.8.8.8")
        says_no = {"capture stop": "nothing is captured", "drain 10.10.10.21": "is no address",
                   "trace stop": "", "trace clear": "", "start": "forwards already",
                   "explain last drop no_session": "", "trace show": ""}
        examples = re.findall(r"^    sluice> (.+)$", MANUAL.read_text(), re.M)
        for example in examples:
            if example.split()[0] in ONLY_AT_A_TERMINAL or example == "quit":
                continue
            with self.subTest(example):
                done = run([str(support.BINARY), "console", "--socket", str(lab.gateway.console_socket)],
                           stdin=example + "\n", check=False)
                self.assertNotEqual(done.returncode, 2, done.stderr)
                if done.returncode != 0:
                    self.assertIn(example, says_no)
                    self.assertIn(says_no[example], done.stderr)
        self.type(lab, "quit")
        self.assertEqual(lab.gateway.process.wait(20), 0)
