# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The measuring tools work, and every packet they verify is as it should be. Not about speed."""

import json
import pathlib
import subprocess
import tempfile
import unittest

import support
from lab.topology import REPOSITORY

SESSIONS = 630
GENTLY = "2000"  # packets a second: what a busy machine loses is no fault of the gateway
NOTHING = ("lost", "foreign", "wrong_tuple", "wrong_checksum", "doubled")


def _linerate():
    return support.BINARY.parent / "bench" / "linerate"


@unittest.skipUnless(_linerate().exists(), "built without -Dbench=true")
class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def measured(self, *arguments):
        """What linerate reports of its one run."""
        report = self.folder / "report.json"
        ended = subprocess.run(
            [_linerate(), "--sluice", support.BINARY, "--sessions", str(SESSIONS), "--rate", GENTLY,
             f"--json={report}", *arguments],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        return json.loads(report.read_text())["runs"][0]

    def verified(self, *arguments):
        run = self.measured("--seconds", "0.1", "--phases", "verify", *arguments)
        self.assertEqual(run["establish"]["known"], SESSIONS)
        self.assertEqual(run["verify"]["received"], 2 * SESSIONS)
        self.assertEqual({name: run["verify"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_every_udp_packet_over_memif(self):
        self.verified("--link", "memif")

    def test_every_tcp_packet_over_af_packet(self):
        self.verified("--link", "af_packet", "--protocol", "tcp")

    def test_sessions_outlive_what_disturbs(self):
        run = self.measured("--seconds", "0.5", "--pairs", "1", "--phases", "disturbance")
        for kind in ("watched", "operated", "captured", "filtered"):
            for trial in run["disturbance"][kind][0].values():
                self.assertGreater(trial["received"], 0)
                self.assertGreater(trial["busy_cycles"], 0)
        self.assertEqual(run["verify_disturbed"]["received"], 2 * SESSIONS)
        self.assertEqual({name: run["verify_disturbed"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_a_flood_is_refused_by_name_and_harms_nobody(self):
        run = self.measured("--seconds", "2", "--pairs", "1", "--phases", "flood")
        inside, outside = (run["flood"][side][0]["with"] for side in ("inside", "outside"))
        for trial in (inside, outside):
            self.assertGreater(trial["flood_sent"], 0)
            self.assertEqual(trial["lost"], 0)
        # The table has 1,024 records: what finds none is refused, to the packet.
        self.assertEqual(inside["refused"], {"flow_table_full": inside["flood_sent"] - inside["flood_passed"]})
        # Random sources: some are nobody's, or a pod's.
        self.assertLessEqual(set(outside["refused"]), {"no_session", "martian_source", "spoofed_source"})
        self.assertEqual(sum(outside["refused"].values()), outside["flood_sent"])
        self.assertEqual({name: run["verify_flooded"][name] for name in NOTHING}, dict.fromkeys(NOTHING, 0))

    def test_what_cannot_be_disturbed_is_refused(self):
        for arguments in (["--link", "af_packet"], ["--protocol", "tcp"], ["--dut", "testpmd-macswap"]):
            ended = subprocess.run([_linerate(), "--phases", "disturbance", *arguments], text=True,
                                   capture_output=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 2, ended.stdout)
            self.assertIn("disturbance needs dut sluice, protocol udp, and link memif or vhost", ended.stderr)

    def test_the_whole_run(self):
        ended = subprocess.run(
            [REPOSITORY / "bench" / "run", "--smoke", "--build", support.BINARY.parent,
             "--out", self.folder], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=120, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertIn("## Targets", (self.folder / "summary.md").read_text())
