# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The sluice authors
"""Pictures of the results. Without matplotlib there are none, and the tables say the same."""

from .plan import SIZES

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
except ImportError:
    pyplot = None

_KINDS = (("io", "I/O only"), ("sluice", "sluice"), ("rte_hash", "on rte_hash"))


def _sizes(measured):
    return [size for size in SIZES if measured.counter(f"path/sluice/both/sessions:{size}")]


def _sizes_of_stages(measured):
    return [size for size in SIZES
            if measured.counter(f"path/stages/both/sessions:{size}")]


def _rate_against_sessions(measured, axes):
    for kind, label in _KINDS:
        figures = [(size, measured.counter(f"path/{kind}/both/sessions:{size}", "items_per_second",
                                           scale=1e-6)) for size in _sizes(measured)]
        figures = [(size, figure) for size, figure in figures if figure]
        middles = [figure.median for _, figure in figures]
        below = [figure.median - min(figure.samples) for _, figure in figures]
        above = [max(figure.samples) - figure.median for _, figure in figures]
        axes.errorbar([size for size, _ in figures], middles, yerr=[below, above], marker="o",
                      capsize=3, label=label)
    axes.set(xscale="log", yscale="log", xlabel="sessions", ylabel="Mpps, one core")
    axes.grid(which="both", axis="y", alpha=0.3)
    axes.legend()


def _cycles_by_stage(measured, axes):
    stages = measured.stages()
    sizes = _sizes_of_stages(measured)
    bottom = [0.0] * len(sizes)
    for stage in stages:
        values = [measured.counter(f"path/stages/both/sessions:{size}", stage).median for size in sizes]
        axes.bar([str(size) for size in sizes], values, bottom=bottom, label=stage[3:])
        bottom = [a + b for a, b in zip(bottom, values)]
    axes.set(xlabel="sessions", ylabel="cycles a packet, both directions")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5))


def _latency_distribution(measured, axes):
    for dut in ("sluice", "testpmd-macswap"):
        for at in next((trial["latency"] for _, trial in measured.trials("latency", dut)), []):
            total, above, x, y = at["latency"]["count"], at["latency"]["count"], [], []
            for upper, count in at["latency"]["buckets"]:
                above -= count
                x.append(upper / 1000)
                y.append(max(above, 0.5) / total)
            of = " of the maximum" if at.get("of") == "maximum" else ""
            axes.step(x, y, where="post", label=f"{dut}, {at['load']:.0%} load{of}")
    axes.set(xscale="log", yscale="log", xlabel="latency, us", ylabel="share of packets above")
    axes.legend()


def _beside_baselines(measured, axes):
    bars = [(label, measured.maximum(tag, dut, "received_rate", 1e-6)) for label, tag, dut in (
        ("macswap\nmemif", "memif", "testpmd-macswap"), ("sluice\nmemif", "memif", "sluice"),
        ("sluice\nveth", "af_packet", "sluice"), ("Linux nft\nveth", "af_packet", "linux-nft"))]
    bars = [(label, figure) for label, figure in bars if figure]
    axes.bar([label for label, _ in bars], [figure.median for _, figure in bars])
    axes.set(ylabel="Mpps delivered, 64-byte frames, both directions")


_PICTURES = (
    ("Rate against sessions", "rate.svg", _rate_against_sessions, _sizes),
    ("Cycles by stage", "stages.svg", _cycles_by_stage, _sizes_of_stages),
    ("Latency distribution", "latency.svg", _latency_distribution,
     lambda measured: measured.trials("latency", "sluice")),
    ("Beside the baselines", "baselines.svg", _beside_baselines, lambda measured: measured.line))


def draw(measured, folder):
    """Draws what there are figures for; returns (title, file name) of each picture. One that cannot be
    drawn becomes a failure."""
    if pyplot is None:
        return []
    drawn = []
    for title, name, picture, wanted in _PICTURES:
        try:
            if not wanted(measured):
                continue
            figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
            axes.set_title(title)
            picture(measured, axes)
            figure.savefig(folder / name)
            pyplot.close(figure)
            drawn.append((title, name))
        except Exception as error:  # the tables say the same
            measured.fail(f"picture {name}", error)
    return drawn
