# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""What has been measured, and the questions one asks it."""

import json
import statistics


# Of packets that were verified; a busy machine loses some besides.
_WRONG = ("foreign", "wrong_tuple", "wrong_checksum", "doubled")


class Figure:
    """Samples of one quantity. Prints as `median (least - most)`."""

    def __init__(self, samples, unit="", digits=1):
        self.samples = list(samples)
        self.unit = unit
        self.digits = digits

    def __bool__(self):
        return bool(self.samples)

    @property
    def median(self):
        return statistics.median(self.samples)

    def map(self, other, function, unit="", digits=2):
        """The samples of two figures combined pair by pair: spread of A B A B."""
        pairs = zip(self.samples, other.samples)
        return Figure([function(a, b) for a, b in pairs], unit, digits)

    def __str__(self):
        if not self.samples:
            return "-"
        low, high = min(self.samples), max(self.samples)
        text = f"{self.median:.{self.digits}f}"
        if len(self.samples) > 1:
            text += f" ({low:.{self.digits}f} - {high:.{self.digits}f})"
        return f"{text} {self.unit}".rstrip()


class Results:
    def __init__(self):
        self.micro = []       # Google Benchmark's entries of single repetitions
        self.line = []        # {"tag": ..., "report": linerate's}
        self.failures = []
        self.context = {}

    def add_micro(self, report):
        self.context = report["context"]
        self.micro += [entry for entry in report["benchmarks"] if entry["run_type"] == "iteration"]

    def add_line(self, tag, report):
        self.line.append({"tag": tag, "report": report})
        for run in report["runs"]:
            where = f"{report['dut']}, {run['sessions']} sessions"
            if "error" in run:
                self.failures.append({"step": where, "why": run["error"]})
            if "verify" in run and not run["verify"]["clean"]:
                self.failures.append({"step": where, "why": "verification: see its table"})
            for after in ("verify_disturbed", "verify_flooded"):
                wrong = {what: run[after][what] for what in _WRONG if after in run and run[after][what]}
                if wrong:
                    self.failures.append({"step": where, "why": f"{after}: {wrong}"})

    def fail(self, name, error):
        lines = (error.output or "").strip().splitlines()
        self.failures.append({"step": name, "why": lines[-1] if lines else str(error)})

    def save(self, file):
        file.write_text(json.dumps(vars(self), indent=1))

    # --- questions ---------------------------------------------------------------------------

    @property
    def machine(self):
        return self.line[-1]["report"]["machine"] if self.line else {}

    def counter(self, name, counter="cycles", unit="", digits=1, scale=1.0):
        """A counter of the micro benchmark whose name begins so."""
        found = [entry[counter] * scale for entry in self.micro
                 if entry["name"].startswith(name + "/") and counter in entry]
        return Figure(found, unit, digits)

    def micro_names(self):
        """Names without what Google Benchmark adds to them, in the order they ran."""
        names = (entry["name"].removesuffix("/manual_time").removesuffix("/iterations:1")
                 for entry in self.micro)
        return list(dict.fromkeys(names))

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

    def maximum(self, tag, dut, what, scale=1.0, unit="", digits=2):
        found = [trial["maximum"][what] for _, trial in self.trials(tag, dut)]
        return Figure([value * scale for value in found if value is not None], unit, digits)

    def disturbed(self, kind, what, unit="", digits=1):
        """With a disturbance, and without: two figures whose samples are pairs."""
        pairs = [pair for report in self.reports("disturbance", "sluice") for run in report["runs"]
                 for pair in run.get("disturbance", {}).get(kind, [])
                 if all(pair[how].get(what) is not None for how in ("with", "without"))]
        return [Figure([pair[how][what] for pair in pairs], unit, digits) for how in ("with", "without")]

    def changed_sessions(self, tag="disturbance", after="verify_disturbed"):
        """After all of it: packets that came back otherwise than they were first learned."""
        return Figure([run[after]["wrong_tuple"]
                       for report in self.reports(tag, "sluice") for run in report["runs"]
                       if after in run], "", 0)

    def floods(self, side):
        """The pairs of trials with and without a flood from inside or outside."""
        return [pair for report in self.reports("flood", "sluice") for run in report["runs"]
                for pair in run.get("flood", {}).get(side, [])]

    def latency(self, dut, load, percentile):
        """Microseconds."""
        found = [at["latency"][percentile] / 1000 for _, trial in self.trials("latency", dut)
                 for at in trial.get("latency", []) if at["load"] == load and percentile in at["latency"]]
        return Figure(found, "us")
