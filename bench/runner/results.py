# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What has been measured, and the questions one asks it."""

import contextlib
import itertools
import json
import re
import statistics


# Of packets that were verified; a busy machine loses some besides.
_WRONG = ("foreign", "wrong_tuple", "wrong_checksum", "doubled")


def _plain(name):
    """A micro benchmark's name without what Google Benchmark adds to it."""
    return name.removesuffix("/manual_time").removesuffix("/iterations:1")


class Figure:
    """Samples of one quantity. Prints as `median (least - most)`.

    `runs` says of each sample in which run it was taken, if others ran with it. `why` says why
    there are no samples, where something failed.
    """

    def __init__(self, samples, unit="", digits=1, runs=None, why=""):
        self.samples = list(samples)
        self.runs = runs
        self.unit = unit
        self.digits = digits
        self.why = why

    def __bool__(self):
        return bool(self.samples)

    @property
    def median(self):
        return statistics.median(self.samples)

    def map(self, other, function, unit="", digits=2):
        """Two figures combined: the samples of one run with each other (A B A B), whatever is missing
        on either side; where there are no such runs, each sample with every one of the other."""
        if self.runs is None or other.runs is None:
            pairs = [(None, *pair) for pair in itertools.product(self.samples, other.samples)]
        else:
            theirs = dict(zip(other.runs, other.samples))
            pairs = [(run, a, theirs[run]) for run, a in zip(self.runs, self.samples) if run in theirs]
        done = []
        for run, a, b in pairs:
            with contextlib.suppress(ZeroDivisionError):  # nothing came through: no share of it
                done.append((run, function(a, b)))
        runs = None if self.runs is None or other.runs is None else [run for run, _ in done]
        return Figure([value for _, value in done], unit, digits, runs, self.why or other.why)

    def __str__(self):
        if not self.samples:
            return "-"
        low, high = min(self.samples), max(self.samples)
        text = f"{self.median:.{self.digits}f}"
        if len(self.samples) > 1:
            text += f" ({low:.{self.digits}f} - {high:.{self.digits}f})"
        return f"{text} {self.unit}".rstrip()


class Results:
    def __init__(self, command="bench/run"):
        self.command = command
        self.micro = []       # Google Benchmark's entries of single repetitions
        self.line = []        # {"tag": ..., "report": linerate's}
        self.failures = []
        self.context = {}

    def add_micro(self, report):
        self.context = report["context"]
        for entry in report["benchmarks"]:
            name = _plain(entry["name"])
            if entry.get("error_occurred"):
                failure = {"step": name, "why": entry.get("error_message", ""), "micro": f"^{re.escape(name)}/"}
                if failure not in self.failures:
                    self.failures.append(failure)
            elif entry["run_type"] == "iteration":
                self.micro.append(entry)

    def add_line(self, tag, report, run_number=1):
        self.line.append({"tag": tag, "report": report, "run": run_number})
        for run in report["runs"]:
            where = {"step": f"{report['dut']}, {run['sessions']} sessions", "tag": tag, "dut": report["dut"]}
            if "error" in run:
                self.failures.append({**where, "why": run["error"]})
            if any(at.get("of") == "maximum" for trial in run["trials"] for at in trial.get("latency", [])):
                self.failures.append({**where, "why": "no rate without loss; latency is at shares of the maximum"})
            if "verify" in run and not run["verify"]["clean"]:
                self.failures.append({**where, "why": "verification: see its table"})
            for after in ("verify_disturbed", "verify_flooded"):
                wrong = {what: run[after][what] for what in _WRONG if after in run and run[after][what]}
                if wrong:
                    self.failures.append({**where, "why": f"{after}: {wrong}"})

    def fail(self, name, error, of=None):
        """`of` says what the step was to measure: `micro`, a regular expression, or `tag` and `dut`."""
        lines = (getattr(error, "output", None) or "").strip().splitlines()
        self.failures.append({"step": name, "why": lines[-1] if lines else f"{type(error).__name__}: {error}",
                              **(of or {})})

    def save(self, file):
        file.write_text(json.dumps(vars(self), indent=1))

    # --- questions ---------------------------------------------------------------------------

    @property
    def machine(self):
        return self.line[-1]["report"]["machine"] if self.line else {}

    def _why(self, concerns):
        """Why there is no figure: the first failure of what it would come from."""
        return next((f"not measured: {failure['step']} failed: {failure['why']}"
                     for failure in self.failures if concerns(failure)), "")

    def _why_not_micro(self, name):
        return self._why(lambda failure: "micro" in failure and re.search(failure["micro"], name + "/"))

    def _why_not_line(self, tag, dut):
        return self._why(lambda failure: (failure.get("tag"), failure.get("dut")) == (tag, dut))

    def counter(self, name, counter="cycles", unit="", digits=1, scale=1.0):
        """A counter of the micro benchmark whose name begins so."""
        found = [entry[counter] * scale for entry in self.micro
                 if entry["name"].startswith(name + "/") and counter in entry]
        return Figure(found, unit, digits, why=self._why_not_micro(name))

    def micro_names(self):
        """Names without what Google Benchmark adds to them, in the order they ran."""
        return list(dict.fromkeys(_plain(entry["name"]) for entry in self.micro))

    def stages(self):
        """Names of the path's stages as counters have them: numbered, in their order."""
        return sorted({name for entry in self.micro if entry["name"].startswith("path/stages/")
                       for name in entry if name[0].isdigit()})

    def reports(self, tag, dut):
        return [entry["report"] for entry in self.line
                if entry["tag"] == tag and entry["report"]["dut"] == dut]

    def trials(self, tag, dut):
        """(sessions, trial) of all reports of that kind."""
        return [(run["sessions"], trial) for report in self.reports(tag, dut)
                for run in report["runs"] for trial in run["trials"]]

    def _of_trials(self, tag, dut, samples, unit="", digits=1):
        """What `samples` finds in each trial; those of one run, in their order, belong together."""
        found = [((entry["run"], at), sample) for entry in self.line
                 if entry["tag"] == tag and entry["report"]["dut"] == dut
                 for at, sample in enumerate(sample for run in entry["report"]["runs"]
                                             for trial in run["trials"] for sample in samples(trial))
                 if sample is not None]
        return Figure([sample for _, sample in found], unit, digits, [run for run, _ in found],
                      self._why_not_line(tag, dut))

    def maximum(self, tag, dut, what, scale=1.0, unit="", digits=2):
        def samples(trial):
            value = trial["maximum"][what]
            return [None if value is None else value * scale]
        return self._of_trials(tag, dut, samples, unit, digits)

    def disturbed(self, kind, what, unit="", digits=1):
        """With a disturbance, and without: two figures whose samples are pairs."""
        pairs = [pair for report in self.reports("disturbance", "sluice") for run in report["runs"]
                 for pair in run.get("disturbance", {}).get(kind, [])
                 if all(pair[how].get(what) is not None for how in ("with", "without"))]
        return [Figure([pair[how][what] for pair in pairs], unit, digits, range(len(pairs)),
                       self._why_not_line("disturbance", "sluice")) for how in ("with", "without")]

    def changed_sessions(self, tag="disturbance", after="verify_disturbed"):
        """After all of it: packets that came back otherwise than they were first learned."""
        return Figure([run[after]["wrong_tuple"]
                       for report in self.reports(tag, "sluice") for run in report["runs"]
                       if after in run], "", 0, why=self._why_not_line(tag, "sluice"))

    def floods(self, side):
        """The pairs of trials with and without a flood from inside or outside."""
        return [pair for report in self.reports("flood", "sluice") for run in report["runs"]
                for pair in run.get("flood", {}).get(side, [])]

    def latency(self, dut, load, percentile):
        """Microseconds, at a share of the no-drop rate: where there was none, there is no sample."""
        def samples(trial):
            return [at["latency"][percentile] / 1000 for at in trial.get("latency", [])
                    if at["load"] == load and at.get("of") != "maximum" and percentile in at["latency"]]
        return self._of_trials("latency", dut, samples, "us")
