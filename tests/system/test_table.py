# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Every pair of the quickstart's table, as one test each, in both topologies."""

import unittest

import support
from lab import table


class Table:
    """One lab for all pairs of a topology; they only add flows to it."""

    topology = None

    @classmethod
    def setUpClass(cls):
        cls.lab = support.Lab(cls.topology, serve=True)
        cls.addClassCleanup(cls.lab.close)
        cls.lab.start()

    @classmethod
    def tearDownClass(cls):
        cls.lab.end(unittest.TestCase())

    def check(self, pair):
        """All four clients get their answers, seen as and crossing what they must, none refused."""
        for tool in pair.tools:
            with self.subTest(tool):
                self.assertEqual(table.observe(self.lab, pair, tool), table.wanted(pair))
        self.assertEqual(self.lab.untranslated(), 0)
        for eni, refused in self.lab.fabric.dropped().items():
            self.assertEqual(refused, {"foreign_source": 0, "foreign_destination": 0}, eni)


def _with_a_test_per_pair(topology):
    methods = {"topology": topology}
    for pair in topology.expectations():
        name = f"test_{pair.client}_to_{pair.server}".replace("-", "_")
        methods[name] = lambda self, pair=pair: self.check(pair)
    return methods


NodeTable = type("NodeTable", (Table, unittest.TestCase),
                 _with_a_test_per_pair(support.NodeTopology))
DedicatedTable = type("DedicatedTable", (Table, unittest.TestCase),
                      _with_a_test_per_pair(support.DedicatedTopology))
