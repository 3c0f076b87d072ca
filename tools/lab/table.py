# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The table: who talks to whom, what the other side saw of it, and whether that is right."""

import dataclasses

from . import clients
from .system import LabError


@dataclasses.dataclass(frozen=True)
class Sight:
    """What was seen of one or more flows, at the server and at the fabric."""

    source: str  # the address the server saw
    request: str  # the ENI the request crossed, "-" for none
    reply: str
    problem: str | None = None  # what the client complained of


_WIDTHS = (11, 11, 22, 15, 9, 9)
_HEADINGS = ("who", "to whom", "with", "seen as", "request", "reply")


def heading():
    """The table's first lines."""
    return f"{_columns(_HEADINGS)} result\n{_columns('-' * width for width in _WIDTHS)} ------"


def _columns(cells):
    return " ".join(f"{cell:{width}}" for cell, width in zip(cells, _WIDTHS))


def observe(lab, pair, tool):
    """Lets `tool` of pair.client meet pair.server, and says what was seen."""
    client, server = lab.parties[pair.client], lab.parties[pair.server]
    lab.fabric.forget()
    server.servers.forget()
    try:
        problem = clients.use(tool, client, server)
    except LabError as stuck:
        problem = str(stuck)
    outside = client if pair.inbound else server
    out, back = _enis_crossed(lab.fabric, outside.address, clients.PROTOCOL[tool])
    request, reply = (back, out) if pair.inbound else (out, back)
    return Sight(_listed(server.servers.clients(tool)), request, reply, problem)


def _enis_crossed(fabric, outside, protocol):
    """The ENIs by which packets left towards `outside`, and those by which its packets came."""
    passages = [p for p in fabric.passages() if p.protocol == protocol]
    out = {p.eni for p in passages if p.outwards and p.destination == outside}
    back = {p.eni for p in passages if not p.outwards and p.source == outside}
    return _listed(out), _listed(back)


def _listed(names):
    return "+".join(sorted(names)) or "-"


def wanted(pair):
    """The sight that a pair must give."""
    return Sight(pair.source, pair.request_eni or "-", pair.reply_eni or "-")


def rows(lab, pair):
    """The finished lines of a pair, one for all clients that agree, and whether all are right."""
    sights = {}
    for tool in pair.tools:
        sights.setdefault(observe(lab, pair, tool), []).append(tool)
    right = wanted(pair)
    lines = [f"{_columns((pair.client, pair.server, ' '.join(tools), s.source, s.request, s.reply))}"
             f" {_verdict(s, right)}" for s, tools in sights.items()]
    return lines, set(sights) == {right}


def _verdict(sight, right):
    if sight == right:
        return "ok"
    expected = f"expected {right.source} by {right.request}, back by {right.reply}"
    return f"FAIL {expected}" + (f"; {sight.problem}" if sight.problem else "")
