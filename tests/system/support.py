# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What the system tests share: a lab with a gateway in it, and what must hold at its end."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from lab import gateway as gateways  # noqa: E402
from lab.dedicated import DedicatedTopology  # noqa: E402,F401
from lab.node import NodeTopology  # noqa: E402
from lab.system import run  # noqa: E402
from lab.topology import REPOSITORY  # noqa: E402
from lab.world import World  # noqa: E402

# run.py sets these from its options.
BINARY = gateways.SLUICE
GATEWAY = "sluice"


def config_text(topology, **replacements):
    """The topology's configuration with pieces of its text replaced; each must be there."""
    text = (REPOSITORY / topology.config).read_text()
    for old, new in replacements.items():
        if old not in text:
            raise ValueError(f"{topology.config} has no {old!r}")
        text = text.replace(old, new)
    return text


class Lab:
    """A world, a topology and a gateway in it, with what must hold whenever the gateway ends."""

    def __init__(self, topology=NodeTopology, *, serve=False, far_ends=(), **gateway_options):
        self.world = World()
        try:
            self.world.__enter__()
            self.topology = topology(self.world, serve=serve, far_ends=far_ends)
            self.gateway = gateways.GATEWAYS[GATEWAY](self.topology, binary=BINARY, **gateway_options)
        except BaseException:
            self.world.close()
            raise

    def __getattr__(self, name):
        return getattr(self.topology, name)

    def start(self, **how):
        self.gateway.start()
        self.gateway.wait_until_ready(**how)
        return self

    def end(self, test):
        """Ends the gateway and returns its report, after checking what every run must fulfil.

        The kernel in sluice's place has no report: None.
        """
        status = self.gateway.stop()
        test.assertEqual(status, 0, f"exit status; it said:\n{self.gateway.log()}")
        for eni, refused in self.fabric.dropped().items():
            test.assertEqual(refused, {"foreign_source": 0, "foreign_destination": 0}, eni)
        report = self.gateway.report()
        if report is not None:
            test.assertTrue(report.complete, f"totals are missing in:\n{report.text}")
            test.assertTrue(report.balanced(), f"packets are lost without a name:\n{report.text}")
        return report

    def close(self):
        self.world.close()


class LabTest(unittest.TestCase):
    """A test with a lab of its own, made by lab(); whatever happens, it is removed."""

    def lab(self, *arguments, **options):
        lab = Lab(*arguments, **options)
        self.addCleanup(lab.close)
        return lab

    def console(self, lab, *words, check=True):
        """What the running gateway answers to a command."""
        done = run([str(BINARY), "console", "--socket", str(lab.gateway.console_socket), *words],
                   check=False)
        if check:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def running_lab(self, *arguments, **options):
        """A lab whose gateway answers."""
        return self.lab(*arguments, **options).start()
