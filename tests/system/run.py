#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Runs the system tests and prints one line each; needs root. `N passed, N failed` comes last."""

import argparse
import pathlib
import signal
import sys
import time
import unittest

import support
from lab import world


class OneLineResult(unittest.TestResult):
    """Prints a line per test as it ends, and the reasons below it when it failed."""

    def __init__(self):
        super().__init__()
        self.passed = 0
        self._outside_tests = 0  # what failed in the set-up or tear-down of a class
        self._begun = time.monotonic()
        self._reasons = []

    @property
    def failed(self):
        return self.testsRun - self.passed - len(self.skipped) + self._outside_tests

    def startTest(self, test):
        super().startTest(test)
        self._begun = time.monotonic()

    def stopTest(self, test):
        super().stopTest(test)
        if self.skipped and self.skipped[-1][0] is test:
            self._print("skip", f"{test.id()} ({self.skipped[-1][1]})")
            return
        self.passed += not self._reasons
        took = time.monotonic() - self._begun
        self._print("FAIL" if self._reasons else "ok  ", f"{test.id()} ({took:.1f} s)")

    def addFailure(self, test, err):
        self._reasons.append(self._exc_info_to_string(err, test))

    def addError(self, test, err):
        self.addFailure(test, err)
        if not isinstance(test, unittest.TestCase):
            self._outside_tests += 1
            self._print("FAIL", test.id())

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(test, err)

    def _print(self, verdict, text):
        print(f"  {verdict} {text}", flush=True)
        for reason in self._reasons:
            print("       " + reason.rstrip().replace("\n", "\n       "), flush=True)
        self._reasons = []


def _tests(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from _tests(item)
        else:
            yield item


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only tests whose name contains this")
    parser.add_argument("--binary", type=pathlib.Path, default=support.BINARY)
    parser.add_argument("--gateway", choices=["sluice", "kernel"], default="sluice",
                        help="kernel: Linux in sluice's place, as a reference; tests that read "
                        "sluice's counters or errors fail then")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    support.BINARY = options.binary.resolve()
    support.GATEWAY = options.gateway
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    world.sweep()

    here = pathlib.Path(__file__).resolve().parent
    found = unittest.defaultTestLoader.discover(str(here), top_level_dir=str(here))
    chosen = [test for test in _tests(found) if options.only in test.id()]
    if options.list:
        print("\n".join(test.id() for test in chosen))
        return 0
    result = OneLineResult()
    try:
        unittest.TestSuite(chosen).run(result)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f"{result.passed} passed, {result.failed} failed")
    return 0 if chosen and not result.failed else 1


if __name__ == "__main__":
    sys.exit(main())
