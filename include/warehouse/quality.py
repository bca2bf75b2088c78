"""What a run says of the data that it loaded: values that were wrong and tolerated, fields that nobody filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from include.engine.stats import RunStats

LOGGED = 50
"""Warnings, and empty fields, that a log names at most; what `summarize` returns names all."""


def never_set(stats: RunStats, mark_names: Sequence[str]) -> tuple[str, ...]:
    """The marks that no written record has, in the pipeline's order; none where no record was written."""
    if not stats.counters.records_written:
        return ()
    return tuple(name for bit, name in enumerate(mark_names) if not stats.marks >> bit & 1)


def quality_lines(warnings: Mapping[str, int], empty: Sequence[str]) -> Iterator[tuple[str, str]]:
    """For a log: name and value, the most frequent warnings first."""
    frequent = sorted(warnings.items(), key=lambda warning: (-warning[1], warning[0]))
    for name, count in frequent[:LOGGED]:
        yield f"warning {name}", f"{count:,}"
    if len(frequent) > LOGGED:
        rest = sum(count for _, count in frequent[LOGGED:])
        yield f"warnings of {len(frequent) - LOGGED} more names", f"{rest:,}"
    if empty:
        named = ", ".join(empty[:LOGGED]) + (", …" if len(empty) > LOGGED else "")
        yield "empty in every record written", f"{len(empty):,}: {named}"
