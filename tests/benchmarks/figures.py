"""What the benchmarks share to state their figures: the machine, medians, and Markdown tables."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path


def machine() -> str:
    """Cores, processor, Python and SQLite: a figure without them says nothing."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return (
        f"{cores} cores of {_processor()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}, load before {load}"
    )


def _processor() -> str:
    """Linux names it in a file only."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def busy_s() -> float | None:
    """Seconds of processor time that the whole machine has used; None where only Linux would tell."""
    try:
        numbers = [int(text) for text in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    except OSError:
        return None
    user, nice, system, _idle, _io_wait, interrupts, soft_interrupts, stolen = numbers[:8]
    ticks = user + nice + system + interrupts + soft_interrupts + stolen
    return ticks / os.sysconf("SC_CLK_TCK")


def median(values: Iterable[float]) -> float:
    """Of the repetitions."""
    return statistics.median(values)


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Median of pair-wise ratios: what slows the machine for a while slows both figures of a pair."""
    return median(one / other for one, other in zip(above, below, strict=True))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
