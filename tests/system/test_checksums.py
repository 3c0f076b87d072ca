# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Hosts that leave checksums to their NIC, as they do on a veth unless told otherwise: what they send
is not finished when the gateway gets it, and has to be when it leaves."""

from lab import table
from support import LabTest, NodeTopology

# Translated, preserved, between pods, and opened from outside.
PAIRS = {("pod-b1", "peer"), ("pod-b1", "vpc-host"), ("pod-a1", "pod-b1"), ("peer", "pod-a1")}


class LeftToTheNic(LabTest):
    def test_each_kind_of_flow(self):
        lab = self.lab(serve=True)
        for name in {name for pair in PAIRS for name in pair}:
            host = lab.parties[name].host
            host.run(["ethtool", "-K", "eth0", "tx", "on"])
            self.assertIn("tx-checksumming: on", host.run(["ethtool", "-k", "eth0"]).stdout)
        lab.start()
        for pair in NodeTopology.expectations():
            if (pair.client, pair.server) in PAIRS:
                for tool in pair.tools:
                    with self.subTest(pair=f"{pair.client} to {pair.server}", tool=tool):
                        self.assertEqual(table.observe(lab, pair, tool), table.wanted(pair))
        lab.end(self)
