# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""docs/troubleshooting.md: every command there runs, and begins its answer as the page shows it."""

import re
import shlex
import socket

from lab import clients
from lab.system import run, wait_for
from lab.topology import INTERNET, REPOSITORY
import support
from test_console import ConsoleTest

PAGE = REPOSITORY / "docs" / "troubleshooting.md"
QUESTIONS = 21


def entries(text):
    """Question, command, and the lines of its answer as the page has them."""
    for question, block in re.findall(r"^## (.+?)\n.*?```\n(.*?)```", text, re.M | re.S):
        command, *answer = block.splitlines()
        yield question, command.removeprefix("$ "), answer


def shape(line):
    """A line without numbers, addresses and paths, which are different in every run."""
    return re.sub(r"\S*/\S+|[\d.:]+", " ", line).split()


class Troubleshooting(ConsoleTest):
    def scene(self):
        """Traffic, a drop for want of a session, one for a link-local destination."""
        lab = self.running_lab(serve=True)
        pod, peer = lab.parties["pod-b1"], lab.parties["peer"]
        for client in (clients.ping, clients.curl):
            wait_for(lambda client=client: client(pod, peer) is None, "the peer to answer")
        self.udp(lab, port=4000, to=(INTERNET, 7000))
        with peer.host.inside():
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with stranger:
            stranger.sendto(b"x", ("10.10.10.20", 5000))
        self.wait_for_drops(lab, 1)
        self.udp(lab, port=4001, to=("169.254.169.254", 80))
        self.wait_for_drops(lab, 2)
        self.wait_for_session(lab, "remote", INTERNET)
        return lab

    def wait_for_drops(self, lab, count):
        wait_for(lambda: len(self.shown(lab, "show", "drops")["drops"]) == count, f"{count} reasons")

    def answer(self, lab, command):
        words = shlex.split(command)
        self.assertEqual(words[:2], ["sluice", "console"])
        return run([str(support.BINARY), "console", "--socket", str(lab.gateway.console_socket), *words[2:]],
                   check=False)

    def test_every_answer_is_as_the_page_says(self):
        lab = self.scene()
        found = list(entries(PAGE.read_text()))
        self.assertEqual(len(found), QUESTIONS)
        for question, command, documented in found:
            with self.subTest(question):
                done = self.answer(lab, command)
                self.assertEqual(done.returncode, 0, done.stderr)
                wanted = shape(documented[0].removesuffix("..."))
                said = shape(done.stdout.splitlines()[0])
                self.assertEqual(said[:len(wanted) - 1], wanted[:-1], done.stdout)
        lab.end(self)
