# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What is run, in which order and how often."""

import dataclasses
import json
import pathlib
import subprocess
import tempfile
import time

SIZES = (64_512, 1_032_192, 16_515_072)
CAPACITIES = (1 << 16, 1 << 20, 1 << 22, 1 << 24)
MIDDLE = SIZES[1]
_TIDYING = 30  # seconds; a device under test has ten of them


@dataclasses.dataclass(frozen=True)
class Extent:
    """How much of everything."""

    name: str
    sizes: tuple            # sessions of the whole path
    capacities: tuple       # of tables
    repetitions: int        # of micro benchmarks, in random order
    rebuilt: int            # the same, of those that fill a table each time
    min_time: float         # seconds of one repetition
    pairs: int              # A B A B of devices under test
    seconds: float          # of a line-rate trial
    disturbed: tuple        # pairs with and without a disturbance, and a trial's seconds
    matrix: bool            # sessions x frame x direction
    middle: int             # sessions of the pairs
    hugepages: int          # of 2 MiB: two programs' buffers, and the largest table with rte_hash beside it


FULL = Extent("full", SIZES, CAPACITIES, 10, 5, 0.2, 10, 1, (10, 3), True, MIDDLE, 2048)
QUICK = Extent("quick", SIZES[:2], CAPACITIES[:2], 10, 2, 0.02, 2, 0.5, (4, 1), False, MIDDLE, 768)
SMOKE = Extent("smoke", SIZES[:1], CAPACITIES[:1], 1, 1, 0.001, 1, 0.1, (1, 0.1), False, 630, 0)


def _run(command):
    """As subprocess.run does, but who stops us lets the program tidy up: what it has changed outside of
    its own process stays changed otherwise."""
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
        try:
            said, _ = program.communicate()
        except BaseException:
            program.terminate()
            try:
                program.communicate(timeout=_TIDYING)
            except subprocess.TimeoutExpired:
                program.kill()
            raise
    return subprocess.CompletedProcess(command, program.returncode, said)


class Programs:
    """The programs of one build folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def missing(self):
        """The first program that is not there."""
        files = (self.folder / name for name in ("sluice", "bench/micro", "bench/linerate"))
        return next((file for file in files if not file.is_file()), None)

    def micro(self, pattern, repetitions, min_time):
        """Google Benchmark's own JSON; repetitions of all that match in random order."""
        return self._json([
            self.folder / "bench/micro", f"--benchmark_filter={pattern}",
            f"--benchmark_repetitions={repetitions}", f"--benchmark_min_time={min_time}",
            "--benchmark_enable_random_interleaving=true", "--benchmark_out_format=json"],
            "--benchmark_out={}")

    def linerate(self, *arguments):
        return self._json([self.folder / "bench/linerate", "--quiet", *map(str, arguments)],
                          "--json={}")

    @staticmethod
    def _json(command, option):
        with tempfile.NamedTemporaryFile(suffix=".json") as file:
            ended = _run([*map(str, command), option.format(file.name)])
            try:
                report = json.loads(pathlib.Path(file.name).read_text(encoding="utf-8"))
            except ValueError:  # there is none, or a part of one
                said = ended.stdout.strip() or f"exit status {ended.returncode}, no report, not a word"
                raise subprocess.CalledProcessError(ended.returncode, command, said) from None
        if ended.returncode != 0 and not _is_of_packets(ended.returncode, report):
            why = report.get("stopped") or f"exit status {ended.returncode} in spite of its report"
            raise subprocess.CalledProcessError(ended.returncode, command, why)
        return report


def _is_of_packets(status, report):
    """Whether the status says only that packets did not come back as they should: what has been measured
    counts, and the report says which. Any other status is of a run that is no sample."""
    return status == 1 and report.get("clean") is False and "stopped" not in report


@dataclasses.dataclass
class Step:
    """One program's run. `expected` seconds only spread the time that is left over steps."""

    name: str
    expected: float
    run: object
    of: dict    # what it measures: {"micro": regular expression} or {"tag": ..., "dut": ...}


class Clock:
    """How long the remaining steps will take, from how long those before them took."""

    def __init__(self, steps):
        self._left = sum(step.expected for step in steps)
        self._done = 0.0
        self._begun = time.monotonic()

    def done(self, step):
        self._done += step.expected
        self._left -= step.expected

    def left(self):
        pace = (time.monotonic() - self._begun) / self._done if self._done else 1
        return f"about {max(1, round(self._left * pace / 60))} min left"


def _micro(name, pattern, repetitions, min_time, expected):
    def run(programs, measured):
        measured.add_micro(programs.micro(pattern, repetitions, min_time))
    return Step(name, expected, run, {"micro": pattern})


def _line(name, tag, expected, *arguments, dut="sluice", number=1):
    """`number`: figures of devices under test that have the same one and tag are compared."""
    def run(programs, measured):
        measured.add_line(tag, programs.linerate("--dut", dut, *arguments), number)
    return Step(name, expected, run, {"tag": tag, "dut": dut})


def _micro_steps(extent):
    again, rebuilt, shortest = extent.repetitions, extent.rebuilt, extent.min_time
    steps = [_micro("stages and forms", "^(parse|classify|toeplitz|checksum|port_choice|adjust_tuple|"
                    "first_packet|later_packet|policy_decide)", again, shortest,
                    26 * again * shortest * 2 + 10)]
    for size in extent.sizes:
        steps.append(_micro(f"whole path, {size} sessions", f"^path/.*/sessions:{size}/", again,
                            shortest, 18 * again * (shortest * 2.5 + 0.02) + size / 500_000))
    for size in extent.capacities:
        fills = 9 * rebuilt * size / 1_000_000
        steps.append(_micro(f"table of {size}", f"^table/.*/capacity:{size}/", rebuilt, shortest,
                            fills + 4 * rebuilt * shortest * 2))
    for size in extent.capacities:
        if size in (1 << 20, 1 << 24):
            steps.append(_micro(f"new flows, table of {size}", f"^new_flows(_logged)?/capacity:{size}/", rebuilt,
                                shortest, 4 * rebuilt * size / 1_000_000))
    return steps


def _pairs(extent):
    """A B A B: each device is started anew, so that neither gains by its place."""
    common = ("--sessions", extent.middle, "--seconds", extent.seconds, "--direction", "both")
    cost = 5 + extent.middle / 500_000
    for number in range(1, extent.pairs + 1):
        of = f"pair {number} of {extent.pairs}"
        for dut in ("sluice", "testpmd-macswap"):
            yield _line(f"{dut} over memif, {of}", "memif", cost + 3 * extent.seconds,
                        *common, "--phases", "maximum", dut=dut, number=number)
        for dut in ("linux-nft", "sluice"):
            yield _line(f"{dut} over veth, {of}", "af_packet", cost + 8 * extent.seconds,
                        "--link", "af_packet", *common, "--phases", "maximum", dut=dut, number=number)


def _disturbance(extent):
    pairs, seconds = extent.disturbed
    return _line("disturbance", "disturbance", 10 + extent.middle / 250_000 + pairs * (8 * seconds + 6),
                 "--sessions", extent.middle, "--seconds", seconds, "--pairs", pairs,
                 "--phases", "disturbance")


def _flood(extent):
    pairs, seconds = extent.disturbed
    return _line("flood", "flood", 10 + extent.middle / 250_000 + pairs * 4 * seconds,
                 "--sessions", extent.middle, "--seconds", seconds, "--pairs", pairs, "--phases", "flood")


def _latency(extent):
    for number in range(1, max(1, extent.pairs // 3) + 1):
        for dut in ("sluice", "testpmd-macswap"):
            yield _line(f"latency of {dut}, {number}", "latency", 10 + 25 * extent.seconds,
                        "--sessions", extent.middle, "--seconds", extent.seconds,
                        "--phases", "no_drop", "latency", dut=dut, number=number)


def _connections(extent):
    for dut in ("sluice", "linux-nft"):
        yield _line(f"connection rate of {dut}", "connections", 120,
                    "--sessions", extent.middle, "--seconds", extent.seconds,
                    "--precision", 0.03, "--phases", "establish_rate", dut=dut)


def _matrix(extent):
    for size in extent.sizes:
        yield _line(f"matrix of {size} sessions", "matrix", 60 + size / 100_000 + 9 * 30 * extent.seconds,
                    "--sessions", size, "--frame", 64, 512, 1518, "--direction", "out", "in", "both",
                    "--seconds", extent.seconds, "--phases", "verify", "no_drop", "partial_drop")


def steps(extent):
    """Everything, what takes longest at the end."""
    all_steps = [*_micro_steps(extent), *_pairs(extent), _disturbance(extent), _flood(extent)]
    if extent is not SMOKE:  # which may run on a busy machine, and that one loses packets
        all_steps.append(_line("verification", "verify", 15, "--sessions", SIZES[0], "--seconds", 0.1,
                               "--phases", "verify"))
    if extent.matrix:
        all_steps += [*_latency(extent), *_connections(extent), *_matrix(extent)]
    return all_steps
