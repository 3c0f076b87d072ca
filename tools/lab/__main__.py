# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The quickstart: builds the labs one after the other, prints their tables, opens the console."""

import argparse
import contextlib
import pathlib
import signal
import sys

from . import table, world
from .dedicated import DedicatedTopology
from .gateway import GATEWAYS, SLUICE
from .node import NodeTopology
from .system import LabError
from .terminal import Pty

# The node story last: it is the one whose console the user gets.
TOPOLOGIES = {"dedicated": DedicatedTopology, "node": NodeTopology}
TITLES = {
    "dedicated": "A dedicated gateway: other nodes' pods leave through `inner`, translated at `uplink`",
    "node": "A gateway on the node: pods on two ENIs; every packet leaves by the ENI that owns its source",
}


def main():
    options = _options()
    console = not options.once and options.gateway == "sluice" and _has_terminal()
    names = [name for name in TOPOLOGIES if options.topology in (name, "both")]
    _end_on_signals()
    swept = world.sweep()
    if swept:
        print(f"removed {swept} namespaces that a killed run had left", flush=True)
    wrong = 0
    try:
        for name in names:
            wrong += _show(name, options, console=console and name == names[-1])
    except LabError as problem:
        print(f"lab: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlab: stopped; everything it made is removed", file=sys.stderr)
        return 130
    return 1 if wrong else 0


def _options():
    parser = argparse.ArgumentParser(
        prog="tools/quickstart", description="Sends real traffic through the gateway, in namespaces "
        "of its own, and prints what was seen of it.")
    parser.add_argument("--once", action="store_true",
                        help="no console; end after the tables, with status 1 if a line is wrong")
    parser.add_argument("--topology", choices=[*TOPOLOGIES, "both"], default="both")
    parser.add_argument("--gateway", choices=GATEWAYS, default="sluice",
                        help="kernel: Linux in sluice's place, as a reference")
    parser.add_argument("--binary", type=pathlib.Path, default=SLUICE, help="default: build/sluice")
    return parser.parse_args()


def _has_terminal():
    return sys.stdin.isatty() and sys.stdout.isatty()


def _end_on_signals():
    """SIGTERM and SIGHUP end the lab as Ctrl-C does: through its clean-up."""
    def interrupt(*_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)


def _show(name, options, *, console):
    """One lab from its making to its removal; returns how many pairs were wrong."""
    print(f"\n{TITLES[name]}\n", flush=True)
    with world.World() as home, contextlib.closing(Pty()) as pty:
        lab = TOPOLOGIES[name](home)
        gateway = GATEWAYS[options.gateway](lab, binary=options.binary)
        gateway.start(terminal=pty.slave if console else None)
        pty.hand_over()
        try:
            gateway.wait_until_ready()
            wrong = _print_table(lab)
            if console:
                print("\nThe gateway's console: `help` lists its commands, `quit` or Ctrl-C ends it "
                      "and removes the lab.", flush=True)
                pty.pump()
            status = gateway.stop()
            if status != 0:
                raise LabError(f"the gateway ended with status {status}")
        except LabError:
            sys.stderr.write(gateway.log())
            raise
    return wrong


def _print_table(lab):
    print(table.heading(), flush=True)
    pairs = lab.expectations()
    wrong = 0
    for pair in pairs:
        lines, right = table.rows(lab, pair)
        wrong += not right
        print("\n".join(lines), flush=True)
    refused = sum(sum(counts.values()) for counts in lab.fabric.dropped().values())
    print(f"\n{len(pairs) - wrong} of {len(pairs)} pairs as expected; the fabric's source check refused "
          f"{refused} packets; {lab.untranslated()} reached the internet gateway untranslated",
          flush=True)
    return wrong + bool(refused) + bool(lab.untranslated())


if __name__ == "__main__":
    sys.exit(main())
