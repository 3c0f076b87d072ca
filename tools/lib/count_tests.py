#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Counts what `meson test` ran in a build folder: prints `PASSED FAILED`.

The cases of a GoogleTest program count one by one; any other program, or one that ended before it
could report its cases, counts as one.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree


def count(build):
    logs = pathlib.Path(build, "meson-logs")
    cases = _cases(logs / "testlog.junit.xml")
    passed = failed = 0
    for line in (logs / "testlog.json").read_text(encoding="utf-8").splitlines():
        program = json.loads(line)
        own = cases.get(program["name"].rpartition(" / ")[2], [])
        good = program["result"] in ("OK", "EXPECTEDFAIL")
        passed += sum(own) or (good and not own)
        failed += own.count(False) or (not good and program["result"] != "SKIP")
    return passed, failed


def _cases(report):
    """For each program the verdicts of its cases, True for passed."""
    cases = {}
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        _, _, rest = suite.get("name", "").partition(".")
        program = rest.partition(".")[0]
        cases.setdefault(program, []).extend(
            case.find("failure") is None and case.find("error") is None
            for case in suite.iter("testcase") if case.get("status", "run") == "run")
    return cases


if __name__ == "__main__":
    print(*count(sys.argv[1]))
