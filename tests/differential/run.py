#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Plays every scenario in front of the Linux kernel's NAT and of sluice, and compares what the ends
see, packet by packet; needs root. `N passed, N failed` comes last."""

import argparse
import difflib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import stage  # noqa: E402
from lab import world  # noqa: E402
import scenarios  # noqa: E402
from words import Namer, words  # noqa: E402


SCENARIOS = scenarios.SCENARIOS


class Play:
    """A scenario under way in front of one gateway: what was sent, and what the ends saw of it."""

    def __init__(self, on):
        self._stage = on
        self._namer = Namer()
        self._last = {}
        self._sent = 0
        self.log = []

    def pod(self, packet, end="pod1"):
        self._send(end, packet)

    def outside(self, packet):
        self._send("outside", packet)

    def last(self, end):
        """The newest packet that this end saw, as bytes; b"" before any."""
        return self._last.get(end, b"")

    def _send(self, end, packet):
        self._stage.send(end, bytes(packet))
        arrived = self._stage.settle(end)
        self._sent += 1
        self.log.append(f"{end} sends packet {self._sent}")
        for where, data in sorted(arrived, key=lambda item: item[0]):
            self._last[where] = data
            self.log.append("  " + words(where, data, self._namer))


def play(scenario, on):
    run = Play(on)
    try:
        scenario.play(run)
    except Exception as broken:  # a packet that should have come did not: part of what was seen
        run.log.append(f"cannot go on: {type(broken).__name__}: {broken}")
    return run.log


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", default="", help="scenarios whose name contains it")
    parser.add_argument("--show", action="store_true", help="print what was seen of each scenario")
    options = parser.parse_args()
    chosen = [s for s in SCENARIOS if options.only in s.name]
    stage.pin_to_one_core()
    world.sweep()
    seen = {"kernel": {}, "sluice": {}}
    with world.World() as everything:
        for kind, played in seen.items():
            for mtu in sorted({s.mtu for s in chosen}):
                on = stage.Stage(everything, kind, mtu)
                for scenario in (s for s in chosen if s.mtu == mtu):
                    scenarios.begin(SCENARIOS.index(scenario))
                    played[scenario.name] = play(scenario, on)
                on.close()
                if options.show and on.report:
                    print(on.report)
    passed = failed = 0
    for scenario in chosen:
        kernel, sluice = (seen[kind][scenario.name] for kind in ("kernel", "sluice"))
        broken = any(line.startswith("cannot go on") for line in kernel)
        good = not broken and (kernel == sluice) == (scenario.differs is None)
        passed, failed = passed + good, failed + (not good)
        difference = "" if scenario.differs is None else f" (differs: {scenario.differs})"
        print(f"  {'ok  ' if good else 'FAIL'} {scenario.name}{difference}", flush=True)
        if options.show:
            print("\n".join("      " + line for line in sluice))
        if not good:
            if kernel == sluice:
                print("       the known difference has gone")
            for line in difflib.unified_diff(kernel, sluice, "kernel", "sluice", lineterm="", n=20):
                print("       " + line)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed else 1


if __name__ == "__main__":
    sys.exit(main())
