# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""The table of targets: each row with its figure, or the reason why there is none."""

import dataclasses

from .plan import SIZES

SMALL, MIDDLE, LARGE = SIZES
NOT_RUN = "not measured: not part of this extent; `bench/run` without options measures it"


@dataclasses.dataclass
class Row:
    number: str
    what: str
    target: str
    figure: str
    verdict: str   # met | missed, and whether samples differ about it; -


def _row(number, what, target, figure, met):
    """`figure` is empty where it was not measured; `met` is asked only if it is not."""
    if not figure:
        return Row(number, what, target, figure.why or NOT_RUN, "-")
    verdict = "met" if met(figure.median) else "missed"
    differ = len({met(sample) for sample in figure.samples}) > 1
    return Row(number, what, target, str(figure), f"{verdict}, within the spread" if differ else verdict)


def _path(measured, kind, size):
    return measured.counter(f"path/{kind}/both/sessions:{size}", unit="cycles")


def _above_io(measured, size, kind="sluice"):
    return _path(measured, kind, size).map(_path(measured, "io", size), lambda a, b: a - b, "cycles", 1)


def _path_rows(measured):
    for size, most in ((MIDDLE, 60), (LARGE, 90)):
        yield _row("1", f"NAT path above I/O, {size} sessions, both ways", f"<= {most} cycles",
                   _above_io(measured, size), lambda value, most=most: value <= most)
    growth = _above_io(measured, LARGE).map(_above_io(measured, SMALL), lambda a, b: a / b, "x")
    yield _row("1", f"the same, {SMALL} to {LARGE} sessions", "<= 2x", growth, lambda value: value <= 2)
    for size in (MIDDLE, LARGE):
        ratio = _above_io(measured, size, "rte_hash").map(_above_io(measured, size),
                                                          lambda a, b: a / b, "x")
        yield _row("2", f"the path on rte_hash / ours, above I/O, {size} sessions", ">= 2x", ratio,
                   lambda value: value >= 2)


def _steering_rows(measured):
    saved = _path(measured, "software", MIDDLE).map(_path(measured, "nic", MIDDLE), lambda a, b: a - b,
                                                    "cycles", 1)
    if saved:
        yield Row("", f"the path with several workers, steered by software - by trusted NICs, {MIDDLE} sessions",
                  "", str(saved), "-")


def _memif_rows(measured):
    cycles = {dut: measured.maximum("memif", dut, "busy_cycles", unit="cycles", digits=1)
              for dut in ("sluice", "testpmd-macswap")}
    share = cycles["testpmd-macswap"].map(cycles["sluice"], lambda a, b: a / b * 100, "%", 1)
    yield _row("3", "sluice / macswap over memif, by busy cycles", ">= 70 %", share,
               lambda value: value >= 70)
    for dut, figure in cycles.items():
        rate = measured.maximum("memif", dut, "received_rate", 1e-6, "Mpps")
        if rate:
            yield Row("3", f"{dut} over memif: busy cycles a packet, delivered rate", "",
                      f"{figure}; {rate}", "-")


def _flow_rows(measured):
    for capacity in (1 << 20, 1 << 24):
        for workers in (1, 4):
            name = f"new_flows/capacity:{capacity}/workers:{workers}"
            of = f"table of {capacity}, ports for one of {workers}"
            yield _row("4", f"new flows, empty to 95 %, {of}", ">= 5 M/s",
                       measured.counter(name, "new_per_second", "M/s", 2, 1e-6),
                       lambda value: value >= 5)
            yield _row("4", f"worst 100 ms / mean, {of}", ">= 80 %",
                       measured.counter(name, "worst_window", "%", 1, 100), lambda value: value >= 80)
            yield _row("4", f"removal, {of}", ">= 10 M/s",
                       measured.counter(name, "items_per_second", "M/s", 2, 1e-6),
                       lambda value: value >= 10)


def _session_log_rows(measured):
    """What `log.sessions` costs a worker: a session is opened and ends."""
    for what, counter in (("to open a session", "new_per_second"), ("to end one", "cycles")):
        logged, plain = (measured.counter(f"{name}/capacity:{1 << 20}/workers:1", counter)
                         for name in ("new_flows_logged", "new_flows"))
        pairs = (plain, logged) if counter == "new_per_second" else (logged, plain)
        share = pairs[0].map(pairs[1], lambda a, b: a / b, "x", 3)
        if share:
            yield Row("", f"time {what} with the session log / without", "", str(share), "-")


def _memory_rows(measured):
    for capacity in (1 << 20, 1 << 24):
        yield _row("5", f"bytes mapped a session before the first refusal, table of {capacity}", "<= 96",
                   measured.counter(f"table/memory/sluice/capacity:{capacity}", "bytes", "B"),
                   lambda value: value <= 96)


def _disturbance_rows(measured):
    gaps, gaps_without = measured.disturbed("operated", "poll_gaps_a_second", "a second")
    yield _row("8", "poll gaps over 50 us under churn, with reload and scraping - without",
               "<= 0 a second", gaps.map(gaps_without, lambda a, b: a - b, "a second", 1),
               lambda value: value <= 0)
    lost, lost_without = measured.disturbed("operated", "loss")
    yield _row("8", "packets lost with reload and scraping - without, at half of the highest rate", "0 %",
               lost.map(lost_without, lambda a, b: (a - b) * 100, "%", 3), lambda value: value <= 0)
    yield _row("8", "sessions that were not what they had been after all reloads", "0",
               measured.changed_sessions(), lambda value: value == 0)
    cycles, cycles_without = measured.disturbed("watched", "busy_cycles")
    yield _row("8", "busy cycles a packet with three consoles that dump all flows, and scraping / without",
               "<= 1.02x", cycles.map(cycles_without, lambda a, b: a / b, "x", 3),
               lambda value: value <= 1.02)
    gaps, gaps_without = measured.disturbed("watched", "poll_gaps_a_second", "a second")
    if gaps:
        yield Row("8", "poll gaps over 50 us with three consoles and scraping; without", "",
                  f"{gaps}; {gaps_without}", "-")
    for kind, what in (("captured", "all packets"), ("filtered", "one pod of many")):
        cycles, cycles_without = measured.disturbed(kind, "busy_cycles")
        if cycles:
            share = cycles.map(cycles_without, lambda a, b: a / b, "x", 3)
            yield Row("", f"busy cycles a packet while {what} are captured / without", "", str(share), "-")
    rate, rate_without = measured.disturbed("watched", "received_rate")
    if rate:
        share = rate.map(rate_without, lambda a, b: a / b * 100, "%", 1)
        yield Row("8", "delivered meanwhile, by a generator that shares its core with them", "", str(share), "-")


def _latency_rows(measured):
    for load in (0.5, 0.9):
        ours = measured.latency("sluice", load, "p99.9")
        theirs = measured.latency("testpmd-macswap", load, "p99.9")
        yield _row("8", f"p99.9 latency / macswap's, at {load:.0%} of each one's no-drop rate", "<= 1.2x",
                   ours.map(theirs, lambda a, b: a / b, "x"), lambda value: value <= 1.2)


def _kernel_rows(measured):
    kernel = measured.maximum("af_packet", "linux-nft", "received_rate", 1e-6, "Mpps")
    ours = measured.maximum("memif", "sluice", "received_rate", 1e-6, "Mpps")
    yield _row("9", "sluice over memif / Linux nft masquerade over veth, delivered", ">= 10x",
               ours.map(kernel, lambda a, b: a / b, "x", 1), lambda value: value >= 10)
    over_veth = measured.maximum("af_packet", "sluice", "received_rate", 1e-6, "Mpps")
    for name, figure in (("Linux nft over veth", kernel), ("sluice over veth (AF_PACKET)", over_veth)):
        if figure:
            yield Row("9", f"{name}, delivered", "", str(figure), "-")


def rows(measured):
    yield from _path_rows(measured)
    yield from _steering_rows(measured)
    yield from _memif_rows(measured)
    yield from _flow_rows(measured)
    yield from _session_log_rows(measured)
    yield from _memory_rows(measured)
    yield Row("6", "replies met by their owner without a ring", "100 %",
              "not measured: a matter of correctness, which tests show", "-")
    yield Row("7", "two workers / one worker", ">= 1.9x",
              "not measured: needs two cores for workers and one for each source", "-")
    yield from _disturbance_rows(measured)
    yield from _latency_rows(measured)
    yield from _kernel_rows(measured)
