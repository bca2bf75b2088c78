"""What became of sample documents, for the terminal of the engineer whose documents they are: values are shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from textwrap import wrap

from include.engine.model import NotedRows, Row
from include.pipelines.xml.check.sample import Sample
from include.pipelines.xml.check.text import aligned, counted, harmless, shown
from include.pipelines.xml.check.unmapped import Part
from include.pipelines.xml.language.contract import Contract
from include.warehouse.target import Target

MAX_WIDTH = 120
"""Characters of a line; rows that are wider stand one below the other, a column a line."""

MAX_UNMAPPED = 50
"""Paths of one document that are shown."""


def described_sample(sample: Sample, contract: Contract, target: Target) -> Iterator[str]:
    """Rows or reject, warnings, what stayed empty and what was not read."""
    if sample.rows is None:
        yield f"Sample {sample.path}: rejected"
        yield f"  {harmless(str(sample.reject))}"
    else:
        number = sum(len(rows) for rows in sample.rows.values())
        yield f"Sample {sample.path}: {counted(number, 'row')}, {_key(sample, contract)}"
        yield from _tables(sample.rows, target)
        yield from _warnings(sample.rows.warnings)
        yield from _empty(sample.empty, set(sample.rows))
    if sample.rows is not None or sample.unmapped:
        yield from _unmapped(sample.unmapped, contract.namespaces)


def described_together(samples: Sequence[Sample]) -> Iterator[str]:
    """What holds for all documents that were not rejected; nothing where that is one alone."""
    mapped = [sample for sample in samples if sample.rows is not None]
    if len(mapped) < 2:
        return
    in_all = set.intersection(*(set(sample.empty) for sample in mapped))
    filled = {table for sample in mapped for table in sample.rows or ()}
    yield ""
    yield f"In all {len(mapped)} samples that were not rejected:"
    yield from _empty([name for name in mapped[0].empty if name in in_all], filled)


def _key(sample: Sample, contract: Contract) -> str:
    text = f"{contract.key.column} {shown(sample.key)}"
    return text if contract.key.path else f"{text} (made up: the contract has no key.path)"


def _warnings(warnings: Mapping[str, int]) -> Iterator[str]:
    if not warnings:
        yield "  no warnings"
        return
    yield f"  {counted(sum(warnings.values()), 'warning')}:"
    yield from aligned([(name, str(count)) for name, count in sorted(warnings.items())], "    ")


def _empty(columns: Sequence[str], tables_with_rows: Collection[str]) -> Iterator[str]:
    """A line or more a table; those without rows name no columns, since all are empty."""
    if not columns:
        yield "  no column with a path stayed empty"
        return
    yield f"  {counted(len(columns), 'column')} with a path stayed empty:"
    by_table: dict[str, list[str]] = {}
    for column in columns:
        table, _, name = column.partition(".")
        by_table.setdefault(table, []).append(name)
    for table, names in by_table.items():
        text = ", ".join(names) if table in tables_with_rows else f"no rows, so all {len(names)}"
        yield from wrap(f"{table}: {text}", MAX_WIDTH, initial_indent="    ", subsequent_indent="      ")


def _tables(rows: NotedRows, target: Target) -> Iterator[str]:
    for table in target.tables:
        if found := rows.get(table.name):
            yield f"  {table.name}: {counted(len(found), 'row')}"
            yield from _grid(table.columns, found)


def _grid(columns: Sequence[str], rows: Sequence[Row]) -> Iterator[str]:
    texts = [[shown(value) for value in row] for row in rows]
    lines = aligned([columns, *texts], "    ")
    if max(map(len, lines)) <= MAX_WIDTH:
        yield from lines
        return
    for number, row in enumerate(texts, 1):
        yield f"    row {number}"
        yield from aligned(list(zip(columns, row, strict=True)), "      ")


def _unmapped(parts: Sequence[Part], namespaces: Mapping[str, str]) -> Iterator[str]:
    if not parts:
        yield "  no text that the contract does not read"
        return
    yield f"  {counted(len(parts), 'path')} with text that the contract does not read, and how often:"
    first = parts[:MAX_UNMAPPED]
    yield from aligned([(harmless(part.path(namespaces)), str(part.count)) for part in first], "    ")
    if len(parts) > MAX_UNMAPPED:
        yield f"    … and {len(parts) - MAX_UNMAPPED} more"
