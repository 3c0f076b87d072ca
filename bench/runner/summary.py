# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The report that people read."""

from . import targets
from .plan import SIZES
from .results import Figure

_HOW = """Figures are medians, the least and the largest sample behind them. Cycles are those of the time stamp
counter. Micro benchmarks ran in random order within a size: where two are compared, each sample of one
is with each of the other. Devices under test took turns (A B A B), each started anew, and neighbours are
compared. `within the spread`: some samples meet the target and some do not. A worker's busy cycles leave
out turns in which no packet came."""


def _table(head, lines):
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def _origin(measured, extent):
    """Which command this is of, and which build: they decide what the figures are of."""
    flags = measured.machine.get("flags")
    if flags is None:
        build = "a build that is not known, for `linerate` never reported"
    else:
        build = f"a {'native' if '-march=native' in flags else 'portable'} build, `{flags}`"
    return f"By `{measured.command}`, extent: {extent.name}, with {build}. How to read it: docs/performance.md."


def _machine(measured):
    shown = measured.machine or {key: measured.context[key] for key in ("num_cpus", "mhz_per_cpu")
                                 if key in measured.context}
    return _table(["machine", ""], [[key.replace("_", " "), value] for key, value in shown.items()])


def _micro(measured):
    lines = []
    for name in sorted(measured.micro_names()):
        cycles = measured.counter(name)
        size = measured.counter(name, "bytes")
        tries = measured.counter(name, "lookups", digits=2)
        if cycles or size:
            of = ", removal" if name.startswith("new_flows") else ""
            lines.append([f"`{name}`{of}", cycles or "-", size or "", tries or ""])
    return _table(["benchmark", "cycles an item", "bytes a session", "lookups a port"], lines)


def _stages(measured):
    sizes = [size for size in SIZES if measured.counter(f"path/stages/both/sessions:{size}")]
    lines = [[stage[3:], *(measured.counter(f"path/stages/both/sessions:{size}", stage) for size in sizes)]
             for stage in measured.stages()]
    for name, kind in (("all of it", "sluice"), ("I/O only", "io")):
        lines.append([name, *(measured.counter(f"path/{kind}/both/sessions:{size}") for size in sizes)])
    return _table(["stage", *(f"{size} sessions" for size in sizes)], lines)


def _mpps(value):
    return f"{value / 1e6:.2f}"


def _matrix(measured):
    lines = []
    for sessions, trial in measured.trials("matrix", "sluice"):
        lines.append([sessions, trial["frame"], trial["direction"],
                      _mpps(trial["maximum"]["received_rate"]), trial["maximum"]["busy_cycles"] and
                      f"{trial['maximum']['busy_cycles']:.0f}", _mpps(trial["no_drop"]["rate"]),
                      _mpps(trial["partial_drop"]["rate"])])
    return _table(["sessions", "frame", "direction", "most, Mpps", "busy cycles", "no drop", "0.5 % drop"],
                  lines)


def _connections(measured):
    lines = []
    for entry in measured.line:
        for run in entry["report"]["runs"]:
            if "establish_rate" in run:
                cycles = run["establish"]["busy_cycles"]
                lines.append([entry["report"]["dut"], run["sessions"],
                              f"{run['establish_rate']['rate'] / 1e6:.3f}",
                              f"{run['establish']['rate'] / 1e6:.3f}", f"{cycles:.0f}" if cycles else "-"])
    return _table(["device", "connections", "opened without loss, M/s", "opened at most, M/s",
                   "busy cycles"], lines) if lines else ""


def _floods(measured):
    lines = []
    for side in ("inside", "outside"):
        pairs = measured.floods(side)
        if not pairs:
            continue
        def of(how, what, unit="", digits=1, scale=1.0, pairs=pairs):
            values = [pair[how][what] for pair in pairs]
            return Figure([value * scale for value in values if value is not None], unit, digits)
        refused = {}
        for pair in pairs:
            for reason, count in pair["with"]["refused"].items():
                refused[reason] = refused.get(reason, 0) + count
        grown = Figure([(after - before) / 1024 for before, after in
                        (pair["with"]["resident_bytes"] for pair in pairs)], "KiB", 0)
        lines.append([side, of("without", "loss", "%", 3, 100), of("with", "loss", "%", 3, 100),
                      sum(pair["with"]["flood_sent"] for pair in pairs),
                      sum(pair["with"]["flood_passed"] for pair in pairs),
                      ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items())), grown])
    if not lines:
        return ""
    text = _table(["SYNs from", "sessions' packets lost without", "with", "SYNs", "passed", "refused",
                   "memory grown by"], lines)
    changed = measured.changed_sessions("flood", "verify_flooded")
    return f"{text}\nSessions that were not what they had been: {changed}\n"


def _verified(measured):
    lines = []
    for entry in measured.line:
        for run in entry["report"]["runs"]:
            if "verify" in run:
                verify = run["verify"]
                lines.append([entry["report"]["dut"], run["sessions"], verify["offered"], verify["lost"],
                              verify["wrong_tuple"], verify["wrong_checksum"], verify["doubled"],
                              verify["foreign"]])
    return _table(["device", "sessions", "packets", "lost", "wrong tuple", "wrong checksum", "doubled",
                   "foreign"], lines) if lines else ""


def _targets(measured):
    return _table(["#", "figure", "target", "measured", ""],
                  [[row.number, row.what, row.target, row.figure, row.verdict]
                   for row in targets.rows(measured)])


def text(measured, extent, drawn):
    """The whole of it, in Markdown."""
    parts = ["# Measured", _origin(measured, extent), _HOW, _machine(measured), "## Targets", _targets(measured)]
    if drawn:
        parts += ["## Pictures", *(f"![{title}]({name})" for title, name in drawn)]
    if measured.stages():
        parts += ["## Cycles a packet by stage, both directions", _stages(measured)]
    parts += ["## Micro benchmarks", _micro(measured)]
    if measured.trials("matrix", "sluice"):
        parts += ["## Line rate, sluice over memif", _matrix(measured)]
    for title, table in (("Connections opened (RFC 9693, phase 1)", _connections(measured)),
                         ("SYN floods over memif", _floods(measured)),
                         ("Verification: every packet checked", _verified(measured))):
        if table:
            parts += [f"## {title}", table]
    if measured.failures:
        parts += ["## Failed", *(f"- {failure['step']}: {failure['why']}" for failure in measured.failures)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"
